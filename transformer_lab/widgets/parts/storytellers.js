// Who goes on with a reader's text: a tiny model in the page, or a real one in its worker.
//
// Both answer the same questions, and a promise of an answer will do everywhere. A
// prediction is { scores: V logits, order: token IDs by falling score,
// weights(layer, from): for each head, or of their mean, how much token `from` looks at each }.

import { promptIds } from "../engine/model_file.js";
import { PrefixCache } from "../engine/prefix_cache.js";
import { mostLikelyFirst } from "../engine/sampling.js";

const MOST_SHADED = 128; // tokens of which the worker gives attention weights
const DOCUMENT = "<|endoftext|>"; // what a document begins after, in training

/** @param {any} lm a decoder from `loadModel` */
export function tinyTeller(lm) {
  const cache = new PrefixCache(lm.decoder);
  return {
    ...lm,
    pauseMs: 160, // between two tokens that it writes
    encode: (text) => promptIds(lm, text),
    encodePlain: (text) => lm.tokenizer.encode(text),
    isEnd: (id) => id === lm.startId,
    // A token brings its own leading space.
    joined: (typed, written) => (typed.trimEnd() + written).trimStart(),
    predict(ids) {
      const { logits, attention } = cache.forward(ids);
      const scores = logits.at(-1);
      const weights = (layer, from) => attention[layer].map((rows) => rows[from]);
      return { scores, order: mostLikelyFirst(scores), weights };
    },
  };
}

/** @param {import("./real_model.js").RealModel} model */
export function realTeller(model) {
  const { config, tokenizer, unseenTokens } = model;
  // Without a text, what stands between documents is there to go on from.
  const orDocument = (ids) => (ids?.length ? ids : [tokenizer.special.get(DOCUMENT)]);
  return {
    config, tokenizer, unseenTokens,
    pauseMs: 0,
    encode: async (text) => orDocument(await model.encode(text)),
    encodePlain: (text) => model.encode(text),
    isEnd: tokenizer.isSpecial,
    joined: (typed, written) => typed + written,
    async predict(ids) {
      const attention = ids.length <= MOST_SHADED ? "mean" : false;
      const found = await model.forward(ids, { attention, order: true });
      const row = (from) => [from * ids.length, (from + 1) * ids.length];
      return found && {
        scores: found.logits, order: found.order,
        weights: (layer, from) => found.attention?.[layer].map((head) => head.subarray(...row(from))) ?? null,
      };
    },
  };
}
