// A tokenizer.json: which of its fields are supported here, and its added tokens.
//
// As transformer_lab/tokenization/hugging_face.py: a field that is not supported is
// refused in one sentence, so that no text is cut in another way than its file says.

import { accountFor, ANY, parseJSON } from "./fields.js";

const NOT = [undefined, null, false];

// Truncation, padding and the post-processor say what becomes of a text's tokens in
// a batch; `encode` gives the text's own tokens.
const PARTS = Object.fromEntries(["version", "truncation", "padding", "added_tokens", "normalizer",
  "pre_tokenizer", "post_processor", "decoder", "model"].map((name) => [name, ANY]));
const ADDED = {
  id: ANY, content: ANY, special: [...NOT, true], normalized: [...NOT, true],
  single_word: NOT, lstrip: NOT, rstrip: NOT,
};

// The parts of the file (its text, or what it parses to), and its added tokens.
export function readTokenizerFile(file) {
  const parts = typeof file === "string" ? parseJSON(file, "this tokenizer.json") : file;
  accountFor(parts, PARTS, "this tokenizer.json");
  const added = parts.added_tokens ?? [];
  if (!Array.isArray(added)) throw new Error("the added tokens of this tokenizer.json are no list");
  for (const token of added) accountFor(token, ADDED, `the added token "${token?.content}"`);
  checkIds(parts.model?.vocab, added);
  return { ...parts, added };
}

// Each ID is a number of its own; Hugging Face's library counts on for added tokens.
function checkIds(vocab, added) {
  if (!vocab || typeof vocab !== "object") throw new Error("this tokenizer.json has no vocabulary");
  const ids = new Map(Object.entries(vocab));
  let next = ids.size;
  for (const { content, id } of added) {
    if (id !== (ids.get(content) ?? next)) {
      throw new Error(`the added token "${content}" has the ID ${id}, not the next one`);
    }
    if (!ids.has(content)) next += 1;
    ids.set(content, id);
  }
  const isId = (id) => Number.isSafeInteger(id) && id >= 0;
  if (![...ids.values()].every(isId) || new Set(ids.values()).size < ids.size) {
    throw new Error("the IDs of this tokenizer.json are not whole numbers, each of its own");
  }
}

// tokens: a Map of tokens that stand for themselves in a text, and their IDs. Gives the
// function that encodes a text with such tokens; `encode` gets what is around them.
export function encoderAround(tokens) {
  const longestFirst = [...tokens.keys()].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = escaped.length ? new RegExp(`(${escaped.join("|")})`, "u") : null;
  return (text, encode) => (pattern ? text.split(pattern) : [text])
    .flatMap((part) => (tokens.has(part) ? [tokens.get(part)] : encode(part)));
}
