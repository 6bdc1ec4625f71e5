// Generation: a decoder goes on from some tokens, one token at a time.
//
// As `stream` in transformer_lab/generation.py. What ends a text, and how much of it is
// shown, belongs to the figures. Taught in chapter 12.

import { distribution, sample } from "./sampling.js";

// Yields token IDs until a special token (it included) or until the window is full.
// With a key/value cache only the newest token is put in at each step.
//
//   ids          the tokens to go on from
//   temperature  0 always takes the likeliest token
//   random       a function that gives a number from [0, 1)
export function* stream({ decoder, tokenizer, config }, ids, { temperature = 0, random = Math.random } = {}) {
  const cache = decoder.newCache();
  let unseen = ids;
  for (let length = ids.length; length < config.max_len; length++) {
    const { logits } = decoder.forward(unseen, { cache, lastOnly: true });
    const id = sample(distribution(logits.at(-1), { temperature }), random);
    yield id;
    if (tokenizer.isSpecial(id)) return;
    unseen = [id];
  }
}
