// The arithmetic of a Transformer, on plain Float32Arrays.
//
// A matrix of T rows and D columns is one Float32Array of T * D numbers, row
// after row. Each function is what its name says in the Python package (and in
// torch), and nothing is faster than it needs to be, except `linear`, in which
// the model spends nearly all of its time. JavaScript adds in double precision,
// so results agree with torch to about 1e-6.
//
// It leaves out gradients: the page runs models, it does not train them.

// y = x Wᵀ + b, for each row of x.  x (T, I), weight (O, I), bias (O) or null → (T, O)
export function linear(x, weight, bias = null) {
  const [nOut, nIn] = weight.shape;
  const W = weight.values;
  const nRows = x.length / nIn;
  const y = new Float32Array(nRows * nOut);
  // Four rows at a time: a weight that has been fetched is used four times.
  let row = 0;
  for (; row + 4 <= nRows; row += 4) {
    const a = row * nIn, b = a + nIn, c = b + nIn, d = c + nIn;
    for (let out = 0; out < nOut; out++) {
      let sumA = bias ? bias.values[out] : 0;
      let sumB = sumA, sumC = sumA, sumD = sumA;
      for (let i = 0, w = out * nIn; i < nIn; i++, w++) {
        const weightHere = W[w];
        sumA += x[a + i] * weightHere;
        sumB += x[b + i] * weightHere;
        sumC += x[c + i] * weightHere;
        sumD += x[d + i] * weightHere;
      }
      y[row * nOut + out] = sumA;
      y[(row + 1) * nOut + out] = sumB;
      y[(row + 2) * nOut + out] = sumC;
      y[(row + 3) * nOut + out] = sumD;
    }
  }
  // The rows that are left over, one by one.
  for (; row < nRows; row++) {
    for (let out = 0; out < nOut; out++) {
      y[row * nOut + out] = dot(x, row * nIn, W, out * nIn, nIn, bias ? bias.values[out] : 0);
    }
  }
  return y;
}

// The dot product of `length` numbers of a (from aStart) and of b (from bStart), and `start`.
export function dot(a, aStart, b, bStart, length, start = 0) {
  let sum = start;
  for (let i = 0; i < length; i++) sum += a[aStart + i] * b[bStart + i];
  return sum;
}

// Adds y to x, number by number, in place: the residual connection.
export function addInPlace(x, y) {
  for (let i = 0; i < x.length; i++) x[i] += y[i];
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

// Scores to weights that are positive and add up to 1, in place.
export function softmaxInPlace(scores) {
  // Taking the largest away first changes nothing in the result, and keeps
  // the exponential from overflowing.
  let largest = -Infinity;
  for (const score of scores) if (score > largest) largest = score;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = Math.exp(scores[i] - largest);
    sum += scores[i];
  }
  for (let i = 0; i < scores.length; i++) scores[i] /= sum;
  return scores;
}

// Bends each number of x, in place; `name` as in the Python package's Config.
export function activateInPlace(x, name) {
  const activation = { relu, gelu, gelu_tanh: geluTanh }[name];
  if (!activation) throw new Error(`activation ${name} is unknown; known: relu, gelu, gelu_tanh`);
  for (let i = 0; i < x.length; i++) x[i] = activation(x[i]);
  return x;
}

export function relu(x) {
  return x > 0 ? x : 0;
}

// x times the share of a normal distribution that lies below x.
export function gelu(x) {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

// GPT-2's approximation of it: 0.5 x (1 + tanh u), where u is a cubic in x. Since
// (1 + tanh u) / 2 = 1 / (1 + exp(-2u)), one exponential is enough.
export function geluTanh(x) {
  const u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
  return x / (1 + Math.exp(-2 * u));
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
