/* What is drawn and said of each kind of node. No DOM here. */

import { formatBytes } from "../lib/units.js";
import { NODE } from "./layout.js";

const ONE = { file: "file", execution: "execution", version: "dataset version", address: "address" };
const TITLES = { file: "File", execution: "Execution", version: "Dataset version", address: "Address" };

/* Radius of the corners: files are round, executions square; what stands for many or is elsewhere, between. */
export function cornerOf(node) {
  return { file: NODE.height / 2, version: 14, address: 2 }[node.kind] ?? 8;
}

export function describe(node) {
  const gone = node.purged ? ", purged" : node.deleted ? ", deleted" : "";
  const says = node.kind === "execution" ? `, ${node.status}` : node.kind === "version" ? `, ${counted(node.files, "file")}` : "";
  return `${TITLES[node.kind] ?? node.kind} ${node.name}${says}${gone}`;
}

export function noteOf(node, shortened) {
  const day = node.ctime?.slice(0, 10) ?? "";
  const gone = node.purged ? "purged" : node.deleted ? "deleted" : "";
  if (node.kind === "execution") return [shortened(node.step), node.status, gone].filter(Boolean).join(" · ");
  if (node.kind === "version") return [counted(node.files, "file"), formatBytes(node.size), gone || day].join(" · ");
  if (node.kind === "address") return "read from this address";
  return `${formatBytes(node.size)} · ${gone || day}`;
}

/* "3 files, 1 execution": of every kind that is there. */
export function summaryOf(nodes) {
  return Object.keys(ONE)
    .map((kind) => [kind, nodes.filter((node) => node.kind === kind).length])
    .filter(([kind, number]) => number || kind === "file" || kind === "execution")
    .map(([kind, number]) => counted(number, ONE[kind]))
    .join(", ");
}

function counted(number, one) {
  const many = one.endsWith("s") ? `${one}es` : `${one}s`;
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
