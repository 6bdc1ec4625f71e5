import assert from "node:assert/strict";
import { test } from "node:test";

import { Decoder } from "../../transformer_lab/widgets/engine/decoder.js";
import { broughtOver, lens, patchedRun } from "../../transformer_lab/widgets/engine/patching.js";
import { GPT } from "./files.js";
import { randomNumbers } from "./numbers.js";

const [OURS, THEIRS] = [[0, 7, 3, 9, 11], [0, 7, 5, 9, 11]]; // differ at token 2

function decoderOf(config) {
  let seed = 1;
  const found = {
    under: () => found,
    get(_name, shape) {
      seed += 1;
      const values = randomNumbers(shape.reduce((a, b) => a * b), seed).map((value) => 0.5 * value);
      return { shape, values };
    },
  };
  return new Decoder(config, found);
}

const decoder = decoderOf(GPT);
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
