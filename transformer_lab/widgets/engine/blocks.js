// A block, and a stack of them: what encoders and decoders are built from.
//
// As in transformer_lab/blocks.py: look around, perhaps across at another text,
// then think; each is added to what was there. The norm stands before each layer
// or after each addition. Taught in chapters 9, 10 and 13.

import { accountFor, ANY } from "./fields.js";
import { addInPlace } from "./tensor.js";
import { FeedForward, LayerNorm } from "./layers.js";
import { KeyValueCache, MultiHeadAttention } from "./attention.js";

// What Python's Config says, and what of it the page works out. Everything must be said.
const SIZES = ["vocab_size", "max_len", "d_model", "n_heads", "n_layers", "d_ff"];
const SUPPORTED = {
  positions: ["learned", "sinusoidal", "rotary"], n_token_types: [null], embedding_scale: [1], embedding_norm: [false],
  activation: ["relu", "gelu", "gelu_tanh"], bias: [true], norm: ["layer"], norm_order: ["pre", "post"],
  norm_eps: [1e-5], tie_head: [true, false], head_size: [null], n_kv_heads: [null], rope_base: [10_000],
  local_rope_base: [null], score_scale: [null], score_cap: [null], logit_cap: [null],
  logit_bias: [false], head_norm: [false], windows: [null],
};

export function refuseUnsupported(config) {
  accountFor(config, Object.fromEntries([...SIZES, ...Object.keys(SUPPORTED)].map((name) => [name, ANY])), "the config");
  for (const [choice, values] of Object.entries(SUPPORTED)) {
    if (!values.includes(config[choice])) {
      throw new Error(`the page runs only models with ${choice}=${values.join(" or ")}, not ${config[choice]}`);
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
    const attention = (name, rotary) => ({
      norm: new LayerNorm(tensors.under(`${name}_norm`), size),
      layer: new MultiHeadAttention(tensors.under(name), { nHeads, size, rotary }),
    });
    this.isPreNorm = config.norm_order !== "post";
    this.attention = attention("attention", config.positions === "rotary");
    this.crossAttention = crosses ? attention("cross_attention", false) : null;
    this.feedForward = {
      norm: new LayerNorm(tensors.under("feed_forward_norm"), size),
      layer: new FeedForward(tensors.under("feed_forward"), config),
    };
  }

  // Changes x (T, D), the residual stream, in place. Options as in `attention.js`;
  // `context` (S, D) is the other text, `contextCache` keeps its keys and values.
  // Returns the weights of both attentions: { around, across }.
  forward(x, { causal = true, mask, cache, disabledHeads, context = null, contextCache = null, record = null } = {}) {
    let around = null, across = null;
    this.add(x, this.attention.norm, "attention", record, (input) => {
      const { output, weights } = this.attention.layer.forward(input, {
        causal, mask, cache, disabledHeads, record: under(record, "attention"),
      });
      around = weights;
      return output;
    });
    if (context) {
      this.add(x, this.crossAttention.norm, "cross_attention", record, (input) => {
        const { output, weights } = this.crossAttention.layer.forward(input, {
          context, cache: contextCache, record: under(record, "cross_attention"),
        });
        across = weights;
        return output;
      });
    }
    this.add(x, this.feedForward.norm, "feed_forward", record, (input) => {
      const thought = this.feedForward.layer.forward(input, { record: under(record, "feed_forward") });
      record?.("feed_forward", thought);
      return thought;
    });
    return { around, across };
  }

  // The residual connection around one layer, in either order.
  add(x, norm, name, record, layer) {
    if (this.isPreNorm) {
      const input = norm.forward(x);
      record?.(`${name}_norm`, input);
      addInPlace(x, layer(input));
    } else {
      addInPlace(x, layer(x));
      x.set(norm.forward(x));
      record?.(`${name}_norm`, x);
    }
  }
}

// The norm after the last block: with post-norm that has been done already.
export function finalNorm(tensors, name, config) {
  return config.norm_order === "post" ? { forward: (x) => x } : new LayerNorm(tensors.under(name), config.d_model);
}

// A cache for each block, of texts of at most max_len tokens.
export function newCaches({ n_layers: nLayers, max_len: maxLen, d_model: size }) {
  return Array.from({ length: nLayers }, () => new KeyValueCache(maxLen, size));
}

// The same recorder, for the parts of one part.
export function under(record, part) {
  return record && ((name, values) => record(`${part}.${name}`, values));
}

// Logits, one row of V numbers for each token.
export function rowsOf(scores, vocabSize) {
  const rows = [];
  for (let start = 0; start < scores.length; start += vocabSize) {
    rows.push(scores.subarray(start, start + vocabSize));
  }
  return rows;
}
