/* Stop, delete, title, tags, "show as API call": each is one call of the public API. */

import { api, errorText } from "../lib/api.js";
import { ask } from "../lib/confirm.js";
import { curlCommand } from "../lib/execution-payload.js";
import { icon } from "../lib/icon.js";
import { toast } from "../lib/toast.js";

export function installActions({ apiUrl, projectUrl, onStopAsked }) {
  document.getElementById("stop")?.addEventListener("click", (event) => stop(event.currentTarget, apiUrl, onStopAsked));
  document.getElementById("delete")?.addEventListener("click", () => remove(apiUrl, projectUrl));
  document.getElementById("show-api-call")?.addEventListener("click", () => showApiCall(apiUrl));
  installTitle(apiUrl);
  installTags(apiUrl, projectUrl);
}

async function stop(button, apiUrl, onStopAsked) {
  const forced = Boolean(button.dataset.forced);
  const question = forced
    ? {
      question: "End the job at once?",
      detail: "It gets no more time to save anything. Outputs that are uploaded already are kept.",
      action: "Force stop",
    }
    : {
      question: "Stop this execution?",
      detail: "The job is asked to end and has time to save its outputs. What it has written so far is kept.",
      action: "Stop",
    };
  if (!(await ask(question))) return;
  button.disabled = true;
  const answer = await api("POST", `${apiUrl}stop/`);
  button.disabled = false;
  if (!answer.ok) toast(errorText(answer), "error");
  else onStopAsked(forced);
}

async function remove(apiUrl, projectUrl) {
  const question = "Delete this execution?";
  const detail = "It disappears from the list and its number is not used again. Its outputs stay in Data.";
  if (!(await ask({ question, detail, action: "Delete" }))) return;
  const answer = await api("DELETE", apiUrl);
  if (answer.ok) location.assign(projectUrl);
  else toast(errorText(answer), "error");
}

async function showApiCall(apiUrl) {
  const answer = await api("GET", `${apiUrl}spec/`);
  if (!answer.ok) {
    toast(errorText(answer), "error");
    return;
  }
  document.getElementById("api-curl").textContent = curlCommand(location.origin, answer.data);
  document.getElementById("api-json").textContent = JSON.stringify(answer.data, null, 2);
  document.getElementById("api-call").showModal();
}

/* ---- title ---- */

function installTitle(apiUrl) {
  const row = document.getElementById("title");
  const part = (name) => row.querySelector(`[data-title="${name}"]`);
  const form = part("form");
  if (!form) return;
  const heading = row.querySelector("h1");
  const input = form.elements.title;
  let saved = input.value;

  const edit = (on) => {
    form.hidden = !on;
    heading.hidden = on;
    part("edit").hidden = on;
    if (on) {
      input.value = saved;
      input.select();
    } else {
      part("edit").focus();
    }
  };
  part("edit").addEventListener("click", () => edit(true));
  part("text").addEventListener("dblclick", () => edit(true));
  part("cancel").addEventListener("click", () => edit(false));
  input.addEventListener("keydown", (event) => { if (event.key === "Escape") edit(false); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await api("PATCH", apiUrl, { title: input.value.trim() });
    if (!answer.ok) {
      toast(errorText(answer), "error");
      return;
    }
    saved = answer.data.title;
    part("text").textContent = saved || row.dataset.step;
    edit(false);
  });
}

/* ---- tags ---- */

function installTags(apiUrl, projectUrl) {
  // The Details tab is drawn again while the execution runs, so the page listens for its editor.
  const panel = document.getElementById("panel-details");
  const current = () => [...panel.querySelectorAll("[data-tag]")].map((chip) => chip.dataset.tag);

  const save = async (tags) => {
    const answer = await api("PATCH", apiUrl, { tags });
    if (!answer.ok) toast(errorText(answer), "error");
    else panel.querySelector('[data-tags="list"]').replaceChildren(...answer.data.tags.map((tag) => chipOf(tag, projectUrl)));
    return answer.ok;
  };
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-tag]");
    if (!button) return;
    save(current().filter((tag) => tag !== button.dataset.removeTag));
    panel.querySelector(".tag-input")?.focus();
  });
  panel.addEventListener("submit", async (event) => {
    if (event.target.dataset.tags !== "form") return;
    event.preventDefault();
    const input = event.target.elements.tag;
    const added = input.value.split(",").map((tag) => tag.trim()).filter(Boolean);
    if (added.length && (await save([...new Set([...current(), ...added])]))) input.value = "";
    input.focus();
  });
}

function chipOf(tag, projectUrl) {
  const chip = document.createElement("span");
  chip.className = "chip";
  chip.dataset.tag = tag;
  const link = document.createElement("a");
  link.href = `${projectUrl}?tag=${encodeURIComponent(tag)}`;
  link.textContent = tag;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "chip-remove";
  remove.dataset.removeTag = tag;
  remove.setAttribute("aria-label", `Remove the tag ${tag}`);
  remove.append(icon("x"));
  chip.append(link, remove);
  return chip;
}
