/* Builds a version: find files, choose them, and send everything to the public API. */

import { api, errorText } from "../lib/api.js";
import { icon } from "../lib/icon.js";

const SHOWN = 50;
const PAUSE_MS = 200;
const MOST_AT_ONCE = 10000;
const LISTED = 200;
const form = document.getElementById("build");
const part = (name) => form.querySelector(`[data-${name}]`);
const [find, results, chosenList] = [part("find"), part("results"), part("chosen")];
const chosen = new Map();
let timer = null;
let asked = 0;

function query(limit) {
  return new URLSearchParams({
    project: form.dataset.project, search: find.value.trim(), limit, ordering: "-ctime", purged: "false",
    no_count: "true", exclude: "project,metadata,metadata_errors,aliases,tags,url",
  });
}

async function search() {
  asked += 1;
  const number = asked;
  const answer = await api("GET", `/api/v0/data/?${query(SHOWN)}`);
  if (number !== asked) return;
  if (!answer.ok) { results.replaceChildren(text("menu-note", errorText(answer))); return; }
  const rows = answer.data.results.map(resultRow);
  results.replaceChildren(...(rows.length ? rows : [text("menu-note", "No file matches.")]));
}

function resultRow(datum) {
  const row = document.createElement("label");
  row.className = "menu-item";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.className = "form-check-input";
  box.checked = chosen.has(datum.id);
  box.addEventListener("change", () => {
    if (box.checked) chosen.set(datum.id, datum.name);
    else chosen.delete(datum.id);
    showChosen();
  });
  const source = datum.output_execution ? `#${datum.output_execution.counter}` : "uploaded";
  row.append(box, text("mono truncate", datum.name), text("muted picker-detail", source));
  return row;
}

async function addAll(button) {
  button.disabled = true;
  const answer = await api("GET", `/api/v0/data/?${query(MOST_AT_ONCE)}`);
  button.disabled = false;
  if (!answer.ok) { showProblem(errorText(answer)); return; }
  for (const datum of answer.data.results) chosen.set(datum.id, datum.name);
  showProblem(answer.data.next ? `Only the newest ${MOST_AT_ONCE} files were added. Use a narrower search for the others.` : "");
  showChosen();
  search();
}

function showChosen() {
  const entries = [...chosen].slice(-LISTED).reverse();
  chosenList.replaceChildren(...entries.map(([id, name]) => {
    const row = document.createElement("li");
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "btn-plain";
    remove.setAttribute("aria-label", `Leave out ${name}`);
    remove.append(icon("x"));
    remove.addEventListener("click", () => { chosen.delete(id); showChosen(); search(); });
    row.append(text("mono", name), remove);
    return row;
  }));
  const count = chosen.size;
  part("chosen-count").textContent = count ? `${count.toLocaleString()} chosen` : "none chosen";
  form.elements.base.dispatchEvent(new Event("change"));
}

function showProblem(words) {
  const notice = part("problem");
  notice.hidden = !words;
  notice.querySelector("p").textContent = words;
  if (words) notice.scrollIntoView({ block: "nearest" });
}

function lines(value) {
  return value.split("\n").map((line) => line.trim()).filter(Boolean);
}

async function send() {
  const { name, base, exclude, notes, packaging } = form.elements;
  const body = { dataset: form.dataset.dataset, name: name.value.trim(), files: [...chosen.keys()].map((datum) => ({ datum })) };
  if (base.value) Object.assign(body, { from: base.value, exclude: lines(exclude.value) });
  if (notes.value.trim()) body.notes = notes.value;
  if (packaging.checked) body.packaging = true;
  const answer = await api("POST", "/api/v0/dataset-versions/", body);
  if (answer.ok) {
    location.assign(`${form.dataset.done}${answer.data.id}/`);
    return;
  }
  showProblem(errorText(answer));
  const button = form.querySelector("button.btn-primary");
  setTimeout(() => { button.disabled = false; button.classList.remove("is-busy"); });
}

function text(css, words) {
  const element = document.createElement("span");
  element.className = css;
  element.textContent = words;
  return element;
}

form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
form.elements.base.addEventListener("change", () => { part("exclude").hidden = !form.elements.base.value; });
find.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, PAUSE_MS); });
find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
part("add-all").addEventListener("click", (event) => addAll(event.currentTarget));
part("clear").addEventListener("click", () => { chosen.clear(); showChosen(); search(); });
showChosen();
search();
