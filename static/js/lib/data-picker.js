/* A dialog to choose files of the project: pickData(projectId) resolves to their datum:// addresses, and those of datasets. */

import { api, errorText } from "./api.js";
import { formatRelative } from "./time.js";

const LIMIT = 50;

export function pickData(projectId) {
  const dialog = document.getElementById("data-picker");
  const search = dialog.querySelector("input[type=search]");
  const list = dialog.querySelector("[data-results]");
  const accept = dialog.querySelector("[data-accept]");
  const chosen = new Map();
  let timer = null;
  let asked = 0;

  const showCount = () => {
    accept.disabled = chosen.size === 0;
    accept.textContent = chosen.size > 1 ? `Add ${chosen.size} files` : "Add file";
  };
  const load = async () => {
    asked += 1;
    const number = asked;
    const found = await find(projectId, search.value.trim());
    if (number === asked) list.replaceChildren(...rows(found, chosen, showCount));
  };
  search.value = "";
  search.oninput = () => { clearTimeout(timer); timer = setTimeout(load, 200); };
  accept.onclick = () => dialog.close("accept");
  list.replaceChildren(note("Loading…"));
  showCount();
  load();
  dialog.returnValue = "";
  dialog.showModal();
  search.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "accept" ? [...chosen.keys()] : []);
    }, { once: true });
  });
}

async function find(projectId, text) {
  const files = new URLSearchParams({ project: projectId, search: text, limit: LIMIT, ordering: "-ctime", no_count: "true", purged: "false" });
  const aliases = new URLSearchParams({ project: projectId, limit: 1000, no_count: "true" });
  const datasets = new URLSearchParams({ project: projectId, search: text, limit: LIMIT, no_count: "true" });
  const [data, names, collections] = await Promise.all([
    api("GET", `/api/v0/data/?${files}`), api("GET", `/api/v0/datum-aliases/?${aliases}`), api("GET", `/api/v0/datasets/?${datasets}`),
  ]);
  if (!data.ok) return { problem: errorText(data), items: [] };
  const matching = (names.data?.results ?? []).filter((alias) => alias.name.toLowerCase().includes(text.toLowerCase()));
  const filled = (collections.data?.results ?? []).filter((dataset) => dataset.latest_version);
  return {
    items: [
      ...filled.map((dataset) => ({
        uri: dataset.latest_version.uri, name: dataset.latest_version.uri, detail: "dataset, latest version",
      })),
      ...matching.slice(0, LIMIT).map((alias) => ({ uri: `datum://${alias.name}`, name: alias.name, detail: "alias" })),
      ...data.data.results.map((datum) => ({ uri: `datum://${datum.id}`, name: datum.name, detail: detail(datum) })),
    ],
  };
}

function detail(datum) {
  const source = datum.output_execution ? `output of #${datum.output_execution.counter}` : "uploaded";
  return [source, size(datum.size), formatRelative(Date.parse(datum.ctime))].join(" · ");
}

function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let index = 0;
  let value = bytes;
  while (value >= 1024 && index < units.length - 1) { value /= 1024; index += 1; }
  return `${index ? value.toFixed(1) : value} ${units[index]}`;
}

function rows({ items, problem }, chosen, onChange) {
  if (problem) return [note(problem)];
  if (!items.length) return [note("No file matches. Outputs of executions and uploads appear here.")];
  return items.map((item) => {
    const row = document.createElement("label");
    row.className = "menu-item";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "form-check-input";
    box.checked = chosen.has(item.uri);
    box.addEventListener("change", () => {
      if (box.checked) chosen.set(item.uri, item);
      else chosen.delete(item.uri);
      onChange();
    });
    row.append(box, text("mono truncate", item.name), text("muted picker-detail", item.detail));
    return row;
  });
}

function note(words) {
  return text("menu-note", words);
}

function text(css, words) {
  const element = document.createElement("span");
  element.className = css;
  element.textContent = words;
  return element;
}
