import assert from "node:assert/strict";
import { test } from "node:test";

import { LineStore, PAGE_LINES } from "../../../../static/js/log/log-model.js";

const segment = (first, count, kind = "o") => ({
  k: kind, t: 1_000_000 + first, p: Array.from({ length: count }, (_, i) => `line ${first + i}`).join("\n"),
});

test("lines are found under their numbers, with their own times", () => {
  const store = new LineStore();
  assert.equal(store.putSegments(0, [segment(0, 2), segment(2, 1, "e")]), 3);
  assert.deepEqual(store.get(1), { number: 1, time: 1_000_001, kind: "o", text: "line 1" });
  assert.equal(store.get(2).kind, "e");
  assert.equal(store.get(3), null);
  assert.equal(store.total, 3);
});

test("an empty line is a line", () => {
  const store = new LineStore();
  store.putSegments(0, [{ k: "o", t: 1, p: "" }, { k: "o", t: 2, p: "\n" }]);
  assert.equal(store.total, 3);
  assert.equal(store.get(2).text, "");
  assert.equal(store.missing(0), null);
});

test("what arrives twice or overlaps is held once", () => {
  const store = new LineStore();
  store.putSegments(0, [segment(0, 10)]);
  store.putSegments(5, [segment(5, 10)]);
  assert.equal(store.heldLines, 15);
  assert.equal(store.get(14).text, "line 14");
});

test("a page says what of it is missing", () => {
  const store = new LineStore();
  store.grow(PAGE_LINES * 2 + 10);
  assert.deepEqual(store.missing(0), { first: 0, count: PAGE_LINES });
  assert.deepEqual(store.missing(2), { first: PAGE_LINES * 2, count: 10 });
  store.putSegments(0, [segment(0, 100)]);
  assert.deepEqual(store.missing(0), { first: 100, count: PAGE_LINES - 100 });
  store.putSegments(100, [segment(100, PAGE_LINES - 100)]);
  assert.equal(store.missing(0), null);
  assert.equal(store.missing(3), null);
});

test("the tail leaves a hole before it that can be filled", () => {
  const store = new LineStore();
  store.putSegments(PAGE_LINES + 20, [segment(PAGE_LINES + 20, 5)]);
  assert.equal(store.total, PAGE_LINES + 25);
  assert.deepEqual(store.missing(1), { first: PAGE_LINES, count: 25 });
  store.putSegments(PAGE_LINES, [segment(PAGE_LINES, 25)]);
  assert.equal(store.missing(1), null);
});

test("memory is bounded, and what was looked at last stays", () => {
  const store = new LineStore({ maxLines: PAGE_LINES * 4 });
  for (let page = 0; page < 50; page += 1) {
    store.putSegments(page * PAGE_LINES, [segment(page * PAGE_LINES, PAGE_LINES)]);
    store.get(0);
  }
  assert.ok(store.heldLines <= PAGE_LINES * 4);
  assert.equal(store.get(0).text, "line 0");
  assert.ok(store.has(50 * PAGE_LINES - 1));
  assert.ok(!store.has(10 * PAGE_LINES));
  assert.equal(store.total, 50 * PAGE_LINES);
});

test("long lines count by their characters", () => {
  const store = new LineStore({ maxCharacters: 1_000_000 });
  for (let page = 0; page < 10; page += 1) {
    store.putSegments(page * PAGE_LINES, [{ k: "o", t: 1, p: Array(PAGE_LINES).fill("x".repeat(1000)).join("\n") }]);
  }
  assert.ok(store.heldCharacters <= 1_000_000);
});
