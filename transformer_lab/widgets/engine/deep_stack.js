// A deep stack of small layers, forward and backward, to see what depth does.
//
// Each layer is y = contract(relu(expand(x))), with a residual connection and a
// norm or without. The backward pass is written out by hand; it gives the
// gradients that torch's autograd gives (tests/widgets).
//
// Shapes: T tokens, D numbers each, F = 2 D neurons. Taught in chapter 9.

import { normal, seededRandom } from "./sampling.js";
import { dot } from "./vectors.js";

const N_TOKENS = 4;
const EPS = 1e-5; // keeps the norm from dividing by zero

// Weights that keep the size of what passes through a linear layer, times `scale`.
// → { size, layers: [{ expand (F, D), contract (D, F) }], input (T, D), direction (T, D) }
export function makeStack({ depth, size = 32, scale = 1, seed = 0 }) {
  const draw = normal(seededRandom(seed + 1));
  const matrix = (rows, columns, spread) =>
    Float64Array.from({ length: rows * columns }, () => spread * draw());
  const hidden = 2 * size;
  const input = matrix(N_TOKENS, size, 1);
  const direction = matrix(N_TOKENS, size, 1);
  const layers = Array.from({ length: depth }, () => ({
    expand: matrix(hidden, size, scale / Math.sqrt(size)),
    contract: matrix(size, hidden, scale / Math.sqrt(hidden)),
  }));
  return { size, layers, input, direction };
}

// Runs the stack, and back. norm: "none", "pre" or "post".
//
// → { signal: depth + 1 sizes (root mean square) of the stream before and after
// each layer; gradients: for each layer, the length of the gradient of
// sum(output * direction) with respect to what goes into the layer }
export function runStack({ size, layers, input, direction }, { residual, norm }) {
  const kept = []; // what the way back needs
  let x = input;
  const signal = [rootMeanSquare(x)];
  for (const layer of layers) {
    const step = forward(layer, x, { size, residual, norm });
    kept.push(step);
    x = step.y;
    signal.push(rootMeanSquare(x));
  }
  const gradients = [];
  let slope = direction;
  for (let at = layers.length - 1; at >= 0; at--) {
    slope = backward(layers[at], kept[at], slope, { size, residual, norm });
    gradients[at] = Math.hypot(...slope);
  }
  return { signal, gradients };
}

function forward({ expand, contract }, x, { size, residual, norm }) {
  const before = norm === "pre" ? normalise(x, size) : { y: x };
  const widened = times(before.y, expand, size, 2 * size); // (T, F)
  const neurons = widened.map((value) => Math.max(0, value));
  const thought = times(neurons, contract, 2 * size, size); // (T, D)
  const sum = residual ? thought.map((value, i) => value + x[i]) : thought;
  const after = norm === "post" ? normalise(sum, size) : { y: sum };
  return { before, widened, after, y: after.y };
}

function backward({ expand, contract }, { before, widened, after }, slope, { size, residual, norm }) {
  const sum = norm === "post" ? normaliseBack(after, slope, size) : slope;
  const ofNeurons = timesTransposed(sum, contract, 2 * size, size) // (T, F)
    .map((value, i) => (widened[i] > 0 ? value : 0));
  const ofBefore = timesTransposed(ofNeurons, expand, size, 2 * size); // (T, D)
  const ofLayer = norm === "pre" ? normaliseBack(before, ofBefore, size) : ofBefore;
  return residual ? ofLayer.map((value, i) => value + sum[i]) : ofLayer;
}

// --- The arithmetic, in double precision: 64 layers multiply every rounding --------------

// x (T, I), weight (O, I) → (T, O)
function times(x, weight, nIn, nOut) {
  const y = new Float64Array((x.length / nIn) * nOut);
  for (let t = 0; t < x.length / nIn; t++) {
    for (let o = 0; o < nOut; o++) {
      let sum = 0;
      for (let i = 0; i < nIn; i++) sum += x[t * nIn + i] * weight[o * nIn + i];
      y[t * nOut + o] = sum;
    }
  }
  return y;
}

// y (T, O), weight (O, I) → (T, I)
function timesTransposed(y, weight, nIn, nOut) {
  const x = new Float64Array((y.length / nOut) * nIn);
  for (let t = 0; t < y.length / nOut; t++) {
    for (let o = 0; o < nOut; o++) {
      const value = y[t * nOut + o];
      for (let i = 0; i < nIn; i++) x[t * nIn + i] += value * weight[o * nIn + i];
    }
  }
  return x;
}

// Each row minus its mean, over its standard deviation: LayerNorm without its weights.
function normalise(x, size) {
  const y = new Float64Array(x.length);
  const spreads = [];
  for (let start = 0; start < x.length; start += size) {
    const row = x.subarray(start, start + size);
    const mean = row.reduce((sum, value) => sum + value, 0) / size;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    const spread = Math.sqrt(variance + EPS);
    spreads.push(spread);
    row.forEach((value, i) => { y[start + i] = (value - mean) / spread; });
  }
  return { y, spreads };
}

// What is common to a row (its mean, its size) was taken out, so no slope passes there.
function normaliseBack({ y, spreads }, slope, size) {
  const x = new Float64Array(slope.length);
  spreads.forEach((spread, t) => {
    const [from, to] = [t * size, (t + 1) * size];
    const own = slope.subarray(from, to), row = y.subarray(from, to);
    const mean = own.reduce((sum, value) => sum + value, 0) / size;
    const along = own.reduce((sum, value, i) => sum + value * row[i], 0) / size;
    own.forEach((value, i) => { x[from + i] = (value - mean - row[i] * along) / spread; });
  });
  return x;
}

function rootMeanSquare(x) {
  return Math.sqrt(dot(x, x) / x.length);
}
