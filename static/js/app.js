/* What every page has: theme switch, menus, copy buttons, confirmations, toasts, clocks, htmx wiring. */

import { csrfToken } from "./lib/api.js";
import { installConfirmations } from "./lib/confirm.js";
import { installCopyButtons } from "./lib/copy.js";
import { installMenus } from "./lib/menu.js";
import { refreshTimes, startClocks } from "./lib/time.js";
import { adoptToasts, toast } from "./lib/toast.js";

installMenus();
installCopyButtons();
installConfirmations();
adoptToasts();
startClocks();

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-set-theme]")?.dataset.setTheme;
  if (choice) window.setTheme(choice);
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) document.querySelector(opener.dataset.openDialog).showModal();
  const closer = event.target.closest("[data-close-dialog]");
  if (closer) closer.closest("dialog").close();
});

/* A click on the backdrop closes a dialog. */
document.addEventListener("mousedown", (event) => {
  if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right
      && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});

/* "/" goes to the page's search box. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

/* A form that is on its way cannot be sent twice. */
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button || event.target.method === "dialog") return;
  setTimeout(() => { button.disabled = true; button.classList.add("is-busy"); });
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll(".is-busy")) {
    button.disabled = false;
    button.classList.remove("is-busy");
  }
});

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrfToken();
});
document.addEventListener("htmx:load", (event) => refreshTimes(event.target.parentNode || document));
document.addEventListener("toast", (event) => toast(event.detail.message, event.detail.kind));
document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Check your connection.", "error"));
document.addEventListener("htmx:responseError", (event) => {
  const { status, responseText } = event.detail.xhr;
  if (status === 401) location.reload(); // the session ended: the reload leads to the login page
  const plain = (event.detail.xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  toast(plain && responseText ? responseText : `The server answered ${status}.`, "error");
});
