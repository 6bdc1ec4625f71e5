// Attention: each position asks, and takes what it needs from the others.
//
// Holds multi-head attention, causal or not, within one text or (with `context`)
// from one text to another, and the key/value cache that makes generation cheap.
// Unlike a fast library it keeps the weights: they are what the figures show.
//
// Shapes: T queries, S keys, H heads, G heads of keys and values (all H, or fewer),
// K size of one head, D = d_model, in most models H * K.
//
// Source: Vaswani et al. 2017, section 3.2. Taught in chapters 5 to 7.

import { headSize, kvHeads } from "./config.js";
import { Linear, makeNorm } from "./layers.js";
import { rotateInPlace } from "./positions.js";
import { headScores, mixHeads, rowsOf, softCapInPlace, softmaxInPlace } from "./tensor.js";

// The keys and values of the positions that one layer has seen. A later token
// never changes them, so they need not be computed again. To take back the last
// tokens, set `length` back: what lies behind it will be written over.
export class KeyValueCache {
  constructor(size) {
    this.size = size; // G * K
    this.keys = this.values = new Float32Array(0);
    this.length = 0;
  }

  // Appends new keys and values (T, G * K); returns all of them so far.
  extend(keys, values) {
    const start = this.length * this.size;
    const end = start + keys.length;
    [this.keys, this.values] = [this.keys, this.values].map((kept) => withRoom(kept, end));
    this.keys.set(keys, start);
    this.values.set(values, start);
    this.length = end / this.size;
    return this.kept();
  }

  kept() {
    const end = this.length * this.size;
    return { keys: this.keys.subarray(0, end), values: this.values.subarray(0, end) };
  }
}

// The same numbers, with room for `size` of them. Each time the room doubles at least,
// so that it rarely grows.
function withRoom(numbers, size) {
  if (size <= numbers.length) return numbers;
  const larger = new Float32Array(Math.max(size, 2 * numbers.length));
  larger.set(numbers);
  return larger;
}

export class MultiHeadAttention {
  // ropeBase: sets the slowest wave of rotary positions; null: positions do not turn.
  constructor(tensors, config, ropeBase = null) {
    const [size, K] = [config.d_model, headSize(config)];
    const layer = (name, nIn, nOut) => new Linear(tensors.under(name), nIn, nOut, { bias: config.bias });
    const headNorm = (name) => (config.head_norm ? makeNorm(tensors.under(name), config, K) : null);
    this.heads = { nHeads: config.n_heads, nKvHeads: kvHeads(config), headSize: K };
    this.query = layer("query", size, this.heads.nHeads * K);
    this.key = layer("key", size, this.heads.nKvHeads * K);
    this.value = layer("value", size, this.heads.nKvHeads * K);
    this.output = layer("output", this.heads.nHeads * K, size);
    this.queryNorm = headNorm("query_norm");
    this.keyNorm = headNorm("key_norm");
    this.ropeBase = ropeBase;
    this.scoreScale = config.score_scale ?? 1 / Math.sqrt(K);
    this.scoreCap = config.score_cap;
  }

  /**
   * Lets each row of x (T, D) gather from `context` (S, D), or from x itself.
   *
   *   causal         a position looks at itself and at what came before, `window`
   *                  positions in all (default: to the start)
   *   mask           T rows of S booleans: true where looking is allowed (default: everywhere);
   *                  a position that may attend to nothing gathers zeros
   *   cache          x holds only the newest positions; the cache has the earlier
   *                  ones, and remembers these too. Of a `context`, which never
   *                  grows, it keeps what was computed the first time
   *   disabledHeads  heads that gather nothing: zeros go on in their place
   *   keepAttention  false: the weights are thrown away
   *   record         receives what is computed on the way (decoder.js)
   *
   * Returns { output (T, D), weights }: weights[head] is T rows of S numbers, all of them
   * views of one array (H, T, S).
   * @param {Float32Array} x
   * @param {{ context?: Float32Array, causal?: boolean, window?: number | null, mask?: boolean[][],
   *   cache?: KeyValueCache, disabledHeads?: number[], keepAttention?: boolean, record?: Function }} options
   */
  forward(x, { context, cache, disabledHeads = [], keepAttention = true, record, ...visible } = {}) {
    const start = cache?.length ?? 0;
    const queries = this.query.forward(x); // (T, H * K)
    record?.("query", queries);
    const { keys, values } = this.keysAndValues(x, { context, cache, start, record }); // (S, G * K)
    const ready = this.ready(queries, { nHeads: this.heads.nHeads, norm: this.queryNorm, start });
    const weights = this.weights(ready, keys, { visible, record });
    const gathered = this.gather(weights.flat, values, disabledHeads); // (T, H * K)
    record?.("heads", gathered);
    const output = this.output.forward(gathered);
    record?.("output", output);
    return { output, weights: keepAttention ? weights.rows : null };
  }

  // Those of `context`, or of x and with a cache of all positions so far.
  keysAndValues(x, { context, cache, start, record }) {
    if (context && start) return cache.kept();
    const keys = this.key.forward(context ?? x);
    const values = this.value.forward(context ?? x);
    record?.("key", keys);
    record?.("value", values);
    const ready = this.ready(keys, { nHeads: this.heads.nKvHeads, norm: this.keyNorm, start });
    return cache ? cache.extend(ready, values) : { keys: ready, values };
  }

  // Queries or keys of `nHeads` heads, as they meet: normalised and turned, if this model does so.
  ready(vectors, { nHeads, norm, start }) {
    const { ropeBase: base, heads: { headSize } } = this;
    const normed = norm ? norm.forward(vectors) : vectors;
    if (base !== null) rotateInPlace(normed, { nHeads, headSize, start, base });
    return normed;
  }

  // softmax(QKᵀ/√K), or with another scale, and with a cap on the scores: as one array
  // (H, T, S), and the rows of each head as views of it.
  weights(queries, keys, { visible, record }) {
    const { nHeads, nKvHeads, headSize } = this.heads;
    const flat = headScores(queries, keys, this.heads); // (H, T, S)
    for (let i = 0; i < flat.length; i++) flat[i] *= this.scoreScale;
    if (this.scoreCap !== null) softCapInPlace(flat, this.scoreCap);
    record?.("scores", flat);
    const nKeys = keys.length / nKvHeads / headSize;
    const rows = rowsOf(flat, flat.length / nHeads).map((own) => rowsOf(own, nKeys));
    for (const own of rows) softmaxOfVisible(own, visible);
    record?.("weights", flat);
    return { flat, rows };
  }

  // Mixes the values, each query of each head with its own weights; heads come side by side.
  gather(weights, values, disabledHeads) {
    const { nHeads, headSize } = this.heads;
    const gathered = mixHeads(weights, values, this.heads); // (T, H * K)
    if (disabledHeads.length) {
      rowsOf(gathered, headSize).forEach((vector, i) => {
        if (disabledHeads.includes(i % nHeads)) vector.fill(0);
      });
    }
    return gathered;
  }
}

/**
 * Turns scores, T rows of S, into weights, in place: each row adds up to 1 over what its
 * query may see.
 * @param {Float32Array[]} rows
 * @param {{ causal?: boolean, window?: number | null, mask?: boolean[][] }} visible
 */
function softmaxOfVisible(rows, visible) {
  const { causal, window, mask } = visible;
  rows.forEach((row, t) => {
    if (mask && !mask[t].includes(true)) return row.fill(0);
    // Hidden before the softmax: a weight of exactly 0, and the others still add up to 1.
    mask?.[t].forEach((isVisible, s) => { if (!isVisible) row[s] = -Infinity; });
    const end = causal ? row.length - rows.length + t + 1 : row.length; // the queries are the last
    const first = window ? Math.max(0, end - window) : 0;
    row.fill(0, 0, first).fill(0, end);
    return softmaxInPlace(row.subarray(first, end));
  });
}
