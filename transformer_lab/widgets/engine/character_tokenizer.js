// A token for each character, as transformer_lab/tokenization/characters.py.
//
// Here it names the classes of pictures; so it leaves out the cutting of texts.

import { accountFor, ANY } from "./fields.js";
import { readTokenizerFile } from "./tokenizer_file.js";

const MODEL = { type: ["WordLevel"], vocab: ANY, unk_token: ["[UNK]"] };

export class CharacterTokenizer {
  // json: the text of a tokenizer.json, or what it parses to.
  constructor(json) {
    const { model, added, normalizer } = readTokenizerFile(json);
    if (normalizer || added.some(({ content }) => content !== model.unk_token)) {
      throw new Error("this tokenizer.json does not cut text into characters");
    }
    accountFor(model, MODEL, "the model of this tokenizer.json");
    this.vocab = new Map(Object.entries(model.vocab));
    this.special = new Map(added.map(({ content, id }) => [content, id]));
    this.pieces = new Map([...this.vocab].map(([piece, id]) => [id, piece]));
    this.size = this.vocab.size;
  }

  // The character with this ID.
  piece(id) {
    return this.pieces.get(id);
  }
}
