/* The lines that the browser holds of a log: sparse pages under line numbers from 0, least recently used ones dropped.

   Where a line came from (a fetched window or the live tail) does not matter: its number is its place, so that nothing
   can appear twice and a gap is only a page that has to be fetched. */

export const PAGE_LINES = 500;
const MAX_LINES = 150_000;
const MAX_CHARACTERS = 40_000_000;

export class LineStore {
  #pages = new Map(); // in order of use, the least recent first
  #lines = 0;
  #characters = 0;
  #newest = null;
  #maxLines;
  #maxCharacters;

  /* `total` is how many lines the log is known to have; the lines themselves may not be held. */
  total = 0;

  constructor({ maxLines = MAX_LINES, maxCharacters = MAX_CHARACTERS } = {}) {
    this.#maxLines = maxLines;
    this.#maxCharacters = maxCharacters;
  }

  get heldLines() {
    return this.#lines;
  }

  get heldCharacters() {
    return this.#characters;
  }

  grow(total) {
    if (total > this.total) this.total = total;
  }

  /* { number, time (microseconds), kind, text }, or null when it is not held. */
  get(number) {
    const page = this.#used(Math.floor(number / PAGE_LINES));
    const at = number % PAGE_LINES;
    const text = page?.texts[at];
    return text === undefined ? null : { number, time: page.times[at], kind: page.kinds[at], text };
  }

  has(number) {
    return this.#pages.get(Math.floor(number / PAGE_LINES))?.texts[number % PAGE_LINES] !== undefined;
  }

  /* What of page `index` is not held: { first, count } from its first hole on, or null when every line of it is. */
  missing(index) {
    const start = index * PAGE_LINES;
    const count = Math.min(PAGE_LINES, this.total - start);
    const page = this.#pages.get(index);
    if (count <= 0 || (page?.filled ?? 0) >= count) return null;
    let hole = 0;
    while (page && hole < count && page.texts[hole] !== undefined) hole += 1;
    return hole < count ? { first: start + hole, count: count - hole } : null;
  }

  /* Raw segments that begin at line `first`; returns the number of the line after the last. */
  putSegments(first, segments) {
    let number = first;
    for (const segment of segments) {
      const texts = segment.p.split("\n");
      for (let i = 0; i < texts.length; i += 1) {
        this.#putLine(number, segment.k, segment.t + i, texts[i]);
        number += 1;
      }
    }
    this.grow(number);
    this.#trim();
    return number;
  }

  #putLine(number, kind, time, text) {
    const index = Math.floor(number / PAGE_LINES);
    const page = this.#used(index) || this.#created(index);
    const at = number % PAGE_LINES;
    if (page.texts[at] !== undefined) return;
    page.texts[at] = text;
    page.times[at] = time;
    page.kinds[at] = kind;
    page.filled += 1;
    page.characters += text.length;
    this.#lines += 1;
    this.#characters += text.length;
  }

  #used(index) {
    const page = this.#pages.get(index);
    if (page && page !== this.#newest) {
      this.#pages.delete(index);
      this.#pages.set(index, page);
      this.#newest = page;
    }
    return page;
  }

  #created(index) {
    const page = {
      texts: new Array(PAGE_LINES), times: new Float64Array(PAGE_LINES), kinds: new Array(PAGE_LINES),
      filled: 0, characters: 0,
    };
    this.#pages.set(index, page);
    this.#newest = page;
    return page;
  }

  #trim() {
    for (const [index, page] of this.#pages) {
      if (this.#lines <= this.#maxLines && this.#characters <= this.#maxCharacters) return;
      if (this.#pages.size <= 2) return; // what is on the screen stays, however large
      this.#pages.delete(index);
      this.#lines -= page.filled;
      this.#characters -= page.characters;
    }
  }
}
