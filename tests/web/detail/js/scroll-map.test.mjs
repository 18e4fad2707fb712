import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_HEIGHT, anchorAt, barHeight, isExact, topOf } from "../../../../static/js/log/scroll-map.js";

const metrics = (lines, wraps = false) => {
  const rowHeight = 20;
  return { lines, rowHeight, view: 600, exact: isExact(lines, rowHeight, wraps) };
};

test("a short log scrolls pixel by pixel", () => {
  const short = metrics(1000);
  assert.ok(short.exact);
  assert.deepEqual(anchorAt(410, short), { line: 20, offset: 10 });
  assert.equal(topOf({ line: 20, offset: 10 }, short), 410);
});

test("the bar of a huge log stays below what browsers allow, and reaches both ends", () => {
  const huge = metrics(50_000_000);
  assert.equal(barHeight(huge.lines, 20), MAX_HEIGHT);
  assert.deepEqual(anchorAt(0, huge), { line: 0, offset: 0 });
  const end = anchorAt(MAX_HEIGHT - 600, huge);
  assert.equal(end.line, 50_000_000 - 30);
});

test("every line of a huge log has its place on the bar", () => {
  const huge = metrics(10_000_000);
  for (const line of [0, 1, 12_345, 5_000_000, 9_999_970]) {
    const back = anchorAt(topOf({ line, offset: 0 }, huge), huge);
    assert.ok(Math.abs(back.line - line) <= 1, `${line} came back as ${back.line}`);
  }
});

test("an empty log and a log shorter than the screen do no harm", () => {
  assert.deepEqual(anchorAt(0, metrics(0)), { line: 0, offset: 0 });
  assert.equal(topOf({ line: 3, offset: 0 }, metrics(5)), 0);
});
