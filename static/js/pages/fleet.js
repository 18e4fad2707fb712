// Pages of environments and machines look again every few seconds, while somebody sees them and decides on nothing.

const INTERVAL_MS = 5000;

function isAsked() {
  return document.hidden || document.querySelector("dialog[open]") !== null;
}

setInterval(() => {
  if (isAsked()) return;
  for (const part of document.querySelectorAll("[data-refreshes]")) part.dispatchEvent(new CustomEvent("refresh"));
}, INTERVAL_MS);
