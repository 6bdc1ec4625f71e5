// Who answers in a conversation: a tiny model in the page, or a real one in its worker.
//
// `given(messages)` says what the model is given of them (`fit` in engine/chatting.js).
// `write(ids, { temperature, seed, signal, onToken })` goes on from there: `onToken` gets
// { id, text }, each new token and all that was written so far. It gives { isFull }, whether
// the window ended the answer, or null if `signal` did. A promise of either will do.

import { ChatTemplate, fit } from "../engine/chatting.js";
import { stream } from "../engine/generation.js";
import { seededRandom } from "../engine/sampling.js";
import { wantsLessMotion } from "./theme.js";
import { pause } from "./time.js";

const TOKEN_MS = 45; // between two tokens of the tiny model, so that they are seen to be written

/** @param {any} lm a decoder from `loadModel` whose file has a chat template */
export function tinyTalker(lm) {
  const { config, tokenizer, metadata } = lm;
  const template = new ChatTemplate(JSON.parse(metadata.template), tokenizer);
  const room = Math.max(1, Math.floor(config.max_len / 4)); // kept free for the answer
  return {
    config, tokenizer, room,
    given: (messages) => fit(template, messages, { maxLen: config.max_len, room }),
    async write(ids, { temperature, seed, signal, onToken }) {
      const written = [];
      for (const id of stream(lm, ids, { temperature, random: seededRandom(seed) })) {
        written.push(id);
        onToken({ id, text: tokenizer.decode(written.filter((one) => !tokenizer.isSpecial(one))) });
        if (!wantsLessMotion()) await pause(TOKEN_MS);
        if (signal.aborted) return null;
      }
      return { isFull: !tokenizer.isSpecial(written.at(-1)) };
    },
  };
}

/** @param {import("./real_model.js").RealModel} model */
export function realTalker(model) {
  const { config, tokenizer } = model;
  return {
    config, tokenizer, room: Math.floor(config.max_len / 4),
    given: (messages) => model.turns(messages),
    write: (ids, options) => model.generate({ ids, ...options }),
  };
}
