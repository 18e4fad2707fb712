/* Asks whether to purge a file, and does it. Resolves to whether it is done. */

import { api, errorText } from "../lib/api.js";
import { ask } from "../lib/confirm.js";
import { toast } from "../lib/toast.js";

export async function purgeDatum(id, name) {
  const detail = "The bytes are deleted for good. The record of the file stays, so that old executions still say what they used.";
  if (!(await ask({ question: `Purge ${name}?`, detail, action: "Purge" }))) return false;
  const answer = await api("POST", `/api/v0/data/${id}/purge/`);
  if (!answer.ok) toast(errorText(answer), "error");
  return answer.ok;
}
