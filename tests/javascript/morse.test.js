import assert from "node:assert/strict";
import { test } from "node:test";

import { cutIntoPatches } from "../../transformer_lab/widgets/engine/beyond_text.js";
import {
  CODE, FIRST_BAND, HOP, leftOutOf, lettersOf, N_BANDS, RATE, sound, SPECTRA, spectrogram, unitOf, WINDOW,
} from "../../transformer_lab/widgets/engine/morse.js";

test("patches are the squares of an image, row by row", () => {
  const image = Float32Array.from({ length: 24 }, (_, i) => i); // 4 rows of 6
  const patches = cutIntoPatches(image, 6, 2);
  assert.deepEqual([...patches.slice(0, 8)], [0, 1, 6, 7, 2, 3, 8, 9]);
  assert.deepEqual([...patches.slice(-4)], [16, 17, 22, 23]);
});

test("each of the 26 letters has a code of its own, and paris takes 43 units", () => {
  assert.equal(new Set(Object.values(CODE)).size, 26);
  assert.equal(lettersOf("Paris").flat().at(-1).end, 43);
  assert.deepEqual(lettersOf("e?t"), [[{ start: 0, end: 1 }], [{ start: 4, end: 7 }]]);
  assert.equal(leftOutOf("Hi 73!"), " 73!");
});

test("the unit of a hand is found from two marks on, in nearly all texts", () => {
  const letters = Object.keys(CODE);
  const pairs = letters.flatMap((first) => letters.map((second) => first + second));
  const wrong = [...letters, ...pairs].map((text) => [text, lettersOf(text).flat()])
    .filter(([, marks]) => marks.length > 1 && unitOf(marks) !== 1);
  assert.deepEqual(wrong.map(([text]) => text), ["mt", "tm", "tt"]); // nearly all of it is long
  const uneven = [[0, 0.11], [0.19, 0.52], [0.61, 0.7], [1.1, 1.19]]; // r, e
  const marks = uneven.map(([start, end]) => ({ start, end }));
  assert.ok(Math.abs(unitOf(marks) - 0.1) < 0.015);
});

test("a tone of amplitude 1 gives 12 in its own band, and silence nothing", () => {
  const samples = sound([{ start: 0, end: 1 }], { seconds: 2, pitch: (18 * RATE) / WINDOW });
  const powers = spectrogram(samples);
  assert.equal(powers.length % (SPECTRA * N_BANDS), 0);
  const middle = powers.subarray(30 * N_BANDS, 31 * N_BANDS);
  assert.ok(Math.abs(middle[18 - FIRST_BAND] - 12) < 0.1);
  const later = powers.subarray(Math.ceil((1.2 * RATE) / HOP) * N_BANDS);
  assert.ok(later.every((power) => power < 1e-6));
});

test("the same seed gives the same noise", () => {
  const options = { seconds: 0.1, noise: 1, seed: 3 };
  assert.deepEqual(sound([], options), sound([], options));
  assert.notDeepEqual(sound([], options), sound([], { ...options, seed: 4 }));
});
