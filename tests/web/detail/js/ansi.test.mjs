import assert from "node:assert/strict";
import { test } from "node:test";

import { clip, parseLine, plainText } from "../../../../static/js/log/ansi.js";

const texts = (raw) => parseLine(raw).map((run) => run.text);

test("a plain line is one unstyled run", () => {
  assert.deepEqual(parseLine("epoch 1\tloss 0.5"), [{ text: "epoch 1\tloss 0.5", style: null }]);
  assert.deepEqual(parseLine(""), []);
});

test("colours and attributes become classes, and a reset ends them", () => {
  const [red, bold, plain] = parseLine("\x1b[31mred\x1b[1m both\x1b[0m none");
  assert.equal(red.style.classes, "ansi-fg-1");
  assert.equal(bold.style.classes, "ansi-bold ansi-fg-1");
  assert.deepEqual(plain, { text: " none", style: null });
});

test("256 and true colours become colours, with semicolons and colons", () => {
  assert.equal(parseLine("\x1b[38;5;196mx")[0].style.color, "rgb(255, 0, 0)");
  assert.equal(parseLine("\x1b[38;5;1mx")[0].style.classes, "ansi-fg-1");
  assert.equal(parseLine("\x1b[48;2;1;2;3mx")[0].style.background, "rgb(1, 2, 3)");
  assert.equal(parseLine("\x1b[38:2::9:8:7mx")[0].style.color, "rgb(9, 8, 7)");
  assert.equal(parseLine("\x1b[38;2;999;0;3mx")[0].style.color, "rgb(255, 0, 3)");
  assert.equal(parseLine("\x1b[38;5;1;4mx")[0].style.classes, "ansi-underline ansi-fg-1");
});

test("inverse swaps the colours", () => {
  assert.equal(parseLine("\x1b[7mx")[0].style.classes, "ansi-fg-back ansi-bg-front");
  assert.equal(parseLine("\x1b[31;7mx")[0].style.classes, "ansi-fg-back ansi-bg-1");
  assert.equal(parseLine("\x1b[31;7;27mx")[0].style.classes, "ansi-fg-1");
});

test("a carriage return writes over what was there", () => {
  assert.deepEqual(texts("10%\r50%\r100%"), ["100%"]);
  assert.deepEqual(texts("abcdef\rxy"), ["xycdef"]);
  assert.deepEqual(texts("abcdef\r\x1b[Kxy"), ["xy"]);
  assert.deepEqual(texts("windows\r"), ["windows"]);
  assert.deepEqual(texts("abc\b\bX"), ["aXc"]);
  const runs = parseLine("\x1b[32mdone\rX");
  assert.deepEqual(runs.map((run) => [run.text, run.style.classes]), [["Xdone".slice(0, 1) + "one", "ansi-fg-2"]]);
});

test("links, titles, cursor games and stray controls leave no trace of escapes", () => {
  assert.equal(plainText("\x1b]8;;https://evil.example\x07text\x1b]8;;\x07"), "text");
  assert.equal(plainText("\x1b]0;title\x1b\\after"), "after");
  assert.equal(plainText("a\x1b[2Jb\x1b[?25lc\x1b(Bd\x07"), "abcd");
  assert.equal(plainText("\x1b"), "");
  assert.equal(plainText("\x1b[31"), "");
  assert.equal(plainText("a\x01b"), "a\u2401b");
  assert.equal(plainText("a\x9b31mb"), "ab");
});

test("markup stays text", () => {
  assert.deepEqual(texts("<img src=x onerror=alert(1)>"), ["<img src=x onerror=alert(1)>"]);
});

test("a hostile line is read in time that grows with its length", () => {
  const started = performance.now();
  parseLine("\x1b[".repeat(30_000));
  parseLine("\x1b]".repeat(30_000));
  parseLine(`\x1b[${"1;".repeat(30_000)}`);
  parseLine(`x\x1b[99999999C${"y\r".repeat(30_000)}`);
  assert.ok(performance.now() - started < 2000);
});

test("a huge line is cut, and of a progress bar the newest part is kept", () => {
  assert.deepEqual(clip("short"), { text: "short", hidden: 0 });
  assert.deepEqual(clip("x".repeat(10), 4), { text: "xxxx", hidden: 6 });
  assert.deepEqual(clip(`${"old\r".repeat(100)}newest`, 10), { text: "newest", hidden: 0 });
});
