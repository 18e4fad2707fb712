/* The list of executions: live rows, selection, filters and the column menu. */

import { connect } from "../lib/socket.js";
import { refreshTimes } from "../lib/time.js";

const REFRESH_PAUSE_MS = 1200;
const selected = new Set();
const form = document.getElementById("list-form");
const rows = () => document.getElementById("rows");

/* ---- live rows: a notice says that something changed, one request fetches the page of rows ---- */

let refreshTimer = null;
let lastRefresh = 0;
let missedWhileHidden = false;

function refreshSoon() {
  if (document.hidden) {
    missedWhileHidden = true;
    return;
  }
  if (refreshTimer) return;
  const wait = Math.max(100, lastRefresh + REFRESH_PAUSE_MS - Date.now());
  refreshTimer = setTimeout(refresh, wait);
}

async function refresh() {
  lastRefresh = Date.now();
  if (!rows()) {
    location.reload(); // the first execution of the project: the empty state makes room for the list
    return;
  }
  const known = new Set([...rows().querySelectorAll("tr[data-id]")].map((row) => row.dataset.id));
  const focused = document.activeElement?.id;
  try {
    // Not through htmx: a background refresh that fails is silent, the socket's state says that we are offline.
    const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (answer.ok) replaceRows(await answer.text());
  } catch { /* the next notice or reconnection tries again */ }
  refreshTimer = null;
  for (const row of rows().querySelectorAll("tr[data-id]")) {
    if (!known.has(row.dataset.id)) row.classList.add("is-new");
  }
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
}

function replaceRows(html) {
  rows().outerHTML = html;
  window.htmx.process(rows());
  refreshTimes(rows());
  showSelection();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && missedWhileHidden) {
    missedWhileHidden = false;
    refreshSoon();
  }
});

let everLost = false;
connect(document.getElementById("list-live").dataset.socket, {
  onMessage: (message) => { if (message.type === "execution") refreshSoon(); },
  onState: (state) => {
    const note = document.getElementById("live-state");
    if (note) note.hidden = state === "open";
    if (state === "lost") everLost = true;
    else if (everLost) refreshSoon();
  },
});
document.addEventListener("executionsChanged", () => {
  selected.clear();
  refreshSoon();
});

/* ---- selection survives the refresh ---- */

function showSelection() {
  const boxes = [...document.querySelectorAll("#rows input[name=id]")];
  for (const box of boxes) {
    box.checked = selected.has(box.value);
    box.closest("tr").classList.toggle("is-selected", box.checked);
  }
  const bar = document.getElementById("bulk-bar");
  if (!bar) return;
  const count = boxes.filter((box) => box.checked).length;
  bar.hidden = count === 0;
  document.getElementById("bulk-count").textContent = count;
  const all = document.getElementById("select-all");
  if (all) {
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
}

let lastClicked = null;
document.addEventListener("click", (event) => {
  if (event.target.id === "bulk-clear") {
    selected.clear();
    showSelection();
  } else if (event.target.matches("#rows input[name=id]")) {
    const boxes = [...document.querySelectorAll("#rows input[name=id]")];
    const index = boxes.indexOf(event.target);
    const anchor = boxes.findIndex((box) => box.value === lastClicked);
    const range = event.shiftKey && anchor >= 0
      ? boxes.slice(Math.min(index, anchor), Math.max(index, anchor) + 1) : [event.target];
    for (const box of range) event.target.checked ? selected.add(box.value) : selected.delete(box.value);
    lastClicked = event.target.value;
    showSelection();
  } else if (event.target.id === "select-all") {
    for (const box of document.querySelectorAll("#rows input[name=id]")) {
      event.target.checked ? selected.add(box.value) : selected.delete(box.value);
    }
    showSelection();
  }
});
document.addEventListener("htmx:afterSwap", showSelection);

/* ---- filters and columns: an address without what says nothing ---- */

document.addEventListener("htmx:configRequest", (event) => {
  if (event.target !== form) return;
  const parameters = event.detail.parameters;
  for (const name of ["text", "step", "creator", "tag"]) if (!parameters.get(name)) parameters.delete(name);
  if (parameters.get("sort") === "-counter") parameters.delete("sort");
  // The server remembers the columns: they are said only when they change.
  if (event.detail.triggeringEvent?.target?.name !== "columns") parameters.delete("columns");
  selected.clear();
  showFilters();
});

function showFilters() {
  const data = new FormData(form);
  const statuses = data.getAll("status").length;
  const count = form.querySelector('[data-count-of="status"]');
  count.textContent = statuses;
  count.hidden = statuses === 0;
  const filtered = statuses || ["text", "step", "creator", "tag"].some((name) => data.get(name));
  document.getElementById("clear-filters").hidden = !filtered;
}

document.getElementById("column-search")?.addEventListener("input", (event) => {
  event.stopPropagation();
  const wanted = event.target.value.toLowerCase();
  for (const item of document.querySelectorAll(".column-menu .menu-item")) {
    item.hidden = !item.textContent.toLowerCase().includes(wanted);
  }
});
document.addEventListener("click", (event) => {
  const toggle = event.target.closest("[data-toggle-group]");
  if (!toggle) return;
  const boxes = [...toggle.closest(".column-group").querySelectorAll("input")];
  const on = boxes.some((box) => !box.checked);
  for (const box of boxes) box.checked = on;
  boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
});
