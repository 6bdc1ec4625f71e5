// WordPiece, the tokenizer of BERT: the longest piece that fits, from the left.
//
// As transformer_lab/tokenization/wordpiece.py, and the same IDs. It leaves out
// training, which is in merging.js.
//
// Source: Devlin et al. 2019; Wu et al. 2016. Taught in chapter 3.

import { accountFor, ANY } from "./fields.js";
import { encoderAround, readTokenizerFile } from "./tokenizer_file.js";

const INSIDE = "##"; // marks a piece that does not begin a word
const MAX_WORD = 100; // a longer word is unknown
const MODEL = {
  type: ["WordPiece"], vocab: ANY, unk_token: ["[UNK]"], continuing_subword_prefix: [INSIDE],
  max_input_chars_per_word: [MAX_WORD],
};
const NORMALISER = {
  type: ["BertNormalizer"], clean_text: [true], handle_chinese_chars: [true], lowercase: [true],
  strip_accents: [undefined, null, false, true],
};
const DECODER = { type: ["WordPiece"], prefix: [INSIDE], cleanup: [true] };

const REMOVED = /\uFFFD|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu;
const CHINESE = new RegExp("[\\u4E00-\\u9FFF\\u3400-\\u4DBF\\uF900-\\uFAFF\\u{20000}-\\u{2A6DF}"
  + "\\u{2A700}-\\u{2B73F}\\u{2B740}-\\u{2B81F}\\u{2B920}-\\u{2CEAF}\\u{2F800}-\\u{2FA1F}]", "gu");
// Every ASCII sign counts as punctuation, also those that Unicode calls symbols.
const WORD = /[\p{P}$+<=>^`|~]|[^\p{White_Space}\p{P}$+<=>^`|~]+/gu;

// BERT's reading of a text: lower case, no accents, no control characters. The
// vowel signs of Hindi count as accents too.
export function normalise(text, { stripAccents = true } = {}) {
  const clean = text.toWellFormed().replace(REMOVED, "").replace(/\p{White_Space}/gu, " ")
    .replace(CHINESE, " $& ");
  const bare = stripAccents ? clean.normalize("NFD").replace(/\p{Mn}/gu, "") : clean;
  // Letter by letter: a whole word would get another Greek sigma at its end.
  return Array.from(bare, (letter) => letter.toLowerCase()).join("");
}

// Normalised text cut at white space, and around each punctuation mark.
export function splitWords(text) {
  return text.match(WORD) ?? [];
}

export class WordPieceTokenizer {
  // json: the text of a tokenizer.json, or what it parses to.
  constructor(json) {
    const { model, normalizer, added, pre_tokenizer: cut, decoder } = readTokenizerFile(json);
    const says = (part, known) => Object.keys(known).every((name) =>
      part?.[name] !== undefined || known[name].includes(undefined));
    const isKnown = cut?.type === "BertPreTokenizer"
      && says(normalizer, NORMALISER) && says(model, { ...MODEL, vocab: [] });
    if (!isKnown) {
      throw new Error("this tokenizer.json is not a WordPiece tokenizer like uncased BERT's");
    }
    accountFor(model, MODEL, "the model of this tokenizer.json");
    accountFor(normalizer, NORMALISER, "the normalizer of this tokenizer.json");
    accountFor(cut, { type: ANY }, "the pre-tokenizer of this tokenizer.json");
    if (decoder) accountFor(decoder, DECODER, "the decoder of this tokenizer.json");
    this.stripAccents = normalizer?.strip_accents !== false;
    this.vocab = new Map(Object.entries(model.vocab));
    this.unknown = this.vocab.get(model.unk_token);
    if (this.unknown === undefined) {
      throw new Error(`the vocabulary of this tokenizer.json has no entry for "${model.unk_token}"`);
    }
    // What is looked for in the text as it is, and what in the normalised text.
    const tokens = (normalized) => added.filter((token) => Boolean(token.normalized) === normalized);
    this.aroundAsItIs = encoderAround(new Map(tokens(false).map(({ id, content }) => [content, id])));
    this.aroundNormalised = encoderAround(
      new Map(tokens(true).map(({ id, content }) => [normalise(content, this), id])));
    this.special = new Map(added.filter(({ special }) => special).map(({ id, content }) => [content, id]));
    this.pieces = []; // by ID
    for (const [piece, id] of this.vocab) this.pieces[id] = piece;
    for (const { id, content } of added) this.pieces[id] = content;
  }

  get size() {
    return this.pieces.length;
  }

  // The token IDs of a text alone; an added token written in it stands for itself.
  encode(text) {
    return this.aroundAsItIs(text, (part) => this.aroundNormalised(normalise(part, this),
      (words) => splitWords(words).flatMap((word) => this.encodeWord(word))));
  }

  // A text with these tokens: the words are right, the spaces are guessed.
  decode(ids) {
    let text = "";
    for (const id of ids) {
      const piece = this.piece(id);
      if (this.special.has(piece)) continue;
      if (text && piece.startsWith(INSIDE)) text += piece.slice(INSIDE.length);
      else text += !text || [".", ",", "!", "?"].includes(piece) ? piece : ` ${piece}`;
    }
    return text;
  }

  piece(id) {
    const piece = this.pieces[id];
    if (piece === undefined) throw new RangeError(`token ID ${id} is not in this vocabulary of ${this.size}`);
    return piece;
  }

  isSpecial(id) {
    return this.special.has(this.piece(id));
  }

  // Cut one word from the left; all of it is unknown if any part of it is.
  encodeWord(word) {
    const letters = Array.from(word);
    if (letters.length > MAX_WORD) return [this.unknown];
    const ids = [];
    for (let start = 0; start < letters.length;) {
      let end = letters.length, id;
      for (; end > start; end--) {
        id = this.vocab.get((start ? INSIDE : "") + letters.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (id === undefined) return [this.unknown];
      ids.push(id);
      start = end;
    }
    return ids;
  }
}
