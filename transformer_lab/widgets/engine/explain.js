// Open any number: what it was made of, one step down.
//
// Every number of a decoder has a path, such as "probability/512" or "weight/1/2/11/5".
// `explainer` gives for a path the number, the sum that it is, and the paths of what stands
// in that sum: from the probability of a next token down to learned numbers. All are the
// model's own. No page is needed, and what is returned is plain data.
//
// Holds the paths, and all that stands outside of the blocks; `explain_block.js` has their
// inside. It leaves out encoders, and decoders whose stream is no plain sum (post-norm).
//
// Source: a part's share of a logit is "direct logit attribution", as in Elhage et al. 2021,
// "A Mathematical Framework for Transformer Circuits". Taught in chapter 2.

import { kvHeads } from "./config.js";
import { Direction, normOf } from "./direction.js";
import { BLOCK_KINDS } from "./explain_block.js";
import { RecordedRun } from "./recorded_run.js";
import { rows, softmaxInPlace } from "./tensor.js";
import { dot } from "./vectors.js";
import {
  capSteps, dotSum, factor, largestOf, measured, normSum, product, rounding, single, softmaxSum, sumOf,
  valuesOf,
} from "./written_sums.js";

/**
 * A number and how it came about: a `Sum` (written_sums.js; one that cannot be opened
 * has no terms), its `name` and a `short` one, `how` it is made, `at` which token; `weights`
 * that it has to do with, one for each token; `other`: the path of the same number as another sum.
 * @typedef {import("./written_sums.js").Sum & { path: string, value: number, name: string,
 *   short: string, how: string, at: number, weights?: number[],
 *   other?: { words: string, path: string } }} ExplainedNumber
 */

// Of each kind: what its path names, letter by letter (`COUNTS`), and what explains it.
const KINDS = {
  next: ["", explainNext],
  probability: ["v", explainProbability],
  logit: ["v", explainLogit],
  shares: ["v", explainShares],
  final: ["i", explainFinal],
  stream: ["eptd", explainStream],
  embeddings: ["td", explainEmbeddings],
  token: ["td", explainToken],
  position: ["td", explainPosition],
  ...BLOCK_KINDS,
};

// How many there are of what a letter stands for. Places count from 0.
const COUNTS = {
  v: ({ config }) => config.vocab_size, // a token of the vocabulary
  t: ({ ids }) => ids.length, // a token of the text
  l: ({ config }) => config.n_layers,
  e: ({ config }) => config.n_layers + 1, // a layer, or the end of the stream
  h: ({ config }) => config.n_heads,
  g: ({ config }) => kvHeads(config),
  i: ({ config }) => config.d_model, // a number of a vector
  k: ({ headSize }) => headSize,
  n: ({ config }) => config.d_ff, // a neuron
};

/**
 * Runs a decoder on `ids` once; returns a function from a path to its `ExplainedNumber`, or
 * to null: the path names no number of this model and this text.
 * The next token is the one after the last of `ids`. `nameOf(id, index)` is a token in words.
 *
 * Throws a RangeError for a model that it leaves out.
 * @param {{ decoder: any, config: any }} model
 * @param {number[]} ids
 * @param {(id: number, index: number) => string} nameOf
 * @returns {(path: string) => ExplainedNumber | null}
 */
export function explainer(model, ids, nameOf) {
  const run = new RecordedRun(model, ids, nameOf);
  return (path) => {
    const [kind, ...texts] = path.split("/");
    const [letters, explain] = Object.hasOwn(KINDS, kind) ? KINDS[kind] : ["", null];
    const places = texts.map((text, at) => readPlace(run, letters[at], text));
    const isPlace = explain && places.length === letters.length && !places.includes(null);
    const found = isPlace ? explain(run, ...places) : null;
    return found && { path, at: run.last, ...found };
  };
}

// A place: a number, "p" a part of a block, "d" a `Direction`. Null if there is none.
function readPlace(run, letter, text) {
  if (letter === "p") return ["attention", "feed_forward"].includes(text) ? text : null;
  if (letter === "d") return readDirection(run, text);
  if (!/^\d{1,9}$/.test(text) || !COUNTS[letter]) return null;
  return Number(text) < COUNTS[letter](run) ? Number(text) : null;
}

function readDirection(run, text) {
  const isLogit = text.startsWith("logit.");
  const place = readPlace(run, isLogit ? "v" : "i", text.replace("logit.", ""));
  if (place === null) return null;
  return isLogit ? Direction.ofLogit(run, place) : Direction.ofNumber(place, run.config.d_model);
}

// --- Probabilities and logits -------------------------------------------------------

function explainNext(run) {
  const shares = Array.from(softmaxInPlace(Float64Array.from(run.logits)));
  return {
    name: "all tokens that may come next", short: "what comes next", value: 1,
    how: "The model gives a probability to each token of its vocabulary; together they are 1. "
      + "A number in a box can be opened.",
    ...largestOf(shares, (v) => single(run.nextName(v), shares[v], `probability/${v}`)),
  };
}

function explainProbability(run, v) {
  const sum = softmaxSum(run.logits, v, { of: "logit", label: run.nextName, opens: (u) => `logit/${u}` });
  return {
    name: `probability of ${run.nextName(v)}`, short: run.nextName(v), value: sum.steps[0].value,
    how: "Softmax: e to the power of each logit, and of these the share of one. (The largest logit is "
      + "taken away from each first: that changes no share.)",
    ...sum,
  };
}

// A logit before its cap.
const uncapped = (logit, cap) => (cap === null ? logit : cap * Math.atanh(logit / cap));

function explainLogit(run, v) {
  const { decoder, config, logits } = run;
  const name = run.nextName(v);
  const sum = dotSum(run.row("final_norm", run.last), rows(decoder.head, [v]), {
    of: ["final vector", "row of the head"], label: (i) => `number ${i}`, opensA: (i) => `final/${i}`,
    made: { weight: decoder.head, result: uncapped(logits[v], config.logit_cap) },
  });
  return {
    name: `logit of ${name}`, short: "logit", value: logits[v],
    how: `The final vector of the last token times the row of ${name} in the head: number by number, `
      + "added up.",
    other: { words: "the same logit, part by part", path: `shares/${v}` },
    ...sum, steps: capSteps(sum.total, config.logit_cap),
  };
}

// The same logit, by what wrote it into the stream.
function explainShares(run, v) {
  const { decoder, config, logits } = run;
  const name = run.nextName(v);
  const norm = normOf(decoder.finalNorm, run.lastStream);
  const terms = partsOf(run, config.n_layers, "attention", run.last, Direction.ofLogit(run, v));
  if (norm.constants) {
    terms.push(single("constants of the final norm", dot(norm.constants, rows(decoder.head, [v]))));
  }
  const made = { weight: decoder.head, result: uncapped(logits[v], config.logit_cap) };
  const sum = sumOf([...terms, ...rounding(made, valuesOf(terms))]);
  return {
    name: `logit of ${name}, part by part`, short: "part by part", value: logits[v],
    how: "The stream is a plain sum, so each part that wrote into it has a share of this logit. The shares "
      + "are exact once what the final norm measures is taken as it came out.",
    fixed: measured(norm),
    other: { words: "the same logit, number by number", path: `logit/${v}` },
    ...sum, steps: capSteps(sum.total, config.logit_cap),
  };
}

function explainFinal(run, i) {
  const { decoder, config, last } = run;
  return {
    name: `number ${i} of the final vector`, short: `final ${i}`, value: run.row("final_norm", last)[i],
    ...normSum(decoder.finalNorm, run.lastStream, i, `stream/${config.n_layers}/attention/${last}/${i}`),
  };
}

// --- The stream ---------------------------------------------------------------------

// All that wrote into a token's stream before a part of a block, as terms: their shares.
function partsOf(run, layer, part, t, direction) {
  const share = (label, vector, path) =>
    single(label, direction.along(vector), `${path}/${t}/${direction.path}`);
  const ofBlock = (l, kind, words) => share(`block ${l}: ${words}`, run.added(l, kind, t), `${kind}/${l}`);
  const terms = [share("embeddings", run.row("embeddings", t), "embeddings")];
  for (let l = 0; l < layer; l++) {
    terms.push(ofBlock(l, "attention", "attention"), ofBlock(l, "feed_forward", "feed-forward"));
  }
  if (part === "feed_forward") terms.push(ofBlock(layer, "attention", "attention"));
  return terms;
}

function explainStream(run, layer, part, t, direction) {
  const where = layer < run.config.n_layers
    ? `before ${part.replace("_", "-")} of block ${layer}` : "after the last block";
  return {
    name: `the stream of ${run.nameOf(t)} ${where}: ${direction.words}`,
    short: "stream", at: t, value: direction.along(run.stream(layer, part, t)),
    how: "The residual stream: what the embeddings began with, and what every part added since.",
    ...sumOf(partsOf(run, layer, part, t, direction)),
  };
}

function explainEmbeddings(run, t, direction) {
  const { embedding_scale: scale } = run.config;
  const name = run.nameOf(t);
  const asked = (kind) =>
    factor(direction.along(run.row(`embeddings.${kind}`, t)), `${kind}/${t}/${direction.path}`);
  const token = asked("token");
  const terms = [scale === 1 ? single(`row of ${name}`, token.value, token.opens)
    : product(`row of ${name}`, token, factor(scale))];
  if (hasPositions(run)) {
    const position = asked("position");
    terms.push(single(`position ${t + 1}`, position.value, position.opens));
  }
  return {
    name: `embeddings of ${name}: ${direction.words}`, short: "embeddings", at: t,
    value: direction.along(run.row("embeddings", t)),
    how: hasPositions(run) ? "What the token is, and where it stands: two vectors, added up."
      : "What the token is: its row of the table. Where it stands comes in later, in attention.",
    ...sumOf(terms),
  };
}

const hasPositions = (run) => "embeddings.position" in run.seen;

function explainToken(run, t, direction) {
  return explainRow(run, "token", t, direction, {
    name: `row ${run.ids[t]} of the table of tokens, that of ${run.nameOf(t)}: ${direction.words}`,
    how: "A learned number: training left it in the table. Here the way down ends.",
  });
}

function explainPosition(run, t, direction) {
  return hasPositions(run) ? explainRow(run, "position", t, direction, {
    name: `the vector of position ${t + 1}: ${direction.words}`,
    how: run.config.positions === "learned"
      ? "A learned number: training left it in the table of positions. Here the way down ends."
      : "The height of a wave at this position. Here the way down ends.",
  }) : null;
}

// A number of a table, at which the way ends; what a whole row adds to a logit is a sum once more.
function explainRow(run, kind, t, direction, words) {
  const row = run.row(`embeddings.${kind}`, t);
  const found = { ...words, short: kind, at: t, value: direction.along(row) };
  if (direction.number !== null) return { ...found, terms: [], rest: null, total: found.value };
  return {
    ...found, how: "Each number of the row, times what one unit of it adds to this logit at the end.",
    ...dotSum(row, direction.vector, {
      of: [kind, "effect on the logit"], label: (i) => `number ${i}`, opensA: (i) => `${kind}/${t}/${i}`,
    }),
  };
}
