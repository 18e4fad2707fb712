/* The Log tab: puts store, pages, tail, filter and view together and wires the toolbar.

   The panel's markup is templates/executions/detail/_log.html; its data attributes name the addresses. */

import { copyText } from "../lib/copy.js";
import { toast } from "../lib/toast.js";
import { plainText } from "./ansi.js";
import { FilteredLines, isFiltering } from "./log-filter.js";
import { hashOfRange, rangeOfHash } from "./log-links.js";
import { LineStore, PAGE_LINES } from "./log-model.js";
import { LogPages } from "./log-pages.js";
import { drawRow } from "./log-row.js";
import { LogTail } from "./log-tail.js";
import { offsetName } from "./log-time.js";
import { LogView } from "./log-view.js";
import { loadChoices, saveChoices } from "./log-choices.js";

const MOST_COPIED_LINES = 50_000;
const FILTER_PAUSE_MS = 250;
const BOTTOM_GAP = 18;

export class LogViewer {
  #panel;
  #store = new LineStore();
  #pages;
  #tail;
  #view;
  #filtered = null;
  #choices = loadChoices();
  #criteria = { include: "", exclude: "", streams: new Set(["o", "e", "s"]) };
  #options;
  #opened = false;
  #ready = false;
  #shown = false;
  #lastPicked = null;
  #filterTimer = null;

  constructor({ panel, send, startedAt, lineCount }) {
    this.#panel = panel;
    this.#store.grow(lineCount);
    this.#pages = new LogPages({
      url: panel.dataset.url,
      store: this.#store,
      onLoad: () => this.#view.refresh(),
      onError: (error) => this.#showError(error),
    });
    this.#tail = new LogTail({
      store: this.#store, pages: this.#pages, send, onLines: (first, count) => this.#onTail(first, count),
    });
    this.#options = {
      times: this.#choices.times, start: startedAt, marks: [], picked: null, unfolded: new Set(),
    };
    this.#view = new LogView({
      box: this.#part("box"),
      source: this.#everything(),
      drawRow: (line) => drawRow(line, this.#options),
      onRange: (first, last, direction) => this.#onRange(first, last, direction),
      onFollow: (follows) => this.#showFollow(follows),
    });
    this.#wireToolbar();
    this.#wireBox();
    this.#applyChoices();
  }

  /* ---- what the page tells ---- */

  /* The tab is on the screen. The first time, the end of the log (or the line of the address) is fetched. */
  async show() {
    this.#shown = true;
    this.fit();
    if (!this.#opened) {
      this.#opened = true;
      const picked = rangeOfHash(location.hash);
      await this.#open(picked);
    }
    if (this.#shown) this.#tail.start();
    this.#view.refresh();
  }

  hide() {
    this.#shown = false;
    this.#tail.stop();
  }

  /* How many lines the log is known to have. */
  get lineCount() {
    return this.#store.total;
  }

  socketState(open) {
    this.#tail.socketState(open);
  }

  counted(total, final) {
    this.#tail.counted(total, final);
    if (!this.#opened) this.#store.grow(total);
  }

  startedAt(microseconds) {
    this.#options.start = microseconds;
  }

  receive(message) {
    this.#tail.receive(message);
  }

  /* The address names lines. */
  goToHash() {
    const picked = rangeOfHash(location.hash);
    if (picked) this.#pick(picked, { go: true });
  }

  async #open(picked) {
    const first = picked ? Math.max(picked.first - 60, 0) : -PAGE_LINES;
    try {
      const early = picked ? null : await window.earlyLog; // see early-log.js
      const { total } = await (early ? this.#pages.take(early) : this.#pages.fetchWindow(first, PAGE_LINES));
      this.#tail.cursor = total; // what is missing before it is fetched when somebody looks
    } catch (error) {
      this.#showError(error);
      this.#tail.cursor = this.#store.total;
    }
    this.#ready = true;
    if (picked) this.#pick(picked, { go: true });
  }

  /* The box reaches down to the end of the window, whatever stands above it. */
  fit() {
    if (!this.#shown) return;
    const box = this.#part("box");
    const top = box.getBoundingClientRect().top + window.scrollY;
    const foot = this.#part("place").parentElement.offsetHeight;
    box.style.setProperty("--log-height", `${Math.round(window.innerHeight - top - foot - BOTTOM_GAP)}px`);
  }

  /* ---- lines and view ---- */

  #everything() {
    const store = this.#store;
    return { get count() { return store.total; }, line: (index) => store.get(index) };
  }

  #onRange(first, last, direction) {
    if (this.#filtered) this.#filtered.look(last);
    else if (this.#shown && this.#ready) this.#pages.want(first, last, direction);
    this.#showPlace(first, last);
  }

  #onTail(first, count) {
    this.#showError(null);
    if (count) this.#filtered?.offer(first, count, (number) => this.#store.get(number));
    if (!this.#filtered) this.#view.refresh();
  }

  /* ---- filter ---- */

  #readFilter() {
    const streams = new Set([...this.#panel.querySelectorAll("[name=stream]:checked")].map((box) => box.value));
    this.#criteria = { include: this.#part("include").value, exclude: this.#part("exclude").value, streams };
    this.#applyFilter();
  }

  #applyFilter() {
    const visible = this.#view.visible.first;
    const kept = this.#filtered ? this.#filtered.line(visible)?.number : null;
    this.#filtered?.stop();
    this.#filtered = null;
    this.#options.marks = this.#criteria.include ? [this.#criteria.include] : [];
    if (isFiltering(this.#criteria)) {
      const filtered = new FilteredLines({
        url: this.#panel.dataset.searchUrl,
        criteria: this.#criteria,
        onChange: (error) => {
          if (error) this.#showError(error);
          this.#showMatches();
          this.#view.refresh();
        },
      });
      this.#filtered = filtered;
      this.#view.source = filtered;
    } else {
      this.#view.source = this.#everything();
      if (kept !== null && kept !== undefined && !this.#view.following) this.#view.goTo(kept);
    }
    this.#part("clear-filter").hidden = !this.#filtered;
    this.#part("filter-dot").hidden = this.#criteria.streams.size === 3;
    this.#showMatches();
  }

  #clearFilter() {
    this.#part("include").value = "";
    this.#part("exclude").value = "";
    for (const box of this.#panel.querySelectorAll("[name=stream]")) box.checked = true;
    this.#readFilter();
  }

  #showMatches() {
    const note = this.#part("matches");
    note.hidden = !this.#filtered;
    if (!this.#filtered) return;
    const { count, state, searched } = this.#filtered;
    const found = `${count.toLocaleString("en")} ${count === 1 ? "match" : "matches"}`;
    note.textContent = {
      searching: `${found}, searching… line ${searched.toLocaleString("en")} of ${this.#store.total.toLocaleString("en")}`,
      paused: `${found} so far; scroll down for more`,
      full: `The first ${found}; narrow the filter to see others`,
      done: found,
    }[state];
  }

  /* ---- picked lines ---- */

  #pick(range, { go = false } = {}) {
    this.#options.picked = range;
    this.#lastPicked = range.first;
    if (this.#filtered && go) this.#clearFilter();
    if (go) {
      this.#view.goTo(range.first);
    }
    this.#view.redraw();
    this.#part("picked").hidden = false;
    const count = range.last - range.first + 1;
    this.#part("picked-text").textContent = count === 1
      ? `Line ${(range.first + 1).toLocaleString("en")}`
      : `Lines ${(range.first + 1).toLocaleString("en")}–${(range.last + 1).toLocaleString("en")}`;
    this.#part("show-in-log").hidden = !this.#filtered;
  }

  #unpick() {
    this.#options.picked = null;
    this.#lastPicked = null;
    this.#part("picked").hidden = true;
    history.replaceState(history.state, "", "#log");
    this.#view.redraw();
  }

  #pickByClick(number, extend) {
    const from = extend && this.#lastPicked !== null ? this.#lastPicked : number;
    const range = { first: Math.min(from, number), last: Math.max(from, number) };
    this.#pick(range);
    this.#lastPicked = from;
    this.#view.unfollow();
    history.replaceState(history.state, "", hashOfRange(range));
  }

  async #copyPicked() {
    const { first, last } = this.#options.picked;
    const end = Math.min(last, first + MOST_COPIED_LINES - 1, this.#store.total - 1);
    const lines = [];
    try {
      for (let number = first; number <= end; number += 1) {
        if (!this.#store.has(number)) await this.#pages.fetchWindow(number, Math.min(PAGE_LINES * 4, end - number + 1));
        lines.push(plainText(this.#store.get(number)?.text ?? ""));
      }
      await copyText(lines.join("\n"));
      const cut = end < last ? ` The first ${MOST_COPIED_LINES.toLocaleString("en")} only; download the log for all.` : "";
      toast(`Copied ${lines.length.toLocaleString("en")} ${lines.length === 1 ? "line" : "lines"}.${cut}`, "success");
    } catch {
      toast("The lines could not be copied. Check your connection and try again.", "error");
    }
  }

  async #copyLink() {
    await copyText(location.origin + location.pathname + hashOfRange(this.#options.picked));
    toast("Copied a link to these lines.", "success");
  }

  /* ---- toolbar ---- */

  #part(name) {
    return this.#panel.querySelector(`[data-log="${name}"]`);
  }

  #wireToolbar() {
    const onInput = () => {
      clearTimeout(this.#filterTimer);
      this.#filterTimer = setTimeout(() => this.#readFilter(), FILTER_PAUSE_MS);
    };
    this.#part("include").addEventListener("input", onInput);
    this.#part("exclude").addEventListener("input", onInput);
    this.#part("clear-filter").addEventListener("click", () => this.#clearFilter());
    this.#part("follow").addEventListener("click", () => this.#view.follow());
    this.#part("top").addEventListener("click", () => this.#view.goTo(0));
    this.#part("full").addEventListener("click", () => this.#toggleFull());
    this.#part("jump").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#jump(new FormData(event.target).get("line"));
    });
    this.#part("copy-lines").addEventListener("click", () => this.#copyPicked());
    this.#part("copy-link").addEventListener("click", () => this.#copyLink());
    this.#part("unpick").addEventListener("click", () => this.#unpick());
    this.#part("show-in-log").addEventListener("click", () => this.#pick(this.#options.picked, { go: true }));
    this.#part("view-options").addEventListener("change", (event) => {
      if (event.target.name === "stream") this.#readFilter();
      else this.#choose();
    });
    this.#part("offset").textContent = offsetName();
    window.addEventListener("resize", () => this.fit());
  }

  #jump(text) {
    const number = Number(String(text).replaceAll(/[\s,._]/g, ""));
    if (!Number.isInteger(number) || number < 1) return;
    const line = Math.min(number, Math.max(this.#store.total, 1)) - 1;
    this.#pick({ first: line, last: line }, { go: true });
    history.replaceState(history.state, "", hashOfRange({ first: line, last: line }));
    this.#part("box").focus({ preventScroll: true });
  }

  #choose() {
    this.#choices = {
      times: this.#panel.querySelector("[name=times]:checked").value,
      wrap: this.#panel.querySelector("[name=wrap]").checked,
    };
    saveChoices(this.#choices);
    this.#applyChoices();
  }

  #applyChoices() {
    const { times, wrap } = this.#choices;
    this.#panel.querySelector(`[name=times][value=${times}]`).checked = true;
    this.#panel.querySelector("[name=wrap]").checked = wrap;
    this.#options.times = times;
    this.#part("box").classList.toggle("has-times", times !== "off");
    this.#view.wraps = wrap;
  }

  #toggleFull() {
    const full = this.#panel.classList.toggle("is-full");
    document.body.classList.toggle("has-full-log", full);
    this.#part("full").setAttribute("aria-pressed", String(full));
    this.#part("box").focus({ preventScroll: true });
  }

  #showFollow(follows) {
    this.#part("follow").classList.toggle("is-following", follows);
    this.#part("follow").setAttribute("aria-pressed", String(follows));
  }

  #showPlace(first, last) {
    if (this.#filtered) {
      this.#part("place").textContent = "";
      return;
    }
    const total = this.#store.total.toLocaleString("en");
    this.#part("place").textContent = this.#store.total
      ? `${(first + 1).toLocaleString("en")}–${(last + 1).toLocaleString("en")} of ${total}` : "";
    this.#part("empty").hidden = this.#store.total > 0;
  }

  #showError(error) {
    const note = this.#part("error");
    note.hidden = !error;
    if (error) note.textContent = "The log cannot be read at the moment; trying again…";
  }

  /* ---- the box of lines ---- */

  #wireBox() {
    const box = this.#part("box");
    box.addEventListener("click", (event) => {
      const number = event.target.closest(".log-number");
      if (number) {
        event.preventDefault();
        this.#pickByClick(Number(number.dataset.number) - 1, event.shiftKey);
      }
      const unfold = event.target.closest("[data-unfold]");
      if (unfold) {
        this.#options.unfolded.add(Number(unfold.dataset.unfold));
        this.#view.redraw();
      }
    });
    box.addEventListener("mousedown", (event) => {
      if (event.shiftKey && event.target.closest(".log-number")) event.preventDefault(); // no text selection
    });
    box.addEventListener("keydown", (event) => this.#onKey(event));
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = {
      g: () => this.#view.goTo(0), Home: () => this.#view.goTo(0),
      G: () => this.#view.follow(), End: () => this.#view.follow(),
      j: () => this.#view.scrollBy(40), k: () => this.#view.scrollBy(-40),
      f: () => this.#toggleFull(),
      Escape: () => this.#escape(),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #escape() {
    if (this.#panel.classList.contains("is-full")) this.#toggleFull();
    else if (this.#options.picked) this.#unpick();
  }
}
