// Recurrent networks, run in the page: RNN and LSTM, as transformer_lab/recurrent.py.
//
// One token after another; all that is remembered is the state.
//
// Source: Elman 1990; Hochreiter and Schmidhuber 1997. Taught in chapter 1.

import { accountFor, ANY } from "./fields.js";
import { Linear } from "./layers.js";
import { linear, sigmoid } from "./tensor.js";

const CELLS = {
  rnn(input, state, [h]) {
    return [h.map((_, i) => Math.tanh(input[i] + state[i]))];
  },
  lstm(input, state, [h, c]) {
    const size = h.length;
    const at = (gate, i) => input[gate * size + i] + state[gate * size + i];
    const kept = c.map((value, i) =>
      sigmoid(at(1, i)) * value + sigmoid(at(0, i)) * Math.tanh(at(2, i)));
    return [kept.map((value, i) => sigmoid(at(3, i)) * Math.tanh(value)), kept];
  },
};

export class Recurrent {
  // config: { kind, d_model }; tensors: a model file's.
  constructor(config, tensors) {
    accountFor(config, { kind: Object.keys(CELLS), d_model: ANY }, "the config");
    const { kind, d_model: size } = config;
    this.cell = CELLS[kind];
    this.size = size;
    this.nStates = kind === "lstm" ? 2 : 1;
    const nGates = kind === "lstm" ? 4 : 1;
    this.token = tensors.get("token.weight", [null, size]); // (V, D)
    this.input = new Linear(tensors.under("cell.input"), size, nGates * size);
    this.state = tensors.get("cell.state.weight", [nGates * size, size]);
    this.head = new Linear(tensors.under("head"), size, this.token.shape[0]);
    tensors.refuseOthers();
  }

  // Scores every possible next token, as the decoder does: `logits[t]` is V numbers.
  // lastOnly: those after the last token only.
  forward(ids, { lastOnly = false } = {}) {
    let states = Array.from({ length: this.nStates }, () => new Float32Array(this.size));
    const shown = [];
    for (const id of ids) {
      const x = this.token.values.subarray(id * this.size, (id + 1) * this.size);
      states = this.cell(this.input.forward(x), linear(states[0], this.state), states);
      shown.push(states[0]);
    }
    const wanted = lastOnly ? shown.slice(-1) : shown;
    return { logits: wanted.map((state) => this.head.forward(state)) };
  }
}
