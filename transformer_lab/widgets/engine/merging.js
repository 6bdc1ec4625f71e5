// How both tokenizers are trained, step by step, to be watched.
//
// The plain way: everything is counted anew for each merge. That is right for the
// short texts of a figure; the Python package keeps its counts up to date instead
// and learns the same merges (tests/widgets).
//
// Source: Sennrich et al. 2016 (BPE); Schuster and Nakajima 2012 (WordPiece).
// Taught in chapter 3.

import { lettersOfBytes, splitWords } from "./tokenizer.js";
import { normalise, splitWords as splitWordPieceWords } from "./wordpiece.js";

const INSIDE = "##";

// The words of a text, each cut into its first pieces: { word pieces, count } by
// falling count, and the order of all pieces so far, which settles ties.
export function startBPE(text) {
  const letters = lettersOfBytes();
  const cut = (word) => Array.from(new TextEncoder().encode(word), (byte) => letters[byte]);
  return start(splitWords(text), cut, [...letters].sort(byCodePoint));
}

export function startWordPiece(text) {
  const cut = (word) => Array.from(word).map((letter, at) => (at ? INSIDE : "") + letter);
  const words = splitWordPieceWords(normalise(text));
  return start(words, cut, [...new Set(words.flatMap(cut))].sort(byCodePoint));
}

function start(words, cut, alphabet) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return {
    words: [...counts].map(([word, count]) => ({ pieces: cut(word), count })),
    order: new Map(alphabet.map((piece, id) => [piece, id])),
  };
}

// All pairs of neighbours, the next one to be merged first:
// { pair: [left, right], count, left, right (counts of the parts), score }.
// BPE scores by the count; WordPiece by the count over the product of the parts'
// counts, and only what was seen `minCount` times.
export function scorePairs({ words, order }, method, minCount = 2) {
  const singles = new Map(), pairs = new Map();
  const add = (map, key, count) => map.set(key, (map.get(key) ?? 0) + count);
  for (const { pieces, count } of words) {
    for (const piece of pieces) add(singles, piece, count);
    for (let i = 0; i + 1 < pieces.length; i++) add(pairs, `${pieces[i]} ${pieces[i + 1]}`, count);
  }
  const scored = [...pairs].map(([key, count]) => {
    const pair = key.split(" ");
    const [left, right] = pair.map((piece) => singles.get(piece));
    const score = method === "bpe" ? count : count < minCount ? 0 : count / (left * right);
    return { pair, count, left, right, score };
  });
  const place = ({ pair }) => pair.map((piece) => order.get(piece));
  return scored.sort((one, other) => other.score - one.score
    || place(one)[0] - place(other)[0] || place(one)[1] - place(other)[1]);
}

export function join(method, [left, right]) {
  return method === "bpe" ? left + right : left + right.slice(INSIDE.length);
}

// The state after one merge; the old one stays as it was.
export function merge({ words, order }, method, pair) {
  const glued = join(method, pair);
  const known = order.has(glued) ? order : new Map([...order, [glued, order.size]]);
  return {
    order: known,
    words: words.map(({ pieces, count }) => {
      const merged = [];
      for (let i = 0; i < pieces.length; i++) {
        const isPair = pieces[i] === pair[0] && pieces[i + 1] === pair[1];
        merged.push(isPair ? glued : pieces[i]);
        if (isPair) i++;
      }
      return { pieces: merged, count };
    }),
  };
}

// A whole run: { states, steps }, where steps[n] are the scored pairs of states[n].
export function train(text, method, maxMerges = 60) {
  const states = [method === "bpe" ? startBPE(text) : startWordPiece(text)];
  const steps = [];
  for (;;) {
    const pairs = scorePairs(states.at(-1), method);
    steps.push(pairs);
    const [best] = pairs;
    // A pair that was seen once teaches nothing about other words.
    if (states.length > maxMerges || !best || best.score === 0 || best.count < 2) return { states, steps };
    states.push(merge(states.at(-1), method, best.pair));
  }
}

function byCodePoint(one, other) {
  const [a, b] = [one, other].map((text) => Array.from(text, (letter) => letter.codePointAt(0)));
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
