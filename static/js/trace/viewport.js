/* Moves and scales what an SVG shows: drag, wheel, two fingers, buttons. */

const SCALE = { least: 0.08, most: 2.5 };
const STEP = 1.25;
const DRAG_PIXELS = 5;
const MARGIN = 40;

export class Viewport {
  #svg;
  #layer;
  #size;
  #x = 0;
  #y = 0;
  #scale = 1;
  #pointers = new Map();
  #moved = 0;

  constructor(svg) {
    this.#svg = svg;
    svg.addEventListener("pointerdown", (event) => this.#down(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, (event) => this.#pointers.delete(event.pointerId));
    svg.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    // What was dragged was not clicked.
    svg.addEventListener("click", (event) => { if (this.#moved > DRAG_PIXELS) event.preventDefault(); }, true);
  }

  /* Shows `layer`, of the given size. */
  show(layer, size) {
    this.#layer = layer;
    this.#size = size;
    this.#svg.replaceChildren(layer);
  }

  /* All of it, or, where that would be too small to read, what is around `place`. */
  fit(place) {
    const { width, height } = this.#svg.getBoundingClientRect();
    this.#scale = clamp(Math.min((width - MARGIN) / this.#size.width, (height - MARGIN) / this.#size.height, 1));
    if (place && this.#scale < 0.45) {
      this.#scale = 0.8;
      this.center(place);
      return;
    }
    this.#x = (width - this.#size.width * this.#scale) / 2;
    this.#y = (height - this.#size.height * this.#scale) / 2;
    this.#apply();
  }

  center({ x, y }) {
    const { width, height } = this.#svg.getBoundingClientRect();
    this.#x = width / 2 - x * this.#scale;
    this.#y = height / 2 - y * this.#scale;
    this.#apply();
  }

  /* Moves only if the place is not in sight. */
  reveal({ x, y }) {
    const { width, height } = this.#svg.getBoundingClientRect();
    const [left, top] = [this.#x + x * this.#scale, this.#y + y * this.#scale];
    if (left < MARGIN || top < MARGIN || left > width - MARGIN || top > height - MARGIN) this.center({ x, y });
  }

  zoom(closer) {
    const { width, height } = this.#svg.getBoundingClientRect();
    this.#zoomAt(width / 2, height / 2, closer ? STEP : 1 / STEP);
  }

  #zoomAt(x, y, factor) {
    const scale = clamp(this.#scale * factor);
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#apply();
  }

  #down(event) {
    if (event.button !== 0) return;
    if (!this.#pointers.size) this.#moved = 0;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  #move(event) {
    const last = this.#pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#moved += Math.hypot(now.x - last.x, now.y - last.y);
    this.#pointers.set(event.pointerId, now);
    if (this.#moved <= DRAG_PIXELS) return;
    this.#svg.setPointerCapture(event.pointerId);
    if (other) {
      const box = this.#svg.getBoundingClientRect();
      const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(last.x - other.x, last.y - other.y));
      this.#zoomAt((now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top, factor);
    } else {
      this.#x += now.x - last.x;
      this.#y += now.y - last.y;
      this.#apply();
    }
  }

  #wheel(event) {
    event.preventDefault();
    const box = this.#svg.getBoundingClientRect();
    this.#zoomAt(event.clientX - box.left, event.clientY - box.top, Math.exp(-event.deltaY / 400));
  }

  #apply() {
    this.#layer.setAttribute("transform", `translate(${this.#x},${this.#y}) scale(${this.#scale})`);
  }
}

function clamp(scale) {
  return Math.min(SCALE.most, Math.max(SCALE.least, scale));
}
