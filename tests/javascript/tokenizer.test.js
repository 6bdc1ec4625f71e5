import assert from "node:assert/strict";
import { test } from "node:test";

import { glueAll } from "../../transformer_lab/widgets/engine/gluing.js";
import { train } from "../../transformer_lab/widgets/engine/merging.js";
import { BPETokenizer, splitWords } from "../../transformer_lab/widgets/engine/tokenizer.js";
import { normalise } from "../../transformer_lab/widgets/engine/wordpiece.js";
import { TOKENIZER } from "./files.js";

test("the pair that was learned first is glued first, from the left", () => {
  const ranks = { "1,2": { rank: 1, id: 12 }, "2,3": { rank: 0, id: 23 }, "1,1": { rank: 2, id: 11 } };
  const glue = (...ids) => glueAll(ids, (left, right) => ranks[`${left},${right}`]);
  assert.deepEqual(glue(1, 2, 3), [1, 23]);
  assert.deepEqual(glue(1, 1, 1), [11, 1]);
  assert.deepEqual(glue(), []);
});

test("nothing of a text is lost when it is cut into words", () => {
  for (const text of ["", " a  b\n", "it's 12½ नमस्ते 🙂!", "\u00a0\t x"]) {
    assert.equal(splitWords(text).join(""), text);
    assert.equal(splitWords(text, true).join(""), text);
  }
});

test("a text becomes IDs and comes back; a special token is one only where it is allowed", () => {
  const tokenizer = new BPETokenizer(TOKENIZER);
  assert.deepEqual(tokenizer.encode("ab abc<end>"), [4, 5, 2, 6]);
  assert.equal(tokenizer.decode([4, 5, 2, 6]), "ab abc<end>");
  assert.ok(!tokenizer.encodePlain("<end>").includes(6));
  assert.throws(() => tokenizer.piece(7), RangeError);
});

test("a field that is not supported is refused in one sentence", () => {
  const changed = (part, fields) => ({ ...TOKENIZER, [part]: { ...TOKENIZER[part], ...fields } });
  for (const file of ["{", changed("model", { dropout: 0.1 }), changed("model", { merges: [["a", "x"]] }),
    changed("pre_tokenizer", { add_prefix_space: true }), { ...TOKENIZER, added_tokens: 3 }]) {
    assert.throws(() => new BPETokenizer(file), /^Error: [^\n]+$/);
  }
});

test("training merges the most frequent pair, the earlier one of two", () => {
  const { steps, states } = train("ab ab abc", "bpe");
  assert.deepEqual(steps[0][0], { pair: ["a", "b"], count: 3, left: 3, right: 3, score: 3 });
  assert.equal(states[1].words[0].pieces.join("|"), "ab");
  const alone = train("one word", "wordpiece");
  assert.equal(alone.states.length, 1); // every pair was seen once
});

test("BERT reads small letters without accents", () => {
  assert.equal(normalise("Café\u0000"), "cafe");
  assert.equal(normalise("Café", { stripAccents: false }), "café");
});
