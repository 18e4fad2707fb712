/* One raw log line -> what a terminal would show of it, as styled runs: [{ text, style }].

   A style is null or { classes, color, background }. Nothing here touches the page; whoever draws a run sets textContent,
   so that a job's output can never become markup. Escape sequences that mean nothing in one line are dropped. */

export const MAX_SHOWN = 4000;

const PLAIN = /^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$/;
const MOVES = /[\r\x08]|\x1b\[[0-9;]*[CDGK]/;
const TOKEN = new RegExp(
  [
    "(?:\\x1b\\[|\\x9b)([0-?]*)[ -/]*([@-~])", // CSI: parameters and final byte
    "(?:\\x1b\\[|\\x9b)[0-?]*", // one that was cut off
    "\\x1b[\\]PX^_][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)?", // OSC and other strings
    "\\x1b[ -/]*[0-~]?", // any other escape
    "[\\x00-\\x08\\x0a-\\x1f\\x7f-\\x9f]",
  ].join("|"),
  "g",
);

/* What fits on screen of a huge line. Of a progress bar that rewrites itself, the newest part counts. */
export function clip(raw, limit = MAX_SHOWN) {
  if (raw.length <= limit) return { text: raw, hidden: 0 };
  const end = raw.slice(-limit);
  const restart = end.indexOf("\r");
  if (restart >= 0 && restart < end.length - 1) return { text: end.slice(restart + 1), hidden: 0 };
  return { text: raw.slice(0, limit), hidden: raw.length - limit };
}

export function parseLine(raw) {
  if (PLAIN.test(raw)) return raw ? [{ text: raw, style: null }] : [];
  const line = raw.replace(/\r+$/, "");
  const sheet = MOVES.test(line) ? new Cells() : new Runs();
  let style = PLAIN_STYLE;
  let from = 0;
  for (const token of line.matchAll(TOKEN)) {
    if (token.index > from) sheet.write(line.slice(from, token.index), style);
    from = token.index + token[0].length;
    if (token[2] === "m") style = restyled(style, token[1]);
    else if (token[2]) sheet.control(token[2], token[1]);
    else if (token[0] === "\r") sheet.control("G", "1");
    else if (token[0] === "\b") sheet.control("D", "1");
    else if (token[0].length === 1 && token[0] < " " && !"\x07\x1b".includes(token[0])) {
      sheet.write(String.fromCharCode(0x2400 + token[0].charCodeAt(0)), style);
    }
  }
  if (from < line.length) sheet.write(line.slice(from), style);
  return sheet.runs();
}

/* The text without any styling, as the filter and the clipboard want it. */
export function plainText(raw) {
  return PLAIN.test(raw) ? raw : parseLine(raw).map((run) => run.text).join("");
}

/* Text that only ever goes forward. */
class Runs {
  #runs = [];

  write(text, style) {
    const last = this.#runs[this.#runs.length - 1];
    const shown = appearance(style);
    if (last && last.style === shown) last.text += text;
    else this.#runs.push({ text, style: shown });
  }

  control() {}

  runs() {
    return this.#runs;
  }
}

/* Text that goes back over itself: one cell per character. */
class Cells {
  #cells = [];
  #column = 0;

  write(text, style) {
    const shown = appearance(style);
    for (const character of text) {
      while (this.#cells.length < this.#column) this.#cells.push({ character: " ", style: null });
      this.#cells[this.#column] = { character, style: shown };
      this.#column += 1;
    }
  }

  control(final, parameters) {
    const amount = Math.min(Number.parseInt(parameters, 10) || 0, MAX_SHOWN);
    if (final === "G") this.#column = Math.max(amount, 1) - 1;
    else if (final === "D") this.#column = Math.max(this.#column - Math.max(amount, 1), 0);
    else if (final === "C") this.#column = Math.min(this.#column + Math.max(amount, 1), MAX_SHOWN);
    else if (final === "K") this.#erase(amount);
  }

  #erase(mode) {
    const end = this.#cells.length;
    const [from, to] = mode === 0 ? [this.#column, end] : [0, mode === 1 ? this.#column + 1 : end];
    for (let i = from; i < Math.min(to, end); i += 1) this.#cells[i] = { character: " ", style: null };
    if (mode !== 1) this.#cells.length = Math.min(from, end);
  }

  runs() {
    const joined = [];
    for (const { character, style } of this.#cells) {
      const last = joined[joined.length - 1];
      if (last && last.style === style) last.text += character;
      else joined.push({ text: character, style });
    }
    return joined;
  }
}

/* ---- colours and attributes (SGR) ---- */

const PLAIN_STYLE = Object.freeze({ foreground: null, background: null, attributes: "", inverse: false });
const SET = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 9: "strike" };
const CLEAR = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 29: ["strike"] };

function restyled(style, parameters) {
  const codes = (parameters || "0").split(/[;:]/).map((code) => Number(code) || 0);
  let next = { ...style };
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i];
    if (code === 0) next = { ...PLAIN_STYLE };
    else if (SET[code]) next.attributes = [...new Set([...next.attributes.split(" "), SET[code]])].filter(Boolean).join(" ");
    else if (code === 21) next.attributes = `${next.attributes} underline`.trim();
    else if (CLEAR[code]) {
      next.attributes = next.attributes.split(" ").filter((name) => !CLEAR[code].includes(name)).join(" ");
    } else if (code === 7) next.inverse = true;
    else if (code === 27) next.inverse = false;
    else if (code >= 30 && code <= 37) next.foreground = code - 30;
    else if (code >= 90 && code <= 97) next.foreground = code - 82;
    else if (code === 39) next.foreground = null;
    else if (code >= 40 && code <= 47) next.background = code - 40;
    else if (code >= 100 && code <= 107) next.background = code - 92;
    else if (code === 49) next.background = null;
    else if (code === 38 || code === 48) {
      const [color, used] = extended(codes, i + 1, parameters.includes(":"));
      i += used;
      if (color !== undefined) next[code === 38 ? "foreground" : "background"] = color;
    }
  }
  return next;
}

/* "5;n" or "2;r;g;b"; with colons a colour space may stand before r. */
function extended(codes, at, colons) {
  if (codes[at] === 5) return [indexed(codes[at + 1]), 2];
  if (codes[at] !== 2) return [undefined, 1];
  const skip = colons && codes.length - at > 4 ? 1 : 0;
  const [r, g, b] = codes.slice(at + 1 + skip, at + 4 + skip);
  return [rgb(r, g, b), 4 + skip];
}

function indexed(n) {
  if (!(n >= 0 && n <= 255)) return undefined;
  if (n < 16) return n;
  if (n >= 232) return rgb(...Array(3).fill(8 + (n - 232) * 10));
  const level = (i) => (i ? 55 + i * 40 : 0);
  return rgb(level(Math.floor((n - 16) / 36)), level(Math.floor((n - 16) / 6) % 6), level((n - 16) % 6));
}

const rgb = (...parts) => `rgb(${parts.map((part) => Math.min(Math.max(part || 0, 0), 255)).join(", ")})`;

/* The same object for the same look, so that neighbours with one look become one run. */
const looks = new Map();

function appearance(style) {
  if (style === PLAIN_STYLE) return null;
  const { foreground, background, attributes, inverse } = style;
  if (foreground === null && background === null && !attributes && !inverse) return null;
  const key = `${foreground}|${background}|${attributes}|${inverse}`;
  let look = looks.get(key);
  if (!look) {
    if (looks.size > 2000) looks.clear(); // a job may print every colour there is
    look = lookOf(style);
    looks.set(key, look);
  }
  return look;
}

function lookOf({ foreground, background, attributes, inverse }) {
  const [front, back] = inverse ? [background ?? "back", foreground ?? "front"] : [foreground, background];
  const classes = attributes.split(" ").filter(Boolean).map((name) => `ansi-${name}`);
  if (typeof front === "number" || front === "back") classes.push(`ansi-fg-${front}`);
  if (typeof back === "number" || back === "front") classes.push(`ansi-bg-${back}`);
  const literal = (color) => (typeof color === "string" && color.startsWith("rgb") ? color : "");
  return { classes: classes.join(" "), color: literal(front), background: literal(back) };
}
