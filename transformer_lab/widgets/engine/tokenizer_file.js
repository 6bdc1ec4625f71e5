// A tokenizer.json: which of its fields are heeded here, and its added tokens.
//
// As transformer_lab/tokenization/hugging_face.py: a field that nothing heeds is
// refused in one sentence, so that no text is cut in another way than its file says.

import { accountFor, ANY, parseJSON } from "./fields.js";

const NOT = [undefined, null, false];

// Truncation, padding and the post-processor say what becomes of a text's tokens in
// a batch; `encode` gives the text's own tokens.
const PARTS = Object.fromEntries(["version", "truncation", "padding", "added_tokens", "normalizer",
  "pre_tokenizer", "post_processor", "decoder", "model"].map((name) => [name, ANY]));
const ADDED = {
  id: ANY, content: ANY, special: ANY, normalized: ANY, single_word: NOT, lstrip: NOT, rstrip: NOT,
};

// The parts of the file (its text, or what it parses to), and its added tokens.
export function readTokenizerFile(file) {
  const parts = typeof file === "string" ? parseJSON(file, "this tokenizer.json") : file;
  accountFor(parts, PARTS, "this tokenizer.json");
  const added = parts.added_tokens ?? [];
  for (const token of added) accountFor(token, ADDED, `the added token "${token.content}"`);
  return { ...parts, added };
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
