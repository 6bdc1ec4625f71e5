// A text that grows token by token, and that can be taken back step by step.
//
// Holds what the reader typed and what was chosen since; no drawing, no model runs.

import { seededRandom } from "../engine/sampling.js";

// The text so far: what the reader typed, and the tokens chosen since. Every
// change can be taken back, with the draw that made it: draw number n of a seed is
// always the same number, and `nDraws` says how many were used.
export class Story {
  // teller: who goes on with it (storytellers.js); ids: its tokens of the text.
  constructor(teller, text, ids) {
    this.teller = teller;
    this.state = { typed: text, ids, chosen: [], nDraws: 0 };
    this.past = [];
  }

  get ids() {
    return [...this.state.ids, ...this.state.chosen];
  }

  // What the text box shows.
  get text() {
    const { teller, state: { typed, chosen } } = this;
    if (!chosen.length) return typed;
    return teller.joined(typed, teller.tokenizer.decode(chosen.filter((id) => !teller.isEnd(id))));
  }

  get room() {
    return this.teller.config.max_len - this.ids.length;
  }

  get ended() {
    const { chosen } = this.state;
    return chosen.length > 0 && this.teller.isEnd(chosen.at(-1));
  }

  get canGrow() {
    return !this.ended && this.room > 0;
  }

  change(state) {
    this.past.push(this.state);
    this.state = { ...this.state, ...state };
  }

  // Typing from the keyboard is one change, however many letters it has.
  type(text, ids) {
    const isTyping = this.past.length && !this.state.chosen.length && this.typing;
    if (isTyping) this.state = { ...this.state, typed: text, ids };
    else this.change({ typed: text, ids, chosen: [] });
    this.typing = true;
  }

  append(id, { drawn = false } = {}) {
    const { chosen, nDraws } = this.state;
    this.change({ chosen: [...chosen, id], nDraws: nDraws + (drawn ? 1 : 0) });
    this.typing = false;
  }

  // Back to what was typed. The draws go on, so that the next story is another one.
  restart() {
    this.change({ chosen: [] });
    this.typing = false;
  }

  undo() {
    if (this.past.length) this.state = this.past.pop();
    this.typing = false;
  }
}

// The random number for draw number `n` of a seed.
export function drawNumber(seed, n) {
  const random = seededRandom(seed);
  for (let i = 0; i < n; i++) random();
  return random();
}
