// A real model in a worker: it takes its file in, then answers what the page asks.
//
// What takes long is done a few tokens at a time. Between two steps the worker reads its
// messages, so that work is given up which nobody waits for any more.

import { tokenInWords } from "../parts/words.js";
import { ChatTemplate, fit } from "./chatting.js";
import { vectorsAt } from "./contextual.js";
import { explainer } from "./explain.js";
import { Hosted } from "./hosted.js";
import { loadModel } from "./model_file.js";
import { TextPair } from "./patching.js";
import { PrefixCache } from "./prefix_cache.js";
import { distribution, mostLikely, mostLikelyFirst, sample, seededRandom } from "./sampling.js";

const WINDOW = 1024; // tokens: their keys and values take 47 MB in SmolLM2
const MOST_SHOWN = 128; // tokens of which attention weights are given: 18 MB in SmolLM2
const MOST_OPENED = 64; // tokens of which numbers are kept to be opened: 14 MB in SmolLM2
const MOST_PAIRED = 24; // tokens of each of two texts: their streams take 5 MB in SmolLM2
const AT_ONCE = 16; // tokens between two looks at the messages

export class HostedModel extends Hosted {
  /** @override */
  static methods = [
    ...Hosted.methods, "encode", "turns", "forward", "generate", "explain", "vectors", "patch", "lens",
  ];

  start() {
    this.lm = loadModel(this.file.bytes);
    this.file = null;
    const { config, metadata, tokenizer, decoder } = this.lm;
    config.max_len = Math.min(config.max_len, WINDOW);
    this.template = metadata.template && new ChatTemplate(JSON.parse(metadata.template), tokenizer);
    this.cache = decoder && new PrefixCache(decoder);
    return { config, ...vocabularyOf(tokenizer) };
  }

  // --- Text and tokens

  // What a decoder is given of a text, or an encoder, which reads it between two marks.
  encode({ text }) {
    const { tokenizer, encoder } = this.lm;
    if (!encoder) return tokenizer.encodePlain(text);
    return [tokenizer.special.get("[CLS]"), ...tokenizer.encode(text), tokenizer.special.get("[SEP]")];
  }

  // What the model is given of a conversation: `fit` of chatting.js, with the place in the
  // list of each message; that of the template's own system message is -1.
  turns({ messages }) {
    if (!this.template) throw new Error("this model was not made for conversations");
    const maxLen = this.lm.config.max_len;
    const given = fit(this.template, messages, { maxLen, room: Math.floor(maxLen / 4) });
    const at = (message) => messages.indexOf(message);
    const turns = given.turns.map((turn) => ({ ...turn, at: at(turn.message) }));
    return { ...given, turns, dropped: given.dropped.map(at) };
  }

  // --- Numbers

  // What RealModel of parts/real_model.js says.
  async forward({ ids, attention, order, disabledHeads, record = [] }, call) {
    if (attention && ids.length > MOST_SHOWN) {
      throw new RangeError(`attention weights are shown of at most ${MOST_SHOWN} tokens, not ${ids.length}`);
    }
    if (record.length) this.cache.cutTo(0); // what is kept of a text is not worked out again
    const recorder = recorderOf(record);
    const logits = await this.run(ids, { attention, disabledHeads, record: recorder.record }, call);
    return logits && {
      logits: logits.slice(),
      order: order ? Uint32Array.from(mostLikelyFirst(logits)) : null,
      attention: attention ? this.cache.attention.map(squares) : null,
      recorded: recorder.recorded(),
    };
  }

  // A number of what is computed for `ids`: explain.js. The next one is mostly of the same text.
  explain({ ids, path }) {
    if (!ids.length || ids.length > MOST_OPENED) {
      throw new RangeError(`numbers are opened in texts of 1 to ${MOST_OPENED} tokens, not ${ids.length}`);
    }
    const { tokenizer } = this.lm;
    if (this.opened?.ids.join() !== ids.join()) {
      const nameOf = (id, index) => tokenInWords(tokenizer.piece(id), tokenizer.isSpecial(id), index);
      this.opened = { ids, explain: explainer(this.lm, ids, nameOf) };
    }
    return this.opened.explain(path);
  }

  // The vectors of the tokens at these places, as `vectorsAt` gives them.
  vectors({ ids, places }) {
    return vectorsAt(this.lm.encoder ?? this.lm.decoder, ids, places);
  }

  // Two texts side by side: `TextPair` of patching.js.
  patch({ ids, otherIds, cells }) {
    return this.pairOf(ids, otherIds).patch(cells);
  }

  lens({ ids, otherIds, cells, depth }) {
    return this.pairOf(ids, otherIds).lens(cells, depth);
  }

  // The next question is mostly of the same two texts.
  pairOf(ids, otherIds) {
    for (const { length } of [ids, otherIds]) {
      if (!length || length > MOST_PAIRED) {
        throw new RangeError(`texts of 1 to ${MOST_PAIRED} tokens are compared, not of ${length}`);
      }
    }
    const key = `${ids} ${otherIds}`;
    if (this.pair?.key !== key) this.pair = { key, texts: new TextPair(this.lm.decoder, ids, otherIds) };
    return this.pair.texts;
  }

  // The logits after these tokens; null if the call was given up meanwhile.
  async run(ids, { disabledHeads = [], ...options }, call) {
    const { max_len: most } = this.lm.config;
    if (!this.cache) throw new Error("this model reads and does not write");
    if (!ids.length) throw new RangeError("there is no token to go on from: the text is empty");
    if (ids.length > most) {
      throw new RangeError(`the text has ${ids.length} tokens; this model sees at most ${most} here`);
    }
    const heads = String(disabledHeads); // what is kept is worked out with the same ones
    if (heads !== this.heads) this.cache.cutTo(0);
    this.heads = heads;
    let logits = null;
    for (logits of this.cache.pieces(ids, { nAtOnce: AT_ONCE, disabledHeads, ...options })) {
      await this.turn();
      if (!call.isWanted()) return null;
    }
    return logits;
  }

  // Goes on from `ids` (T) until a special token, or as far as it is allowed to. Tells of
  // each token its { id, text }: all that has been written so far, without special tokens.
  async generate({ ids, temperature = 0, seed = 0, maxTokens = Infinity }, call) {
    const { tokenizer, config } = this.lm;
    const nMost = Math.min(maxTokens, config.max_len - ids.length);
    const random = seededRandom(seed);
    const written = [];
    while (written.length < nMost) {
      const logits = await this.run([...ids, ...written], {}, call);
      if (!logits) return null;
      const id = draw(logits, temperature, random);
      written.push(id);
      const text = tokenizer.decode(written.filter((one) => !tokenizer.isSpecial(one)));
      call.tell({ id, text });
      if (tokenizer.isSpecial(id)) return { isFull: false };
    }
    return { isFull: ids.length + written.length >= config.max_len };
  }
}

// The page names and joins tokens by itself: the bytes of all of them, one after the other,
// where each ends, and which are special.
function vocabularyOf(tokenizer) {
  const ids = Array.from({ length: tokenizer.size }, (_, id) => id);
  const encoder = new TextEncoder();
  const pieces = ids.map((id) => tokenizer.bytes?.(id) ?? encoder.encode(tokenizer.piece(id)));
  let end = 0;
  const ends = Uint32Array.from(pieces, (piece) => end += piece.length);
  const bytes = new Uint8Array(end);
  pieces.forEach((piece, id) => bytes.set(piece, ends[id] - piece.length));
  return { bytes, ends, special: ids.filter((id) => tokenizer.isSpecial(id)) };
}

function draw(logits, temperature, random) {
  if (temperature === 0) return mostLikely(logits);
  const order = mostLikelyFirst(logits);
  return sample(distribution(logits, { temperature, order }), random, order);
}

// What is computed on the way, under the names that are asked for: all positions' rows, one
// after the other. The final norm is worked out for the last position alone.
function recorderOf(names) {
  const found = new Map(names.map((name) => [name, []]));
  const record = (name, values) => {
    if (name === "final_norm") found.get(name)?.splice(0);
    found.get(name)?.push(values);
  };
  return {
    record: names.length ? record : null,
    recorded: () => Object.fromEntries([...found].map(([name, pieces]) => [name, joined(pieces)])),
  };
}

function joined(pieces) {
  const whole = new Float32Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}

// Of each head, rows of 1, 2, …, T weights as T rows of T.
function squares(heads) {
  return heads.map((rows) => {
    const square = new Float32Array(rows.length ** 2);
    rows.forEach((row, t) => square.set(row, t * rows.length));
    return square;
  });
}
