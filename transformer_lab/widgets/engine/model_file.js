// A model file: what a figure is given. One self-describing safetensors file.
//
// Its metadata hold the architecture, the config, the tokenizer, the start token and
// the tokens that never occurred in training (transformer_lab/recipes/ writes it).

import { Listener, VisionTransformer } from "./beyond_text.js";
import { CharacterTokenizer } from "./character_tokenizer.js";
import { Decoder } from "./decoder.js";
import { Encoder } from "./encoder.js";
import { EncoderDecoder } from "./encoder_decoder.js";
import { accountFor, ANY, parseJSON } from "./fields.js";
import { MaskedWords } from "./masked_words.js";
import { readSafetensors } from "./safetensors.js";
import { BPETokenizer } from "./tokenizer.js";
import { WordPieceTokenizer } from "./wordpiece.js";

const ARCHITECTURES = {
  decoder: (config, tensors) => ({ decoder: new Decoder(config, tensors) }),
  encoder: (config, tensors) => ({ encoder: new Encoder(config, tensors) }),
  "masked-words": (config, tensors) => ({ guesser: new MaskedWords(config, tensors) }),
  "encoder-decoder": (config, tensors) => ({ translator: new EncoderDecoder(config, tensors) }),
  "vision-transformer": (config, tensors) => ({ viewer: new VisionTransformer(config, tensors) }),
  listener: (config, tensors) => ({ translator: new Listener(config, tensors) }),
};

// What the metadata may say; `step`: after how many steps of training it was written.
const METADATA = Object.fromEntries(["architecture", "config", "tokenizer", "start", "stop", "mask", "step",
  "template", "unseen_tokens", "packed"].map((name) => [name, ANY]));

// From the bytes of a model file (Uint8Array, DataView or ArrayBuffer) to
// { config, metadata, tokenizer, startId, unseenTokens: Set of IDs } and the model
// under its name: `decoder`, `encoder`, `guesser`, `translator` or `viewer`.
export function loadModel(bytes) {
  const { metadata, tensors } = readSafetensors(bytes);
  const kind = metadata?.architecture ?? "a safetensors file that does not say what it is";
  if (!Object.hasOwn(ARCHITECTURES, kind)) throw new Error(`this engine does not run: ${kind}`);
  accountFor(metadata, METADATA, "the model file");
  const config = parseJSON(metadata.config, "the config of the model file");
  const built = ARCHITECTURES[kind](config, tensors);
  tensors.refuseOthers();
  const tokenizer = readTokenizer(metadata.tokenizer);
  if (tokenizer.size !== config.vocab_size) {
    throw new Error(`the tokenizer has ${tokenizer.size} tokens, but the model knows ${config.vocab_size}`);
  }
  for (const name of ["start", "stop", "mask"]) {
    if (name in metadata && !tokenizer.special.has(metadata[name])) {
      throw new Error(
        `the model file has ${name}=${metadata[name]}, which is no special token of its tokenizer`);
    }
  }
  return {
    config,
    metadata,
    tokenizer,
    ...built,
    startId: tokenizer.special.get(metadata.start),
    unseenTokens: unseenTokens(metadata.unseen_tokens, config),
  };
}

function readTokenizer(text) {
  const json = parseJSON(text, "the tokenizer of the model file");
  if (json?.model?.type === "WordLevel") return new CharacterTokenizer(json);
  return json?.model?.type === "WordPiece" ? new WordPieceTokenizer(json) : new BPETokenizer(json);
}

function unseenTokens(text = "[]", { vocab_size: vocabSize }) {
  const ids = parseJSON(text, "the list of unseen tokens of the model file");
  const isId = (id) => Number.isInteger(id) && id >= 0 && id < vocabSize;
  if (!Array.isArray(ids) || !ids.every(isId)) {
    throw new Error("the unseen tokens of the model file are no token IDs");
  }
  return new Set(ids);
}

// The token IDs that a story-teller is given for a reader's text: the start token,
// then the words, each with a space before it, as in training.
export function promptIds({ tokenizer, metadata }, text) {
  // Python's str.split() also splits at four control characters.
  // eslint-disable-next-line no-control-regex
  const words = text.split(/[\p{White_Space}\x1c-\x1f]+/u).filter(Boolean);
  return tokenizer.encode(metadata.start + words.map((word) => ` ${word}`).join(""));
}
