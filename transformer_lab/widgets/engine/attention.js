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
import { dot, softmaxInPlace } from "./tensor.js";

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

  append(keys, values) {
    this.keys.set(keys, this.length * this.size);
    this.values.set(values, this.length * this.size);
    this.length += keys.length / this.size;
  }
}

export class MultiHeadAttention {
  // rotary: whether queries and keys are turned by their position before they meet.
  constructor(tensors, { nHeads, size, rotary = false }) {
    this.nHeads = nHeads;
    this.rotary = rotary;
    for (const name of ["query", "key", "value", "output"]) {
      this[name] = new Linear(tensors.under(name), size, size);
    }
  }

  // Lets each row of x (T, D) gather from `context` (S, D), or from x itself.
  //
  //   causal         a position sees itself and what came before
  //   mask           T rows of S booleans instead: true where looking is allowed; who
  //                  may look at nothing gathers nothing
  //   cache          x holds only the newest positions; the cache has the earlier
  //                  ones, and remembers these too. Of a `context`, which never
  //                  grows, it keeps what was computed the first time
  //   disabledHeads  heads that gather nothing: zeros go on in their place
  //   record         is told what is computed on the way (decoder.js)
  //
  // Returns { output (T, D), weights }, where weights[head] is T rows of S numbers.
  forward(x, { context = x, causal = false, mask = null, cache = null, disabledHeads = [], record = null } = {}) {
    const queries = this.query.forward(x); // (T, D)
    const size = this.query.weight.shape[0]; // D
    record?.("query", queries);
    const headSize = size / this.nHeads; // K
    if (this.rotary) rotateInPlace(queries, { size, headSize, start: cache?.length ?? 0 });
    const isKnown = context !== x && cache?.length > 0;
    let keys, values; // (S, D)
    if (!isKnown) {
      keys = this.key.forward(context);
      values = this.value.forward(context);
      record?.("key", keys);
      record?.("value", values);
      if (this.rotary) rotateInPlace(keys, { size, headSize, start: cache?.length ?? 0 });
      cache?.append(keys, values);
    }
    if (cache) ({ keys, values } = cache);
    const nKeys = cache ? cache.length : keys.length / size; // S
    const nQueries = queries.length / size; // T
    const gathered = new Float32Array(nQueries * size); // (T, D)
    const weights = [];
    for (let head = 0; head < this.nHeads; head++) {
      const from = head * headSize; // a head works on columns of its own
      const rows = [];
      for (let t = 0; t < nQueries; t++) {
        // With a cache the queries are the last T of the S positions.
        const nVisible = causal && !mask ? nKeys - nQueries + t + 1 : nKeys;
        const row = new Float32Array(nKeys); // what may not be seen keeps weight 0
        const visible = row.subarray(0, nVisible);
        for (let s = 0; s < nVisible; s++) {
          visible[s] = dot(queries, t * size + from, keys, s * size + from, headSize) / Math.sqrt(headSize);
        }
        if (mask) visible.forEach((_, s) => { if (!mask[t][s]) visible[s] = -Infinity; });
        if (mask && !mask[t].includes(true)) visible.fill(0);
        else softmaxInPlace(visible);
        rows.push(row);
        if (disabledHeads.includes(head)) continue;
        for (let s = 0; s < nVisible; s++) {
          const weight = row[s];
          for (let i = 0; i < headSize; i++) {
            gathered[t * size + from + i] += weight * values[s * size + from + i];
          }
        }
      }
      weights.push(rows);
    }
    const output = this.output.forward(gathered);
    record?.("heads", gathered);
    record?.("output", output);
    return { output, weights };
  }
}
