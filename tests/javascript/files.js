// Small model files, for the tests: a header, then the numbers.

import { gzipSync } from "node:zlib";

import { seededRandom } from "../../transformer_lab/widgets/engine/sampling.js";

// tensors: { name: { shape, values } } → the bytes of a safetensors file in 32-bit floats.
// Of a packed matrix: { shape: that of its bytes, bytes: Uint8Array }.
export function safetensors(tensors, metadata = {}, change = (header) => header) {
  const header = { __metadata__: metadata };
  const numbers = [];
  for (const [name, { shape, values, bytes }] of Object.entries(tensors)) {
    const own = bytes ?? new Uint8Array(Float32Array.from(values).buffer);
    const dtype = bytes ? "U8" : "F32";
    header[name] = { dtype, shape, data_offsets: [numbers.length, numbers.push(...own)] };
  }
  const text = new TextEncoder().encode(JSON.stringify(change(header)));
  const file = new Uint8Array(8 + text.length + numbers.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(numbers, 8 + text.length);
  return file;
}

// A byte-level BPE tokenizer that knows three letters, a space before them, and two merges.
export const TOKENIZER = {
  added_tokens: [{ id: 6, content: "<end>", special: true }],
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
  decoder: { type: "ByteLevel" },
  model: {
    type: "BPE", vocab: { a: 0, b: 1, c: 2, "Ġ": 3, ab: 4, "Ġab": 5 }, merges: [["a", "b"], ["Ġ", "ab"]],
  },
};

// The choices that make a small GPT: each that the engine knows.
export const GPT = {
  vocab_size: 41, max_len: 16, d_model: 12, n_heads: 3, n_layers: 2, d_ff: 20, positions: "learned",
  n_token_types: null, embedding_scale: 1, embedding_norm: false, activation: "gelu_tanh", bias: true,
  norm: "layer", norm_order: "pre", norm_eps: 1e-5, tie_head: true, head_size: null, n_kv_heads: null,
  rope_base: 10_000, local_rope_base: null, score_scale: null, score_cap: null, logit_cap: null,
  logit_bias: false, head_norm: false, windows: null,
};

// A decoder of one block with random weights and that tokenizer, as a model file.
export function tinyDecoder(metadata = {}, random = seededRandom(1)) {
  const config = {
    ...GPT, vocab_size: 7, max_len: 48, d_model: 8, n_heads: 2, n_layers: 1, d_ff: 16, activation: "relu",
  };
  const tensors = {};
  const add = (name, ...shape) => {
    tensors[name] = { shape, values: Array.from({ length: shape.reduce((n, size) => n * size) }, random) };
  };
  add("embeddings.token.weight", 7, 8);
  add("embeddings.position.weight", 48, 8);
  const layers = { "attention.query": [8, 8], "attention.key": [8, 8], "attention.value": [8, 8],
    "attention.output": [8, 8], "feed_forward.expand": [16, 8], "feed_forward.contract": [8, 16] };
  for (const [name, [nOut, nIn]] of Object.entries(layers)) {
    add(`blocks.0.${name}.weight`, nOut, nIn);
    add(`blocks.0.${name}.bias`, nOut);
  }
  for (const name of ["blocks.0.attention_norm", "blocks.0.feed_forward_norm", "final_norm"]) {
    add(`${name}.weight`, 8);
    add(`${name}.bias`, 8);
  }
  return safetensors(tensors, {
    architecture: "decoder", config: JSON.stringify(config), tokenizer: JSON.stringify(TOKENIZER),
    ...metadata,
  });
}

// Bytes as a script of letters, as live_figure.py writes them.
export function scriptOfLetters(bytes) {
  const packed = gzipSync(bytes);
  const bits = [...packed].map((byte) => byte.toString(2).padStart(8, "0")).reverse().join("");
  const letters = Array.from({ length: Math.ceil(bits.length / 15) }, (_, i) =>
    0x4e00 + parseInt(bits.slice(Math.max(0, bits.length - 15 * (i + 1)), bits.length - 15 * i), 2));
  const script = `\ufeff(globalThis.parts ??= {})["part"] = () => {/*${packed.length} `
    + `${String.fromCharCode(...letters)}*/};\n`;
  return new Uint8Array(Buffer.from(script, "utf16le")).buffer;
}
