/* Saves the graph: as JSON, or as an SVG that looks the same anywhere. */

import { svg } from "./drawing.js";

const MARGIN = 24;
const COPIED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight"];

export function saveJson(trace, name) {
  save(new Blob([JSON.stringify(trace, null, 2)], { type: "application/json" }), `${name}.json`);
}

export function saveSvg(layer, { width, height }, name) {
  const box = `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}`;
  const copy = layer.cloneNode(true);
  copy.removeAttribute("transform");
  settle(layer, copy);
  for (const link of copy.querySelectorAll("a[href]")) link.setAttribute("href", new URL(link.getAttribute("href"), location.href).href);
  const ground = svg("rect", {
    x: -MARGIN, y: -MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN,
    fill: getComputedStyle(document.body).backgroundColor,
  });
  const whole = svg("svg", { viewBox: box, width: width + 2 * MARGIN, height: height + 2 * MARGIN }, ground, copy);
  const text = new XMLSerializer().serializeToString(whole);
  save(new Blob([text], { type: "image/svg+xml" }), `${name}.svg`);
}

/* What style sheets say becomes attributes, because they stay here. */
function settle(original, copy) {
  if (original.localName === "title") return;
  const style = getComputedStyle(original);
  for (const name of COPIED) copy.setAttribute(name, style.getPropertyValue(name));
  copy.removeAttribute("class");
  [...original.children].forEach((child, index) => settle(child, copy.children[index]));
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[^\w.#-]+/g, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
