/* The lines of a log that match, as something the view can show: history from the server's search, new lines as they come.

   A line is looked at once. `searched` says how far; live lines that follow on it directly are matched here, and after a
   gap the server is asked again from there. */

const BATCH = 2000;
const AHEAD = 4000; // matches held beyond what is on the screen before the search pauses
const MOST_MATCHES = 100_000;
const RETRY_MS = 2000;
const KINDS = { stdout: "o", stderr: "e", status: "s" };

/* criteria: { include, exclude, streams: Set of "o" | "e" | "s" } */
export function matcher({ include, exclude, streams }) {
  const wanted = include.toLowerCase();
  const unwanted = exclude.toLowerCase();
  return ({ kind, text }) => {
    if (!streams.has(kind)) return false;
    if (!wanted && !unwanted) return true;
    const lower = text.toLowerCase();
    return (!wanted || lower.includes(wanted)) && !(unwanted && lower.includes(unwanted));
  };
}

export const isFiltering = ({ include, exclude, streams }) => Boolean(include || exclude || streams.size < 3);

export class FilteredLines {
  #url;
  #criteria;
  #matches;
  #lines = [];
  #searched = 0;
  #looked = 0;
  #caughtUp = false;
  #request = null;
  #timer = null;
  #onChange;

  constructor({ url, criteria, onChange }) {
    this.#url = url;
    this.#criteria = criteria;
    this.#matches = matcher(criteria);
    this.#onChange = onChange;
    this.#search();
  }

  get count() {
    return this.#lines.length;
  }

  /* "searching", "done", "paused" (more when the view goes on) or "full" */
  get state() {
    if (this.#lines.length >= MOST_MATCHES) return "full";
    if (this.#caughtUp) return "done";
    return this.#request || this.#timer ? "searching" : "paused";
  }

  get searched() {
    return this.#searched;
  }

  line(index) {
    return this.#lines[index] ?? null;
  }

  /* The view looks at matches up to `index`. */
  look(index) {
    this.#looked = Math.max(this.#looked, index);
    if (!this.#request && !this.#timer) this.#search();
  }

  /* Lines of the live tail: `count` lines from `first`, read with `get`. */
  offer(first, count, get) {
    if (!this.#caughtUp) return;
    if (first > this.#searched) {
      this.#caughtUp = false;
      this.#search();
      return;
    }
    for (let number = this.#searched; number < first + count; number += 1) {
      const line = get(number);
      if (line && this.#matches(line)) this.#keep(line);
    }
    this.#searched = Math.max(this.#searched, first + count);
    this.#onChange();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = null;
    this.#caughtUp = true;
    this.#onChange = () => {};
  }

  #keep(line) {
    if (this.#lines.length < MOST_MATCHES) this.#lines.push(line);
  }

  async #search() {
    if (this.#caughtUp || this.#request || this.#lines.length >= MOST_MATCHES) return;
    if (this.#lines.length > this.#looked + AHEAD) return;
    this.#request = new AbortController();
    const { signal } = this.#request;
    try {
      const answer = await fetch(this.#address(), { headers: { Accept: "application/json" }, credentials: "same-origin", signal });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      this.#take(await answer.json());
      this.#request = null;
      this.#search();
      this.#onChange();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#request = null;
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#search();
      }, RETRY_MS);
      this.#onChange(error);
    }
  }

  #address() {
    const { include, exclude, streams } = this.#criteria;
    const query = new URLSearchParams({ include, exclude, streams: [...streams].join(","), limit: BATCH });
    query.set("after_line", this.#searched - 1);
    return `${this.#url}?${query}`;
  }

  #take({ lines, next_after: nextAfter, finished }) {
    for (const { number, time, stream, message } of lines) this.#keep({ number, time, kind: KINDS[stream], text: message });
    this.#searched = nextAfter + 1;
    this.#caughtUp = finished;
  }
}
