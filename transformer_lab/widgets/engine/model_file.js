// A model file: what a figure is given. One safetensors file that says what it is.
//
// Its metadata hold the architecture, the config, the tokenizer, the start token and
// the tokens that never occurred in training (transformer_lab/recipes/ writes it).

import { Decoder } from "./decoder.js";
import { EncoderDecoder } from "./encoder_decoder.js";
import { MaskedWords } from "./masked_words.js";
import { readSafetensors } from "./safetensors.js";
import { BPETokenizer } from "./tokenizer.js";
import { WordPieceTokenizer } from "./wordpiece.js";

const ARCHITECTURES = {
  decoder: (config, tensors) => ({ decoder: new Decoder(config, tensors) }),
  "masked-words": (config, tensors) => ({ guesser: new MaskedWords(config, tensors) }),
  "encoder-decoder": (config, tensors) => ({ translator: new EncoderDecoder(config, tensors) }),
};

// From the bytes of a model file (Uint8Array, DataView or ArrayBuffer) to
// { config, metadata, tokenizer, startId, unseenTokens: Set of IDs } and the model
// under its name: `decoder`, `guesser` or `translator`.
export function loadModel(bytes) {
  const { metadata, tensors } = readSafetensors(bytes);
  const build = ARCHITECTURES[metadata.architecture];
  if (!build) {
    throw new Error(`this engine does not run: ${metadata.architecture ?? "a safetensors file that does not say what it is"}`);
  }
  const config = JSON.parse(metadata.config);
  const json = JSON.parse(metadata.tokenizer);
  const tokenizer = json.model?.type === "WordPiece" ? new WordPieceTokenizer(json) : new BPETokenizer(json);
  return {
    config,
    metadata,
    tokenizer,
    ...build(config, tensors),
    startId: tokenizer.special.get(metadata.start),
    unseenTokens: new Set(JSON.parse(metadata.unseen_tokens ?? "[]")),
  };
}

// The token IDs that a story-teller is given for a reader's text: the start token,
// then the words, each with a space before it, as in training.
export function promptIds({ tokenizer, metadata }, text) {
  // Python's str.split() also splits at four control characters.
  const words = text.split(/[\p{White_Space}\x1c-\x1f]+/u).filter(Boolean);
  return tokenizer.encode(metadata.start + words.map((word) => ` ${word}`).join(""));
}
