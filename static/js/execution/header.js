/* The head of the page follows the execution's state. */

import { isFinal, statusBadge } from "../lib/status.js";
import { formatDuration } from "../lib/time.js";

const MARKS = { created: "…", queued: "…", started: "▶", stopping: "■", complete: "✓", error: "✗", crashed: "✗", stopped: "■" };
const baseTitle = document.title;
const byId = (id) => document.getElementById(id);

export function showState(state, before) {
  document.title = `${MARKS[state.status] ?? ""} ${baseTitle}`.trim();
  if (state.status !== before?.status) byId("status-badge").replaceChildren(statusBadge(state.status));
  showText("status-detail", state.status_detail);
  showAlerts(state.alert_count ?? 0);
  showNotice("waiting", state.waiting_reason && !isFinal(state.status) ? state.waiting_reason : "", "div > span");
  showNotice("problem", isFinal(state.status) ? state.error_text : "", ".problem-text");
  showDuration(state);
  showButtons(state);
}

function showText(id, text) {
  const element = byId(id);
  element.hidden = !text;
  if (element.textContent !== (text ?? "")) element.textContent = text ?? "";
}

function showAlerts(number) {
  const badge = byId("alert-badge");
  badge.hidden = !number;
  badge.querySelector(".num").textContent = number;
  badge.querySelector("[data-word]").textContent = number === 1 ? "alert" : "alerts";
}

function showNotice(id, text, part) {
  const notice = byId(id);
  const holder = notice.querySelector(part);
  if (text && holder.textContent !== text) holder.textContent = text;
  notice.hidden = !text;
}

function showDuration({ started_at: start, ended_at: end }) {
  const holder = byId("header-duration");
  if (!start) {
    holder.textContent = "";
  } else if (end) {
    const span = document.createElement("span");
    span.className = "num";
    span.textContent = formatDuration((Date.parse(end) - Date.parse(start)) / 1000);
    holder.replaceChildren(span);
  } else if (holder.firstElementChild?.dataset.since !== start) {
    const span = document.createElement("span");
    span.className = "num";
    span.dataset.since = start; // kept going by lib/time.js
    span.textContent = formatDuration((Date.now() - Date.parse(start)) / 1000);
    holder.replaceChildren(span);
  }
}

function showButtons(state) {
  const stop = byId("stop");
  if (stop) {
    stop.hidden = isFinal(state.status);
    const forced = state.status === "stopping";
    stop.querySelector("span").textContent = forced ? "Force stop" : "Stop";
    stop.classList.toggle("btn-danger", forced);
    stop.dataset.forced = forced ? "1" : "";
    stop.disabled = Boolean(forced && state.kill_requested);
  }
  const remove = byId("delete");
  if (remove) remove.hidden = !isFinal(state.status) || Boolean(state.deleted);
}
