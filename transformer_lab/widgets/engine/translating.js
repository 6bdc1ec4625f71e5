// Translating: the loop that asks an encoder-decoder for one word after another.
//
// As `TrainedTranslator.translate` in transformer_lab/recipes/translator.py, greedy.
// Taught in chapter 13.

import { distribution, mostLikelyFirst } from "./sampling.js";

// The words of a sentence: small letters, no full stop; a question mark is a word.
export function splitSentence(text) {
  return text.toLowerCase().replaceAll("’", "'").match(/[^\s.,!?।]+|\?/gu) ?? [];
}

// Reads the source once, then writes until the stop token, or `nMost` words: unless told
// otherwise, as many as the model can read.
// Returns one step for each word, the stop included:
//   { id, probabilities (V), order (IDs, the likeliest first), attention },
// where attention[layer][head] is the S weights with which it looked across.
export function translate({ translator, config }, sourceIds, options) {
  const { startId, stopId, nMost = config.max_len - 1 } = options;
  const { memory } = translator.encode(sourceIds);
  const cache = translator.newCache();
  const steps = [];
  for (let last = startId; last !== stopId && steps.length < nMost;) {
    const { logits, crossAttention } = translator.decode([last], memory, { cache });
    const order = mostLikelyFirst(logits[0]);
    last = order[0];
    steps.push({
      id: last, order, probabilities: distribution(logits[0]),
      attention: crossAttention.map((heads) => heads.map(([row]) => row)),
    });
  }
  return steps;
}
