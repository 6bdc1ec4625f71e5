// A GPT, as in transformer_lab/models.py, run in the page.
//
// Token and position embeddings, then blocks (attention, feed-forward), then a
// score for each token that could come next. It reads the weights that Python
// trained and gives the same logits, to within 1e-4 (tests/widgets).
//
// Shapes: T time, S all positions so far, D = d_model, V = vocab_size.
//
// Source: Radford et al. 2019 (GPT-2). Taught in chapters 2, 10 and 12.

import { Block, checkIds, copying, countSeen, finalNorm, newCaches, under } from "./blocks.js";
import { refuseUnsupported } from "./config.js";
import { Embeddings } from "./layers.js";
import { linear, rowsOf, softCapInPlace } from "./tensor.js";

export class Decoder {
  static supports = ["tie_head", "logit_cap", "windows", "local_rope_base"];

  // config: as Python's Config writes it (d_model, n_heads, …); tensors: a model file's.
  constructor(config, tensors) {
    refuseUnsupported(config, "decoder", Decoder.supports);
    this.config = config;
    this.embeddings = new Embeddings(tensors.under("embeddings"), config);
    this.blocks = Array.from({ length: config.n_layers }, (_, layer) =>
      new Block(tensors.under(`blocks.${layer}`), config, { local: windowOf(config, layer) !== null }));
    this.finalNorm = finalNorm(tensors, "final_norm", config);
    // A tied head has no weights of its own: a token is predicted by how well
    // its embedding matches the final vector.
    this.head = config.tie_head
      ? this.embeddings.token : tensors.get("head.weight", [config.vocab_size, config.d_model]);
  }

  /**
   * Scores every possible next token, and returns each head's attention weights.
   *
   *   ids            token IDs (T), at most max_len with those in the cache
   *   cache          from `newCache`; then ids are only the tokens that it has not seen
   *   mask           T rows of T booleans instead of the causal mask and its windows
   *   disabledHeads  [[layer, head], …]
   *   lastOnly       true: logits of the last position only, which is quicker
   *   keepAttention  false: the attention weights are thrown away
   *   record         is called with a name and numbers (T rows) for what is
   *                  computed on the way, such as ("blocks.0", the residual stream
   *                  after the first block): the names of Python's `trace.capture`
   *   edit           is called with the name and the numbers of the residual stream (T rows)
   *                  after the embeddings and after each block, and may change them
   *
   * Returns { logits, attention }: logits[t] is V numbers (`logits.at(-1)`: what
   * comes next); attention[layer][head][t] is S weights that add up to 1; attention[layer] is
   * null if it is not kept.
   * @param {number[]} ids
   * @param {{ mask?: boolean[][], cache?: import("./attention.js").KeyValueCache[],
   *   disabledHeads?: number[][], lastOnly?: boolean, keepAttention?: boolean,
   *   record?: (name: string, values: Float32Array) => void,
   *   edit?: (name: string, values: Float32Array) => void }} options
   */
  forward(ids, { mask, cache, disabledHeads = [], lastOnly, keepAttention, record, edit } = {}) {
    const nSeen = countSeen(cache);
    checkIds(ids, nSeen, this.config);
    const keep = copying(record);
    const x = this.embeddings.forward(ids, { start: nSeen, record: under(keep, "embeddings") }); // (T, D)
    edit?.("embeddings", x);
    keep?.("embeddings", x);
    const attention = this.blocks.map((block, layer) => {
      const visible = mask ? { mask } : { causal: true, window: windowOf(this.config, layer) };
      const { weights } = block.forward(x, {
        ...visible,
        cache: cache?.[layer],
        disabledHeads: disabledHeads.filter(([l]) => l === layer).map(([, head]) => head),
        keepAttention,
        record: under(keep, `blocks.${layer}`),
      });
      edit?.(`blocks.${layer}`, x);
      keep?.(`blocks.${layer}`, x);
      return weights;
    });
    const size = this.config.d_model;
    const wanted = lastOnly ? x.subarray(Math.max(0, x.length - size)) : x;
    const final = this.finalNorm.forward(wanted);
    keep?.("final_norm", final);
    return { logits: this.score(final), attention };
  }

  // Final vectors (T, D) as logits: T rows of V.
  score(final) {
    const logits = linear(final, this.head);
    if (this.config.logit_cap !== null) softCapInPlace(logits, this.config.logit_cap);
    return rowsOf(logits, this.config.vocab_size);
  }

  // An empty key/value cache, one for each layer.
  newCache() {
    return newCaches(this.config);
  }
}

// How many positions a layer sees; null: all.
function windowOf({ windows }, layer) {
  return windows?.[layer] ?? null;
}
