import assert from "node:assert/strict";
import { test } from "node:test";

import { SentencePieceTokenizer, TiktokenTokenizer } from "../../transformer_lab/widgets/engine/ranked.js";
import { lettersOfBytes } from "../../transformer_lab/widgets/engine/tokenizer.js";

const nameOf = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
const BYTES = Array.from({ length: 256 }, (_, byte) => nameOf(byte));
const TIKTOKEN = { type: "tiktoken", first_id: 3, pieces: [...lettersOfBytes(), "ow", "low", "aa", "aaa"] };
const PIECES = [...BYTES, "<s>", "▁", "l", "o", "w", "ow", "low", "▁low"];
const SENTENCEPIECE = {
  type: "sentencepiece", pieces: PIECES, ranks: PIECES.map((_, id) => (id > 256 ? id : null)),
};

test("the piece of the lowest rank is glued first, the left one of two", () => {
  const tokenizer = new TiktokenTokenizer(TIKTOKEN);
  const cut = (text) => tokenizer.encode(text).map((id) => tokenizer.piece(id));
  assert.deepEqual(cut("lower"), ["low", "e", "r"]);
  assert.deepEqual(cut("aaaaa"), ["aa", "aaa"]);
});

test("a character without an entry is spelt in bytes, and comes back", () => {
  const tokenizer = new SentencePieceTokenizer(SENTENCEPIECE);
  const ids = tokenizer.encode("low lé");
  assert.deepEqual(ids.map((id) => tokenizer.piece(id)), [" low", " ", "l", "\ufffd", "\ufffd"]);
  assert.deepEqual(tokenizer.bytes(ids.at(-1)), [0xa9]);
  assert.equal(tokenizer.decode(ids), "low lé");
  assert.deepEqual(tokenizer.encode(""), []);
});

test("a special token is no text, and none in a text", () => {
  const tokenizer = new SentencePieceTokenizer(SENTENCEPIECE);
  assert.ok(tokenizer.isSpecial(256));
  assert.equal(tokenizer.decode([256]), "");
  assert.ok(!tokenizer.encode("<s>").includes(256));
  assert.ok(new TiktokenTokenizer(TIKTOKEN).isSpecial(0));
});

test("a file that does not fit together is refused in one sentence", () => {
  const isRefused = (make) => assert.throws(make, /^Error: [^\n]+$/);
  for (const change of [{ more: 1 }, { pieces: 3 }, { pieces: BYTES }, { ranks: [] }, { ranks: {} }]) {
    isRefused(() => new SentencePieceTokenizer({ ...SENTENCEPIECE, ...change }));
  }
  for (const change of [{ more: 1 }, { pieces: ["a"] }, { pieces: [1] }, { pieces: {} }]) {
    isRefused(() => new TiktokenTokenizer({ ...TIKTOKEN, ...change }));
  }
});
