// Attention: each position asks, and takes what it needs from the others.
//
// Holds multi-head attention, causal or not, within one text or (with `context`)
// from one text to another, and the key/value cache that makes generation cheap.
// Unlike a fast library it keeps the weights: they are what the figures show.
//
// Shapes: T queries, S keys, H heads, K size of one head, D = H * K.
//
// Source: Vaswani et al. 2017, section 3.2. Taught in chapters 5 to 7.

import { Linear } from "./layers.js";
import { rotateInPlace } from "./positions.js";
import { columns, linear, matrix, mixRows, rowsOf, setColumns, softmaxInPlace } from "./tensor.js";

// The keys and values of the positions that one layer has seen. A later token
// never changes them, so they need not be computed again. To take back the last
// tokens, set `length` back: what lies behind it will be written over.
export class KeyValueCache {
  constructor(maxLen, size) {
    this.size = size;
    this.keys = new Float32Array(maxLen * size);
    this.values = new Float32Array(maxLen * size);
    this.length = 0;
  }

  // Appends new keys and values (T, D); returns all of them so far.
  extend(keys, values) {
    this.keys.set(keys, this.length * this.size);
    this.values.set(values, this.length * this.size);
    this.length += keys.length / this.size;
    return this.kept();
  }

  kept() {
    const end = this.length * this.size;
    return { keys: this.keys.subarray(0, end), values: this.values.subarray(0, end) };
  }
}

// Where a position may look: at itself and at what came before. T rows of S booleans;
// with a cache there are more keys than queries, and the queries are the last T.
export function causalMask(nQueries, nKeys = nQueries) {
  return Array.from({ length: nQueries }, (_, t) =>
    Array.from({ length: nKeys }, (_, s) => s <= nKeys - nQueries + t));
}

export class MultiHeadAttention {
  // rotary: whether queries and keys are turned by their position before they meet.
  constructor(tensors, { nHeads, size, rotary = false }) {
    const layer = (name) => new Linear(tensors.under(name), size, size);
    this.query = layer("query");
    this.key = layer("key");
    this.value = layer("value");
    this.output = layer("output");
    this.nHeads = nHeads;
    this.size = size; // D
    this.headSize = size / nHeads; // K
    this.rotary = rotary;
  }

  // Lets each row of x (T, D) gather from `context` (S, D), or from x itself.
  //
  //   mask           T rows of S booleans: true where looking is allowed (default: everywhere);
  //                  a position that may attend to nothing gathers zeros
  //   cache          x holds only the newest positions; the cache has the earlier
  //                  ones, and remembers these too. Of a `context`, which never
  //                  grows, it keeps what was computed the first time
  //   disabledHeads  heads that gather nothing: zeros go on in their place
  //   record         receives what is computed on the way (decoder.js)
  //
  // Returns { output (T, D), weights }, where weights[head] is T rows of S numbers.
  forward(x, { context, mask, cache, disabledHeads = [], record }) {
    const { size, headSize } = this;
    const start = cache?.length ?? 0;
    const queries = this.query.forward(x); // (T, D)
    record?.("query", queries);
    this.turn(queries, start);
    const { keys, values } = this.keysAndValues(x, { context, cache, start, record }); // (S, D)
    const nKeys = keys.length / size;
    const gathered = new Float32Array(queries.length); // (T, D)
    const weights = Array.from({ length: this.nHeads }, (_, head) => {
      const from = head * headSize; // a head works on columns of its own
      const own = (vectors) => matrix(columns(vectors, size, from, headSize), headSize);
      const shares = attentionWeights(own(queries).values, own(keys), mask); // (T, S)
      if (!disabledHeads.includes(head)) setColumns(gathered, size, from, mixRows(shares, own(values)));
      return rowsOf(shares, nKeys);
    });
    const output = this.output.forward(gathered);
    record?.("heads", gathered);
    record?.("output", output);
    return { output, weights };
  }

  // Those of `context`, or of x and with a cache of all positions so far.
  keysAndValues(x, { context, cache, start, record }) {
    if (context && start) return cache.kept();
    const keys = this.key.forward(context ?? x);
    const values = this.value.forward(context ?? x);
    record?.("key", keys);
    record?.("value", values);
    this.turn(keys, start);
    return cache ? cache.extend(keys, values) : { keys, values };
  }

  turn(vectors, start) {
    if (this.rotary) rotateInPlace(vectors, { size: this.size, headSize: this.headSize, start });
  }
}

// softmax(QKᵀ/√K) of one head: queries (T, K), keys a matrix (S, K) → (T, S)
function attentionWeights(queries, keys, mask) {
  const [nKeys, size] = keys.shape;
  const weights = linear(queries, keys).map((score) => score / Math.sqrt(size));
  rowsOf(weights, nKeys).forEach((row, t) => {
    // Hidden before the softmax: a weight of exactly 0, and the others still add up to 1.
    mask?.[t].forEach((isVisible, s) => { if (!isVisible) row[s] = -Infinity; });
    if (mask && !mask[t].includes(true)) row.fill(0);
    else softmaxInPlace(row);
  });
  return weights;
}
