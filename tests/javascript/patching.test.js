import assert from "node:assert/strict";
import { test } from "node:test";

import { Decoder } from "../../transformer_lab/widgets/engine/decoder.js";
import { TextPair, broughtOver, lens, patchedRun } from "../../transformer_lab/widgets/engine/patching.js";
import { distribution, mostLikelyFirst } from "../../transformer_lab/widgets/engine/sampling.js";
import { rows } from "../../transformer_lab/widgets/engine/tensor.js";
import { GPT } from "./files.js";
import { matrix, randomNumbers, randomPacked } from "./numbers.js";

const CONFIG = { ...GPT, tie_head: false };
const [OURS, THEIRS] = [[0, 7, 3, 9, 11], [0, 7, 7, 9, 11]]; // differ at token 2, and in what comes next

// Random weights; norms that scale by 1, so that what is said depends on the text. `asMatrix`
// makes a matrix of its shape and a seed.
function decoderOf(config, asMatrix = randomMatrix) {
  let seed = 1;
  const found = {
    under: () => found,
    get(name, shape) {
      seed += 1;
      if (shape.length > 1) return asMatrix(shape, seed);
      const isScale = name === "weight";
      return { shape, values: randomNumbers(shape[0], seed).map((value) => (isScale ? 1 : 0.1 * value)) };
    },
  };
  return new Decoder(config, found);
}

const randomMatrix = ([nOut, nIn], seed) =>
  ({ shape: [nOut, nIn], values: randomNumbers(nOut * nIn, seed).map((value) => 0.5 * value) });

const decoder = decoderOf(CONFIG);
const [ours, theirs] = [OURS, THEIRS].map((ids) => patchedRun(decoder, ids));

const same = (found, expected) => found.forEach((value, i) =>
  assert.ok(Math.abs(value - expected[i]) < 1e-5, `${i}: ${value}, expected ${expected[i]}`));

test("a run that nothing is written into is the model's own", () => {
  same(ours.logits, decoder.forward(OURS).logits.at(-1));
  assert.equal(ours.streams.length, 3);
  same(patchedRun(decoder, OURS, [[0, 1], [1, 3], [2, 4]], ours.streams).logits, ours.logits);
});

test("the lens at the last depth says what the model says, at every token", () => {
  decoder.forward(OURS).logits.forEach((row, t) => same(lens(decoder, ours.streams[2])[t], row));
  const capped = decoderOf({ ...GPT, logit_cap: 2 });
  const run = patchedRun(capped, OURS);
  same(lens(capped, run.streams[2]).at(-1), run.logits);
});

test("the other answer comes with the word in which the texts differ, or with the whole end", () => {
  for (const cells of [[[0, 2]], [[2, 4]], [[1, 2], [1, 3], [1, 4]]]) {
    same(patchedRun(decoder, OURS, cells, theirs.streams).logits, theirs.logits);
  }
});

test("where the texts do not differ yet, nothing comes over", () => {
  same(patchedRun(decoder, OURS, [[0, 4], [1, 1], [2, 2]], theirs.streams).logits, ours.logits);
});

test("how much comes over: 0 is ours, 1 theirs, and null where both say the same", () => {
  const [one, other] = [[3, 1, 0], [1, 5, 0]];
  const brought = broughtOver(one, other, { own: 0, other: 1 });
  assert.equal(brought(one), 0);
  assert.equal(brought(other), 1);
  assert.equal(brought([2, 3, 9]), 0.5);
  assert.equal(broughtOver(one, other, { own: 2, other: 2 })(one), null);
});

// --- Two texts side by side

const near = (found, expected, most) => assert.ok(Math.abs(found - expected) < most, `${found} ${expected}`);

test("a pair says what comes next in either text, and with a place carried over", () => {
  const pair = new TextPair(decoder, OURS, THEIRS);
  const [before, there] = [ours, theirs].map(({ logits }) => distribution(logits));
  for (const cells of [[], [[1, 2]], [[1, 2], [2, 4]], [[0, 1]]]) {
    const { logits } = patchedRun(decoder, OURS, cells, theirs.streams);
    const { own, other, brought, next } = pair.patch(cells);
    assert.deepEqual([own, other], [mostLikelyFirst(ours.logits)[0], mostLikelyFirst(theirs.logits)[0]]);
    near(brought, broughtOver(ours.logits, theirs.logits, { own, other })(logits), 1e-4);
    assert.deepEqual(next.map(({ id }) => id).slice(0, 2), [own, other]);
    assert.equal(next.length, 5);
    const after = distribution(logits);
    for (const { id, ours: own, theirs: other, now } of next) {
      near(own, before[id], 1e-6);
      near(other, there[id], 1e-6);
      near(now, after[id], 1e-6);
    }
  }
});

test("a pair says what the lens says at each token of both, before and after a place is carried over", () => {
  const pair = new TextPair(decoder, OURS, THEIRS);
  for (const cells of [[], [[1, 2]], [[2, 3]], []]) {
    const { streams } = patchedRun(decoder, OURS, cells, theirs.streams);
    for (const depth of [2, 0, 1]) {
      const found = pair.lens(cells, depth);
      [[found.ours, streams], [found.theirs, theirs.streams]].forEach(([said, of]) =>
        lens(decoder, of[depth]).forEach((logits, token) => {
          const [id] = mostLikelyFirst(logits);
          assert.equal(said[token].id, id);
          near(said[token].share, distribution(logits)[id], 1e-6);
        }));
    }
  }
});

test("texts of unequal length have both their answers, and nothing is carried over", () => {
  const pair = new TextPair(decoder, OURS, THEIRS.slice(0, 3));
  const { own, other } = pair.patch([]);
  assert.throws(() => pair.patch([[1, 1]]), /of equal length, not 5 and 3/);
  assert.equal(own, mostLikelyFirst(ours.logits)[0]);
  assert.equal(other, mostLikelyFirst(patchedRun(decoder, THEIRS.slice(0, 3)).logits)[0]);
});

const packedMatrix = (shape, seed) => randomPacked("q4_1", ...shape, seed);
const unpackedMatrix = (shape, seed) =>
  matrix(rows(packedMatrix(shape, seed), [...Array(shape[0]).keys()]), shape[1]);

// Rounding x to 16 bits is all that packed weights change.
test("a pair with packed weights says what it says with the numbers that they stand for", () => {
  const config = { ...CONFIG, d_model: 64, n_heads: 2, d_ff: 96 };
  const [packed, exact] = [packedMatrix, unpackedMatrix].map((asMatrix) =>
    new TextPair(decoderOf(config, asMatrix), OURS, THEIRS));
  assert.notEqual(exact.answers.own, exact.answers.other);
  for (const cells of [[], [[1, 2]], [[2, 4]]]) {
    const [found, expected] = [packed, exact].map((pair) => pair.patch(cells));
    near(found.brought, expected.brought, 1e-2);
    found.next.forEach(({ now }, at) => near(now, expected.next[at].now, 1e-3));
    const [said, expectedSaid] = [packed, exact].map((pair) => pair.lens(cells, 1).ours);
    said.forEach(({ id, share }, token) => {
      assert.equal(id, expectedSaid[token].id);
      near(share, expectedSaid[token].share, 1e-3);
    });
  }
});
