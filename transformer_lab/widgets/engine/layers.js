// The layers that every Transformer is made of, each with its own weights.
//
// A layer takes its tensors from a model file and has one method, `forward`.
//
// Shapes: T time, D = d_model, F = d_ff, V = vocab_size.

import { sinusoidalRow } from "./positions.js";
import {
  activateInPlace, addInPlace, layerNorm, linear, multiplyInPlace, rmsNorm, rows,
} from "./tensor.js";

export class Linear {
  constructor(tensors, nIn, nOut, { bias = true } = {}) {
    this.weight = tensors.get("weight", [nOut, nIn]);
    this.bias = bias ? tensors.get("bias", [nOut]) : null;
  }

  forward(x) {
    return linear(x, this.weight, this.bias);
  }
}

class LayerNorm {
  constructor(tensors, size, eps) {
    this.weight = tensors.get("weight", [size]);
    this.bias = tensors.get("bias", [size]);
    this.eps = eps;
  }

  forward(x) {
    return layerNorm(x, this.weight, this.bias, this.eps);
  }
}

class RMSNorm {
  constructor(tensors, size, eps) {
    this.weight = tensors.get("weight", [size]);
    this.eps = eps;
  }

  forward(x) {
    return rmsNorm(x, this.weight, this.eps);
  }
}

// The norm of this model, for vectors of `size` numbers.
export function makeNorm(tensors, config, size = config.d_model) {
  const Norm = config.norm === "rms" ? RMSNorm : LayerNorm;
  return new Norm(tensors, size, config.norm_eps);
}

// What a token is plus where it stands, and perhaps to which segment of a text it belongs:
// rows of tables, added up. With rotary positions attention turns queries and keys instead.
export class Embeddings {
  constructor(tensors, config) {
    const { positions, n_token_types: nTokenTypes, max_len: maxLen, d_model: size } = config;
    const table = (name, nRows) => tensors.get(`${name}.weight`, [nRows, size]);
    this.token = table("token", config.vocab_size);
    this.scale = config.embedding_scale;
    this.position = positions === "learned" ? table("position", maxLen) : null;
    this.isSinusoidal = positions === "sinusoidal";
    this.tokenType = nTokenTypes === null ? null : table("token_type", nTokenTypes);
  }

  // The vectors of tokens that stand at `start`, `start` + 1, …  ids (T) → (T, D)
  // tokenTypes: T numbers, if the model tells segments apart (default: all 0)
  forward(ids, { start = 0, tokenTypes = null, record = null } = {}) {
    this.checkTypes(tokenTypes, ids.length);
    const places = Array.from(ids, (_, t) => start + t);
    const x = rows(this.token, ids);
    record?.("token", x);
    if (this.scale !== 1) for (let i = 0; i < x.length; i++) x[i] *= this.scale;
    for (const [name, vectors] of this.others(places, tokenTypes)) {
      record?.(name, vectors);
      addInPlace(x, vectors);
    }
    return x;
  }

  // What is added to the tokens' own vectors, by name.
  *others(places, tokenTypes) {
    if (this.position) yield ["position", rows(this.position, places)];
    if (this.isSinusoidal) yield ["position", sinusoidalRows(places, this.token.shape[1])];
    if (this.tokenType) yield ["token_type", rows(this.tokenType, tokenTypes ?? places.map(() => 0))];
  }

  checkTypes(tokenTypes, nTokens) {
    if (tokenTypes === null) return;
    if (!this.tokenType) throw new RangeError("token types were given, but this model has none");
    const nTypes = this.tokenType.shape[0];
    if (tokenTypes.length !== nTokens || !tokenTypes.every((type) => type >= 0 && type < nTypes)) {
      throw new RangeError(`each of the ${nTokens} tokens must have a type from 0 to ${nTypes - 1}`);
    }
  }
}

// Waves are not learned, so they are in no file.
function sinusoidalRows(places, size) {
  return Float32Array.from(places.flatMap((place) => sinusoidalRow(place, size, 10_000)));
}

// The activation functions that are the gate of a second linear layer, and how it bends.
const GATES = { swiglu: "silu", geglu: "gelu_tanh" };

// How this model's activation function bends, with a gate or without.
export const bendOf = ({ activation }) => GATES[activation] ?? activation;

// Expand, bend, contract: the same for every position, each on its own. With a gate, a
// second linear layer reads the same vector; its result decides how much goes on.
export class FeedForward {
  constructor(tensors, config) {
    const { d_model: size, d_ff: hidden, bias } = config;
    const layer = (name, nIn, nOut) => new Linear(tensors.under(name), nIn, nOut, { bias });
    this.gate = Object.hasOwn(GATES, config.activation) ? layer("gate", size, hidden) : null;
    this.expand = layer("expand", size, hidden);
    this.contract = layer("contract", hidden, size);
    this.bend = bendOf(config);
  }

  forward(x, { record = null } = {}) {
    const gate = this.gate?.forward(x); // (T, F)
    if (gate) record?.("gate", gate);
    const expanded = this.expand.forward(x); // (T, F)
    record?.("expand", expanded);
    const bent = activateInPlace(gate ?? expanded, this.bend);
    record?.("activation", bent);
    const neurons = gate ? multiplyInPlace(bent, expanded) : bent;
    return { output: this.contract.forward(neurons) }; // (T, D)
  }
}
