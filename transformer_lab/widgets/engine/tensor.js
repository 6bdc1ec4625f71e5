// The arithmetic of a Transformer, on plain Float32Arrays.
//
// A matrix of T rows and D columns is one Float32Array of T * D numbers, row
// after row. Each function is what its name says in the Python package (and in
// torch), and nothing is faster than it needs to be, except the products of matrices, in
// which a model spends nearly all of its time (kernels.js). Results agree with torch to about 1e-6.
//
// It leaves out gradients: the page runs models, it does not train them.

import * as kernels from "./kernels.js";
import { unpackRow } from "./packed.js";
import * as plain from "./products.js";

/**
 * Numbers, row after row, and how many there are: [rows, columns], or [numbers] of a vector.
 * Packed, they are the bytes of blocks (packed.js), and `values` is missing.
 * @typedef {{ shape: number[], values?: Float32Array, packed?: Uint8Array, format?: string }} Matrix
 */

/**
 * How many heads ask, how many heads of keys and values answer them (as many, or each of
 * them several), and how many numbers a head has.
 * @typedef {{ nHeads: number, nKvHeads: number, headSize: number }} Heads
 */

/**
 * y = x Wᵀ + b, for each row of x.  x (T, I), weight (O, I), packed or not, bias (O) or none → (T, O)
 * @param {Float32Array} x
 * @param {Matrix} weight
 * @param {Matrix | null} bias
 */
export function linear(x, weight, bias = null) {
  return kernels.linear(x, weight, bias) ?? plain.linear(x, weight, bias);
}

/**
 * Each head's queries times its keys.  queries (T, H*K), keys (S, G*K) → (H, T, S)
 * @param {Float32Array} queries
 * @param {Float32Array} keys
 * @param {Heads} heads
 */
export function headScores(queries, keys, heads) {
  return kernels.headScores(queries, keys, heads) ?? plain.headScores(queries, keys, heads);
}

/**
 * Each head's values, mixed by its weights.  weights (H, T, S), values (S, G*K) → (T, H*K)
 * @param {Float32Array} weights
 * @param {Float32Array} values
 * @param {Heads} heads
 */
export function mixHeads(weights, values, heads) {
  return kernels.mixHeads(weights, values, heads) ?? plain.mixHeads(weights, values, heads);
}

// Some rows of a table, packed or not, one after the other.  numbers (T) → (T, columns)
export function rows(table, numbers) {
  const size = table.shape[1];
  const picked = new Float32Array(numbers.length * size);
  numbers.forEach((number, t) => {
    const row = table.packed
      ? unpackRow(table, number) : table.values.subarray(number * size, (number + 1) * size);
    picked.set(row, t * size);
  });
  return picked;
}

// The rows of a matrix, each as its `size` numbers: views, no copies.
export function rowsOf(x, size) {
  return Array.from({ length: x.length / size }, (_, row) => x.subarray(row * size, (row + 1) * size));
}

// `n` columns of x (T, size), from `from` on.  → (T, n)
export function columns(x, size, from, n) {
  const picked = new Float32Array((x.length / size) * n);
  for (let t = 0, start = from; start < x.length; t++, start += size) {
    picked.set(x.subarray(start, start + n), t * n);
  }
  return picked;
}

// Adds y to x, number by number, in place: the residual connection.
export function addInPlace(x, y) {
  for (let i = 0; i < x.length; i++) x[i] += y[i];
  return x;
}

// Multiplies x by y, number by number, in place: a gate.
export function multiplyInPlace(x, y) {
  for (let i = 0; i < x.length; i++) x[i] *= y[i];
  return x;
}

// Each row to mean 0 and variance 1, then scaled and shifted.  x (T, D) → (T, D)
export function layerNorm(x, weight, bias, epsilon = 1e-5) {
  const size = weight.values.length;
  const y = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += size) {
    let mean = 0;
    for (let i = 0; i < size; i++) mean += x[start + i];
    mean /= size;
    let variance = 0;
    for (let i = 0; i < size; i++) variance += (x[start + i] - mean) ** 2;
    variance /= size;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let i = 0; i < size; i++) {
      y[start + i] = (x[start + i] - mean) * scale * weight.values[i] + bias.values[i];
    }
  }
  return y;
}

// Each row to length √D, then scaled: unlike above, the mean stays.  x (T, D) → (T, D)
export function rmsNorm(x, weight, epsilon = 1e-5) {
  const size = weight.values.length;
  const y = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += size) {
    let squares = 0;
    for (let i = 0; i < size; i++) squares += x[start + i] ** 2;
    const scale = 1 / Math.sqrt(squares / size + epsilon);
    for (let i = 0; i < size; i++) y[start + i] = x[start + i] * scale * weight.values[i];
  }
  return y;
}

// Scores to weights that are positive and add up to 1, in place.
export function softmaxInPlace(scores) {
  // Taking the largest away first changes nothing in the result, and keeps
  // the exponential from overflowing.
  let largest = -Infinity;
  for (const score of scores) if (score > largest) largest = score;
  for (let i = 0; i < scores.length; i++) scores[i] -= largest;
  expInPlace(scores);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i];
  for (let i = 0; i < scores.length; i++) scores[i] /= sum;
  return scores;
}

function expInPlace(x) {
  if (!kernels.exp(x)) for (let i = 0; i < x.length; i++) x[i] = Math.exp(x[i]);
}

// Bends numbers so that they stay between -cap and cap; small ones hardly change.
export function softCapInPlace(x, cap) {
  for (let i = 0; i < x.length; i++) x[i] = cap * Math.tanh(x[i] / cap);
  return x;
}

// Bends each number of x, in place; `name` as in the Python package's Config.
export function activateInPlace(x, name) {
  const bend = { relu, gelu }[name];
  const gate = { gelu_tanh: geluGate, silu: (number) => number }[name];
  if (!bend && !gate) {
    throw new Error(`activation ${name} is unknown; known: relu, gelu, gelu_tanh, silu`);
  }
  if (gate) return gateInPlace(x, gate);
  for (let i = 0; i < x.length; i++) x[i] = bend(x[i]);
  return x;
}

// x sigmoid(gate(x)), with all exponentials at once.
function gateInPlace(x, gate) {
  const powers = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) powers[i] = -gate(x[i]);
  expInPlace(powers);
  for (let i = 0; i < x.length; i++) x[i] /= 1 + powers[i];
  return x;
}

export function relu(x) {
  return x > 0 ? x : 0;
}

export function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

// x times the share of a normal distribution that lies below x.
export function gelu(x) {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

// GPT-2's approximation of it: 0.5 x (1 + tanh u), where u is a cubic in x; and
// (1 + tanh u) / 2 = sigmoid(2u).
export function geluTanh(x) {
  return x * sigmoid(geluGate(x));
}

function geluGate(x) {
  return 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
}

// The error function, by its series  erf(x) = 2/√π e^(-x²) (x + 2x³/3 + 4x⁵/15 + …).
// All terms have one sign, so nothing cancels: exact to double precision.
export function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x); // 1 - erf(6) is 2e-17
  let term = size, sum = size;
  for (let n = 1; term > sum * 1e-16; n++) {
    term *= (2 * size * size) / (2 * n + 1);
    sum += term;
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-size * size) * sum;
}
