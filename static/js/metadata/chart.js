/* One chart: lines over a shared horizontal axis, with zoom, full screen and download. */

import uPlot from "../../vendor/uplot-1.6.32/uPlot.esm.js";
import { icon } from "../lib/icon.js";
import { TIME, shownValue } from "./keys.js";
import { faint, groundColors } from "./palette.js";
import { smooth } from "./smoothing.js";
import { exactTick, tickTime } from "./time-axis.js";

const FONT = '12px "Inter", system-ui, sans-serif';
const cursors = uPlot.sync("metadata");

/* lines: [{ key, color, right }]; options: { title, x, log, smoothing, height, onZoom, onReset, format, axis, fromZero } */
export class Chart {
  element = document.createElement("figure");
  #lines;
  #options;
  #plot = null;
  #body = document.createElement("div");
  #zoomed = false;
  #series = {};
  #resized;

  constructor(lines, options) {
    this.#lines = lines;
    this.#options = options;
    this.element.className = "chart";
    this.#body.className = "chart-body";
    this.element.append(this.#caption(), this.#body);
    this.#resized = new ResizeObserver(() => this.#resize());
    this.#resized.observe(this.#body);
  }

  /* series: key -> { x: [...], y: [...] } */
  update(series) {
    this.#series = series;
    const data = this.#data();
    if (!this.#plot) this.#build(data);
    else this.#plot.setData(data, !this.#zoomed);
    this.element.classList.toggle("is-empty", data[0].length === 0);
  }

  set smoothing(weight) {
    const had = this.#options.smoothing > 0;
    this.#options.smoothing = weight;
    if (had !== weight > 0) this.rebuild();
    else this.#plot?.setData(this.#data(), !this.#zoomed);
  }

  resetZoom() {
    this.#plot?.setData(this.#plot.data, true);
  }

  /* Colours or scales changed. */
  rebuild() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#zoomed = false;
    this.update(this.#series);
  }

  destroy() {
    this.#resized.disconnect();
    this.#plot?.destroy();
    this.element.remove();
  }

  /* ---- data ---- */

  #data() {
    const { x, log, smoothing } = this.#options;
    const tables = this.#lines.map(({ key }) => {
      const { x: xs = [], y: ys = [] } = this.#series[key] ?? {};
      const drawn = log ? ys.map((value) => (value > 0 ? value : null)) : ys;
      const place = x === TIME ? xs.map((microseconds) => microseconds / 1e6) : xs;
      return smoothing > 0 ? [place, drawn, smooth(drawn, smoothing)] : [place, drawn];
    });
    return tables.length === 1 ? withoutRepeats(tables[0]) : uPlot.join(tables.map(withoutRepeats));
  }

  /* ---- drawing ---- */

  #build(data) {
    const { height, x } = this.#options;
    const { text, grid } = groundColors();
    const axis = { stroke: text, font: FONT, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const right = this.#lines.some((line) => line.right);
    const value = { ...axis, size: 66, values: (_, ticks) => ticks.map(this.#options.axis ?? shortNumber) };
    const scale = this.#scale();
    const left = this.#lines.some((line) => !line.right);
    this.#plot = new uPlot({
      width: Math.max(this.#body.clientWidth, 120),
      height,
      scales: { x: { time: x === TIME }, y: scale, right: scale },
      axes: [
        { ...axis, values: x === TIME ? timeTicks : (_, ticks) => ticks.map(shortNumber) },
        ...(left || !right ? [{ ...value, scale: "y" }] : []),
        ...(right ? [{ ...value, scale: "right", side: 1, grid: { show: !left, stroke: grid } }] : []),
      ],
      series: [{ label: x === TIME ? "time" : x, value: x === TIME ? (_, at) => exactTick(at) : (_, at) => at ?? "–" }, ...this.#lines.flatMap((line) => this.#styles(line))],
      cursor: { drag: { x: true, y: true, uni: 30 }, sync: { key: cursors.key, setSeries: false }, points: { size: 6 }, focus: { prox: 24 } },
      legend: { live: true },
      hooks: { setScale: [(plot, key) => this.#onScale(plot, key)] },
    }, data, this.#body);
    if (this.#options.smoothing > 0) this.#hideRawLegend();
  }

  #scale() {
    if (this.#options.log) return { distr: 3 };
    if (this.#options.fromZero) return { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] };
    return {};
  }

  #styles({ key, color, right }) {
    const common = { scale: right ? "right" : "y", spanGaps: true, points: { size: 4 } };
    const value = (_, number) => (number === null || number === undefined ? "–" : this.#format(number));
    const line = { ...common, label: key, stroke: color, width: 1.75, value };
    if (!(this.#options.smoothing > 0)) return [line];
    return [{ ...common, label: `${key} as logged`, stroke: faint(color), width: 1, value, points: { show: false } }, line];
  }

  #format(number) {
    return this.#options.format ? this.#options.format(number) : shownValue(number).text;
  }

  #hideRawLegend() {
    this.#body.querySelectorAll(".u-legend .u-series").forEach((row, index) => {
      if (index % 2 === 1) row.hidden = true;
    });
  }

  #onScale(plot, key) {
    if (key !== "x" || !plot.data[0].length) return;
    const { min, max } = plot.scales.x;
    const xs = plot.data[0];
    const zoomed = min > xs[0] || max < xs[xs.length - 1];
    if (zoomed && !this.#zoomed) this.#options.onZoom?.();
    this.#zoomed = zoomed;
    this.element.classList.toggle("is-zoomed", zoomed);
  }

  #resize() {
    const width = this.#body.clientWidth;
    const full = document.fullscreenElement === this.element;
    const height = full ? window.innerHeight - 140 : this.#options.height;
    if (this.#plot && width > 0) this.#plot.setSize({ width, height });
  }

  /* ---- tools ---- */

  #caption() {
    const caption = document.createElement("figcaption");
    caption.className = "chart-head";
    const title = document.createElement("span");
    title.className = "chart-title";
    title.textContent = this.#options.title;
    caption.append(
      title,
      tool("zoom-reset", "Reset the zoom", () => (this.#options.onReset ?? (() => this.resetZoom()))(), "chart-reset"),
      tool("download", "Download as PNG", () => this.#download()),
      tool("maximize", "Full screen", () => this.#fullScreen()),
    );
    return caption;
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.();
  }

  #download() {
    if (!this.#plot) return;
    const source = this.#plot.ctx.canvas;
    const ratio = window.devicePixelRatio || 1;
    const head = 34 * ratio;
    const picture = document.createElement("canvas");
    picture.width = source.width;
    picture.height = source.height + head;
    const context = picture.getContext("2d");
    context.fillStyle = groundColors().surface;
    context.fillRect(0, 0, picture.width, picture.height);
    context.font = `${13 * ratio}px "Inter", system-ui, sans-serif`;
    let at = 14 * ratio;
    for (const { key, color } of this.#lines) {
      context.fillStyle = color;
      context.fillText(key, at, 22 * ratio);
      at += context.measureText(key).width + 18 * ratio;
    }
    context.drawImage(source, 0, head);
    picture.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${this.#options.title.replaceAll(/[^\w.-]+/g, "_") || "chart"}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
}

function tool(name, label, action, css = "") {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `btn-plain ${css}`.trim();
  button.title = label;
  button.setAttribute("aria-label", label);
  button.append(icon(name));
  button.addEventListener("click", action);
  return button;
}

const timeTicks = (_, ticks) => ticks.map((tick) => tickTime(tick, ticks.length > 1 ? ticks[1] - ticks[0] : 60));

export function shortNumber(value) {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-4)) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(5)));
}

/* Several points at one place cannot be joined with other lines: the last one counts. */
function withoutRepeats([xs, ...columns]) {
  const keep = xs.map((x, index) => x !== xs[index + 1]);
  if (keep.every(Boolean)) return [xs, ...columns];
  return [xs, ...columns].map((column) => column.filter((_, index) => keep[index]));
}
