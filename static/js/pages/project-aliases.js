/* Aliases: set one, point one to another file. */

import { installPreviews } from "../data/preview.js";
import { api, errorText } from "../lib/api.js";

installPreviews();
const form = document.getElementById("alias-form");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, datum } = Object.fromEntries(new FormData(form));
  const answer = await api("POST", "/api/v0/datum-aliases/", {
    project: form.dataset.project, name: name.trim(), datum: datum.trim().replace("datum://", ""),
  });
  if (answer.ok) {
    location.assign(location.pathname);
    return;
  }
  const error = form.querySelector(".alias-error");
  error.textContent = errorText(answer);
  error.hidden = false;
  const button = form.querySelector("button");
  setTimeout(() => { button.disabled = false; button.classList.remove("is-busy"); });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-repoint]");
  if (!button || !form) return;
  form.elements.name.value = button.dataset.repoint;
  form.elements.datum.focus();
});
