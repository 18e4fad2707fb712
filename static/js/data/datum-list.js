/* A table of files that the server renders, a page at a time: search, pages, download, purge. */

import { refreshTimes } from "../lib/time.js";
import { toast } from "../lib/toast.js";
import { downloadDatum } from "./download.js";
import { purgeDatum } from "./purge.js";

const SEARCH_PAUSE_MS = 250;

export class DatumList {
  #holder;
  #search;
  #filters;
  #onLoad;
  #page = "";
  #request = null;
  #timer = null;
  loaded = false;

  /* `filters` gives more of the query, `onLoad(total, query)` hears of every table that was loaded. */
  constructor({ holder, search, filters = () => ({}), onLoad = () => {} }) {
    this.#holder = holder;
    this.#search = search;
    this.#filters = filters;
    this.#onLoad = onLoad;
    search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.first(), SEARCH_PAUSE_MS);
    });
    holder.addEventListener("click", (event) => this.#onClick(event));
  }

  /* The first page of what is asked for now. */
  first() {
    this.#page = "";
    return this.load();
  }

  async load() {
    this.#request?.abort();
    this.#request = new AbortController();
    const query = new URLSearchParams();
    if (this.#search.value.trim()) query.set("search", this.#search.value.trim());
    for (const [name, value] of Object.entries(this.#filters())) if (value) query.set(name, value);
    for (const [name, value] of new URLSearchParams(this.#page)) query.set(name, value);
    try {
      const answer = await fetch(`${this.#holder.dataset.url}?${query}`, {
        headers: { "HX-Request": "true" }, credentials: "same-origin", signal: this.#request.signal,
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text.slice(0, 300));
      this.#holder.innerHTML = text; // our own server's markup, escaped there
      this.loaded = true;
      this.#holder.removeAttribute("aria-busy");
      refreshTimes(this.#holder);
      this.#onLoad(Number(this.#holder.firstElementChild?.dataset.total ?? 0), query);
    } catch (error) {
      if (error.name !== "AbortError") toast(`The files cannot be listed. ${error.message}`, "error");
    }
  }

  #onClick(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.pageQuery) {
      this.#page = button.dataset.pageQuery;
      this.load();
    } else if (button.dataset.download) {
      downloadDatum(button.dataset.download);
    } else if (button.dataset.purge) {
      purgeDatum(button.dataset.purge, button.dataset.name).then((done) => { if (done) this.load(); });
    }
  }
}
