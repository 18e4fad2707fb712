import assert from "node:assert/strict";
import { test } from "node:test";

import { NODE, layout, neighbours, reachable } from "../../../../static/js/trace/layout.js";

const graph = (text) => {
  const edges = text.split(" ").map((pair) => pair.split(">")).map(([from, to]) => ({ from, to }));
  const nodes = [...new Set(edges.flatMap(({ from, to }) => [from, to]))].map((id) => ({ id }));
  return { nodes, edges };
};
const layerOf = (places, id) => places.get(id).layer;

test("data flows from left to right, whatever the way is long", () => {
  const { places } = layout(graph("a>b b>c a>c c>d"));
  assert.deepEqual(["a", "b", "c", "d"].map((id) => layerOf(places, id)), [0, 1, 2, 3]);
  assert.ok(places.get("b").x > places.get("a").x + NODE.width);
});

test("what comes from nowhere stands next to its first user", () => {
  const { places } = layout(graph("a>b b>c c>d extra>d"));
  assert.equal(layerOf(places, "extra"), layerOf(places, "c"));
});

test("no two nodes lie on each other, and all are inside", () => {
  const wide = graph(Array.from({ length: 60 }, (_, number) => `hub>n${number} n${number}>end`).join(" "));
  const { places, width, height } = layout(wide);
  const taken = new Set([...places.values()].map(({ x, y }) => `${x} ${y}`));
  assert.equal(taken.size, wide.nodes.length);
  for (const { x, y } of places.values()) assert.ok(x >= 0 && y >= 0 && x + NODE.width <= width && y + NODE.height <= height);
});

test("parallel lines do not cross", () => {
  const { places } = layout(graph("a>y b>x x>p y>q"));
  assert.equal(places.get("a").y < places.get("b").y, places.get("y").y < places.get("x").y);
  assert.equal(places.get("y").y < places.get("x").y, places.get("q").y < places.get("p").y);
});

test("one node alone, and edges to what is not there", () => {
  const { places, width, height } = layout({ nodes: [{ id: "a" }], edges: [{ from: "a", to: "gone" }] });
  assert.deepEqual([width, height], [NODE.width, NODE.height]);
  assert.equal(places.size, 1);
});

test("a circle ends", () => {
  assert.equal(layout(graph("a>b b>a")).places.size, 2);
});

test("the lineage of a node is what leads to it and what follows", () => {
  const { nodes, edges } = graph("a>b b>c x>c");
  const ways = neighbours(nodes, edges);
  assert.deepEqual([...reachable("b", ways.before)].sort(), ["a", "b"]);
  assert.deepEqual([...reachable("b", ways.after)].sort(), ["b", "c"]);
});
