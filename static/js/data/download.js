/* Saves a file through a signed address, which the browser follows without our session. */

import { api, errorText } from "../lib/api.js";
import { toast } from "../lib/toast.js";

export async function downloadDatum(id) {
  const answer = await api("GET", `/api/v0/data/${id}/download/`);
  if (!answer.ok || !answer.data?.url) {
    toast(errorText(answer), "error");
    return;
  }
  const link = document.createElement("a");
  link.href = answer.data.url;
  link.download = "";
  link.rel = "noopener";
  document.body.append(link);
  link.click();
  link.remove();
}
