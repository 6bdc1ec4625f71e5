// Text to token IDs and back: byte-level byte-pair encoding, from a tokenizer.json.
//
// Text is cut into words, a word is written as bytes, and the pairs of pieces
// that were glued in training are glued again, in the order in which they were
// learned. Gives the same IDs as transformer_lab/tokenization and as Hugging
// Face's `tokenizers`. It leaves out training (merging.js) and other kinds of
// tokenizers (wordpiece.js).
//
// Source: Sennrich et al. 2016; on bytes: Radford et al. 2019. Taught in chapter 3.

import { accountFor, ANY } from "./fields.js";
import { glueAll } from "./gluing.js";
import { encoderAround, readTokenizerFile } from "./tokenizer_file.js";

const NOTHING = [undefined, null, "", false, 0];
// The fields of a model of this kind, and the values that are supported.
const MODEL = {
  type: ["BPE"], vocab: ANY, merges: ANY, ignore_merges: [undefined, null, false, true], dropout: NOTHING,
  continuing_subword_prefix: NOTHING, end_of_word_suffix: NOTHING, byte_fallback: NOTHING,
  unk_token: [undefined, null], fuse_unk: [undefined, null, false, true],
};
const OTHER_KIND = "this tokenizer.json is not a byte-level BPE tokenizer";
const WHOSE = "the pre-tokenizer of this tokenizer.json";
const BYTE_LEVEL = { type: ["ByteLevel"], add_prefix_space: [false], trim_offsets: ANY, use_regex: [true] };
const DECODER = { ...BYTE_LEVEL, add_prefix_space: ANY, use_regex: ANY };

// A word takes the space before it along. White_Space is spelt out because
// JavaScript's own \s differs from Unicode's for two rare characters.
const WORD = new RegExp(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+"
  + "|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+", "gu");

// The words within which merges stay; nothing of the text is lost. `splitDigits`
// makes each digit a word of its own.
export function splitWords(text, splitDigits = false) {
  if (!splitDigits) return text.match(WORD) ?? [];
  return text.split(/(\p{N})/u).flatMap((part) => part.match(WORD) ?? []);
}

// The printable letter that stands for each of the 256 bytes in a tokenizer.json:
// a byte that prints keeps its own, the others take those from U+0100 on.
export function lettersOfBytes() {
  const prints = (byte) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  let nOthers = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(prints(byte) ? byte : 0x100 + nOthers++));
}

// Whether each digit is a word of its own.
function readPreTokenizer(cut) {
  const isSequence = cut?.type === "Sequence";
  const [digits, byteLevel, ...more] = isSequence ? [].concat(cut.pretokenizers) : [null, cut];
  if (byteLevel?.add_prefix_space !== false || more.length) throw new Error(OTHER_KIND);
  accountFor(byteLevel, BYTE_LEVEL, WHOSE);
  if (isSequence) {
    accountFor(cut, { type: ANY, pretokenizers: ANY }, WHOSE);
    const choices = { individual_digits: false, ...digits };
    accountFor(choices, { type: ["Digits"], individual_digits: [true] }, WHOSE);
  }
  return isSequence;
}

export class BPETokenizer {
  // json: the text of a tokenizer.json, or what it parses to.
  constructor(json) {
    const { model, added, normalizer, pre_tokenizer: cut, decoder } = readTokenizerFile(json);
    if (model.type !== "BPE" || normalizer || decoder?.type !== "ByteLevel") throw new Error(OTHER_KIND);
    this.splitDigits = readPreTokenizer(cut);
    accountFor(decoder, DECODER, "the decoder of this tokenizer.json");
    accountFor(model, MODEL, "the model of this tokenizer.json");
    this.wholeWordsFirst = Boolean(model.ignore_merges);
    this.vocab = new Map(Object.entries(model.vocab));
    this.special = new Map(added.map(({ id, content }) => [content, id]));
    this.pieces = []; // by ID
    for (const [piece, id] of [...this.vocab, ...this.special]) this.pieces[id] = piece;
    this.merges = this.readMerges(model.merges);
    this.letters = lettersOfBytes();
    this.byteOfLetter = new Map(this.letters.map((letter, byte) => [letter, byte]));
    this.encodeAround = encoderAround(this.special);
    this.known = new Map(); // words that were encoded before
  }

  // For each pair of IDs, as one number: its rank (a lower one was learned earlier and
  // is glued first) and the ID of the glued piece.
  readMerges(merges) {
    if (!Array.isArray(merges)) throw new Error("this tokenizer.json has no list of merges");
    return new Map(merges.map((merge, rank) => {
      const [left, right] = typeof merge === "string" ? merge.split(" ") : [].concat(merge);
      if (![left, right, left + right].every((piece) => this.vocab.has(piece))) {
        throw new Error(`the vocabulary of this tokenizer.json lacks what merge ${rank} speaks of`);
      }
      const pair = this.pairKey(this.vocab.get(left), this.vocab.get(right));
      return [pair, { rank, id: this.vocab.get(left + right) }];
    }));
  }

  get size() {
    return this.pieces.length;
  }

  // The token IDs of a text; a special token written in it stands for itself.
  encode(text) {
    return this.encodeAround(text, (part) => this.encodePlain(part));
  }

  // The same for untrusted text: a special token in it is text like any other.
  encodePlain(text) {
    return splitWords(text, this.splitDigits).flatMap((word) => this.encodeWord(word));
  }

  // The text of these IDs, special tokens included. Bytes that are no UTF-8
  // (part of a character) become U+FFFD.
  decode(ids) {
    let text = "";
    let bytes = [];
    const flush = () => {
      text += new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
      bytes = [];
    };
    for (const id of ids) {
      const piece = this.lookUp(id);
      if (this.special.has(piece)) {
        flush();
        text += piece;
      } else {
        for (const letter of piece) bytes.push(this.byteOfLetter.get(letter));
      }
    }
    flush();
    return text;
  }

  // The readable text of one token, with its leading space.
  piece(id) {
    return this.decode([id]);
  }

  // The bytes of one token, as numbers; null for a special token.
  bytes(id) {
    const piece = this.lookUp(id);
    return this.special.has(piece) ? null : Array.from(piece, (letter) => this.byteOfLetter.get(letter));
  }

  // Whether the token is a special one, such as the start token.
  isSpecial(id) {
    return this.special.has(this.lookUp(id));
  }

  lookUp(id) {
    const piece = this.pieces[id];
    if (piece === undefined) throw new RangeError(`token ID ${id} is not in this vocabulary of ${this.size}`);
    return piece;
  }

  pairKey(left, right) {
    return left * this.pieces.length + right;
  }

  // Glue the pair that was learned first, until no pair is left to glue.
  encodeWord(word) {
    if (this.known.has(word)) return this.known.get(word);
    // TextEncoder writes a lone surrogate (half a character) as U+FFFD.
    const letters = Array.from(new TextEncoder().encode(word), (byte) => this.letters[byte]);
    const whole = this.wholeWordsFirst ? this.vocab.get(letters.join("")) : undefined;
    const ids = whole !== undefined ? [whole] : glueAll(
      letters.map((letter) => this.vocab.get(letter))
        .filter((id) => id !== undefined), // a vocabulary may leave out bytes that no UTF-8 text has
      (left, right) => this.merges.get(this.pairKey(left, right)));
    if (this.known.size > 10_000) this.known.clear();
    this.known.set(word, ids);
    return ids;
  }
}
