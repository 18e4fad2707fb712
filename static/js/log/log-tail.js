/* Keeps the store up with a log that grows: by the socket while it is open, by asking every few seconds while it is not.

   The socket sends every line from the one that was asked for, in order, none twice. `cursor` is the line that comes next;
   after a reconnection it goes on from there. Whoever comes back after a long time, or cannot keep up, continues at the
   end instead: the lines between are fetched when somebody looks at them. */

const SKIP_LINES = 20_000;
const POLL_MS = 2500;
const POLL_LINES = 5000;

export class LogTail {
  #store;
  #pages;
  #send;
  #onLines;
  #active = false;
  #open = false;
  #final = false;
  #polling = null;
  cursor = 0;

  constructor({ store, pages, send, onLines }) {
    this.#store = store;
    this.#pages = pages;
    this.#send = send;
    this.#onLines = onLines;
  }

  /* Somebody looks at the log. The store's total is where it ends now. */
  start() {
    if (this.#active) return;
    this.#active = true;
    this.#attach();
  }

  stop() {
    if (!this.#active) return;
    this.#active = false;
    clearTimeout(this.#polling);
    this.#send({ unsubscribe: "log" });
  }

  socketState(open) {
    this.#open = open;
    if (this.#active) this.#attach();
  }

  /* The number of lines that the server counts, and whether more can come. */
  counted(total, final) {
    this.#final = final;
    const behind = total - this.cursor;
    if (!this.#active || !this.#open || behind > SKIP_LINES) {
      this.#store.grow(total);
      this.#onLines(0, 0);
    }
    if (this.#active && this.#open && behind > SKIP_LINES) this.#skip();
  }

  receive({ first_line: first, segments, total }) {
    if (!this.#active) return;
    const end = this.#store.putSegments(first, segments);
    this.cursor = Math.max(this.cursor, end);
    this.#onLines(first, end - first);
    if (total - end > SKIP_LINES) {
      this.#store.grow(total);
      this.#skip();
    }
  }

  #attach() {
    clearTimeout(this.#polling);
    if (!this.#open) {
      this.#poll();
      return;
    }
    if (this.#store.total - this.cursor > SKIP_LINES) this.cursor = this.#store.total;
    this.#send({ subscribe: "log", from_line: this.cursor });
  }

  #skip() {
    this.cursor = this.#store.total;
    this.#send({ subscribe: "log", from_line: this.cursor });
  }

  #poll() {
    this.#polling = setTimeout(async () => {
      const first = this.cursor;
      try {
        const { total, end } = await this.#pages.fetchWindow(first, POLL_LINES);
        this.cursor = total - end > SKIP_LINES ? total : Math.max(end, first);
        this.#onLines(first, Math.max(end - first, 0));
        if (this.#final && end >= total) return;
      } catch { /* the socket's state already says that the server is away */ }
      if (this.#active && !this.#open) this.#poll();
    }, POLL_MS);
  }
}
