/* Aliases: set one, point one to another file or back to an earlier one, delete one. */

import { installPreviews } from "../data/preview.js";
import { api, errorText } from "../lib/api.js";
import { ask } from "../lib/confirm.js";
import { toast } from "../lib/toast.js";

installPreviews();
const form = document.getElementById("alias-form");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, datum } = Object.fromEntries(new FormData(form));
  const answer = await point(name.trim(), datum.trim().replace("datum://", ""));
  if (answer.ok) return;
  const error = form.querySelector(".alias-error");
  error.textContent = errorText(answer);
  error.hidden = false;
  const button = form.querySelector("button");
  setTimeout(() => { button.disabled = false; button.classList.remove("is-busy"); });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !form) return;
  if (button.dataset.repoint) {
    form.elements.name.value = button.dataset.repoint;
    form.elements.datum.focus();
  } else if (button.dataset.pointBack) {
    pointBack(button.dataset.pointBack, button.dataset.name);
  } else if (button.dataset.deleteAlias) {
    remove(button.dataset);
  }
});

/* Loads the page again when it worked. */
async function point(name, datum) {
  const answer = await api("POST", "/api/v0/datum-aliases/", { project: form.dataset.project, name, datum });
  if (answer.ok) location.assign(location.pathname);
  return answer;
}

async function pointBack(datum, file) {
  const name = form.elements.name.value;
  const detail = `${name} means ${file} again. Executions that were created meanwhile keep the file that they got.`;
  if (!(await ask({ question: `Point ${name} back?`, detail, action: "Point back" }))) return;
  const answer = await point(name, datum);
  if (!answer.ok) toast(errorText(answer), "error");
}

async function remove({ deleteAlias, name, then }) {
  const detail = "Inputs that use the name no longer find a file. The file itself stays, and so does the history of the name.";
  if (!(await ask({ question: `Delete the alias ${name}?`, detail, action: "Delete" }))) return;
  const answer = await api("DELETE", `/api/v0/datum-aliases/${deleteAlias}/`);
  if (answer.ok) location.assign(then ?? location.pathname);
  else toast(errorText(answer), "error");
}
