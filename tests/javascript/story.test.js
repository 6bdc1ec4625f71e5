import assert from "node:assert/strict";
import { test } from "node:test";

import { BPETokenizer } from "../../transformer_lab/widgets/engine/tokenizer.js";
import { drawNumber, Story } from "../../transformer_lab/widgets/parts/story.js";
import { TOKENIZER } from "./files.js";

const TELLER = {
  tokenizer: new BPETokenizer(TOKENIZER), config: { max_len: 5 }, isEnd: (id) => id === 6,
  joined: (typed, written) => typed + written,
};

test("a chosen token brings its own space, and is taken back with its draw", () => {
  const story = new Story(TELLER, "ab", [6, 5]);
  story.append(5, { drawn: true });
  assert.deepEqual([story.text, story.ids, story.room, story.state.nDraws], ["ab ab", [6, 5, 5], 2, 1]);
  story.undo();
  assert.deepEqual([story.text, story.ids, story.state.nDraws], ["ab", [6, 5], 0]);
  story.undo(); // nothing is left to take back
  assert.equal(story.text, "ab");
});

test("typing is one change, however many letters it has", () => {
  const story = new Story(TELLER, "", [6]);
  for (const text of ["a", "ab", "ab c"]) story.type(text, [6, 5]);
  assert.equal(story.past.length, 1);
  story.append(6);
  assert.ok(story.ended);
  story.restart();
  assert.deepEqual([story.text, story.ended], ["ab c", false]);
});

test("the draws of a seed are always the same numbers", () => {
  assert.equal(drawNumber(3, 4), drawNumber(3, 4));
  assert.notEqual(drawNumber(3, 4), drawNumber(3, 5));
});
