// A number written out as the sum that it is: the largest terms first, the rest as one.
//
// Holds the few kinds of sums that a Transformer is made of: a vector times a vector, a vector
// times a matrix, a softmax, a norm. For `explain.js`.

import { normOf } from "./direction.js";
import { rows } from "./tensor.js";

const N_TERMS = 6; // so many are written out; the others are one

/**
 * What stands in a sum: a product of factors or, where a softmax adds up, e to the power of
 * one. `opens` is a factor's path; null: it is learned, or taken as it is.
 * @typedef {{ label: string, value: number, isPower?: boolean,
 *   factors: { value: number, opens: string | null }[] }} Term
 */

/**
 * `total` is all terms and the rest together; `steps` lead from it to the number; `of`: what the
 * factors are. A softmax has a `largest` score; a norm has numbers that stay `fixed`, as they came out.
 * @typedef {{ terms: Term[], rest: { count: number, value: number } | null, total: number,
 *   of?: string[], steps?: { words: string, value: number }[], largest?: number,
 *   fixed?: { name: string, value: number }[] }} Sum
 */

/** @param {number} value @param {string | null} [opens] */
export function factor(value, opens = null) {
  return { value, opens };
}

/** A term of one factor. @param {string} label @param {number} value @param {string | null} [opens] */
export function single(label, value, opens = null) {
  return { label, value, factors: [factor(value, opens)] };
}

/** A term of two factors. */
export function product(label, a, b) {
  return { label, value: a.value * b.value, factors: [a, b] };
}

/** Finished terms as a sum. @param {Term[]} terms @returns {Sum} */
export function sumOf(terms) {
  return largestOf(valuesOf(terms), (i) => terms[i]);
}

/**
 * Values as a sum, of which only the largest need be made terms: by `termOf(i)`. `wanted` is the
 * index of one that must be seen.
 * @param {number[]} values
 * @param {(i: number) => Term} termOf
 * @param {number | null} [wanted]
 * @returns {Sum}
 */
export function largestOf(values, termOf, wanted = null) {
  const order = values.map((_, i) => i)
    .sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b);
  // A rest of one is written out: it needs no more room than "1 other".
  const shown = order.slice(0, order.length === N_TERMS + 1 ? order.length : N_TERMS);
  if (wanted !== null && !shown.includes(wanted)) shown[shown.length - 1] = wanted;
  const others = values.map((value, i) => (shown.includes(i) ? 0 : value));
  const count = values.length - shown.length;
  return {
    terms: shown.map(termOf),
    rest: count ? { count, value: total(others) } : null,
    total: total(values),
  };
}

/**
 * a · b, and `others`, terms beside it. `opensA(i)` and `opensB(i)` are the paths of their
 * numbers; `of`: what these are; `made`: the matrix that the model multiplied, and its result.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {{ of: string[], label: (i: number) => string, opensA: (i: number) => string | null,
 *   opensB?: (i: number) => string | null, others?: Term[],
 *   made?: { weight: import("./tensor.js").Matrix, result: number } }} options
 * @returns {Sum}
 */
export function dotSum(a, b, { of, label, opensA, opensB = (_) => null, others = [], made = null }) {
  const values = Array.from(a, (value, i) => value * b[i]);
  const exact = [...values, ...valuesOf(others)];
  const further = made ? [...others, ...rounding(made, exact)] : others;
  const sum = largestOf([...values, ...valuesOf(further)], (i) => (i >= values.length
    ? further[i - values.length] : product(label(i), factor(a[i], opensA(i)), factor(b[i], opensB(i)))));
  return { ...sum, of };
}

/**
 * Where a model multiplies a packed matrix it rounds first (packed.js): what its `result` differs
 * by from the sum of the exact values, as a term.
 */
export function rounding({ weight, result }, exact) {
  return weight.packed ? [single("rounding to 16 bits", result - total(exact))] : [];
}

export const valuesOf = (terms) => terms.map(({ value }) => value);

/** Row `out` of a `Linear` times x, which was `result`; `opens(i)` is the path of x[i]. */
export function linearSum(x, { weight, bias }, out, { of, opens, result }) {
  return dotSum(x, rows(weight, [out]), {
    of, label: (i) => `number ${i}`, opensA: opens, made: { weight, result },
    others: bias ? [single("bias", bias.values[out])] : [],
  });
}

/**
 * The share of one among scores after a softmax. The largest score is taken away from each
 * first, which changes no share.
 */
export function softmaxSum(scores, own, { of, label, opens }) {
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = largestOf(powers, (i) => ({
    label: label(i), value: powers[i], isPower: true, factors: [factor(scores[i], opens(i))],
  }), own);
  const steps = [{ words: `${label(own)} ÷ this sum`, value: powers[own] / sum.total }];
  return { ...sum, of: [of], largest, steps };
}

/** Number i of the vector x after a norm, and how it is made; `opens` is the path of x[i]. */
export function normSum(norm, x, i, opens) {
  const { mean, deviation, gain, isCentred, constants } = normOf(norm, x);
  const terms = [product(`number ${i} before the norm`, factor(x[i], opens), factor(gain[i]))];
  if (isCentred) terms.push(product("less the mean", factor(-mean), factor(gain[i])));
  if (constants) terms.push(single("learned constant", constants[i]));
  return {
    how: isCentred
      ? "LayerNorm: less the mean of its vector, divided by the vector's deviation, times a learned factor, "
        + "plus a learned constant."
      : "RMSNorm: divided by the size of its vector, times a learned factor.",
    ...sumOf(terms), of: ["number", `learned factor ÷ ${measureOf({ isCentred })}`],
    fixed: [...measured({ isCentred, mean, deviation }),
      { name: "learned factor", value: norm.weight.values[i] }],
  };
}

const measureOf = ({ isCentred }) => (isCentred ? "deviation" : "size");

/** What a norm measured in a vector, and what stays as it came out when shares are told. */
export function measured({ isCentred, mean, deviation }) {
  const size = { name: measureOf({ isCentred }), value: deviation };
  return isCentred ? [{ name: "mean", value: mean }, size] : [size];
}

/** A soft cap bends what was added up; no cap, no step. */
export function capSteps(value, cap) {
  if (cap === null) return [];
  return [{ words: `bent, to stay within ±${cap}`, value: cap * Math.tanh(value / cap) }];
}

function total(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}
