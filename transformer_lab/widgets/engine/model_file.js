// A model file: what a figure is given. One safetensors file that says what it is.
//
// Its metadata hold the config, the tokenizer, the start token and the tokens
// that never occurred in training (transformer_lab/recipes.py writes it). Other
// architectures join here, by one more row.

import { readSafetensors } from "./safetensors.js";
import { BPETokenizer } from "./tokenizer.js";
import { Decoder } from "./decoder.js";

// From the bytes of a model file (Uint8Array, DataView or ArrayBuffer) to
// { config, metadata, tokenizer, decoder, startId, unseenTokens: Set of IDs }.
export function loadModel(bytes) {
  const { metadata, tensors } = readSafetensors(bytes);
  if (metadata.architecture !== "decoder") {
    throw new Error(`this engine runs decoders, not: ${metadata.architecture ?? "a file that does not say"}`);
  }
  const config = JSON.parse(metadata.config);
  const tokenizer = new BPETokenizer(metadata.tokenizer);
  return {
    config,
    metadata,
    tokenizer,
    decoder: new Decoder(config, tensors),
    startId: tokenizer.special.get(metadata.start),
    unseenTokens: new Set(JSON.parse(metadata.unseen_tokens ?? "[]")),
  };
}

// The token IDs that the model is given for a reader's text: the start token,
// then the words, each with a space before it, as in training.
export function promptIds({ tokenizer, metadata }, text) {
  // Python's str.split() also splits at four control characters.
  const words = text.split(/[\p{White_Space}\x1c-\x1f]+/u).filter(Boolean);
  return tokenizer.encode(metadata.start + words.map((word) => ` ${word}`).join(""));
}
