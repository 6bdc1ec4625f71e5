// A small network that trains in the page: two numbers in, one score out.
//
// Hidden layers as in a Transformer's feed-forward part (expand, then bend, or a
// gate), then one score; the loss is the surprise at the right class. The backward
// pass is written out by hand, and gives torch's gradients (tests/widgets).
//
// Source: backpropagation: Rumelhart, Hinton and Williams 1986; Adam: Kingma and
// Ba 2015; SwiGLU: Shazeer 2020. Taught in chapter 8.

import { normal, seededRandom } from "./sampling.js";
import { geluTanh, relu, sigmoid } from "./tensor.js";
import { dot } from "./vectors.js";

// What bends, with its slope. SwiGLU's bend acts on the gate, not on the number itself.
const BENDS = {
  none: { bend: (z) => z, slope: () => 1 },
  relu: { bend: relu, slope: (z) => (z > 0 ? 1 : 0) },
  gelu: { bend: geluTanh, slope: geluTanhSlope },
  swiglu: { bend: silu, slope: siluSlope, gated: true },
};

export function bend(name, z) {
  return BENDS[name].bend(z);
}

// depth hidden layers of `width` neurons.
// → { activation, layers: [{ weight (O × I), bias, gate, gateBias }], head: { weight, bias } }
export function makeNetwork({ depth, width, activation, seed = 0 }) {
  const draw = normal(seededRandom(seed + 1));
  const matrix = (rows, columns) =>
    Float64Array.from({ length: rows * columns }, () => draw() * Math.sqrt(2 / columns));
  const layers = Array.from({ length: depth }, (_, at) => {
    const nIn = at === 0 ? 2 : width;
    const layer = { nIn, nOut: width, weight: matrix(width, nIn), bias: new Float64Array(width) };
    if (!BENDS[activation].gated) return layer;
    return { ...layer, gate: matrix(width, nIn), gateBias: new Float64Array(width) };
  });
  return { activation, layers, head: { weight: matrix(1, depth ? width : 2), bias: new Float64Array(1) } };
}

// One point (x, y) → { hidden: the last hidden layer's numbers, score, kept }.
// A score above 0 means class 1.
export function forward({ activation, layers, head }, point) {
  const { bend: bent, gated } = BENDS[activation];
  const kept = [];
  let x = point;
  for (const layer of layers) {
    const z = affine(layer.weight, layer.bias, x);
    const g = gated ? affine(layer.gate, layer.gateBias, x) : null;
    const y = gated ? z.map((value, i) => bent(g[i]) * value) : z.map(bent);
    kept.push({ x, z, g });
    x = y;
  }
  return { hidden: x, score: affine(head.weight, head.bias, x)[0], kept };
}

// The mean loss over all points and its gradient. points: [[x, y, class 0 or 1], …]
// → { loss, right: how many points are on the right side, gradients } where
// `gradients` has the arrays of `parameters(network)`, in their order.
export function lossAndGradients(network, points) {
  const arrays = parameters(network);
  const gradients = arrays.map((array) => new Float64Array(array.length));
  const of = new Map(arrays.map((array, at) => [array, gradients[at]]));
  let loss = 0, right = 0;
  for (const [x, y, target] of points) {
    const { hidden, score, kept } = forward(network, [x, y]);
    const sign = target ? 1 : -1;
    loss += Math.log1p(Math.exp(-Math.abs(score))) + Math.max(0, -sign * score);
    right += (score > 0) === (target === 1) ? 1 : 0;
    const error = (sigmoid(score) - target) / points.length;
    of.get(network.head.bias)[0] += error;
    const slope = Array.from(hidden, (value, i) => {
      of.get(network.head.weight)[i] += error * value;
      return error * network.head.weight[i];
    });
    backThrough(network, kept, slope, of);
  }
  return { loss: points.length ? loss / points.length : 0, right, gradients };
}

function backThrough({ activation, layers }, kept, slope, of) {
  const { bend: bent, slope: steep, gated } = BENDS[activation];
  for (let at = layers.length - 1; at >= 0; at--) {
    const layer = layers[at], { x, z, g } = kept[at];
    const before = new Array(layer.nIn).fill(0);
    for (let o = 0; o < layer.nOut; o++) {
      const ofZ = slope[o] * (gated ? bent(g[o]) : steep(z[o]));
      const ofG = gated ? slope[o] * z[o] * steep(g[o]) : 0;
      of.get(layer.bias)[o] += ofZ;
      if (gated) of.get(layer.gateBias)[o] += ofG;
      for (let i = 0; i < layer.nIn; i++) {
        of.get(layer.weight)[o * layer.nIn + i] += ofZ * x[i];
        before[i] += ofZ * layer.weight[o * layer.nIn + i];
        if (!gated) continue;
        of.get(layer.gate)[o * layer.nIn + i] += ofG * x[i];
        before[i] += ofG * layer.gate[o * layer.nIn + i];
      }
    }
    slope = before;
  }
}

// All arrays that training changes.
export function parameters({ layers, head }) {
  const ofLayer = ({ weight, bias, gate, gateBias }) => [weight, bias, gate, gateBias].filter(Boolean);
  return [...layers.flatMap(ofLayer), head.weight, head.bias];
}

// Adam for one network: `step(points)` takes one step and returns { loss, right }.
export function makeTrainer(network, { learningRate = 0.02 } = {}) {
  const [keepMean, keepSquare] = [0.9, 0.999];
  const arrays = parameters(network);
  const means = arrays.map((array) => new Float64Array(array.length));
  const squares = arrays.map((array) => new Float64Array(array.length));
  let steps = 0;
  return {
    get steps() { return steps; },
    step(points) {
      const { loss, right, gradients } = lossAndGradients(network, points);
      steps += 1;
      arrays.forEach((array, at) => gradients[at].forEach((gradient, i) => {
        means[at][i] += (1 - keepMean) * (gradient - means[at][i]);
        squares[at][i] += (1 - keepSquare) * (gradient * gradient - squares[at][i]);
        const mean = means[at][i] / (1 - keepMean ** steps);
        const square = squares[at][i] / (1 - keepSquare ** steps);
        array[i] -= (learningRate * mean) / (Math.sqrt(square) + 1e-8);
      }));
      return { loss, right };
    },
  };
}

function affine(weight, bias, x) {
  return bias.map((constant, o) => constant + dot(x, weight.subarray(o * x.length, (o + 1) * x.length)));
}

function silu(z) {
  return z * sigmoid(z);
}

function siluSlope(z) {
  return sigmoid(z) * (1 + z * (1 - sigmoid(z)));
}

function geluTanhSlope(z) {
  const inner = Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3));
  return 0.5 * (1 + inner)
    + 0.5 * z * (1 - inner * inner) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * z * z);
}
