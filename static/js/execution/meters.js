/* CPU, memory and GPU in the head of the page, from the newest resource readings. */

import { formatKilobytes } from "../lib/units.js";

export class Meters {
  #root = document.getElementById("meters");

  get button() {
    return this.#root.querySelector("button");
  }

  show(values) {
    if (!values || !Object.keys(values).length) return;
    const cpus = values.num_cpus || 1;
    const { cpu_usage: cpu, memory_usage_kb: used, memory_total_kb: total, gpu_usage: gpu } = values;
    this.#root.hidden = false;
    this.#meter("cpu", cpu === undefined ? null : cpu / cpus,
      cpu === undefined ? "" : `${Math.round((cpu / cpus) * 100)} % of ${Number(cpus.toFixed(1))}`);
    this.#meter("memory", total ? used / total : null,
      used === undefined ? "" : `${formatKilobytes(used)}${total ? ` of ${formatKilobytes(total)}` : ""}`);
    const gpus = values.num_gpus || 1;
    this.#meter("gpu", gpu === undefined ? null : gpu / gpus,
      gpu === undefined ? "" : `${Math.round((gpu / gpus) * 100)} % of ${gpus}`);
  }

  #meter(name, share, text) {
    const meter = this.#root.querySelector(`[data-meter="${name}"]`);
    meter.hidden = !text;
    meter.querySelector(".meter-value").textContent = text;
    const bounded = Math.min(Math.max(share ?? 0, 0), 1);
    const bar = meter.querySelector(".meter-bar > span");
    bar.style.width = `${bounded * 100}%`;
    meter.classList.toggle("is-high", bounded > 0.9);
  }
}
