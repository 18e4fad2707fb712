/* A project's files: search and filters in the address, live additions, previews, upload. */

import { DatumList } from "../data/datum-list.js";
import { installPreviews } from "../data/preview.js";
import { installUploads } from "../data/upload.js";
import { connect } from "../lib/socket.js";

const REFRESH_MS = 1500;
const holder = document.getElementById("data-list");
const search = document.getElementById("data-search");
const filters = [...document.querySelectorAll("[data-filter]")];
const purged = document.getElementById("data-purged");
const base = holder.dataset.url;
let timer = null;

const list = new DatumList({
  holder,
  search,
  filters: () => ({ ...Object.assign({}, ...filters.map(chosen)), purged: purged.checked ? "1" : "" }),
  onLoad: (total, query) => history.replaceState(null, "", query.size ? `${base}?${query}` : base),
});

/* A choice names several parameters with a value for each, such as the least and the largest size. */
function chosen(field) {
  const names = field.dataset.filter.split(" ");
  const values = names.length > 1 ? field.value.split("-") : [field.value];
  return Object.fromEntries(names.map((name, place) => [name, values[place] ?? ""]));
}

function refreshSoon() {
  timer ??= setTimeout(() => {
    timer = null;
    if (!document.hidden) list.load();
  }, REFRESH_MS);
}

for (const field of filters) field.addEventListener("change", () => list.first());
purged.addEventListener("change", () => list.first());
connect(holder.dataset.socket, { onMessage: (message) => { if (message.type === "data") refreshSoon(); } });
installPreviews();
installUploads(() => list.first());
