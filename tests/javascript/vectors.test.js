import assert from "node:assert/strict";
import { test } from "node:test";

import { seededRandom } from "../../transformer_lab/widgets/engine/sampling.js";
import { centred, dot, principalDirections } from "../../transformer_lab/widgets/engine/vectors.js";

// n rows of `size` numbers, each with a spread of its own.
function someRows(n, size) {
  const random = seededRandom(1);
  return centred(Array.from({ length: n }, () =>
    Array.from({ length: size }, (_, i) => (random() - 0.5) * (1 + (i % 7)))));
}

for (const [n, size] of [[40, 6], [6, 40]]) {
  test(`the directions of ${n} rows of ${size} numbers are at right angles and fall in spread`, () => {
    const rows = someRows(n, size);
    const directions = principalDirections(rows);
    assert.equal(directions.length, 6);
    const spreads = directions.map((one) => rows.reduce((sum, row) => sum + dot(row, one) ** 2, 0));
    assert.deepEqual(spreads, [...spreads].sort((a, b) => b - a));
    const total = rows.reduce((sum, row) => sum + dot(row, row), 0);
    assert.ok(Math.abs(spreads.reduce((sum, spread) => sum + spread) / total - 1) < 1e-9);
    directions.slice(0, 5).forEach((a, i) => directions.slice(0, 5).forEach((b, j) =>
      assert.ok(Math.abs(dot(a, b) - Number(i === j)) < 1e-9)));
  });
}

test("rows that are all the same have no spread in any direction", () => {
  for (const direction of principalDirections([[0, 0, 0], [0, 0, 0]])) {
    assert.deepEqual(direction, [0, 0, 0]);
  }
});
