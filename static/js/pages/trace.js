/* The page of a trace: asks the API for the graph, draws it, saves it. */

import { api, errorText } from "../lib/api.js";
import { saveJson, saveSvg } from "../trace/export.js";
import { Graph } from "../trace/graph.js";
import { summaryOf } from "../trace/kinds.js";

const holder = document.getElementById("trace");
const part = (name) => document.querySelector(`[data-trace="${name}"]`);
const graph = new Graph(part("graph"));
let shown = null;

async function load() {
  holder.setAttribute("aria-busy", "true");
  const query = new URLSearchParams({ direction: part("direction").value, width: "40", limit: "400" });
  if (part("depth").value) query.set("depth", part("depth").value);
  const join = holder.dataset.url.includes("?") ? "&" : "?";
  const answer = await api("GET", `${holder.dataset.url}${join}${query}`);
  holder.removeAttribute("aria-busy");
  if (!answer.ok) {
    say(errorText(answer));
    return;
  }
  shown = answer.data;
  graph.show(shown);
  say(summary(shown));
  part("alone").hidden = shown.nodes.length > 1;
}

function summary({ nodes, truncated }) {
  const counts = summaryOf(nodes);
  return truncated ? `${counts}. There is more: begin the trace at a node with ••• to see what is behind it.` : counts;
}

function say(text) {
  part("summary").textContent = text;
}

for (const name of ["direction", "depth"]) part(name).addEventListener("change", load);
part("closer").addEventListener("click", () => graph.zoom(true));
part("farther").addEventListener("click", () => graph.zoom(false));
part("fit").addEventListener("click", () => graph.fit());
part("json").addEventListener("click", () => { if (shown) saveJson(shown, `trace ${holder.dataset.name}`); });
part("svg").addEventListener("click", () => { if (shown) saveSvg(graph.layer, graph.size, `trace ${holder.dataset.name}`); });
load();
