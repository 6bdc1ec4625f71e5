// The residual stream of a text: read at every depth, and written into another text's run.
//
// Holds the logit lens, and activation patching of whole places (a depth and a token). It
// leaves out single heads and parts of a block, which Python's `trace.patch` can write too.
//
// Shapes: T tokens, D = d_model, V = vocab_size. Depth 0 is after the embeddings, depth n
// after the nth block.
//
// Source: nostalgebraist 2020 (the lens); Vig et al. 2020 and Meng et al. 2022 (patching).
// Taught in chapter 16.

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
