/* Copy buttons: `data-copy="text"`, or `data-copy-from="#id"` for the text or value of another element. */

import { toast } from "./toast.js";

export async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Plain http on another host than localhost has no clipboard API.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  (document.querySelector("dialog[open]") || document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function installCopyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    event.preventDefault();
    try {
      await copyText(sourceText(button));
      flash(button);
    } catch {
      toast("The browser refused to copy. Select the text and copy it by hand.", "error");
    }
  });
}

function sourceText(button) {
  if (button.dataset.copy !== undefined) return button.dataset.copy;
  const source = document.querySelector(button.dataset.copyFrom);
  return source.value ?? source.textContent;
}

function flash(button) {
  button.classList.add("is-copied");
  setTimeout(() => button.classList.remove("is-copied"), 1500);
  const live = document.getElementById("live-region");
  if (live) live.textContent = "Copied";
}
