// A block, and a stack of them: what encoders and decoders are built from.
//
// As in transformer_lab/blocks.py: self-attention, perhaps cross-attention, then the
// feed-forward part; each is added to what was there. The norm stands before each layer
// or after each addition. Taught in chapters 9, 10, 13 and 15.

import { headSize, kvHeads } from "./config.js";
import { addInPlace } from "./tensor.js";
import { FeedForward, makeNorm } from "./layers.js";
import { KeyValueCache, MultiHeadAttention } from "./attention.js";

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
  // crosses: between attention and feed-forward it attends to another text;
  // local: its positions turn as those of a layer with a window do.
  constructor(tensors, config, { crosses = false, local = false } = {}) {
    const norm = (name) => makeNorm(tensors.under(name), config);
    const normed = (name, layer) => ({
      name, layer, norm: norm(`${name}_norm`),
      afterNorm: config.norm_order === "sandwich" ? norm(`${name}_after_norm`) : null,
    });
    const attention = (name, ropeBase) =>
      normed(name, new MultiHeadAttention(tensors.under(name), config, ropeBase));
    this.isPostNorm = config.norm_order === "post";
    this.attention = attention("attention", ropeBaseOf(config, local));
    // No positions turn here: places in two texts cannot be compared.
    this.crossAttention = crosses ? attention("cross_attention", null) : null;
    this.feedForward = normed("feed_forward", new FeedForward(tensors.under("feed_forward"), config));
  }

  /**
   * Changes x (T, D), the residual stream, in place. Options as in `attention.js`;
   * `context` (S, D) is the other text, `contextCache` keeps its keys and values.
   * Returns the weights of both attentions.
   * @param {Float32Array} x
   * @param {{ causal?: boolean, window?: number | null, mask?: boolean[][], cache?: KeyValueCache,
   *   disabledHeads?: number[], keepAttention?: boolean, context?: Float32Array,
   *   contextCache?: KeyValueCache, record?: Function }} options
   */
  forward(x, { context, contextCache, record, ...options } = {}) {
    const { keepAttention } = options;
    const weights = this.add(x, this.attention, record, options);
    const crossWeights = context
      && this.add(x, this.crossAttention, record, { context, cache: contextCache, keepAttention });
    this.add(x, this.feedForward, record);
    return { weights, crossWeights };
  }

  // The residual connection around one layer, with the norm before or after it.
  // Returns the weights, if the layer is an attention.
  add(x, { name, layer, norm, afterNorm }, record, options = {}) {
    const recorded = (part, values) => {
      record?.(part, values);
      return values;
    };
    const input = this.isPostNorm ? x : recorded(`${name}_norm`, norm.forward(x));
    const { output, weights } = layer.forward(input, { ...options, record: under(record, name) });
    recorded(name, output);
    addInPlace(x, afterNorm ? recorded(`${name}_after_norm`, afterNorm.forward(output)) : output);
    if (this.isPostNorm) x.set(recorded(`${name}_norm`, norm.forward(x)));
    return weights;
  }
}

// What sets the slowest wave of a layer's rotary positions; null: its positions do not turn.
function ropeBaseOf({ positions, rope_base: base, local_rope_base: localBase }, local) {
  if (positions !== "rotary") return null;
  return local ? localBase ?? base : base;
}

// The norm after the last block: with post-norm that has been done already.
export function finalNorm(tensors, name, config) {
  return config.norm_order === "post" ? { forward: (x) => x } : makeNorm(tensors.under(name), config);
}

// How many tokens these caches of blocks have seen.
export function countSeen(caches) {
  return caches?.[0].length ?? 0;
}

// An empty cache for each block.
export function newCaches(config) {
  const size = kvHeads(config) * headSize(config);
  return Array.from({ length: config.n_layers }, () => new KeyValueCache(size));
}

// A recorder of copies: what it is given may change later.
export function copying(record) {
  return record && ((name, values) => record(name, values.slice()));
}

// The same recorder, for the parts of one part.
export function under(record, part) {
  return record && ((name, values) => record(`${part}.${name}`, values));
}
