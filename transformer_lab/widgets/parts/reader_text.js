// A reader's text as a model has it: the box, a note if it is too long, its tokens.

import { promptIds } from "../engine/model_file.js";
import { textBox } from "./controls.js";
import { element } from "./nodes.js";
import { counted, readable, specialName } from "./words.js";

/**
 * The name of a token at a place in a text.
 *
 * @param {{ tokenizer: any }} model from `loadModel`
 * @param {number} id
 * @param {number} index
 */
export function tokenName({ tokenizer }, id, index) {
  const piece = tokenizer.piece(id);
  return tokenizer.isSpecial(id) ? specialName(piece, index) : readable(piece);
}

/**
 * Tokens for `tokenChips`.
 *
 * @param {{ tokenizer: any, unseenTokens: Set<number> }} model from `loadModel`
 * @param {number[]} ids
 */
export function tokensOf({ tokenizer, unseenTokens }, ids) {
  return ids.map((id) => ({
    id, text: tokenizer.piece(id), special: tokenizer.isSpecial(id), unseen: unseenTokens.has(id),
  }));
}

/**
 * The figure's trait `text`: a box for it, and what a model reads of it.
 *
 * Returns { root, note, read, ids, nameOf, nextName, tokens }: `read` takes the text in;
 * the others are then of its tokens, at most as many as the model sees.
 *
 * @param {import("./figure.js").Figure} figure
 * @param {any} model from `loadModel`
 * @param {{ label: string, rows?: number, room?: number, tooLong?: (n: number) => string }} options
 */
export function readerText({ get, bind }, model, { label, rows = 2, room = model.config.max_len, tooLong }) {
  const box = bind("text", textBox, { label, rows, delay: 120 });
  const note = element("p", { class: "tl-quiet" });
  const inWords = tooLong ?? ((n) =>
    `This model sees ${room} tokens; the last ${counted(n, "token")} of your text are left out.`);
  const text = {
    root: box.root, note, ids: [],
    nameOf: (index) => tokenName(model, text.ids[index], index),
    nextName: (id) => tokenName(model, id, text.ids.length),
    tokens: () => tokensOf(model, text.ids),
    read() {
      const all = promptIds(model, get("text"));
      text.ids = all.slice(0, room);
      note.hidden = all.length <= room;
      note.textContent = inWords(all.length - room);
    },
  };
  return text;
}
