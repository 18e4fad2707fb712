/* A virtual list: only the lines on the screen are in the page, whatever the log's length.

   The drawn lines live in a layer that sticks to the top of the scrolling box, inside a spacer that gives the scroll bar
   its length. The truth is the anchor: the first line on the screen and how far it is scrolled past the edge. A small
   movement of the bar moves the anchor by the same pixels, a jump maps the bar onto the lines (see scroll-map.js), so that
   wheel, touch and keys feel the same in a log of a hundred lines and of ten million, wrapped or not.

   source: { count, line(index) -> line | null }; drawRow(line | null, index) -> element. */

import { anchorAt, barHeight, isExact, topOf } from "./scroll-map.js";

const OVERSCAN = 12;
const SETTLE_MS = 180;
const LAYOUT_ROUNDS = 4;

export class LogView {
  #box;
  #spacer;
  #layer;
  #list;
  #source;
  #drawRow;
  #onRange;
  #onFollow;
  #rows = new Map(); // index -> { element, loaded }
  #anchor = { line: 0, offset: 0 };
  #following = true;
  #wraps = false;
  #rowHeight = 20;
  #viewHeight = 0;
  #barTop = 0;
  #dragging = false;
  #frame = 0;
  #settleTimer = 0;
  #direction = 0;
  #widest = 0;
  #average = 0; // height of a wrapped line

  constructor({ box, source, drawRow, onRange, onFollow }) {
    this.#box = box;
    this.#source = source;
    this.#drawRow = drawRow;
    this.#onRange = onRange;
    this.#onFollow = onFollow;
    this.#spacer = document.createElement("div");
    this.#spacer.className = "log-spacer";
    this.#layer = document.createElement("div");
    this.#layer.className = "log-layer";
    this.#list = document.createElement("div");
    this.#list.className = "log-rows";
    this.#layer.append(this.#list);
    this.#spacer.append(this.#layer);
    box.append(this.#spacer);
    this.#listen();
  }

  get following() {
    return this.#following;
  }

  /* Indices of the lines that are at least partly on the screen. */
  get visible() {
    const rows = Math.ceil(this.#viewHeight / this.#rowHeight);
    return { first: this.#anchor.line, last: Math.min(this.#anchor.line + rows, this.#source.count - 1) };
  }

  set source(source) {
    this.#source = source;
    this.#anchor = { line: 0, offset: 0 };
    this.redraw();
  }

  set wraps(wraps) {
    this.#wraps = wraps;
    this.#average = 0;
    this.#box.classList.toggle("is-wrapped", wraps);
    this.redraw();
  }

  /* Something changed: draw once before the next frame, however often it is called. */
  refresh() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render();
    });
  }

  /* Rows look different now: draw all of them again. */
  redraw() {
    for (const { element } of this.#rows.values()) element.remove();
    this.#rows.clear();
    this.#widest = 0;
    this.#spacer.style.minWidth = "";
    this.refresh();
  }

  /* Draw one row again, for example because it was unfolded. */
  redrawRow(index) {
    const row = this.#rows.get(index);
    if (row) row.loaded = false;
    this.refresh();
  }

  /* Puts a line a third of the way down the screen. */
  goTo(index) {
    const line = Math.min(Math.max(index, 0), Math.max(this.#source.count - 1, 0));
    this.#follow(false);
    this.#anchor = { line, offset: -Math.floor(this.#viewHeight / 3) };
    this.refresh();
    this.#settleSoon();
  }

  scrollBy(pixels) {
    if (pixels < 0) this.#follow(false);
    this.#anchor.offset += pixels;
    this.refresh();
    this.#settleSoon();
  }

  follow() {
    this.#follow(true);
    this.refresh();
  }

  unfollow() {
    this.#follow(false);
  }

  /* ---- what the user does ---- */

  #listen() {
    const box = this.#box;
    box.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    box.addEventListener("wheel", (event) => this.#onWheel(event), { passive: true });
    box.addEventListener("touchmove", () => { this.#dragging = false; }, { passive: true });
    box.addEventListener("keydown", () => { this.#dragging = false; });
    box.addEventListener("pointerdown", (event) => {
      this.#dragging = event.target === box && event.offsetX >= box.clientWidth;
      if (this.#dragging) this.#follow(false);
    });
    window.addEventListener("pointerup", () => {
      if (this.#dragging) this.#settleSoon();
      this.#dragging = false;
    });
    new ResizeObserver(() => this.#measure()).observe(box);
    document.fonts?.ready.then(() => this.#measure());
  }

  #onWheel(event) {
    this.#dragging = false;
    if (event.deltaY < 0 && this.#room() > 0) this.#follow(false);
    const atEdge = event.deltaY < 0 ? this.#barTop <= 0 : this.#barTop >= this.#room() - 1;
    if (!atEdge || this.#metrics().exact || event.ctrlKey || !event.deltaY) return;
    // The bar has come to its end before the lines have: its length is only an estimate.
    this.#direction = Math.sign(event.deltaY);
    this.#anchor.offset += event.deltaY * (event.deltaMode === 1 ? this.#rowHeight : 1);
    this.refresh();
    this.#settleSoon();
  }

  #onScroll() {
    const top = this.#box.scrollTop;
    const moved = top - this.#barTop;
    if (!moved) return;
    this.#barTop = top;
    this.#direction = Math.sign(moved);
    if (this.#dragging || this.#metrics().exact || Math.abs(moved) > this.#viewHeight * 1.5) {
      this.#anchor = anchorAt(top, this.#metrics());
    } else {
      this.#anchor.offset += moved;
    }
    // At the very end, a movement upwards is the bar giving way to a smaller box or log.
    if (moved < 0 && top < this.#room() - 1) this.#follow(false);
    this.refresh();
    this.#settleSoon();
  }

  /* When it rests, the bar goes where the anchor says; small movements may have carried them apart. */
  #settleSoon() {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => {
      this.#direction = 0;
      this.#estimate();
      if (!this.#dragging) this.#placeBar();
      this.refresh();
    }, SETTLE_MS);
  }

  /* What the bar is made of: the widest line so far and, when lines wrap, how high one is on average. */
  #estimate() {
    if (this.#wraps) {
      const heights = [...this.#rows.values()].map((row) => row.element.offsetHeight);
      if (heights.length) this.#average = heights.reduce((sum, height) => sum + height, 0) / heights.length;
    } else if (this.#list.scrollWidth > this.#widest) {
      this.#widest = this.#list.scrollWidth;
      this.#spacer.style.minWidth = `${this.#widest}px`;
    }
    this.#sizeSpacer();
  }

  #sizeSpacer() {
    const { lines, rowHeight } = this.#metrics();
    const height = barHeight(lines, rowHeight);
    this.#spacer.style.height = `${height}px`;
    this.#layer.style.height = `${Math.min(this.#viewHeight, height)}px`;
  }

  #room() {
    return this.#box.scrollHeight - this.#box.clientHeight;
  }

  #placeBar() {
    const top = this.#following ? this.#room() : topOf(this.#anchor, this.#metrics());
    if (Math.abs(this.#box.scrollTop - top) < 1) return;
    this.#box.scrollTop = top;
    this.#barTop = this.#box.scrollTop;
  }

  #follow(follows) {
    if (follows === this.#following) return;
    this.#following = follows;
    this.#onFollow(follows);
  }

  /* ---- drawing ---- */

  #measure() {
    this.#viewHeight = this.#box.clientHeight;
    const height = Number.parseFloat(getComputedStyle(this.#box).getPropertyValue("line-height"));
    if (height) this.#rowHeight = height;
    this.refresh();
    this.#settleSoon();
  }

  #metrics() {
    const lines = this.#source.count;
    return {
      lines, rowHeight: this.#wraps ? Math.max(this.#average, this.#rowHeight) : this.#rowHeight, view: this.#viewHeight,
      exact: isExact(lines, this.#rowHeight, this.#wraps),
    };
  }

  #render() {
    const count = this.#source.count;
    if (!this.#viewHeight) return;
    this.#sizeSpacer();
    if (this.#following) this.#anchor = { line: Math.max(count - 1, 0), offset: 0 };
    let shift = 0;
    for (let round = 0; round < LAYOUT_ROUNDS; round += 1) {
      const window = this.#drawAround(count);
      const settled = this.#settleAnchor(window, count);
      shift = settled.shift;
      if (settled.done) break;
    }
    if (this.#wraps && !this.#average) this.#estimate();
    this.#list.style.transform = `translateY(${shift}px)`;
    if (this.#following) this.#placeBar();
    if (count) this.#onRange(this.visible.first, this.visible.last, this.#direction);
  }

  /* Draws the rows of the screen and a few more, and drops all others. */
  #drawAround(count) {
    const rows = Math.ceil(this.#viewHeight / this.#rowHeight) + 1;
    const past = Math.trunc(this.#anchor.offset / this.#rowHeight);
    let line = Math.min(Math.max(this.#anchor.line, 0), Math.max(count - 1, 0));
    if (!this.#wraps && past) {
      line = Math.min(Math.max(line + past, 0), Math.max(count - 1, 0));
      this.#anchor.offset -= (line - this.#anchor.line) * this.#rowHeight;
    }
    this.#anchor.line = line;
    // At the end of the log the screen is filled from below.
    const above = Math.max(rows - (count - line), 0) + (this.#wraps ? Math.max(-past, 0) : 0);
    const first = Math.max(line - above - OVERSCAN, 0);
    const last = Math.min(line + rows + (this.#wraps ? Math.max(past, 0) : 0) + OVERSCAN, count);
    for (const [index, row] of this.#rows) {
      if (index < first || index >= last) {
        row.element.remove();
        this.#rows.delete(index);
      }
    }
    let next = null;
    for (let index = last - 1; index >= first; index -= 1) next = this.#drawnRow(index, next).element;
    return { first, last };
  }

  #drawnRow(index, next) {
    const known = this.#rows.get(index);
    if (known?.loaded) return known;
    const line = this.#source.line(index);
    if (known && !line) return known;
    const row = { element: this.#drawRow(line, index), loaded: line !== null };
    if (known) known.element.replaceWith(row.element);
    else this.#list.insertBefore(row.element, next);
    this.#rows.set(index, row);
    return row;
  }

  /* Moves the anchor onto the line that really is at the edge, and keeps the list inside its ends.
     `shift` is where the layer's first row stands; `done` is false when other rows are needed. */
  #settleAnchor({ first, last }, count) {
    const height = this.#heights();
    const anchor = this.#anchor;
    const back = (limit) => {
      while (anchor.offset < 0 && anchor.line > limit) {
        anchor.line -= 1;
        anchor.offset += height(anchor.line);
      }
    };
    back(first);
    while (anchor.line < last - 1 && anchor.offset >= height(anchor.line)) {
      anchor.offset -= height(anchor.line);
      anchor.line += 1;
    }
    if (anchor.offset < 0 && anchor.line === 0) anchor.offset = 0;
    if (last === count) {
      let below = -anchor.offset;
      for (let index = anchor.line; index < last && below < this.#viewHeight + 2; index += 1) below += height(index);
      if (below < this.#viewHeight + 2 && this.#direction > 0) this.#follow(true);
      if (below < this.#viewHeight) {
        anchor.offset -= this.#viewHeight - below;
        back(first);
        if (anchor.offset < 0 && anchor.line === 0) anchor.offset = 0;
      }
    }
    let shift = -anchor.offset;
    for (let index = first; index < anchor.line; index += 1) shift -= height(index);
    const short = anchor.offset < 0 || (last < count && this.#bottom(anchor, last, height) < this.#viewHeight);
    return { shift, done: !short };
  }

  #bottom(anchor, last, height) {
    let bottom = -anchor.offset;
    for (let index = anchor.line; index < last; index += 1) bottom += height(index);
    return bottom;
  }

  /* Heights of drawn rows; reading a wrapped one makes the browser lay out once. */
  #heights() {
    if (!this.#wraps) return () => this.#rowHeight;
    return (index) => this.#rows.get(index)?.element.offsetHeight || this.#rowHeight;
  }
}
