/* Which metadata keys can be drawn, and which are drawn when nobody has chosen. Pure. */

export const TIME = "_time";
export const INDEX = "_index";
const STEPS = ["global_step", "step", "steps", "iteration", "iter", "epoch", "batch"];
const MOST_BY_DEFAULT = 12;

const isNumeric = (value) => typeof value === "number" || typeof value === "boolean";

export function numericKeys(latest) {
  return Object.keys(latest).filter((key) => isNumeric(latest[key])).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

const isStep = (key) => STEPS.includes(key.toLowerCase().split(/[./]/).pop());

/* The most step-like key, else time. */
export function defaultX(keys) {
  for (const name of STEPS) {
    const found = keys.find((key) => key.toLowerCase().split(/[./]/).pop() === name);
    if (found) return found;
  }
  return TIME;
}

export function defaultChosen(keys) {
  const measures = keys.filter((key) => !isStep(key));
  return (measures.length ? measures : keys).slice(0, MOST_BY_DEFAULT);
}

/* A value as a table shows it; `full` is what a reader can hover for. */
export function shownValue(value) {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return { text: String(value), full: "" };
    const text = Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(6)));
    return { text, full: text === String(value) ? "" : String(value) };
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 200 ? { text: `${text.slice(0, 200)}…`, full: text.slice(0, 2000) } : { text, full: "" };
}
