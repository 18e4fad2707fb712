/* The graph as SVG: a link for each node, a curve for each edge, a mark where there is more. */

import { cornerOf, describe, noteOf } from "./kinds.js";
import { NODE } from "./layout.js";

const SPACE = "http://www.w3.org/2000/svg";
const LONGEST_NAME = 27;

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== "") element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/* `{ layer, nodes: Map(id -> element), edges: [{ element, from, to }] }` */
export function draw({ nodes, edges, start }, places) {
  const drawnEdges = edges.filter(({ from, to }) => places.has(from) && places.has(to)).map((edge) => drawEdge(edge, places));
  const drawnNodes = new Map(nodes.map((node) => [node.id, drawNode(node, places.get(node.id), node.id === start)]));
  const layer = svg("g", {}, ...drawnEdges.map(({ element }) => element), ...drawnNodes.values());
  return { layer, nodes: drawnNodes, edges: drawnEdges };
}

function drawEdge({ from, to, name }, places) {
  const [x1, y1] = [places.get(from).x + NODE.width, places.get(from).y + NODE.height / 2];
  const [x2, y2] = [places.get(to).x, places.get(to).y + NODE.height / 2];
  const bend = Math.max(30, (x2 - x1) / 2);
  const element = svg("path", { class: "trace-edge", d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}` });
  if (name) element.append(svg("title", {}, `as input ${name}`));
  return { element, from, to };
}

function drawNode(node, { x, y }, isStart) {
  const classes = ["trace-node", `is-${node.kind}`, isStart && "is-start", (node.purged || node.deleted) && "is-gone"];
  const link = svg("a", {
    class: classes.filter(Boolean).join(" "), href: node.url ?? "", "data-id": node.id, tabindex: "-1",
    transform: `translate(${x},${y})`, "aria-label": describe(node),
  });
  link.append(
    svg("title", {}, describe(node)),
    ...(node.kind === "version" ? [svg("rect", { class: "trace-sheet", x: 5, y: 5, width: NODE.width, height: NODE.height, rx: cornerOf(node) })] : []),
    svg("rect", { class: "trace-box", width: NODE.width, height: NODE.height, rx: cornerOf(node) }),
    svg("text", { class: "trace-name", x: 18, y: 20 }, shortened(node.name)),
    svg("text", { class: "trace-note", x: 18, y: 36 }, noteOf(node, shortened)),
  );
  if (node.status) link.append(svg("circle", { class: `trace-dot is-${node.status}`, cx: NODE.width - 14, cy: 15, r: 4 }));
  const group = svg("g", { class: "trace-item" }, link);
  if (node.more_up) group.append(drawMore(node, x - 14, y, node.kind === "version" ? "It has more files than are shown." : "It came from more than is shown."));
  if (node.more_down) group.append(drawMore(node, x + NODE.width + 14, y, "It was used by more than is shown."));
  return group;
}

function drawMore(node, x, y, text) {
  const begin = node.trace_url ? " Begin the trace here." : "";
  const link = svg("a", { class: "trace-more", href: node.trace_url, "aria-label": `${text}${begin && ` Begin the trace at ${node.name}`}` });
  link.append(
    svg("title", {}, `${text}${begin}`),
    svg("circle", { cx: x, cy: y + NODE.height / 2, r: 11 }),
    svg("text", { x, y: y + NODE.height / 2 + 3, "text-anchor": "middle" }, "•••"),
  );
  return link;
}

/* The end of a path says more than its beginning. */
function shortened(name) {
  const letters = [...name];
  if (letters.length <= LONGEST_NAME) return name;
  return name.includes("/") && !name.startsWith("#") ? `…${letters.slice(1 - LONGEST_NAME).join("")}` : `${letters.slice(0, LONGEST_NAME - 1).join("")}…`;
}
