// A BERT that guesses hidden words, as MaskedWords in transformer_lab/models.py.
//
// An encoder, and on top of it a small head: one linear layer, a bend and a norm, and
// the comparison with every token's embedding.
//
// Source: Devlin et al. 2019, section 3.1, task 1. Taught in chapter 10.

import { copying, under } from "./blocks.js";
import { refuseUnsupported } from "./config.js";
import { Encoder } from "./encoder.js";
import { bendOf, Linear, makeNorm } from "./layers.js";
import { activateInPlace, linear, rowsOf } from "./tensor.js";

export class MaskedWords {
  constructor(config, tensors) {
    refuseUnsupported(config, "masked-words", Encoder.supports);
    this.config = config;
    this.encoder = new Encoder(config, tensors.under("encoder"));
    this.transform = new Linear(tensors.under("transform"), config.d_model, config.d_model);
    this.bend = bendOf(config);
    this.norm = makeNorm(tensors.under("norm"), config);
    this.bias = tensors.get("bias", [config.vocab_size]);
  }

  /**
   * Scores every token of the vocabulary for each place of a text (T IDs). Options as in
   * `encoder.js`. Returns { logits, attention } as the decoder does.
   * @param {number[]} ids
   * @param {{ tokenTypes?: number[], keepAttention?: boolean, record?: Function }} options
   */
  forward(ids, { record, ...options } = {}) {
    const keep = copying(record);
    const { vectors, attention } = this.encoder.forward(ids,
      { ...options, record: under(record, "encoder") }); // vectors (T, D)
    const transformed = this.transform.forward(vectors); // (T, D)
    keep?.("transform", transformed);
    const bent = activateInPlace(transformed, this.bend);
    keep?.("activation", bent);
    const final = this.norm.forward(bent);
    keep?.("norm", final);
    const scores = linear(final, this.encoder.embeddings.token, this.bias); // (T, V)
    return { logits: rowsOf(scores, this.config.vocab_size), attention };
  }
}
