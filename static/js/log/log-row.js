/* One line of the log as an element. Text only ever goes in as text. */

import { clip, parseLine } from "./ansi.js";
import { clockTime, elapsedTime, exactTime } from "./log-time.js";

const KINDS = { o: "stdout", e: "stderr", s: "status" };

/* options: { times: "clock" | "elapsed" | "off", start, marks: [text, ...], picked: { first, last } | null,
   unfolded: Set of line numbers }. A null line is one that is still on its way. */
export function drawRow(line, options) {
  const row = document.createElement("div");
  if (!line) {
    row.className = "log-row is-loading";
    return row;
  }
  row.className = `log-row log-${KINDS[line.kind] || "stdout"}`;
  row.dataset.line = line.number;
  const { picked } = options;
  row.classList.toggle("is-picked", Boolean(picked) && line.number >= picked.first && line.number <= picked.last);
  row.append(numberLink(line.number));
  if (options.times !== "off") row.append(timeOf(line, options));
  row.append(textOf(line, options));
  return row;
}

function numberLink(number) {
  const link = document.createElement("a");
  link.className = "log-number";
  link.href = `#log-L${number + 1}`;
  link.tabIndex = -1;
  link.dataset.number = number + 1; // drawn by the style sheet, so that copied text has no numbers in it
  link.setAttribute("aria-label", `Line ${number + 1}`);
  return link;
}

function timeOf(line, { times, start }) {
  const element = document.createElement("span");
  element.className = "log-time";
  element.dataset.time = times === "elapsed" ? elapsedTime(line.time, start) : clockTime(line.time);
  element.title = exactTime(line.time);
  return element;
}

function textOf(line, { marks, unfolded }) {
  const element = document.createElement("span");
  element.className = "log-text";
  const { text, hidden } = unfolded.has(line.number) ? { text: line.text, hidden: 0 } : clip(line.text);
  for (const run of parseLine(text)) appendRun(element, run, marks);
  if (hidden) {
    const more = document.createElement("button");
    more.type = "button";
    more.className = "log-more";
    more.dataset.unfold = line.number;
    more.textContent = `show ${hidden.toLocaleString("en")} more characters`;
    element.append(more);
  }
  return element;
}

function appendRun(parent, { text, style }, marks) {
  let holder = parent;
  if (style) {
    holder = document.createElement("span");
    holder.className = style.classes;
    if (style.color) holder.style.color = style.color;
    if (style.background) holder.style.backgroundColor = style.background;
    parent.append(holder);
  }
  for (const [part, marked] of marks.length ? splitAtMarks(text, marks) : [[text, false]]) {
    if (!marked) {
      holder.append(part);
      continue;
    }
    const mark = document.createElement("mark");
    mark.textContent = part;
    holder.append(mark);
  }
}

/* Splits text at every occurrence of the first mark that occurs, whatever its case. */
function* splitAtMarks(text, marks) {
  const lower = text.toLowerCase();
  const wanted = marks.map((mark) => mark.toLowerCase()).find((mark) => lower.includes(mark));
  if (!wanted || lower.length !== text.length) {
    yield [text, false];
    return;
  }
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    if (at > from) yield [text.slice(from, at), false];
    from = at + wanted.length;
    yield [text.slice(at, from), true];
  }
  if (from < text.length) yield [text.slice(from), false];
}
