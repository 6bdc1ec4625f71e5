// The layers that every Transformer is made of, each with its own weights.
//
// A layer takes its tensors from a model file and has one method, `forward`.
//
// Shapes: T time, D = d_model, F = d_ff, V = vocab_size.

import { sinusoidalRow } from "./positions.js";
import { activateInPlace, layerNorm, linear } from "./tensor.js";

export class Linear {
  constructor(tensors, nIn, nOut) {
    this.weight = tensors.get("weight", [nOut, nIn]);
    this.bias = tensors.get("bias", [nOut]);
  }

  forward(x) {
    return linear(x, this.weight, this.bias);
  }
}

export class LayerNorm {
  constructor(tensors, size) {
    this.weight = tensors.get("weight", [size]);
    this.bias = tensors.get("bias", [size]);
  }

  forward(x) {
    return layerNorm(x, this.weight, this.bias);
  }
}

// What a token is plus where it stands: two rows of two tables, added up. With
// rotary positions there is nothing to add: attention turns queries and keys.
export class Embeddings {
  constructor(tensors, { positions, vocab_size: vocabSize, max_len: maxLen, d_model: size }) {
    this.token = tensors.get("token.weight", [vocabSize, size]);
    this.position = null; // (max_len, D)
    if (positions === "learned") this.position = tensors.get("position.weight", [maxLen, size]);
    if (positions === "sinusoidal") this.position = sinusoidalTable(maxLen, size);
  }

  // The vectors of tokens that stand at `start`, `start` + 1, …  ids (T) → (T, D)
  forward(ids, { start = 0, record = null } = {}) {
    const token = rows(this.token, ids);
    record?.("token", token);
    if (!this.position) return token;
    const position = rows(this.position, ids.map((_, t) => start + t));
    record?.("position", position);
    return token.map((value, i) => value + position[i]);
  }
}

// Waves are not learned, so they are in no file.
function sinusoidalTable(nPositions, size) {
  const values = new Float32Array(nPositions * size);
  for (let position = 0; position < nPositions; position++) {
    values.set(sinusoidalRow(position, size, 10_000), position * size);
  }
  return { shape: [nPositions, size], values };
}

// Some rows of a table, one after the other.
function rows(table, numbers) {
  const size = table.shape[1];
  const picked = new Float32Array(numbers.length * size);
  numbers.forEach((number, t) => {
    picked.set(table.values.subarray(number * size, (number + 1) * size), t * size);
  });
  return picked;
}

// Expand, bend, contract: the same for every position, each on its own.
export class FeedForward {
  constructor(tensors, { activation, d_model: size, d_ff: hidden }) {
    this.expand = new Linear(tensors.under("expand"), size, hidden);
    this.contract = new Linear(tensors.under("contract"), hidden, size);
    this.activation = activation;
  }

  forward(x, { record = null } = {}) {
    const expanded = this.expand.forward(x); // (T, F)
    record?.("expand", expanded);
    const neurons = activateInPlace(expanded, this.activation);
    record?.("activation", neurons);
    return { output: this.contract.forward(neurons) }; // (T, D)
  }
}
