// A tokenizer.json: which of its fields are heeded here, and its added tokens.
//
// As transformer_lab/tokenization/hugging_face.py: a field that nothing heeds is
// refused in one sentence, so that no text is cut in another way than its file says.

export const ANY = null; // a field whose value is looked at elsewhere, or changes nothing here
const NOT = [undefined, null, false];

// Truncation, padding and the post-processor say what becomes of a text's tokens in
// a batch; `encode` gives the text's own tokens.
const PARTS = Object.fromEntries(["version", "truncation", "padding", "added_tokens", "normalizer",
  "pre_tokenizer", "post_processor", "decoder", "model"].map((name) => [name, ANY]));
const ADDED = {
  id: ANY, content: ANY, special: ANY, normalized: ANY, single_word: NOT, lstrip: NOT, rstrip: NOT,
};

// Refuse a field that is not known, or has a value that is not heeded here. `known`
// has for each field the values that are (ANY: all of them).
export function accountFor(found, known, whose) {
  for (const [name, value] of Object.entries(found)) {
    if (!Object.hasOwn(known, name)) throw new Error(`${whose} has a field "${name}", which cannot be read`);
    if (known[name] !== ANY && !known[name].includes(value)) {
      throw new Error(`${whose} has ${name}=${JSON.stringify(value)}, which cannot be read`);
    }
  }
}

// The parts of the file (its text, or what it parses to), and its added tokens.
export function readTokenizerFile(file) {
  const parts = typeof file === "string" ? JSON.parse(file) : file;
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
