// From scores to a choice: the same rules as transformer_lab/generation.py.
//
// Holds the distribution that the next token is drawn from, the draw, and a
// random generator with a seed. The loop around them is in `generation.js`.
//
// Source: top-k: Fan et al. 2018; top-p: Holtzman et al. 2020. Taught in chapter 12.

import { softmaxInPlace } from "./tensor.js";

// The probabilities to draw the next token from. In this order: divide the
// logits by the temperature, take the softmax, keep the `topK` most likely, keep
// the fewest of those that together reach `topP`, share out 1 among what is left.
//
//   temperature  below 1 sharpens, above 1 flattens; 0 takes the best for certain
//   topK         how many tokens to keep; 0 keeps all
//   topP         how much probability to keep; 1 keeps all
//   order        `mostLikelyFirst(logits)`, where it is known already: it takes the longest
export function distribution(logits, { temperature = 1, topK = 0, topP = 1, order = null } = {}) {
  checkSettings(temperature, topK, topP);
  if (temperature === 0) {
    const certain = new Float64Array(logits.length);
    certain[mostLikely(logits)] = 1;
    return certain;
  }
  order ??= mostLikelyFirst(logits);
  const shares = sharesOf(logits, order, temperature);
  if (topK) shares.fill(0, topK);
  if (topP < 1) shares.fill(0, countEnough(shares, topP * total(shares)));
  return byID(shares, order);
}

// The softmax of the logits over the temperature, the largest first: in double precision, so
// that at a low temperature unlikely does not become impossible. (These are loops because a
// function called for each of a real model's 49,152 tokens takes five times as long.)
function sharesOf(logits, order, temperature) {
  const shares = new Float64Array(order.length);
  for (let rank = 0; rank < shares.length; rank++) {
    shares[rank] = (logits[order[rank]] - logits[order[0]]) / temperature;
  }
  return softmaxInPlace(shares);
}

// Each share of 1 to its token.
function byID(shares, order) {
  const probabilities = new Float64Array(shares.length);
  const all = total(shares);
  for (let rank = 0; rank < shares.length; rank++) probabilities[order[rank]] = shares[rank] / all;
  return probabilities;
}

function checkSettings(temperature, topK, topP) {
  if (!(temperature >= 0)) throw new RangeError(`temperature ${temperature} must not be negative`);
  if (!(topK >= 0)) throw new RangeError(`topK ${topK} must not be negative (0 keeps every token)`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`topP ${topP} must be above 0 and at most 1`);
}

// How many shares reach `enough` together, the largest first: the one that crosses the line
// counts, and so the first always does.
function countEnough(shares, enough) {
  let n = 0;
  for (let sum = 0; n < shares.length && sum < enough; n++) sum += shares[n];
  return n;
}

// Token IDs by falling score; of two equal ones the lower ID comes first.
export function mostLikelyFirst(scores) {
  if (scores instanceof Float32Array) return sortedIDs(scores);
  return Array.from(scores, (_, id) => id).sort((a, b) => scores[b] - scores[a] || a - b);
}

// The same for floats, ten times as fast: a radix sort. The 32 bits of a float, read as a whole
// number, are in the order of the floats, but for the sign. They are put in order by their lowest
// 11 bits, then by the next ones and by the highest; equal ones stay as they are.
function sortedIDs(scores) {
  const keys = new Uint32Array(scores.slice().buffer);
  let ids = new Uint32Array(keys.length);
  for (let id = 0; id < keys.length; id++) {
    ids[id] = id;
    if (scores[id] === 0) keys[id] = 0; // -0 is 0
    if (keys[id] < 2 ** 31) keys[id] = 2 ** 31 - 1 - keys[id]; // not negative: the largest first
  }
  for (const shift of [0, 11, 22]) ids = sortedByDigit(ids, keys, shift);
  return Array.from(ids);
}

function sortedByDigit(ids, keys, shift) {
  const places = new Uint32Array(2049); // of the next ID with each digit
  for (let id = 0; id < keys.length; id++) places[((keys[id] >>> shift) & 2047) + 1]++;
  for (let digit = 1; digit < places.length; digit++) places[digit] += places[digit - 1];
  const sorted = new Uint32Array(ids.length);
  for (let i = 0; i < ids.length; i++) sorted[places[(keys[ids[i]] >>> shift) & 2047]++] = ids[i];
  return sorted;
}

// The first of these, without sorting the others.
export function mostLikely(scores) {
  return scores.reduce((best, score, id) => (score > scores[best] ? id : best), 0);
}

// Draws one token. The probabilities lie end to end, the most likely first, on a
// line from 0 to 1; the token on which a random point of the line falls is taken.
//
//   random  a function that gives a number from [0, 1), such as `seededRandom(seed)`
//   order   `mostLikelyFirst(probabilities)`, where it is known already
export function sample(probabilities, random, order = mostLikelyFirst(probabilities)) {
  const point = random();
  let end = 0;
  for (const id of order) {
    end += probabilities[id];
    if (point < end) return id;
  }
  return order[0]; // rounding left a gap at the very end of the line
}

// Random numbers from [0, 1); the same seed gives the same ones, in the same order.
// A counter is stepped by an odd constant, so that it visits all 2³² values, and
// its bits are mixed (the finaliser of MurmurHash3, by Austin Appleby).
export function seededRandom(seed) {
  let counter = Number(seed) | 0;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let bits = counter;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  };
}

// Draws from the normal distribution (Box and Muller 1958), as `seededRandom` does from [0, 1).
export function normal(random) {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function total(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i];
  return sum;
}
