/* The Metadata tab: chosen metrics as live charts, and the values under them.

   The panel's markup is templates/executions/detail/_metadata.html. Series come reduced from the server, at most twice a
   second while the execution runs, and only while somebody looks. */

import { api } from "../lib/api.js";
import { Chart } from "./chart.js";
import { INDEX, TIME, defaultChosen, defaultX, numericKeys, shownValue } from "./keys.js";
import { colorOf } from "./palette.js";
import { latestTable, rowsTable } from "./values-table.js";

const REFRESH_MS = 600;
const POINTS = 1500;
const POINTS_ZOOMED = 20_000;
const ROWS = 500;
const SEARCHABLE_FROM = 9;

export class MetadataTab {
  #panel = document.getElementById("metadata-panel");
  #latest;
  #count;
  #chosen = null; // null: nobody has chosen
  #choices;
  #charts = new Map();
  #series = {};
  #visible = false;
  #stale = true;
  #loading = false;
  #timer = null;
  #lastLoad = 0;
  #zoomed = false;
  #showsRows = false;
  #keyText = "";
  #layout = "";

  constructor({ latest, count }) {
    this.#latest = latest;
    this.#count = count;
    this.#choices = this.#loadChoices();
    this.#chosen = this.#choices.chosen;
    this.#wire();
  }

  show() {
    this.#visible = true;
    this.#drawSide();
    this.#refreshSoon();
  }

  hide() {
    this.#visible = false;
  }

  /* There are `count` events now; `latest` may hold only some keys, or be missing. */
  update(count, latest) {
    if (count === this.#count && !latest) return;
    this.#count = count;
    if (latest) this.#latest = { ...this.#latest, ...latest };
    this.#stale = true;
    if (this.#visible) {
      this.#drawSide();
      this.#refreshSoon();
    }
  }

  #part(name) {
    return this.#panel.querySelector(`[data-metadata="${name}"]`);
  }

  get #keys() {
    return numericKeys(this.#latest);
  }

  get #shownKeys() {
    const keys = this.#keys;
    return this.#chosen ? keys.filter((key) => this.#chosen.includes(key)) : defaultChosen(keys);
  }

  get #x() {
    const { x } = this.#choices;
    return x && (x === TIME || x === INDEX || this.#keys.includes(x)) ? x : defaultX(this.#keys);
  }

  /* ---- fetching ---- */

  #refreshSoon() {
    if (this.#timer || !this.#stale || !this.#visible) return;
    const wait = Math.max(0, this.#lastLoad + REFRESH_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#refresh();
    }, wait);
  }

  async #refresh() {
    if (this.#loading || !this.#visible || document.hidden) return;
    this.#loading = true;
    this.#stale = false;
    this.#lastLoad = performance.now();
    const query = new URLSearchParams({ x: this.#x, points: this.#zoomed ? POINTS_ZOOMED : POINTS });
    for (const key of this.#shownKeys) query.append("key", key);
    const answer = await api("GET", `${this.#panel.dataset.seriesUrl}?${query}`);
    this.#loading = false;
    if (answer.ok) {
      this.#latest = answer.data.latest;
      this.#series = answer.data.series;
      this.#count = Math.max(this.#count, answer.data.total);
      this.#drawSide();
      this.#drawCharts();
      this.#drawNotices(answer.data.notices ?? []);
      if (this.#showsRows) await this.#drawRows();
    } else {
      this.#stale = true;
    }
    this.#refreshSoon();
  }

  #drawNotices(notices) {
    const notice = this.#part("notice");
    notice.hidden = notices.length === 0;
    notice.querySelector("div").textContent = notices.join(" ");
  }

  #reload() {
    this.#stale = true;
    this.#refreshSoon();
  }

  /* ---- charts ---- */

  #drawCharts() {
    const keys = this.#shownKeys;
    const { together, log, right, smoothing } = this.#choices;
    const groups = together ? [keys] : keys.map((key) => [key]);
    const layout = JSON.stringify([groups, this.#x, log, together ? right : []]);
    this.#part("nothing").hidden = keys.length > 0;
    if (layout !== this.#layout) this.#buildCharts(layout, groups.filter((group) => group.length), { log, smoothing });
    for (const chart of this.#charts.values()) chart.update(this.#series);
  }

  #buildCharts(layout, groups, { log, smoothing }) {
    this.#layout = layout;
    for (const chart of this.#charts.values()) chart.destroy();
    this.#charts.clear();
    const all = this.#keys;
    const holder = this.#part("charts");
    holder.classList.toggle("is-together", this.#choices.together);
    for (const group of groups) {
      const lines = group.map((key) => ({
        key, color: colorOf(all.indexOf(key)), right: this.#choices.together && this.#choices.right.includes(key),
      }));
      const chart = new Chart(lines, {
        title: this.#choices.together ? "Metrics" : group[0], x: this.#x, log, smoothing,
        height: this.#choices.together ? 440 : 230,
        onZoom: () => this.#onZoom(),
        onReset: () => { for (const each of this.#charts.values()) each.resetZoom(); }, // they were zoomed together
      });
      holder.append(chart.element);
      this.#charts.set(group.join("\n"), chart);
    }
  }

  #onZoom() {
    if (this.#zoomed) return;
    this.#zoomed = true; // from now on with every detail
    this.#reload();
  }

  /* ---- side ---- */

  #drawSide() {
    const keys = this.#keys;
    const has = this.#count > 0;
    this.#part("empty").hidden = has;
    this.#part("content").hidden = !has;
    const keyText = JSON.stringify([keys, this.#chosen, this.#choices]);
    if (keyText !== this.#keyText) {
      this.#keyText = keyText;
      this.#drawAxis(keys);
      this.#drawKeys(keys);
    }
    for (const value of this.#panel.querySelectorAll("[data-latest]")) {
      const latest = this.#latest[value.dataset.latest];
      if (latest !== undefined) value.textContent = shownValue(latest).text;
    }
    if (!this.#showsRows) this.#part("table").replaceChildren(latestTable(this.#latest));
  }

  #drawAxis(keys) {
    const select = this.#part("x");
    const options = [[TIME, "Time"], [INDEX, "Row number"], ...keys.map((key) => [key, key])];
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value, false, value === this.#x)));
  }

  #drawKeys(keys) {
    const search = this.#part("search");
    search.hidden = keys.length < SEARCHABLE_FROM;
    const wanted = search.hidden ? "" : search.value.toLowerCase();
    const shown = new Set(this.#shownKeys);
    const rows = keys.map((key, index) => this.#keyRow(key, index, shown.has(key)));
    for (const row of rows) row.hidden = Boolean(wanted) && !row.dataset.key.toLowerCase().includes(wanted);
    this.#part("keys").replaceChildren(...rows);
  }

  #keyRow(key, index, checked) {
    const row = document.createElement("div");
    row.className = "metadata-key";
    row.dataset.key = key;
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "form-check-input";
    box.checked = checked;
    box.style.setProperty("--key-color", colorOf(index));
    const name = document.createElement("span");
    name.className = "metadata-key-name";
    name.textContent = key;
    name.title = key;
    const value = document.createElement("span");
    value.className = "num muted";
    value.dataset.latest = key;
    label.append(box, name);
    row.append(label, value);
    if (this.#choices.together && checked) row.append(this.#sideButton(key));
    return row;
  }

  #sideButton(key) {
    const right = this.#choices.right.includes(key);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "axis-button";
    button.dataset.axis = key;
    button.textContent = right ? "right" : "left";
    button.title = "Which vertical axis";
    button.setAttribute("aria-label", `${key}: ${right ? "right" : "left"} axis`);
    return button;
  }

  async #drawRows() {
    const first = Math.max(this.#count - ROWS, 0);
    const answer = await api("GET", `${this.#panel.dataset.eventsUrl}?first=${first}&limit=${ROWS}`);
    if (!answer.ok || !this.#showsRows) return;
    const table = rowsTable(answer.data, first);
    if (first > 0) table.createCaption().textContent = `The newest ${ROWS} of ${this.#count.toLocaleString("en")} rows; download to see all.`;
    this.#part("table").replaceChildren(table);
  }

  /* ---- choices ---- */

  #wire() {
    const part = (name) => this.#part(name);
    part("x").addEventListener("change", () => this.#choose({ x: part("x").value }));
    part("log").addEventListener("change", () => this.#choose({ log: part("log").checked }));
    part("together").addEventListener("change", () => this.#choose({ together: part("together").checked }));
    part("smoothing").addEventListener("input", () => this.#onSmoothing());
    part("search").addEventListener("input", () => this.#drawKeys(this.#keys));
    part("all").addEventListener("click", () => this.#choose({ chosen: this.#keys }));
    part("none").addEventListener("click", () => this.#choose({ chosen: [] }));
    part("keys").addEventListener("change", (event) => {
      const { key } = event.target.closest("[data-key]").dataset;
      const rest = this.#shownKeys.filter((other) => other !== key);
      this.#choose({ chosen: event.target.checked ? [...rest, key] : rest });
      this.#panel.querySelector(`[data-key="${CSS.escape(key)}"] input`)?.focus();
    });
    part("keys").addEventListener("click", (event) => {
      const { axis } = event.target.dataset;
      if (!axis) return;
      const { right } = this.#choices;
      this.#choose({ right: right.includes(axis) ? right.filter((key) => key !== axis) : [...right, axis] });
    });
    part("show-latest").addEventListener("click", () => this.#showRows(false));
    part("show-rows").addEventListener("click", () => this.#showRows(true));
    document.addEventListener("themechange", () => this.#recolor());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#refreshSoon(); });
    part("smoothing").value = this.#choices.smoothing;
    part("smoothing-value").textContent = this.#choices.smoothing;
    part("log").checked = this.#choices.log;
    part("together").checked = this.#choices.together;
  }

  #showRows(rows) {
    this.#showsRows = rows;
    this.#part("show-rows").setAttribute("aria-pressed", String(rows));
    this.#part("show-latest").setAttribute("aria-pressed", String(!rows));
    if (rows) this.#drawRows();
    else this.#drawSide();
  }

  #onSmoothing() {
    this.#choices.smoothing = Number(this.#part("smoothing").value);
    this.#part("smoothing-value").textContent = this.#choices.smoothing;
    for (const chart of this.#charts.values()) chart.smoothing = this.#choices.smoothing;
    this.#saveChoices();
  }

  #recolor() {
    this.#keyText = "";
    this.#layout = "";
    if (!this.#visible) return;
    this.#drawSide();
    this.#drawCharts();
  }

  #choose(change) {
    Object.assign(this.#choices, change);
    if ("chosen" in change) this.#chosen = change.chosen;
    this.#zoomed = false;
    this.#saveChoices();
    this.#drawSide();
    this.#drawCharts();
    this.#reload();
  }

  get #storageKey() {
    return `metadata-view:${this.#panel.dataset.projectId}`;
  }

  #loadChoices() {
    const fallback = { x: null, chosen: null, log: false, together: false, smoothing: 0, right: [] };
    try {
      return { ...fallback, ...JSON.parse(localStorage.getItem(this.#storageKey) || "{}") };
    } catch {
      return fallback;
    }
  }

  #saveChoices() {
    try { localStorage.setItem(this.#storageKey, JSON.stringify(this.#choices)); } catch { /* they last for this page */ }
  }
}
