/* Resource use over time: two-minute averages and peaks from the server, and every reading since the page was opened. */

import { api } from "../lib/api.js";
import { formatKilobytes } from "../lib/units.js";
import { Chart } from "../metadata/chart.js";
import { TIME, shownValue } from "../metadata/keys.js";
import { colorOf } from "../metadata/palette.js";

const MOST_READINGS = 5000;
const cores = (value) => `${shownValue(value).text} CPU`;
const CHARTS = [
  { value: "cpu_usage", title: "CPU cores in use", format: cores },
  { value: "memory_usage_kb", title: "Memory", format: formatKilobytes, axis: formatKilobytes },
  { value: "gpu_usage", title: "GPUs in use", format: (value) => shownValue(value).text },
  { value: "gpu_memory_usage_kb", title: "GPU memory", format: formatKilobytes, axis: formatKilobytes },
];

export class Resources {
  #panel = document.getElementById("resources");
  #readings = [];
  #samples = [];
  #charts = new Map();
  #open = false;
  #startedAt;
  #onResize;

  constructor(button, { startedAt, onResize }) {
    this.#startedAt = startedAt;
    this.#onResize = onResize;
    button.addEventListener("click", () => this.#toggle(button));
    document.addEventListener("themechange", () => this.#recolor());
  }

  /* A new reading of the running job. */
  add(values, microseconds) {
    this.#readings.push({ time: microseconds, values });
    if (this.#readings.length > MOST_READINGS) this.#readings.shift();
    if (this.#open) this.#draw();
  }

  async #toggle(button) {
    this.#open = !this.#open;
    this.#panel.hidden = !this.#open;
    button.setAttribute("aria-expanded", String(this.#open));
    if (!this.#open) {
      this.#onResize();
      return;
    }
    const answer = await api("GET", this.#panel.dataset.url);
    if (answer.ok) this.#samples = answer.data.samples;
    this.#draw();
  }

  #draw() {
    for (const chart of CHARTS) this.#drawOne(chart);
    const note = this.#panel.querySelector('[data-resources="note"]');
    this.#onResize();
    note.textContent = this.#charts.size ? "" : "Nothing was measured. Short jobs may end before the first reading.";
  }

  #drawOne({ value, title, format, axis }) {
    const series = this.#seriesOf(value);
    if (!series.use.x.length) return;
    let chart = this.#charts.get(value);
    if (!chart) {
      const color = colorOf(this.#charts.size);
      const lines = [{ key: "use", color }, { key: "peak", color: `${color}88` }];
      chart = new Chart(lines, { title, x: TIME, log: false, smoothing: 0, height: 160, format, axis, fromZero: true });
      this.#charts.set(value, chart);
      this.#panel.querySelector('[data-resources="charts"]').append(chart.element);
    }
    chart.update(series);
  }

  #seriesOf(value) {
    const use = { x: [], y: [] };
    const peak = { x: [], y: [] };
    const firstReading = this.#readings[0]?.time ?? Infinity;
    for (const { start_time: start, end_time: end, values } of this.#samples) {
      // Intervals lie on the clock; the first one began before the run did.
      const at = Math.max(((Date.parse(start) + Date.parse(end)) / 2) * 1000, this.#startedAt());
      if (!(value in values) || at >= firstReading) continue;
      use.x.push(at);
      use.y.push(values[value].avg);
      peak.x.push(at);
      peak.y.push(values[value].max);
    }
    for (const { time, values } of this.#readings) {
      if (!(value in values)) continue;
      use.x.push(time);
      use.y.push(values[value]);
    }
    return { use, peak };
  }

  #recolor() {
    for (const chart of this.#charts.values()) chart.destroy();
    this.#charts.clear();
    if (this.#open) this.#draw();
  }
}
