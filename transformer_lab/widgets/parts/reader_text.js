// A reader's text as a model has it: the box, a note if it is too long, its tokens.

import { promptIds } from "../engine/model_file.js";
import { textBox } from "./controls.js";
import { element } from "./nodes.js";
import { counted, tokenInWords } from "./words.js";

/**
 * The name of a token at a place in a text.
 *
 * @param {{ tokenizer: any }} model from `loadModel`
 * @param {number} id
 * @param {number} index
 */
export function tokenName({ tokenizer }, id, index) {
  return tokenInWords(tokenizer.piece(id), tokenizer.isSpecial(id), index);
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
 * Returns { root, note, read, take, ids, nameOf, nextName, tokens }: `read` takes the text
 * in, or `take` its tokens where the model alone can cut it, in a worker; the others are then
 * of these tokens, at most as many as the model sees.
 * `model` is a model of `loadModel`, or a function that gives the present one.
 *
 * @param {import("./figure.js").Figure} figure
 * @param {any} model
 * @param {{ label: string, rows?: number, room?: number, tooLong?: (n: number) => string }} options
 */
export function readerText({ get, bind }, model, { label, rows = 2, room, tooLong }) {
  const box = bind("text", textBox, { label, rows, delay: 120 });
  const note = element("p", { class: "tl-quiet" });
  const present = typeof model === "function" ? model : () => model;
  const text = {
    root: box.root, note, ids: [],
    nameOf: (index) => tokenName(present(), text.ids[index], index),
    nextName: (id) => tokenName(present(), id, text.ids.length),
    tokens: () => tokensOf(present(), text.ids),
    read() { text.take(promptIds(present(), get("text"))); },
    take(all) {
      const most = room ?? present().config.max_len;
      const nLeftOut = all.length - most;
      text.ids = all.slice(0, most);
      note.hidden = nLeftOut <= 0;
      note.textContent = tooLong?.(nLeftOut) ?? `This model sees ${most} tokens; `
        + `the last ${counted(nLeftOut, "token")} of your text are left out.`;
    },
  };
  return text;
}
