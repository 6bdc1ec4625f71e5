import assert from "node:assert/strict";
import { test } from "node:test";

import {
  distribution, mostLikelyFirst, normal, sample, seededRandom,
} from "../../transformer_lab/widgets/engine/sampling.js";

const LOGITS = [0.5, 0.2, 0.2, 0.1].map(Math.log);
const rounded = (numbers) => [...numbers].map((number) => Number(number.toFixed(9)));

test("a model's own probabilities come back", () => {
  assert.deepEqual(rounded(distribution(LOGITS)), [0.5, 0.2, 0.2, 0.1]);
});

test("top-k keeps the likeliest, and of two equal ones the lower ID", () => {
  assert.deepEqual(mostLikelyFirst(LOGITS), [0, 1, 2, 3]);
  assert.deepEqual(rounded(distribution(LOGITS, { topK: 2 })), [0.714285714, 0.285714286, 0, 0]);
});

test("floats are put in the same order as other numbers, infinite and tiny ones too", () => {
  const odd = [0, -0, 1e-40, -1e-40, 3e38, -3e38, Infinity, -Infinity, 1, -1];
  const random = seededRandom(2);
  for (let n = 1; n < 60; n++) {
    const scores = Array.from({ length: n }, () => odd[Math.floor(20 * random())] ?? 1 + random());
    const floats = Float32Array.from(scores);
    const later = (a, b) => Number(floats[b] > floats[a]) - Number(floats[b] < floats[a]);
    const expected = [...floats.keys()].sort((a, b) => later(a, b) || a - b);
    assert.deepEqual(mostLikelyFirst(floats), expected);
  }
});

test("top-p keeps the token that crosses the line, and always the likeliest", () => {
  assert.deepEqual(rounded(distribution(LOGITS, { topP: 0.6 })), [0.714285714, 0.285714286, 0, 0]);
  assert.deepEqual(rounded(distribution(LOGITS, { topP: 0.01 })), [1, 0, 0, 0]);
});

test("a low temperature sharpens and never gives what is no number", () => {
  assert.deepEqual(rounded(distribution(LOGITS, { temperature: 0 })), [1, 0, 0, 0]);
  assert.deepEqual(rounded(distribution(LOGITS, { temperature: 1e-320 })), [1, 0, 0, 0]);
  assert.throws(() => distribution(LOGITS, { temperature: NaN }), RangeError);
});

test("a point of the line falls on one token", () => {
  const drawn = [0, 0.49, 0.5, 0.89, 0.9, 0.999].map((point) => sample([0.1, 0.5, 0.4], () => point));
  assert.deepEqual(drawn, [1, 1, 2, 2, 0, 0]);
});

test("normal draws have mean 0 and variance 1, and the same seed gives the same ones", () => {
  const draws = Array.from({ length: 20_000 }, normal(seededRandom(1)));
  const mean = draws.reduce((sum, x) => sum + x) / draws.length;
  const variance = draws.reduce((sum, x) => sum + x * x, 0) / draws.length;
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.03);
  assert.equal(normal(seededRandom(1))(), draws[0]);
});
