// One run of a decoder over a text, with what it computed on the way: for `explain.js`.
//
// Of a large model not everything fits. Kept are the residual stream and what each layer
// added to it; the inside of a block is worked out again, from the stream before it, when
// it is asked for.
//
// Shapes: T tokens, S tokens that are looked at, D = d_model, H heads, K head size, V = vocab_size.

import { copying } from "./blocks.js";
import { headSize } from "./config.js";

const KEPT = new RegExp("^(embeddings(\\.(token|position))?|final_norm"
  + "|blocks\\.\\d+(\\.(attention|feed_forward)(_after_norm)?)?)$");

export class RecordedRun {
  // nameOf(id, index): a token's name in words.
  constructor({ decoder, config }, ids, nameOf) {
    if (config.norm_order === "post") {
      throw new RangeError("numbers can be opened where the stream is a plain sum, not with norm_order=post");
    }
    this.decoder = decoder;
    this.config = config;
    this.ids = ids;
    this.nameOf = (t) => `${nameOf(ids[t], t)} (${t + 1})`; // a token of the text
    this.nextName = (id) => nameOf(id, ids.length); // one that may come next
    this.headSize = headSize(config); // K
    this.seen = {};
    this.block = null;
    const record = (name, values) => { if (KEPT.test(name)) this.seen[name] = values; };
    const options = { lastOnly: true, keepAttention: false, record };
    this.logits = decoder.forward(ids, options).logits.at(-1); // (V)
  }

  get last() { return this.ids.length - 1; }

  // A token's numbers (D) of something that was kept; the final norm has only those of the last.
  row(name, t) {
    const values = this.seen[name];
    return rowAt(values, name === "final_norm" ? 0 : t, this.config.d_model);
  }

  // The stream (D) as a part of a block finds it; after the last block, as attention of a
  // next one would.
  stream(layer, part, t) {
    const before = this.row(streamBefore(layer), t);
    if (part === "attention") return before;
    const added = this.added(layer, "attention", t);
    return before.map((value, i) => value + added[i]);
  }

  get lastStream() { return this.stream(this.config.n_layers, "attention", this.last); }

  // What a part of a block adds to the stream of a token (D).
  added(layer, part, t) {
    const after = `blocks.${layer}.${part}_after_norm`;
    return this.row(after in this.seen ? after : `blocks.${layer}.${part}`, t);
  }

  // What is computed inside a block, by name.
  inside(layer) {
    if (this.block?.layer !== layer) {
      const seen = {};
      this.decoder.blocks[layer].forward(this.seen[streamBefore(layer)].slice(), {
        causal: true, window: this.window(layer), record: copying((name, values) => { seen[name] = values; }),
      });
      this.block = { layer, seen };
    }
    return this.block.seen;
  }

  // A token's numbers of what a block computed.
  insideRow(layer, name, t) {
    const values = this.inside(layer)[name];
    return rowAt(values, t, values.length / this.ids.length);
  }

  // Those of one head (K).
  headRow(layer, name, head, t) {
    return rowAt(this.insideRow(layer, name, t), head, this.headSize);
  }

  // The scores or the weights of one head, seen from t (S).
  lookRow(layer, name, head, t) {
    const nTokens = this.ids.length;
    return rowAt(this.inside(layer)[`attention.${name}`], head * nTokens + t, nTokens);
  }

  // How many positions a layer sees; null: all.
  window(layer) { return this.config.windows?.[layer] ?? null; }

  // The first position that a token sees in a layer.
  firstSeen(layer, t) {
    const window = this.window(layer);
    return window ? Math.max(0, t + 1 - window) : 0;
  }

  sees(layer, t, s) { return s >= this.firstSeen(layer, t) && s <= t; }
}

const streamBefore = (layer) => (layer ? `blocks.${layer - 1}` : "embeddings");

// Row t of rows of `size` numbers: a view.
function rowAt(values, t, size) {
  return values.subarray(t * size, (t + 1) * size);
}
