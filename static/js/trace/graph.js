/* The trace as one sees it: highlights the lineage of the node under the pointer or the focus, and moves by arrow keys. */

import { draw } from "./drawing.js";
import { NODE, layout, neighbours, reachable } from "./layout.js";
import { Viewport } from "./viewport.js";

export class Graph {
  #svg;
  #viewport;
  #drawn;
  #places;
  #size;
  #ways;
  #start;

  constructor(svg) {
    this.#svg = svg;
    this.#viewport = new Viewport(svg);
    svg.addEventListener("pointerover", (event) => this.#highlight(idOf(event.target)));
    svg.addEventListener("pointerleave", () => this.#highlight(null));
    svg.addEventListener("focusin", (event) => this.#onFocus(event.target));
    svg.addEventListener("focusout", () => this.#highlight(null));
    svg.addEventListener("keydown", (event) => this.#onKey(event));
  }

  show(trace) {
    const { places, width, height } = layout(trace);
    this.#places = places;
    this.#size = { width, height };
    this.#start = trace.start;
    this.#ways = neighbours(trace.nodes, trace.edges);
    this.#drawn = draw(trace, places);
    this.#viewport.show(this.#drawn.layer, this.#size);
    this.#linkOf(trace.start)?.setAttribute("tabindex", "0");
    this.fit();
  }

  get size() {
    return this.#size;
  }

  get layer() {
    return this.#drawn?.layer;
  }

  fit() {
    if (this.#drawn) this.#viewport.fit(this.#middle(this.#start));
  }

  zoom(closer) {
    if (this.#drawn) this.#viewport.zoom(closer);
  }

  #highlight(id) {
    const path = id ? new Set([...reachable(id, this.#ways.before), ...reachable(id, this.#ways.after)]) : null;
    this.#svg.classList.toggle("has-path", Boolean(path));
    for (const [node, element] of this.#drawn?.nodes ?? []) element.classList.toggle("is-on-path", Boolean(path?.has(node)));
    for (const { element, from, to } of this.#drawn?.edges ?? []) {
      element.classList.toggle("is-on-path", Boolean(path?.has(from) && path.has(to)));
    }
  }

  #onFocus(element) {
    const id = idOf(element);
    if (!id) return;
    for (const node of this.#drawn.nodes.keys()) this.#linkOf(node).setAttribute("tabindex", node === id ? "0" : "-1");
    this.#highlight(id);
    this.#viewport.reveal(this.#middle(id));
  }

  /* Left and right along the data, up and down within the column. */
  #onKey(event) {
    const id = idOf(event.target);
    const next = id && this.#next(id, event.key);
    if (next === undefined || next === null) return;
    event.preventDefault();
    this.#linkOf(next).focus({ preventScroll: true });
  }

  #next(id, key) {
    const { layer, order } = this.#places.get(id);
    const nearest = (ids) => [...ids].sort((one, other) => Math.abs(this.#places.get(one).y - this.#places.get(id).y) - Math.abs(this.#places.get(other).y - this.#places.get(id).y))[0];
    const beside = (step) => [...this.#places].find(([, place]) => place.layer === layer && place.order === order + step)?.[0];
    if (key === "ArrowLeft") return nearest(this.#ways.before.get(id));
    if (key === "ArrowRight") return nearest(this.#ways.after.get(id));
    if (key === "ArrowUp") return beside(-1);
    if (key === "ArrowDown") return beside(1);
    if (key === "Home") return this.#start;
    return null;
  }

  #linkOf(id) {
    return this.#drawn.nodes.get(id)?.querySelector(".trace-node");
  }

  #middle(id) {
    const place = this.#places.get(id);
    return place && { x: place.x + NODE.width / 2, y: place.y + NODE.height / 2 };
  }
}

function idOf(element) {
  return element.closest?.(".trace-node")?.dataset.id ?? null;
}
