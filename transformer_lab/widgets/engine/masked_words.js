// A BERT that guesses hidden words, as MaskedWords in transformer_lab/models.py.
//
// The same blocks as a decoder's, without the causal mask: every token looks both
// ways. Then one linear layer, a bend and a norm, and the comparison with every
// token's embedding. Source: Devlin et al. 2019. Taught in chapter 10.

import { Block, checkIds, finalNorm, refuseUnsupported, under } from "./blocks.js";
import { Embeddings, LayerNorm, Linear } from "./layers.js";
import { activateInPlace, linear, rowsOf } from "./tensor.js";

export class MaskedWords {
  constructor(config, tensors) {
    refuseUnsupported(config);
    this.config = config;
    this.embeddings = new Embeddings(tensors.under("encoder.embeddings"), config);
    this.blocks = Array.from({ length: config.n_layers }, (_, layer) =>
      new Block(tensors.under(`encoder.blocks.${layer}`), config));
    this.finalNorm = finalNorm(tensors, "encoder.final_norm", config);
    this.transform = new Linear(tensors.under("transform"), config.d_model, config.d_model);
    this.norm = new LayerNorm(tensors.under("norm"), config.d_model);
    this.bias = tensors.get("bias", [config.vocab_size]);
    tensors.refuseOthers();
  }

  // Scores every token of the vocabulary for each place of a text (T IDs).
  // Returns { logits, attention } as the decoder does.
  forward(ids, { record = null } = {}) {
    checkIds(ids, 0, this.config);
    const x = this.embeddings.forward(ids); // (T, D)
    const attention = this.blocks.map((block, layer) =>
      block.forward(x, { record: under(record, `encoder.blocks.${layer}`) }).weights);
    const bent = activateInPlace(this.transform.forward(this.finalNorm.forward(x)), this.config.activation);
    const scores = linear(this.norm.forward(bent), this.embeddings.token, this.bias); // (T, V)
    return { logits: rowsOf(scores, this.config.vocab_size), attention };
  }
}
