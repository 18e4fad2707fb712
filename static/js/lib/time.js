/* Relative times and running durations, kept up to date from the attributes that the server wrote. */

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const UNITS = [[31536000, "year"], [2592000, "month"], [86400, "day"], [3600, "hour"], [60, "minute"]];

export function formatRelative(moment, now = Date.now()) {
  const seconds = (moment - now) / 1000;
  if (Math.abs(seconds) < 45) return "just now";
  const [size, unit] = UNITS.find(([size]) => Math.abs(seconds) >= size) || UNITS[UNITS.length - 1];
  return relative.format(Math.round(seconds / size) || Math.sign(seconds), unit);
}

export function formatExact(moment) {
  return exact.format(moment);
}

/* The same two-unit text as the template filter `duration`. */
export function formatDuration(seconds) {
  const two = (n) => String(n).padStart(2, "0");
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const s = Math.floor(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${two(Math.floor((s % 3600) / 60))}m`;
  return `${Math.floor(s / 86400)}d ${two(Math.floor((s % 86400) / 3600))}h`;
}

export function refreshTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const moment = Date.parse(element.dateTime);
    element.textContent = formatRelative(moment);
    if (!element.title) element.title = formatExact(moment);
  }
}

function refreshDurations() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = formatDuration((Date.now() - Date.parse(element.dataset.since)) / 1000);
  }
}

export function startClocks() {
  refreshTimes();
  setInterval(refreshTimes, 30000);
  setInterval(refreshDurations, 1000);
}
