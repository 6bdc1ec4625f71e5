// The residual stream of a text: read at every depth, and written into another text's run.
//
// Holds the logit lens, activation patching of whole places (a depth and a token), and both for
// two texts side by side: `TextPair`. It leaves out single heads and parts of a block, which
// Python's `trace.patch` can write too.
//
// Shapes: T tokens, D = d_model, V = vocab_size. Depth 0 is after the embeddings, depth n
// after the nth block.
//
// Source: nostalgebraist 2020 (the lens); Vig et al. 2020 and Meng et al. 2022 (patching).
// Taught in chapter 16.

import { distribution, mostLikely, mostLikelyFirst } from "./sampling.js";

const N_NEXT = 5; // next tokens of which a pair tells

/**
 * Runs a decoder, with the stream of another run at some places.
 *
 * Returns { streams, logits }: streams[depth] is the residual stream there (T, D), logits are
 * the V of the last token.
 * @param {import("./decoder.js").Decoder} decoder
 * @param {number[]} ids
 * @param {number[][]} cells [[depth, token], …]: where it is the stream of `source`
 * @param {Float32Array[] | null} source the streams of a text of as many tokens
 */
export function patchedRun(decoder, ids, cells = [], source = null) {
  const size = decoder.config.d_model;
  const streams = [];
  const edit = (_name, x) => {
    for (const [depth, token] of cells) {
      if (depth !== streams.length) continue;
      x.set(source[depth].subarray(token * size, (token + 1) * size), token * size);
    }
    streams.push(x.slice());
  };
  const { logits } = decoder.forward(ids, { edit, lastOnly: true, keepAttention: false });
  return { streams, logits: logits.at(-1) };
}

/**
 * What the model would say if it stopped here: the logits of a stream, T rows of V.
 * @param {import("./decoder.js").Decoder} decoder
 * @param {Float32Array} stream
 */
export function lens(decoder, stream) {
  return decoder.score(decoder.finalNorm.forward(stream));
}

/**
 * How much of the difference between two answers a change brings: 0 is ours, 1 theirs. The
 * answers are the likeliest tokens of both; null if that is the same token.
 * @param {Float32Array} ours logits (V)
 * @param {Float32Array} theirs
 * @param {{ own: number, other: number }} answers token IDs
 * @returns {(changed: Float32Array) => number | null}
 */
export function broughtOver(ours, theirs, { own, other }) {
  const lead = (logits) => logits[other] - logits[own];
  const way = lead(theirs) - lead(ours);
  return (changed) => (own === other ? null : (lead(changed) - lead(ours)) / way);
}

/**
 * Two texts, ours and theirs, and what our run says with numbers of theirs in it. `cells` are
 * [[depth, token], …] as in `patchedRun`; with any, in texts of unequal length, a RangeError is
 * thrown.
 *
 * All that is returned is short, plain data: a real model in its worker sends it to the page.
 */
export class TextPair {
  /**
   * @param {import("./decoder.js").Decoder} decoder
   * @param {number[]} ids ours
   * @param {number[]} otherIds
   */
  constructor(decoder, ids, otherIds) {
    this.decoder = decoder;
    this.ids = ids;
    this.otherIds = otherIds;
    this.ours = withShares(patchedRun(decoder, ids));
    this.theirs = withShares(patchedRun(decoder, otherIds));
    this.answers = { own: this.ours.order[0], other: this.theirs.order[0] };
    this.brought = broughtOver(this.ours.logits, this.theirs.logits, this.answers);
    this.newest = { cells: "", run: this.ours };
  }

  /**
   * What comes next: the `own` answer of our text and the `other` one (token IDs), how much of the
   * way from the one to the other is `brought` (as in `broughtOver`), and of both and the
   * likeliest others, five in all, the probability in our run, in theirs, and with `cells`: now.
   * @param {number[][]} cells
   * @returns {{ own: number, other: number, brought: number | null,
   *   next: { id: number, ours: number, theirs: number, now: number }[] }}
   */
  patch(cells) {
    const { ours, theirs, answers } = this;
    const now = this.run(cells);
    const ids = [...new Set([answers.own, answers.other, ...now.order])].slice(0, N_NEXT);
    const next = ids.map((id) =>
      ({ id, ours: ours.shares[id], theirs: theirs.shares[id], now: now.shares[id] }));
    return { ...answers, brought: this.brought(now.logits), next };
  }

  /**
   * What the lens says at a depth, with `cells`: for each token of both texts the likeliest
   * token's ID and its probability.
   * @param {number[][]} cells
   * @param {number} depth
   * @returns {{ ours: { id: number, share: number }[], theirs: { id: number, share: number }[] }}
   */
  lens(cells, depth) {
    const [ours, theirs] = [this.run(cells), this.theirs].map(({ streams, said }) =>
      said[depth] ??= lens(this.decoder, streams[depth]).map(likeliest));
    return { ours, theirs };
  }

  // Our run with these cells of theirs; the next question is mostly of the same ones.
  run(cells) {
    const [nOurs, nTheirs] = [this.ids, this.otherIds].map(({ length }) => length);
    if (cells.length && nOurs !== nTheirs) {
      throw new RangeError(`cells are carried between texts of equal length, not ${nOurs} and ${nTheirs}`);
    }
    const changing = cells.filter((cell) => this.differsAt(cell));
    if (!changing.length) return this.ours;
    if (this.newest.cells !== String(changing)) {
      const run = withShares(patchedRun(this.decoder, this.ids, changing, this.theirs.streams));
      run.said = this.ours.said.slice(0, Math.min(...changing.map(([depth]) => depth)));
      this.newest = { cells: String(changing), run };
    }
    return this.newest.run;
  }

  // Whether the streams differ there: before the first token that differs they do not.
  differsAt([depth, token]) {
    const size = this.decoder.config.d_model;
    const [ours, theirs] = [this.ours, this.theirs].map(({ streams }) =>
      streams[depth].subarray(token * size, (token + 1) * size));
    return ours.some((value, i) => value !== theirs[i]);
  }
}

// A run, the likeliest next tokens, all their probabilities, and what the lens has said of it.
function withShares(run) {
  const order = mostLikelyFirst(run.logits);
  return { ...run, order: order.slice(0, N_NEXT), shares: distribution(run.logits, { order }), said: [] };
}

// Without the sorting that `distribution` does: there are as many rows as tokens and depths.
function likeliest(logits) {
  const id = mostLikely(logits);
  let sum = 0;
  for (let other = 0; other < logits.length; other++) sum += Math.exp(logits[other] - logits[id]);
  return { id, share: 1 / sum };
}
