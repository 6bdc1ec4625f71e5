// The layers that every Transformer is made of, each with its own weights.
//
// A layer takes its tensors from a model file and has one method, `forward`.
// What other families use instead (RMSNorm, rotary positions, SwiGLU) is one
// more class here, chosen where a block is built.
//
// Shapes: T time, D = d_model, F = d_ff, V = vocab_size.

import { activateInPlace, layerNorm, linear } from "./tensor.js";

export class Linear {
  constructor(tensors, { bias = true } = {}) {
    this.weight = tensors.get("weight");
    this.bias = bias ? tensors.get("bias") : null;
  }

  forward(x) {
    return linear(x, this.weight, this.bias);
  }
}

export class LayerNorm {
  constructor(tensors) {
    this.weight = tensors.get("weight");
    this.bias = tensors.get("bias");
  }

  forward(x) {
    return layerNorm(x, this.weight, this.bias);
  }
}

// What a token is plus where it stands: two rows of two tables, added up.
export class Embeddings {
  constructor(tensors) {
    this.token = tensors.get("token.weight"); // (V, D)
    this.position = tensors.get("position.weight"); // (max_len, D)
  }

  // The vectors of tokens that stand at `start`, `start` + 1, …  ids (T) → (T, D)
  forward(ids, start = 0) {
    const size = this.token.shape[1];
    const x = new Float32Array(ids.length * size);
    ids.forEach((id, t) => {
      for (let i = 0; i < size; i++) {
        x[t * size + i] = this.token.values[id * size + i] + this.position.values[(start + t) * size + i];
      }
    });
    return x;
  }
}

// Expand, bend, contract: the same for every position, each on its own.
export class FeedForward {
  constructor(tensors, { activation }) {
    this.expand = new Linear(tensors.under("expand"));
    this.contract = new Linear(tensors.under("contract"));
    this.activation = activation;
  }

  forward(x) {
    const neurons = activateInPlace(this.expand.forward(x), this.activation); // (T, F)
    return this.contract.forward(neurons); // (T, D)
  }
}
