// A block, and a stack of them: what encoders and decoders are built from.
//
// As in transformer_lab/blocks.py: self-attention, perhaps cross-attention, then the
// feed-forward part; each is added to what was there. The norm stands before each layer
// or after each addition. Taught in chapters 9, 10 and 13.

import { accountFor, ANY } from "./fields.js";
import { addInPlace } from "./tensor.js";
import { FeedForward, LayerNorm } from "./layers.js";
import { KeyValueCache, MultiHeadAttention } from "./attention.js";

// What Python's Config says, and what of it the page works out. Everything must be said.
const SIZES = ["vocab_size", "max_len", "d_model", "n_heads", "n_layers", "d_ff"];
/** @type {Record<string, unknown[]>} */
const SUPPORTED = {
  positions: ["learned", "sinusoidal", "rotary"], n_token_types: [null],
  embedding_scale: [1], embedding_norm: [false],
  activation: ["relu", "gelu", "gelu_tanh"], bias: [true], norm: ["layer"], norm_order: ["pre", "post"],
  norm_eps: [1e-5], tie_head: [true, false], head_size: [null], n_kv_heads: [null], rope_base: [10_000],
  local_rope_base: [null], score_scale: [null], score_cap: [null], logit_cap: [null],
  logit_bias: [false], head_norm: [false], windows: [null],
};

export function refuseUnsupported(config) {
  const fields = [...SIZES, ...Object.keys(SUPPORTED)];
  accountFor(config, Object.fromEntries(fields.map((name) => [name, ANY])), "the config");
  for (const [choice, values] of Object.entries(SUPPORTED)) {
    if (!values.includes(config[choice])) {
      const known = values.join(" or ");
      throw new Error(`the page runs only models with ${choice}=${known}, not ${config[choice]}`);
    }
  }
  for (const name of SIZES) {
    if (!(Number.isInteger(config[name]) && config[name] >= 1)) {
      throw new Error(`the config has ${name}=${config[name]}, which is no size`);
    }
  }
  const headSize = config.d_model / config.n_heads;
  if (!Number.isInteger(config.positions === "rotary" ? headSize / 2 : headSize)) {
    throw new Error(`d_model=${config.d_model} is not divided by n_heads=${config.n_heads} as it should be`);
  }
}

export function checkIds(ids, nSeen, { max_len: maxLen, vocab_size: vocabSize }) {
  if (nSeen + ids.length > maxLen) {
    throw new RangeError(`the text has ${nSeen + ids.length} tokens; this model sees at most ${maxLen}`);
  }
  const strange = ids.find((id) => !(id >= 0 && id < vocabSize));
  if (strange !== undefined) {
    throw new RangeError(`token ID ${strange} is not in this vocabulary of ${vocabSize}`);
  }
}

export class Block {
  constructor(tensors, config, { crosses = false } = {}) {
    const { n_heads: nHeads, d_model: size } = config;
    const normed = (name, layer) =>
      ({ name, layer, norm: new LayerNorm(tensors.under(`${name}_norm`), size) });
    const attention = (name, rotary) =>
      normed(name, new MultiHeadAttention(tensors.under(name), { nHeads, size, rotary }));
    this.isPreNorm = config.norm_order !== "post";
    this.attention = attention("attention", config.positions === "rotary");
    this.crossAttention = crosses ? attention("cross_attention", false) : null;
    this.feedForward = normed("feed_forward", new FeedForward(tensors.under("feed_forward"), config));
  }

  /**
   * Changes x (T, D), the residual stream, in place. Options as in `attention.js`;
   * `context` (S, D) is the other text, `contextCache` keeps its keys and values.
   * Returns the weights of both attentions.
   * @param {Float32Array} x
   * @param {{ mask?: boolean[][], cache?: KeyValueCache, disabledHeads?: number[],
   *   context?: Float32Array, contextCache?: KeyValueCache, record?: Function }} options
   */
  forward(x, { context, contextCache, record, ...options }) {
    const weights = this.add(x, this.attention, record, options);
    const crossWeights = context
      && this.add(x, this.crossAttention, record, { context, cache: contextCache });
    this.add(x, this.feedForward, record);
    return { weights, crossWeights };
  }

  // The residual connection around one layer, with the norm before or after it.
  // Returns the weights, if the layer is an attention.
  add(x, { name, norm, layer }, record, options = {}) {
    const input = this.isPreNorm ? norm.forward(x) : x;
    if (this.isPreNorm) record?.(`${name}_norm`, input);
    const { output, weights } = layer.forward(input, { ...options, record: under(record, name) });
    record?.(name, output);
    addInPlace(x, output);
    if (!this.isPreNorm) {
      x.set(norm.forward(x));
      record?.(`${name}_norm`, x);
    }
    return weights;
  }
}

// The norm after the last block: with post-norm that has been done already.
export function finalNorm(tensors, name, config) {
  if (config.norm_order === "post") return { forward: (x) => x };
  return new LayerNorm(tensors.under(name), config.d_model);
}

// How many tokens these caches of blocks have seen.
export function countSeen(caches) {
  return caches?.[0].length ?? 0;
}

// A cache for each block, of texts of at most max_len tokens.
export function newCaches({ n_layers: nLayers, max_len: maxLen, d_model: size }) {
  return Array.from({ length: nLayers }, () => new KeyValueCache(maxLen, size));
}

// A recorder of copies: what it is given may change later.
export function copying(record) {
  return record && ((name, values) => record(name, values.slice()));
}

// The same recorder, for the parts of one part.
export function under(record, part) {
  return record && ((name, values) => record(`${part}.${name}`, values));
}
