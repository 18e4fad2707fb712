/* The page of one file: preview, download, purge. */

import { downloadDatum } from "../data/download.js";
import { installPreviews } from "../data/preview.js";
import { purgeDatum } from "../data/purge.js";

installPreviews();

document.addEventListener("click", async (event) => {
  const { download, purge, name } = event.target.closest("button")?.dataset ?? {};
  if (download) downloadDatum(download);
  else if (purge && (await purgeDatum(purge, name))) location.reload();
});
