import assert from "node:assert/strict";
import { test } from "node:test";

import { cornerOf, describe, noteOf, summaryOf } from "../../../../static/js/trace/kinds.js";

const same = (text) => text;
const version = { kind: "version", name: "faces/v1", files: 12000, size: 5e6, ctime: "2026-01-02T03:04:05Z" };

test("the summary has files and executions always, other kinds where there are any", () => {
  assert.equal(summaryOf([]), "0 files, 0 executions");
  const nodes = ["file", "execution", "execution", "version", "address", "address"].map((kind) => ({ kind }));
  assert.equal(summaryOf(nodes), "1 file, 2 executions, 1 dataset version, 2 addresses");
});

test("a version says how many files it stands for", () => {
  assert.match(noteOf(version, same), /^12,000 files · .* · 2026-01-02$/);
  assert.equal(describe(version), "Dataset version faces/v1, 12,000 files");
  assert.match(noteOf({ ...version, files: 1, deleted: true }, same), /^1 file · .* · deleted$/);
});

test("an address and an unknown kind are drawn, too", () => {
  assert.equal(describe({ kind: "address", name: "s3://b/x" }), "Address s3://b/x");
  assert.equal(describe({ kind: "model", name: "m" }), "model m");
  assert.ok(cornerOf({ kind: "model" }) > 0);
});

test("what is gone says so", () => {
  assert.equal(describe({ kind: "file", name: "a", purged: true }), "File a, purged");
  assert.equal(noteOf({ kind: "execution", step: "train", status: "complete", deleted: true }, same), "train · complete · deleted");
});
