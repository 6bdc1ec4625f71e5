import assert from "node:assert/strict";
import { test } from "node:test";

import {
  columns, headScores, linear, mixHeads, rowsOf, softmaxInPlace,
} from "../../transformer_lab/widgets/engine/tensor.js";
import { matrix, mixRows, randomNumbers } from "./numbers.js";

const counted = (length) => Float32Array.from({ length }, (_, i) => (i % 7) - 3);

test("each number of x Wᵀ + b is a row of x times a row of W, however many rows there are", () => {
  const weight = matrix(counted(15), 3);
  const bias = { shape: [5], values: counted(5) };
  for (const nRows of [0, 1, 3, 4, 5, 8, 9]) {
    const x = counted(3 * nRows);
    const expected = rowsOf(x, 3).flatMap((row) => rowsOf(weight.values, 3).map((other, out) =>
      bias.values[out] + row[0] * other[0] + row[1] * other[1] + row[2] * other[2]));
    assert.deepEqual([...linear(x, weight, bias)], expected);
  }
});

test("a row gives the same to the last digit alone and among others", () => {
  const random = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * i));
  const weight = matrix(random.slice(0, 40), 8);
  const bias = { shape: [5], values: random.slice(3, 8) };
  const alone = rowsOf(random, 8).flatMap((row) => [...linear(row, weight, bias)]);
  assert.deepEqual([...linear(random, weight, bias)], alone);
});

test("a head meets its own keys and mixes its own values, which two heads may share", () => {
  const heads = { nHeads: 4, nKvHeads: 2, headSize: 3 };
  const [queries, keys, values] = [5 * 12, 7 * 6, 7 * 6].map((length) => randomNumbers(length));
  const scores = headScores(queries, keys, heads);
  const mixed = mixHeads(scores, values, heads);
  for (const head of [0, 1, 2, 3]) {
    const own = (x) => matrix(columns(x, 6, head < 2 ? 0 : 3, 3), 3);
    const expected = linear(columns(queries, 12, 3 * head, 3), own(keys));
    assert.deepEqual(scores.subarray(35 * head, 35 * (head + 1)), expected);
    assert.deepEqual(columns(mixed, 12, 3 * head, 3), mixRows(expected, own(values)));
  }
});

test("a softmax adds up to 1, hides what is at minus infinity, and does not overflow", () => {
  const weights = softmaxInPlace(Float64Array.of(1e4, 1e4, -Infinity, 1e4 - 1));
  assert.equal(weights[2], 0);
  assert.equal(weights[0], weights[1]);
  assert.ok(Math.abs(weights[1] / weights[3] - Math.E) < 1e-9);
  assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight) - 1) < 1e-12);
});
