// A GPT, as in transformer_lab/models.py, run in the page.
//
// Token and position embeddings, then blocks (attention, feed-forward), then a
// score for each token that could come next. It reads the weights that Python
// trained and gives the same logits, to within 1e-4 (tests/widgets).
//
// Shapes: T time, S all positions so far, D = d_model, V = vocab_size.
//
// Source: Radford et al. 2019 (GPT-2). Taught in chapters 2, 10 and 12.

import { addInPlace, linear } from "./tensor.js";
import { Embeddings, FeedForward, LayerNorm } from "./layers.js";
import { KeyValueCache, MultiHeadAttention } from "./attention.js";

// The choices of Python's Config that are not worked out in the page yet.
const SUPPORTED = {
  positions: "learned", n_token_types: 0, embedding_scale: 1, bias: true,
  norm: "layer", norm_order: "pre", norm_eps: 1e-5,
};

// One block: look around, then think; both are added to what was there.
export class Block {
  constructor(tensors, { nHeads, activation }) {
    this.attentionNorm = new LayerNorm(tensors.under("attention_norm"));
    this.attention = new MultiHeadAttention(tensors.under("attention"), { nHeads });
    this.feedForwardNorm = new LayerNorm(tensors.under("feed_forward_norm"));
    this.feedForward = new FeedForward(tensors.under("feed_forward"), { activation });
  }

  // Changes x (T, D), the residual stream, in place; returns the attention weights.
  forward(x, { mask, cache, disabledHeads, record = null }) {
    const toLookWith = this.attentionNorm.forward(x);
    record?.("attention_norm", toLookWith);
    const { output, weights } = this.attention.forward(toLookWith, {
      causal: true, mask, cache, disabledHeads, record: under(record, "attention"),
    });
    addInPlace(x, output);
    const toThinkWith = this.feedForwardNorm.forward(x);
    record?.("feed_forward_norm", toThinkWith);
    const thought = this.feedForward.forward(toThinkWith, { record: under(record, "feed_forward") });
    record?.("feed_forward", thought);
    addInPlace(x, thought);
    return weights;
  }
}

export class Decoder {
  // config: as Python's Config writes it (d_model, n_heads, …); tensors: a model file's.
  constructor(config, tensors) {
    for (const [choice, value] of Object.entries(SUPPORTED)) {
      if (config[choice] !== undefined && config[choice] !== value) {
        throw new Error(`the page runs only models with ${choice}=${value}, not ${config[choice]}`);
      }
    }
    this.config = config;
    this.embeddings = new Embeddings(tensors.under("embeddings"));
    this.blocks = Array.from({ length: config.n_layers }, (_, layer) =>
      new Block(tensors.under(`blocks.${layer}`), {
        nHeads: config.n_heads, activation: config.activation,
      }));
    this.finalNorm = new LayerNorm(tensors.under("final_norm"));
    // A tied head has no weights of its own: a token is predicted by how well
    // its embedding matches the final vector.
    this.head = config.tie_head ? this.embeddings.token : tensors.get("head.weight"); // (V, D)
  }

  // Scores every possible next token, and says where each head looked.
  //
  //   ids            token IDs (T), at most max_len with those in the cache
  //   cache          from `newCache`; then ids are only the tokens that it has not seen
  //   mask           T rows of T booleans instead of the causal mask
  //   disabledHeads  [[layer, head], …]
  //   lastOnly       true: logits of the last position only, which is quicker
  //   record         is called with a name and numbers (T rows) for what is
  //                  computed on the way, such as ("blocks.0", the residual stream
  //                  after the first block): the names of Python's `trace.capture`
  //
  // Returns { logits, attention }: logits[t] is V numbers (`logits.at(-1)`: what
  // comes next); attention[layer][head][t] is S weights that add up to 1.
  forward(ids, { mask = null, cache = null, disabledHeads = [], lastOnly = false, record = null } = {}) {
    const nSeen = cache ? cache[0].length : 0;
    this.check(ids, nSeen);
    const keep = record && ((name, values) => record(name, values.slice())); // it may change later
    const x = this.embeddings.forward(ids, { start: nSeen, record: under(keep, "embeddings") }); // (T, D)
    keep?.("embeddings", x);
    const attention = this.blocks.map((block, layer) => {
      const weights = block.forward(x, {
        mask,
        cache: cache?.[layer],
        disabledHeads: disabledHeads.filter(([l]) => l === layer).map(([, head]) => head),
        record: under(keep, `blocks.${layer}`),
      });
      keep?.(`blocks.${layer}`, x);
      return weights;
    });
    const size = this.config.d_model;
    const wanted = lastOnly ? x.subarray(Math.max(0, x.length - size)) : x;
    const final = this.finalNorm.forward(wanted);
    keep?.("final_norm", final);
    const scores = linear(final, this.head); // (T or 1, V)
    const logits = [];
    for (let start = 0; start < scores.length; start += this.config.vocab_size) {
      logits.push(scores.subarray(start, start + this.config.vocab_size));
    }
    return { logits, attention };
  }

  // An empty key/value cache, one for each layer.
  newCache() {
    return this.blocks.map(() => new KeyValueCache(this.config.max_len, this.config.d_model));
  }

  check(ids, nSeen) {
    const { max_len: maxLen, vocab_size: vocabSize } = this.config;
    if (nSeen + ids.length > maxLen) {
      throw new RangeError(`the text has ${nSeen + ids.length} tokens; this model sees at most ${maxLen}`);
    }
    const strange = ids.find((id) => !(id >= 0 && id < vocabSize));
    if (strange !== undefined) {
      throw new RangeError(`token ID ${strange} is not in this vocabulary of ${vocabSize}`);
    }
  }
}

// The same recorder, for the parts of one part.
function under(record, part) {
  return record && ((name, values) => record(`${part}.${name}`, values));
}
