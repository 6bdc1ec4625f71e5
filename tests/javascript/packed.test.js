import assert from "node:assert/strict";
import { test } from "node:test";

import { unpackRow } from "../../transformer_lab/widgets/engine/packed.js";
import { linear, rows } from "../../transformer_lab/widgets/engine/tensor.js";
import { matrix, randomNumbers, randomPacked } from "./numbers.js";

test("a packed row is what its blocks say", () => {
  const unpacked = (format, ...bytes) =>
    [...unpackRow({ shape: [1, 32], packed: Uint8Array.from(bytes), format }, 0)];
  const counted = Array.from({ length: 16 }, (_, i) => i);
  const [half, minusTwo] = [[0x00, 0x38], [0x00, 0xc0]]; // as 16-bit floats
  const up = counted.map((i) => i / 2 - 2);
  assert.deepEqual(unpacked("q4_1", ...half, ...minusTwo, ...counted.map((i) => i | ((15 - i) << 4))),
    [...up, ...up.toReversed()]);
  assert.deepEqual(unpacked("q8_0", ...half, ...counted, ...counted.map((i) => -i)),
    [...counted.map((i) => i / 2), ...counted.map((i) => -i / 2)].map((value) => value || 0));
});

for (const format of ["q4_1", "q8_0"]) {
  test(`a product with ${format} is that with the numbers it stands for, but for the rounding of x`, () => {
    const weight = randomPacked(format, 5, 96);
    const unpacked = matrix(rows(weight, [0, 1, 2, 3, 4]), 96);
    const bias = { shape: [5], values: randomNumbers(5) };
    for (const nRows of [0, 1, 3, 4, 5]) {
      // Multiples of one number, up to 32767 times it in each block, are not rounded.
      const x = randomNumbers(nRows * 96)
        .map((value, i) => (i % 32 ? Math.round(10_000 * value) : 32767) / 1024);
      const [packed, exact] = [weight, unpacked].map((matrix) => linear(x, matrix, bias));
      packed.forEach((value, i) => assert.ok(Math.abs(value - exact[i]) < 1e-3, `${value} ${exact[i]}`));
    }
  });
}

test("zeros are rounded to zeros, and what is no number stays none", () => {
  const weight = randomPacked("q4_1", 2, 32);
  assert.deepEqual([...linear(new Float32Array(32), weight)], [0, 0]);
  assert.ok(linear(new Float32Array(32).fill(NaN), weight).every(Number.isNaN));
});
