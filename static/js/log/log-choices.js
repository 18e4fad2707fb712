/* How this browser likes to see logs; kept between pages. */

const KEY = "log-view";
const DEFAULTS = { times: "clock", wrap: false };
const TIMES = new Set(["clock", "elapsed", "off"]);

export function loadChoices() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) || "{}");
    return { times: TIMES.has(stored.times) ? stored.times : DEFAULTS.times, wrap: stored.wrap === true };
  } catch {
    return { ...DEFAULTS };
  }
}

export function saveChoices(choices) {
  try { localStorage.setItem(KEY, JSON.stringify(choices)); } catch { /* private mode: they last for this page */ }
}
