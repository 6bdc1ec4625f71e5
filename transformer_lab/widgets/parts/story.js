// A text that grows token by token, and that can be taken back step by step.
//
// Holds what the reader typed and what was chosen since; no drawing, no model runs.

import { promptIds } from "../engine/model_file.js";
import { seededRandom } from "../engine/sampling.js";

// The text so far: what the reader typed, and the tokens chosen since. Every
// change can be taken back, with the draw that made it: draw number n of a seed is
// always the same number, and `nDraws` says how many were used.
export class Story {
  // model: from `loadModel`.
  constructor(model, text) {
    this.model = model;
    this.state = { typed: text, chosen: [], nDraws: 0 };
    this.past = [];
  }

  get ids() {
    const { typed, chosen } = this.state;
    if (this.cut?.typed !== typed) this.cut = { typed, ids: promptIds(this.model, typed) };
    return [...this.cut.ids, ...chosen];
  }

  // What the text box shows. A chosen token brings its own leading space.
  get text() {
    const { typed, chosen } = this.state;
    if (!chosen.length) return typed;
    const written = this.model.tokenizer.decode(chosen.filter((id) => id !== this.model.startId));
    return (typed.trimEnd() + written).trimStart();
  }

  get room() {
    return this.model.config.max_len - this.ids.length;
  }

  get ended() {
    return this.state.chosen.at(-1) === this.model.startId;
  }

  get canGrow() {
    return !this.ended && this.room > 0;
  }

  change(state) {
    this.past.push(this.state);
    this.state = { ...this.state, ...state };
  }

  // Typing from the keyboard is one change, however many letters it has.
  type(text) {
    const isTyping = this.past.length && !this.state.chosen.length && this.typing;
    if (isTyping) this.state = { ...this.state, typed: text };
    else this.change({ typed: text, chosen: [] });
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
