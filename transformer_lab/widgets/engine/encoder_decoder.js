// The Transformer of 2017, as EncoderDecoder in transformer_lab/models.py.
//
// The encoder reads the source, both ways. The decoder writes: it looks back over
// what is written, and across at what the encoder has understood.
//
// Shapes: S tokens of the source, T of the translation, D = d_model.
// Source: Vaswani et al. 2017. Taught in chapter 13.

import { Block, checkIds, copying, countSeen, finalNorm, newCaches, under } from "./blocks.js";
import { refuseUnsupported } from "./config.js";
import { Embeddings } from "./layers.js";
import { linear, rowsOf } from "./tensor.js";

export class EncoderDecoder {
  static supports = ["logit_bias"];

  constructor(config, tensors) {
    refuseUnsupported(config, "encoder-decoder", EncoderDecoder.supports);
    const stack = (name, options) => Array.from({ length: config.n_layers }, (_, layer) =>
      new Block(tensors.under(`${name}.${layer}`), config, options));
    this.config = config;
    this.embeddings = new Embeddings(tensors.under("embeddings"), config);
    this.encoderBlocks = stack("encoder_blocks");
    this.encoderNorm = finalNorm(tensors, "encoder_norm", config);
    this.decoderBlocks = stack("decoder_blocks", { crosses: true });
    this.decoderNorm = finalNorm(tensors, "decoder_norm", config);
    this.logitBias = config.logit_bias ? tensors.get("logit_bias", [config.vocab_size]) : null;
  }

  // Reads the source (S IDs). Returns { memory (S, D), attention }.
  encode(ids, { record = null } = {}) {
    checkIds(ids, 0, this.config);
    const keep = copying(record);
    const x = this.embeddings.forward(ids); // (S, D)
    const attention = this.encoderBlocks.map((block, layer) =>
      block.forward(x, { record: under(keep, `encoder_blocks.${layer}`) }).weights);
    return { memory: this.encoderNorm.forward(x), attention };
  }

  // Scores every possible next token after each of these (T IDs, from the start token on).
  //
  //   memory  from `encode`
  //   cache   from `newCache`; then ids are only the tokens that it has not seen
  //
  // Returns { logits, attention, crossAttention }: crossAttention[layer][head][t] is
  // S weights that add up to 1.
  decode(ids, memory, { cache = null, record = null } = {}) {
    const nSeen = countSeen(cache?.written);
    checkIds(ids, nSeen, this.config);
    const keep = copying(record);
    const x = this.embeddings.forward(ids, { start: nSeen }); // (T, D)
    const looks = this.decoderBlocks.map((block, layer) => block.forward(x, {
      causal: true,
      cache: cache?.written[layer], context: memory, contextCache: cache?.read[layer],
      record: under(keep, `decoder_blocks.${layer}`),
    }));
    const scores = linear(this.decoderNorm.forward(x), this.embeddings.token, this.logitBias); // (T, V)
    return {
      logits: rowsOf(scores, this.config.vocab_size),
      attention: looks.map(({ weights }) => weights),
      crossAttention: looks.map(({ crossWeights }) => crossWeights),
    };
  }

  // Two empty caches for each layer: of what is written, and of what was read.
  newCache() {
    return { written: newCaches(this.config), read: newCaches(this.config) };
  }
}
