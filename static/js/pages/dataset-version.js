/* The files of a version: search, pages, previews. */

import { DatumList } from "../data/datum-list.js";
import { installPreviews } from "../data/preview.js";

const holder = document.getElementById("file-list");

new DatumList({
  holder,
  search: document.getElementById("file-search"),
  onLoad: (total, query) => history.replaceState(null, "", query.size ? `${holder.dataset.url}?${query}` : holder.dataset.url),
});
installPreviews();
