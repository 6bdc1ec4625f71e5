// What one asks of the vectors that are added up in the residual stream: for `explain.js`.
//
// A question whose answers add up as the vectors do is a direction: "what is your number i?",
// or "what do you add to the logit of token v?". The answer is a dot product with its vector.
// It can be asked of what stands before a matrix or a norm too; a norm's mean and deviation
// are then taken as they came out.
//
// Shapes: D = d_model, N numbers before a matrix.

import { rows } from "./tensor.js";
import { dot } from "./vectors.js";

// What a norm does to the vector x: number i becomes (x[i] - mean) * gain[i] + constants[i].
// An RMSNorm takes no mean away and adds nothing.
export function normOf({ weight, bias = null, eps }, x) {
  const mean = bias ? meanOf(x) : 0;
  const deviation = Math.sqrt(meanOf(x, (value) => (value - mean) ** 2) + eps);
  const gain = Float64Array.from(weight.values, (learned) => learned / deviation); // (D)
  return { mean, deviation, gain, isCentred: bias !== null, constants: bias?.values ?? null };
}

function meanOf(x, of = (value) => value) {
  return x.reduce((sum, value) => sum + of(value), 0) / x.length;
}

export class Direction {
  // path and words: the question in a path (`explain.js`), and for a reader.
  // number: i, if it asks for number i and for nothing else.
  constructor(vector, { path, words, number = null }) {
    this.vector = vector; // (D)
    this.path = path;
    this.words = words;
    this.number = number;
  }

  static ofNumber(number, size) {
    const vector = new Float64Array(size);
    vector[number] = 1;
    return new Direction(vector, { path: `${number}`, words: `number ${number}`, number });
  }

  // The logit of a token of the vocabulary, after the last token of a `RecordedRun`.
  static ofLogit(run, v) {
    const words = { path: `logit.${v}`, words: `the logit of ${run.nextName(v)}` };
    const atTheHead = new Direction(Float64Array.from(rows(run.decoder.head, [v])), words);
    return atTheHead.beforeNorm(run.decoder.finalNorm, run.lastStream).direction;
  }

  // The answer of a vector (D).
  along(x) { return this.number === null ? dot(x, this.vector) : x[this.number]; }

  // The same question to what comes before a norm that met the vector x, and the answer
  // of the constants that the norm adds.
  beforeNorm(norm, x) {
    const { gain, isCentred, constants } = normOf(norm, x);
    const vector = gain.map((factor, i) => factor * this.vector[i]);
    // A mean is a sum as well: what it takes away is taken from every number alike.
    const mean = isCentred ? meanOf(vector) : 0;
    const { path, words } = this;
    const direction = new Direction(vector.map((value) => value - mean), { path, words });
    return { direction, constants: constants ? this.along(constants) : 0 };
  }

  // The same question to what comes before a matrix (D, N).  → (N)
  beforeMatrix(weight) {
    if (this.number !== null) return rows(weight, [this.number]);
    const asked = new Float64Array(weight.shape[1]);
    this.vector.forEach((share, i) => {
      rows(weight, [i]).forEach((value, j) => { asked[j] += share * value; });
    });
    return asked;
  }
}
