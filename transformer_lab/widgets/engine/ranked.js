// Two more families of tokenizers, which keep no list of merges: their pieces have ranks.
//
// As transformer_lab/tokenization/ranked.py, and the same IDs. Wherever two neighbours
// together are a piece they may be glued, the pair whose piece has the lowest rank first.
// TiktokenTokenizer starts from bytes, in words that a pattern cuts; SentencePieceTokenizer
// from characters, of a text that no pattern has cut. A special token in a text is none.
//
// Sources: Kudo and Richardson 2018 (SentencePiece); the library tiktoken. Taught in chapter 3.

import { accountFor, ANY } from "./fields.js";
import { glueAll } from "./gluing.js";
import { lettersOfBytes } from "./tokenizer.js";

// A word takes one sign or space before it along; marks, such as the vowel signs of Hindi,
// belong to it; an upper-case letter after a lower-case one begins a new word; each digit
// stands alone. White_Space is spelt out as in tokenizer.js.
const WORD = new RegExp(
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
  + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
  + "|\\p{N}| ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n/]*|\\p{White_Space}*[\\r\\n]+"
  + "|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+", "gu");
const SPACE = "▁"; // how SentencePiece writes a space

const WHOSE = "this file of a tokenizer";
const NO_BYTES = "this tokenizer has no entry for some byte";

function listOf(value) {
  if (!Array.isArray(value)) throw new Error(`${WHOSE} lacks a list`);
  return value;
}

// What both share: each token is bytes, and a text is their bytes, put together.
class Ranked {
  // pieces: all entries, by ID. ranks: for each its rank, or null if text cannot be glued to
  // it. bytesOf(piece, id): its bytes, null for a special token. before: what is put before
  // each text.
  constructor(pieces, ranks, bytesOf, before = "") {
    const isRank = (rank) => rank === null || Number.isFinite(rank);
    if (ranks.length !== pieces.length || !ranks.every(isRank)
      || !pieces.every((piece) => typeof piece === "string")) {
      throw new Error("the pieces and the ranks of this tokenizer do not fit together");
    }
    this.pieces = pieces;
    this.bytesOf = bytesOf;
    this.before = before;
    this.glued = new Map(); // what text can be glued to: { rank, id }
    for (const [id, rank] of ranks.entries()) {
      if (rank !== null) this.glued.set(pieces[id], { rank, id });
    }
  }

  get size() {
    return this.pieces.length;
  }

  glue(ids) {
    return glueAll(ids, (left, right) => this.glued.get(this.pieces[left] + this.pieces[right]));
  }

  // The text of these IDs. Bytes that are no UTF-8 (part of a character) become U+FFFD.
  decode(ids) {
    const text = this.textOf(ids);
    return text.startsWith(this.before) ? text.slice(this.before.length) : text;
  }

  // The readable text of one token.
  piece(id) {
    return this.textOf([id]);
  }

  textOf(ids) {
    const bytes = Uint8Array.from(ids.flatMap((id) => this.bytes(id) ?? []));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  // The bytes of one token, as numbers; null for a special token.
  bytes(id) {
    const piece = this.pieces[id];
    if (piece === undefined) throw new RangeError(`token ID ${id} is not in this vocabulary of ${this.size}`);
    return this.bytesOf(piece, id);
  }

  isSpecial(id) {
    return this.bytes(id) === null;
  }
}

export class TiktokenTokenizer extends Ranked {
  // json: { type, first_id, pieces }, the pieces in byte letters and by rank. The special
  // tokens of the model have the IDs before the first one.
  constructor(json) {
    accountFor(json, { type: ["tiktoken"], first_id: ANY, pieces: ANY }, WHOSE);
    const nSpecial = Number(json.first_id), pieces = listOf(json.pieces);
    const special = (value) => Array.from({ length: nSpecial }, () => value);
    const letters = lettersOfBytes();
    const byteOf = new Map(letters.map((letter, byte) => [letter, byte]));
    super([...special(""), ...pieces], [...special(null), ...pieces.keys()],
      (piece, id) => (id < nSpecial ? null : Array.from(piece, (letter) => byteOf.get(letter))));
    if (!letters.every((letter) => this.glued.has(letter))) throw new Error(NO_BYTES);
    this.letters = letters;
  }

  encode(text) {
    return (text.match(WORD) ?? []).flatMap((word) => {
      const letters = Array.from(new TextEncoder().encode(word), (byte) => this.letters[byte]);
      const whole = this.glued.get(letters.join("")); // a word that is a piece stays whole
      return whole ? [whole.id] : this.glue(letters.map((letter) => this.glued.get(letter).id));
    });
  }
}

export class SentencePieceTokenizer extends Ranked {
  // json: { type, pieces, ranks }, both by ID.
  constructor(json) {
    accountFor(json, { type: ["sentencepiece"], pieces: ANY, ranks: ANY }, WHOSE);
    const pieces = listOf(json.pieces), ranks = listOf(json.ranks);
    const name = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    const idOfByte = Array.from({ length: 256 }, (_, byte) => pieces.indexOf(name(byte)));
    if (idOfByte.includes(-1)) throw new Error(NO_BYTES);
    const byteOf = new Map(idOfByte.map((id, byte) => [id, byte]));
    super(pieces, ranks, (piece, id) => {
      if (ranks[id] !== null) return [...new TextEncoder().encode(piece.replaceAll(SPACE, " "))];
      return byteOf.has(id) ? [byteOf.get(id)] : null;
    }, " ");
    this.idOfByte = idOfByte;
  }

  encode(text) {
    if (!text) return [];
    return this.glue(Array.from((this.before + text).replaceAll(" ", SPACE),
      (letter) => this.glued.get(letter)?.id ?? this.spelt(letter)).flat());
  }

  // A character that has no entry, as its bytes.
  spelt(letter) {
    return Array.from(new TextEncoder().encode(letter), (byte) => this.idOfByte[byte]);
  }
}
