import assert from "node:assert/strict";
import { test } from "node:test";

import * as kernels from "../../transformer_lab/widgets/engine/kernels.js";
import * as plain from "../../transformer_lab/widgets/engine/products.js";
import { randomNumbers, randomPacked } from "./numbers.js";

// JavaScript rounds in double precision, so here and there a number becomes the next one.
const ONE_STEP = 5e-4; // 1/32767 of the largest number in x, times a weight

function assertNear(some, others, largest) {
  assert.equal(some.length, others.length);
  const difference = some.reduce((most, value, i) => Math.max(most, Math.abs(value - others[i])), 0);
  assert.ok(difference < largest, `${difference}`);
}

test("the kernel of 32-bit floats gives what JavaScript gives", () => {
  for (const nRows of [1, 2, 3, 5, 8]) {
    for (const [nIn, nOut] of [[4, 1], [4, 3], [20, 5], [64, 64], [12, 931]]) {
      const x = randomNumbers(nRows * nIn);
      const weight = { shape: [nOut, nIn], values: randomNumbers(nOut * nIn, 2) };
      for (const bias of [null, { shape: [nOut], values: randomNumbers(nOut, 3) }]) {
        assertNear(kernels.linear(x, weight, bias), plain.linear(x, weight, bias), 1e-5);
      }
    }
  }
});

test("the kernels of packed weights give what JavaScript gives, the weights anywhere in their room", () => {
  for (const format of ["q4_1", "q8_0"]) {
    for (const [nRows, nIn, nOut] of [[0, 32, 3], [1, 32, 1], [1, 576, 5], [3, 64, 7], [5, 96, 33]]) {
      const weight = randomPacked(format, nOut, nIn);
      const room = kernels.roomFor(weight.packed.length + 13);
      const packed = room.subarray(13);
      packed.set(weight.packed);
      const x = randomNumbers(nRows * nIn);
      for (const bias of [null, { shape: [nOut], values: randomNumbers(nOut, 3) }]) {
        const expected = plain.linear(x, weight, bias);
        assertNear(kernels.linear(x, { ...weight, packed }, bias), expected, ONE_STEP);
      }
      assert.deepEqual(packed, weight.packed, "the workspace begins behind the room");
    }
  }
});

test("rows that the workspace does not hold at once are multiplied some at a time", () => {
  const weight = randomPacked("q8_0", 2000, 32);
  const packed = kernels.roomFor(weight.packed.length);
  packed.set(weight.packed);
  const x = randomNumbers(600 * 32);
  assertNear(kernels.linear(x, { ...weight, packed }, null), plain.linear(x, weight), ONE_STEP);
});

test("the kernels of attention give what JavaScript gives", () => {
  for (const heads of [{ nHeads: 4, nKvHeads: 2, headSize: 8 }, { nHeads: 3, nKvHeads: 1, headSize: 20 }]) {
    for (const [nQueries, nKeys] of [[1, 1], [1, 7], [5, 5], [3, 9]]) {
      const queries = randomNumbers(nQueries * heads.nHeads * heads.headSize);
      const nNumbers = nKeys * heads.nKvHeads * heads.headSize;
      const [keys, values] = [2, 3].map((seed) => randomNumbers(nNumbers, seed));
      const scores = kernels.headScores(queries, keys, heads);
      assertNear(scores, plain.headScores(queries, keys, heads), 1e-5);
      assertNear(kernels.mixHeads(scores, values, heads), plain.mixHeads(scores, values, heads), 1e-4);
    }
  }
});

test("the kernel of exponentials gives what JavaScript gives, and exactly 0 where nothing is left", () => {
  const x = Float32Array.from({ length: 1001 }, (_, i) => (i - 500) / 6); // from -83 to 83
  const y = x.slice();
  assert.ok(kernels.exp(y));
  y.forEach((value, i) => assert.ok(Math.abs(value / Math.exp(x[i]) - 1) < 1e-6, `${x[i]}: ${value}`));
  const edges = new Float32Array(16).fill(-Infinity);
  edges.set([0, NaN, 1000, -88]);
  kernels.exp(edges);
  assert.equal(edges[0], 1);
  assert.ok(Number.isNaN(edges[1]));
  assert.ok(edges[2] > 1e38);
  assert.ok(edges.subarray(3).every((value) => value === 0));
});

test("what the kernels do not multiply is left to JavaScript: odd rows, nothing, too much", () => {
  const matrix = (nOut, nIn) => ({ shape: [nOut, nIn], values: new Float32Array(nOut * nIn) });
  assert.equal(kernels.linear(new Float32Array(3), matrix(2, 3), null), null);
  assert.equal(kernels.linear(new Float32Array(0), matrix(2, 4), null), null);
  assert.equal(kernels.linear(new Float32Array(2048), matrix(1024, 2048), null), null);
  assert.equal(kernels.linear(new Float32Array(32), randomPacked("q4_1", 1, 32), null), null);
  const heads = { nHeads: 1, nKvHeads: 1, headSize: 2 };
  assert.equal(kernels.headScores(new Float32Array(2), new Float32Array(2), heads), null);
  assert.equal(kernels.mixHeads(new Float32Array(1), new Float32Array(2), heads), null);
  assert.ok(!kernels.exp(new Float32Array(3)));
  assert.ok(!kernels.exp(new Float64Array(64)));
});

test("where WebAssembly is missing, a room is ordinary memory, and JavaScript multiplies", async () => {
  const { WebAssembly: there } = globalThis;
  delete globalThis.WebAssembly;
  try {
    const without = await import("../../transformer_lab/widgets/engine/kernels.js?without");
    const room = without.roomFor(20);
    assert.deepEqual(room, new Uint8Array(20));
    const packed = { shape: [1, 32], packed: room, format: "q4_1" };
    const weight = { shape: [1, 32], values: new Float32Array(32) };
    for (const each of [packed, weight]) assert.equal(without.linear(new Float32Array(32), each, null), null);
  } finally {
    globalThis.WebAssembly = there;
  }
});
