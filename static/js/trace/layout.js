/* Places of the nodes of an acyclic graph: data flows from left to right, one column a layer. No DOM here.

   `layout({ nodes: [{ id }], edges: [{ from, to }] })` gives `{ places: Map(id -> { x, y, layer, order }), width, height }`,
   x and y of the left upper corner. */

export const NODE = { width: 208, height: 46 };
const GAP = { x: 84, y: 16 };
const SWEEPS = 6;

export function layout({ nodes, edges }) {
  const graph = neighbours(nodes, edges);
  const layers = layersOf(nodes, graph);
  const columns = ordered(columnsOf(nodes, layers), graph);
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const height = tallest * (NODE.height + GAP.y) - GAP.y;
  const places = new Map();
  columns.forEach((column, layer) => {
    const top = (height - (column.length * (NODE.height + GAP.y) - GAP.y)) / 2;
    column.forEach((id, order) => {
      places.set(id, { x: layer * (NODE.width + GAP.x), y: top + order * (NODE.height + GAP.y), layer, order });
    });
  });
  return { places, width: columns.length * (NODE.width + GAP.x) - GAP.x, height };
}

/* Of every node: the ids before it and after it, without repetitions. */
export function neighbours(nodes, edges) {
  const before = new Map(nodes.map((node) => [node.id, new Set()]));
  const after = new Map(nodes.map((node) => [node.id, new Set()]));
  for (const { from, to } of edges) {
    if (!after.has(from) || !before.has(to)) continue;
    after.get(from).add(to);
    before.get(to).add(from);
  }
  return { before, after };
}

/* All that one gets to from the node along `ways`, itself included. */
export function reachable(id, ways) {
  const seen = new Set([id]);
  const waiting = [id];
  while (waiting.length) {
    for (const other of ways.get(waiting.pop())) {
      if (seen.has(other)) continue;
      seen.add(other);
      waiting.push(other);
    }
  }
  return seen;
}

/* A node is right of everything before it; one with nothing before it stands next to its first user. */
function layersOf(nodes, { before, after }) {
  const layers = new Map();
  const open = new Map(nodes.map(({ id }) => [id, before.get(id).size]));
  const waiting = nodes.map(({ id }) => id).filter((id) => !open.get(id));
  for (let next = 0; next < waiting.length; next += 1) {
    const id = waiting[next];
    layers.set(id, Math.max(0, ...[...before.get(id)].map((other) => layers.get(other) + 1)));
    for (const other of after.get(id)) {
      open.set(other, open.get(other) - 1);
      if (!open.get(other)) waiting.push(other);
    }
  }
  for (const { id } of nodes) if (!layers.has(id)) layers.set(id, 0); // in a circle, which lineage has none of
  for (const id of waiting) {
    if (before.get(id).size || !after.get(id).size) continue;
    layers.set(id, Math.max(0, Math.min(...[...after.get(id)].map((other) => layers.get(other))) - 1));
  }
  return layers;
}

function columnsOf(nodes, layers) {
  const columns = [];
  for (const { id } of nodes) (columns[layers.get(id)] ??= []).push(id);
  return [...columns].map((column) => column ?? []);
}

/* Each node goes where its neighbours are on average, column after column, to and fro. */
function ordered(columns, { before, after }) {
  const place = new Map();
  const note = (column) => column.forEach((id, order) => place.set(id, (order + 0.5) / column.length));
  columns.forEach(note);
  const sort = (column, ways) => {
    const middle = new Map(column.map((id) => [id, average([...ways.get(id)].map((other) => place.get(other)), place.get(id))]));
    column.sort((one, other) => middle.get(one) - middle.get(other));
    note(column);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const column of forward ? columns : columns.toReversed()) sort(column, forward ? before : after);
  }
  return columns;
}

function average(values, otherwise) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : otherwise;
}
