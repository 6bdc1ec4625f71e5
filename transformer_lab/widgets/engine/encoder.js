// A BERT without its last layer, as Encoder in transformer_lab/models.py.
//
// For each token a vector that knows its neighbours: the same blocks as a decoder's,
// without the causal mask. It takes one text at a time, so there is no padding to hide.
//
// Shapes: T time, D = d_model. Source: Devlin et al. 2019. Taught in chapters 10 and 11.

import { Block, checkIds, copying, finalNorm, under } from "./blocks.js";
import { refuseUnsupported } from "./config.js";
import { Embeddings, makeNorm } from "./layers.js";

export class Encoder {
  static supports = ["n_token_types", "embedding_norm"];

  constructor(config, tensors) {
    refuseUnsupported(config, "encoder", Encoder.supports);
    this.config = config;
    this.embeddings = new Embeddings(tensors.under("embeddings"), config);
    this.embeddingNorm = config.embedding_norm ? makeNorm(tensors.under("embedding_norm"), config) : null;
    this.blocks = Array.from({ length: config.n_layers }, (_, layer) =>
      new Block(tensors.under(`blocks.${layer}`), config));
    this.finalNorm = finalNorm(tensors, "final_norm", config);
  }

  /**
   * Turns each token (T IDs) into a vector that depends on the whole text.
   *
   *   tokenTypes  the segment of each token, if the model tells them apart
   *   keepAttention, record  as in `decoder.js`
   *
   * Returns { vectors (T, D), attention } with attention[layer][head][t] as in `decoder.js`.
   * @param {number[]} ids
   * @param {{ tokenTypes?: number[], keepAttention?: boolean, record?: Function }} options
   */
  forward(ids, { tokenTypes, keepAttention, record } = {}) {
    checkIds(ids, 0, this.config);
    const keep = copying(record);
    const embedded = this.embeddings.forward(ids, { tokenTypes, record: under(keep, "embeddings") });
    keep?.("embeddings", embedded);
    const x = this.embeddingNorm?.forward(embedded) ?? embedded; // (T, D)
    if (this.embeddingNorm) keep?.("embedding_norm", x);
    const attention = this.blocks.map((block, layer) => {
      const { weights } = block.forward(x, { keepAttention, record: under(keep, `blocks.${layer}`) });
      keep?.(`blocks.${layer}`, x);
      return weights;
    });
    const vectors = this.finalNorm.forward(x);
    keep?.("final_norm", vectors);
    return { vectors, attention };
  }
}
