import assert from "node:assert/strict";
import { test } from "node:test";

import { stateOfApi } from "../../../../static/js/execution/state-of-api.js";
import { formatBytes } from "../../../../static/js/lib/units.js";
import { TIME, defaultChosen, defaultX, numericKeys, shownValue } from "../../../../static/js/metadata/keys.js";
import { smooth } from "../../../../static/js/metadata/smoothing.js";
import { tickTime } from "../../../../static/js/metadata/time-axis.js";

test("numbers and booleans can be drawn, in natural order", () => {
  assert.deepEqual(numericKeys({ b: 1, a10: 2, a9: true, text: "x", list: [1] }), ["a9", "a10", "b"]);
});

test("the step is the axis, not a metric", () => {
  const keys = ["epoch", "loss", "train/global_step"];
  assert.equal(defaultX(keys), "train/global_step");
  assert.deepEqual(defaultChosen(keys), ["loss"]);
  assert.equal(defaultX(["loss"]), TIME);
  assert.deepEqual(defaultChosen(["step"]), ["step"]);
});

test("smoothing begins at the first value, keeps gaps and a constant", () => {
  assert.equal(smooth([5, 7], 0.9)[0], 5);
  assert.deepEqual(smooth([2, null, 2], 0.5), [2, null, 2]);
  const values = [1, 2];
  assert.equal(smooth(values, 0), values);
  const [, second] = smooth([0, 10], 0.9);
  assert.ok(second > 5 && second < 5.5);
});

test("values are short, and whole on demand", () => {
  assert.deepEqual(shownValue(0.123456789), { text: "0.123457", full: "0.123456789" });
  assert.deepEqual(shownValue(12), { text: "12", full: "" });
  assert.deepEqual(shownValue({ a: [1] }), { text: '{"a":[1]}', full: "" });
  assert.equal(shownValue("x".repeat(500)).text.length, 201);
});

test("sizes", () => {
  assert.deepEqual([0, 1, 1023, 1024, 1536 * 1024, 200 * 1024 ** 3].map(formatBytes),
    ["0 bytes", "1 byte", "1023 bytes", "1.0 KB", "1.5 MB", "200 GB"]);
});

test("ticks are as exact as their distance", () => {
  const at = new Date(2026, 2, 4, 15, 4, 5, 250).getTime() / 1000;
  assert.equal(tickTime(at, 0.25), "15:04:05.250");
  assert.equal(tickTime(at, 5), "15:04:05");
  assert.equal(tickTime(at, 600), "15:04");
});

test("polling tells the same as the socket", () => {
  const state = stateOfApi({ status: "started", status_detail: null, start_time: "t", n_outputs: 3, executor_identity: "w" });
  assert.equal(state.status_detail, "");
  assert.equal(state.started_at, "t");
  assert.equal(state.output_count, 3);
});
