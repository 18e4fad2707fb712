/* The tables under the charts: the latest value of every key, or the logged rows, the newest first. */

import { exactTime } from "../log/log-time.js";
import { TIME, shownValue } from "./keys.js";

const MILLISECONDS = "2026-03-04 15:16:17.123".length;

export function latestTable(latest) {
  const keys = Object.keys(latest).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const table = tableWith(["Key", "Latest value"]);
  for (const key of keys) {
    const row = table.tBodies[0].insertRow();
    cell(row, key, "mono");
    valueCell(row, latest[key]);
  }
  return table;
}

/* rows: events in order, `first` is the number of the first one. */
export function rowsTable(rows, first) {
  const keys = [...new Set(rows.flatMap(Object.keys))].filter((key) => key !== TIME).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const table = tableWith(["#", "Time", ...keys]);
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const row = table.tBodies[0].insertRow();
    cell(row, String(first + index), "num muted");
    const time = exactTime(Date.parse(`${rows[index][TIME]}Z`) * 1000);
    cell(row, time.slice(0, MILLISECONDS), "num nowrap").title = time;
    for (const key of keys) valueCell(row, rows[index][key]);
  }
  return table;
}

function tableWith(heads) {
  const table = document.createElement("table");
  table.className = "data-table";
  const head = table.createTHead().insertRow();
  for (const text of heads) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = text;
    head.append(th);
  }
  table.createTBody();
  return table;
}

function valueCell(row, value) {
  if (value === undefined || value === null) {
    row.insertCell();
    return;
  }
  const { text, full } = shownValue(value);
  const made = cell(row, text, typeof value === "number" ? "num value-cell" : "value-cell cell-text");
  if (full) made.title = full;
}

function cell(row, text, css) {
  const made = row.insertCell();
  made.className = css;
  made.textContent = text;
  return made;
}
