/* A project's files: search and filters in the address, live additions, previews, upload. */

import { DatumList } from "../data/datum-list.js";
import { installPreviews } from "../data/preview.js";
import { installUploads } from "../data/upload.js";
import { connect } from "../lib/socket.js";

const REFRESH_MS = 1500;
const holder = document.getElementById("data-list");
const search = document.getElementById("data-search");
const kind = document.getElementById("data-kind");
const purged = document.getElementById("data-purged");
const base = holder.dataset.url;
let timer = null;

const list = new DatumList({
  holder,
  search,
  filters: () => ({ kind: kind.value, purged: purged.checked ? "1" : "" }),
  onLoad: (total, query) => history.replaceState(null, "", query.size ? `${base}?${query}` : base),
});

function refreshSoon() {
  timer ??= setTimeout(() => {
    timer = null;
    if (!document.hidden) list.load();
  }, REFRESH_MS);
}

kind.addEventListener("change", () => list.first());
purged.addEventListener("change", () => list.first());
connect(holder.dataset.socket, { onMessage: (message) => { if (message.type === "data") refreshSoon(); } });
installPreviews();
installUploads(() => list.first());
