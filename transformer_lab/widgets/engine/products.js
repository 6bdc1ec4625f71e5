// The products in which a model spends its time, in plain JavaScript.
//
// kernels.wat does the same, faster, where a browser lets it; packed weights are multiplied
// in packed.js. tensor.js chooses. JavaScript adds in double precision.

import { addPackedProduct } from "./packed.js";

/**
 * y = x Wᵀ + b, for each row of x.  x (T, I), weight (O, I), packed or not, bias (O) or none → (T, O)
 * @param {Float32Array} x
 * @param {import("./tensor.js").Matrix} weight
 * @param {import("./tensor.js").Matrix | null} bias
 */
export function linear(x, weight, bias = null) {
  const [nOut, nIn] = weight.shape;
  const y = new Float32Array((x.length / nIn) * nOut);
  if (bias) for (let start = 0; start < y.length; start += nOut) y.set(bias.values, start);
  if (weight.packed) addPackedProduct(x, weight, y);
  else addProduct(x, weight, y);
  return y;
}

/**
 * Adds x Wᵀ to y.
 * @param {Float32Array} x
 * @param {import("./tensor.js").Matrix} weight
 * @param {Float32Array} y
 */
function addProduct(x, { shape: [nOut, nIn], values: W }, y) {
  const nRows = x.length / nIn;
  // Four rows at a time: a weight that has been fetched is used four times.
  let row = 0;
  for (; row + 4 <= nRows; row += 4) {
    const a = row * nIn, b = a + nIn, c = b + nIn, d = c + nIn;
    for (let out = 0; out < nOut; out++) {
      let sumA = 0, sumB = 0, sumC = 0, sumD = 0;
      for (let i = 0, w = out * nIn; i < nIn; i++, w++) {
        const weightHere = W[w];
        sumA += x[a + i] * weightHere;
        sumB += x[b + i] * weightHere;
        sumC += x[c + i] * weightHere;
        sumD += x[d + i] * weightHere;
      }
      const to = row * nOut + out;
      y[to] += sumA;
      y[to + nOut] += sumB;
      y[to + 2 * nOut] += sumC;
      y[to + 3 * nOut] += sumD;
    }
  }
  // The rows that are left over, one by one.
  for (; row < nRows; row++) {
    for (let out = 0; out < nOut; out++) {
      let sum = 0;
      for (let i = 0, w = out * nIn; i < nIn; i++, w++) sum += x[row * nIn + i] * W[w];
      y[row * nOut + out] += sum;
    }
  }
}

/**
 * Each head's queries times its keys.  queries (T, H*K), keys (S, G*K) → (H, T, S)
 * @param {Float32Array} queries
 * @param {Float32Array} keys
 * @param {import("./tensor.js").Heads} heads
 */
export function headScores(queries, keys, { nHeads, nKvHeads, headSize }) {
  const [width, keyWidth] = [nHeads * headSize, nKvHeads * headSize];
  const scores = new Float32Array((queries.length / width) * (keys.length / keyWidth) * nHeads);
  let to = 0;
  for (let head = 0; head < nHeads; head++) {
    const keyFrom = Math.floor((head * nKvHeads) / nHeads) * headSize;
    for (let query = head * headSize; query < queries.length; query += width) {
      for (let key = keyFrom; key < keys.length; key += keyWidth) {
        let sum = 0;
        for (let i = 0; i < headSize; i++) sum += queries[query + i] * keys[key + i];
        scores[to++] = sum;
      }
    }
  }
  return scores;
}

/**
 * Each head's values, mixed by its weights.  weights (H, T, S), values (S, G*K) → (T, H*K)
 * @param {Float32Array} weights
 * @param {Float32Array} values
 * @param {import("./tensor.js").Heads} heads
 */
export function mixHeads(weights, values, { nHeads, nKvHeads, headSize }) {
  const [width, valueWidth] = [nHeads * headSize, nKvHeads * headSize];
  const nQueries = weights.length / nHeads / (values.length / valueWidth);
  const mixed = new Float32Array(nQueries * width);
  let from = 0;
  for (let head = 0; head < nHeads; head++) {
    const valueFrom = Math.floor((head * nKvHeads) / nHeads) * headSize;
    for (let to = head * headSize; to < mixed.length; to += width) {
      for (let value = valueFrom; value < values.length; value += valueWidth) {
        const share = weights[from++];
        for (let i = 0; i < headSize; i++) mixed[to + i] += share * values[value + i];
      }
    }
  }
  return mixed;
}
