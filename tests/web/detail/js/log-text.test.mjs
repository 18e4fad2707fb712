import assert from "node:assert/strict";
import { test } from "node:test";

import { isFiltering, matcher } from "../../../../static/js/log/log-filter.js";
import { hashOfRange, rangeOfHash } from "../../../../static/js/log/log-links.js";
import { elapsedTime } from "../../../../static/js/log/log-time.js";

const everything = new Set(["o", "e", "s"]);
const line = (text, kind = "o") => ({ text, kind });

test("addresses of lines read back as they were written", () => {
  assert.deepEqual(rangeOfHash("#log-L12"), { first: 11, last: 11 });
  assert.deepEqual(rangeOfHash("#log-L20-L12"), { first: 11, last: 19 });
  assert.equal(hashOfRange({ first: 11, last: 19 }), "#log-L12-L20");
  for (const wrong of ["", "#log", "#log-L0", "#log-L-3", "#log-L12x", "#metadata"]) assert.equal(rangeOfHash(wrong), null);
});

test("a filter includes, excludes and knows streams", () => {
  const matches = matcher({ include: "Loss", exclude: "nan", streams: new Set(["o"]) });
  assert.ok(matches(line("LOSS 0.4")));
  assert.ok(!matches(line("loss NaN")));
  assert.ok(!matches(line("loss 0.4", "e")));
  assert.ok(!matches(line("accuracy")));
  assert.ok(!isFiltering({ include: "", exclude: "", streams: everything }));
  assert.ok(isFiltering({ include: "", exclude: "", streams: new Set(["o"]) }));
});

test("elapsed times count from the start, and before it they are negative", () => {
  assert.equal(elapsedTime(1_000_000, 1_000_000), "+00:00.000");
  assert.equal(elapsedTime(3_725_004_000, 0), "+1:02:05.004");
  assert.equal(elapsedTime(0, 1_500_000), "-00:01.500");
});
