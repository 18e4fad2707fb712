/* Short messages at the edge of the window. `kind` is info, success, warning or error. */

import { icon } from "./icon.js";

const ICONS = { info: "info-circle", success: "circle-check", warning: "alert-triangle", error: "alert-circle" };
const LIFETIME_MS = 6000;

export function toast(message, kind = "info") {
  const holder = document.getElementById("toasts");
  const item = document.createElement("div");
  item.className = `toast-item toast-${kind in ICONS ? kind : "info"}`;
  item.setAttribute("role", kind === "error" ? "alert" : "status");
  item.append(icon(ICONS[kind] || ICONS.info), textOf(message), closeButton(item));
  holder.append(item);
  arm(item, kind);
  return item;
}

/* Messages that the server rendered into the page get the same behaviour. */
export function adoptToasts(root = document) {
  for (const item of root.querySelectorAll("#toasts > .toast-item:not([data-armed])")) {
    item.querySelector("button")?.addEventListener("click", () => item.remove());
    arm(item, item.dataset.kind);
  }
}

function textOf(message) {
  const text = document.createElement("div");
  text.className = "toast-text";
  text.textContent = message;
  return text;
}

function closeButton(item) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn-plain";
  button.setAttribute("aria-label", "Dismiss");
  button.append(icon("x"));
  button.addEventListener("click", () => item.remove());
  return button;
}

function arm(item, kind) {
  item.dataset.armed = "1";
  if (kind === "error") return; // an error stays until it is read
  let timer = setTimeout(() => item.remove(), LIFETIME_MS);
  item.addEventListener("mouseenter", () => clearTimeout(timer));
  item.addEventListener("mouseleave", () => { timer = setTimeout(() => item.remove(), LIFETIME_MS); });
}
