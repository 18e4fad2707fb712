/* Fetches the windows of the log that the view looks at. A fast scroll over a million lines asks for what is on the
   screen when it rests, not for everything that flew by: a request whose page is no longer wanted is given up. */

import { PAGE_LINES } from "./log-model.js";

const AT_ONCE = 2;
const RETRY_MS = 2000;

export class LogPages {
  #url;
  #store;
  #onLoad;
  #onError;
  #wanted = [];
  #loading = new Map();
  #retryTimer = null;

  constructor({ url, store, onLoad, onError }) {
    this.#url = url;
    this.#store = store;
    this.#onLoad = onLoad;
    this.#onError = onError;
  }

  /* Lines first..last are on the screen; `direction` (-1, 0, 1) is where it moves. */
  want(first, last, direction = 0) {
    const pages = [];
    for (let index = Math.floor(first / PAGE_LINES); index <= Math.floor(last / PAGE_LINES); index += 1) pages.push(index);
    if (direction > 0) pages.push(pages[pages.length - 1] + 1);
    if (direction < 0 && pages[0] > 0) pages.push(pages[0] - 1);
    this.#wanted = pages;
    for (const [index, request] of this.#loading) if (!pages.includes(index)) request.abort();
    this.#pump();
  }

  /* One window now, outside the queue; rejects when it cannot be had. */
  async fetchWindow(first, limit, signal) {
    const address = `${this.#url}?first_line=${first}&limit=${limit}`;
    return this.take(await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin", signal }));
  }

  /* The answer of a window into the store: { total, end }. */
  async take(answer) {
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    const data = await answer.json();
    const end = this.#store.putSegments(data.first_line, data.segments);
    this.#store.grow(data.total);
    return { total: data.total, end };
  }

  #pump() {
    for (const index of this.#wanted) {
      if (this.#loading.size >= AT_ONCE) return;
      if (this.#loading.has(index)) continue;
      const window = this.#store.missing(index);
      if (window) this.#load(index, window);
    }
  }

  async #load(index, { first, count }) {
    const request = new AbortController();
    this.#loading.set(index, request);
    try {
      const { end } = await this.fetchWindow(first, count, request.signal);
      this.#onError(null);
      // Lines that are counted but not readable yet: asking again at once would be a busy loop.
      if (end <= first) this.#retryLater(null);
    } catch (error) {
      if (error.name !== "AbortError") this.#retryLater(error);
    }
    this.#loading.delete(index);
    this.#onLoad();
    if (!this.#retryTimer) this.#pump();
  }

  #retryLater(error) {
    if (error) this.#onError(error);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      this.#pump();
    }, RETRY_MS);
  }
}
