// The numbers inside a block, for `explain.js`: attention, head by head, down to queries and
// keys; feed-forward, neuron by neuron.
//
// Each function takes a `RecordedRun` and the places of its path, and returns a number
// as `explain.js` does.

import { kvHeads } from "./config.js";
import { rotated } from "./positions.js";
import { activateInPlace } from "./tensor.js";
import { dot } from "./vectors.js";
import {
  capSteps, dotSum, factor, linearSum, normSum, product, rounding, single, softmaxSum, sumOf, valuesOf,
} from "./written_sums.js";

export const BLOCK_KINDS = {
  attention: ["ltd", explainAttention],
  head: ["lhtd", explainHead],
  handed: ["lhttd", explainHanded],
  weight: ["lhtt", explainWeight],
  score: ["lhtt", explainScore],
  query: ["lhtk", explainTurned("query")],
  query_unturned: ["lhtk", explainUnturned("query")],
  query_made: ["lhtk", explainMade("query")],
  key: ["lgtk", explainTurned("key")],
  key_unturned: ["lgtk", explainUnturned("key")],
  key_made: ["lgtk", explainMade("key")],
  value: ["lgtk", explainMade("value")],
  normed: ["lpti", explainNormed],
  feed_forward: ["ltd", explainFeedForward],
  neuron: ["ltn", explainNeuron],
  bent: ["ltn", explainBent],
  expand: ["ltn", explainHidden("expand")],
  gate: ["ltn", explainHidden("gate")],
};

const partOf = (run, layer, part) =>
  run.decoder.blocks[layer][part === "attention" ? "attention" : "feedForward"];
const attentionOf = (run, layer) => partOf(run, layer, "attention").layer;

// A direction as it is asked of a part's output matrix at t (N), and as terms what adds up
// beside the products: a bias, the constants of a norm behind the matrix.
function askedOf(run, layer, part, t, direction) {
  const { layer: { output, contract }, afterNorm } = partOf(run, layer, part);
  const { weight, bias } = output ?? contract;
  const found = run.row(`blocks.${layer}.${part}`, t);
  const { direction: own, constants } = afterNorm
    ? direction.beforeNorm(afterNorm, found) : { direction, constants: 0 };
  const others = [];
  if (bias) others.push(single("bias", own.along(bias.values)));
  if (constants) others.push(single("constants of the norm behind it", constants));
  const what = direction.number === null ? "effect on the logit" : output ? "output matrix" : "second matrix";
  return { asked: own.beforeMatrix(weight), others, weight, what };
}

// --- Attention ----------------------------------------------------------------------

// The heads' own numbers among the H * K of a vector.
const ofHead = ({ headSize }, vector, head) => vector.subarray(head * headSize, (head + 1) * headSize);

// The head of keys and values that a head of queries uses.
const sharedHead = ({ config }, head) => Math.floor(head / (config.n_heads / kvHeads(config)));

function explainAttention(run, layer, t, direction) {
  const { asked, others, weight } = askedOf(run, layer, "attention", t, direction);
  const heads = Array.from({ length: run.config.n_heads }, (_, head) => single(`head ${head}`,
    dot(run.headRow(layer, "attention.heads", head, t), ofHead(run, asked, head)),
    `head/${layer}/${head}/${t}/${direction.path}`));
  const terms = [...heads, ...others];
  const value = direction.along(run.added(layer, "attention", t));
  return {
    name: `attention of block ${layer} at ${run.nameOf(t)}: its share in ${direction.words}`,
    short: `attention ${layer}`, at: t, value,
    how: "The heads work side by side; each one's result goes through its own columns of the output matrix, "
      + "and all are added.",
    ...sumOf([...terms, ...rounding({ weight, result: value }, valuesOf(terms))]),
  };
}

function explainHead(run, layer, head, t, direction) {
  const first = run.firstSeen(layer, t);
  const weights = run.lookRow(layer, "weights", head, t);
  const asked = ofHead(run, askedOf(run, layer, "attention", t, direction).asked, head);
  const handed = (s) => dot(run.headRow(layer, "attention.value", sharedHead(run, head), s), asked);
  const terms = Array.from({ length: t + 1 - first }, (_, i) => first + i).map((s) =>
    product(run.nameOf(s), factor(weights[s], `weight/${layer}/${head}/${t}/${s}`),
      factor(handed(s), `handed/${layer}/${head}/${t}/${s}/${direction.path}`)));
  return {
    name: `head ${head} of block ${layer} at ${run.nameOf(t)}: its share in ${direction.words}`,
    short: `head ${head}`, at: t, weights: Array.from(weights),
    value: dot(run.headRow(layer, "attention.heads", head, t), asked),
    how: "From each token that it sees the head takes what that token hands over, times its weight.",
    ...sumOf(terms), of: ["weight", "handed over"],
  };
}

function explainHanded(run, layer, head, t, s, direction) {
  if (!run.sees(layer, t, s)) return null;
  const group = sharedHead(run, head);
  const { asked: all, what } = askedOf(run, layer, "attention", t, direction);
  const asked = ofHead(run, all, head);
  const value = run.headRow(layer, "attention.value", group, s);
  return {
    name: `what ${run.nameOf(s)} hands over through head ${head} of block ${layer}, `
      + `for ${direction.words}`,
    short: `handed over by ${run.nameOf(s)}`, at: s, value: dot(value, asked),
    how: "The token's value vector, number by number, times what the output matrix makes of each.",
    ...dotSum(value, asked, {
      of: ["value", what], label: (k) => `number ${k}`, opensA: (k) => `value/${layer}/${group}/${s}/${k}`,
    }),
  };
}

function explainWeight(run, layer, head, t, s) {
  if (!run.sees(layer, t, s)) return null;
  const first = run.firstSeen(layer, t);
  const weights = run.lookRow(layer, "weights", head, t);
  const scores = run.lookRow(layer, "scores", head, t).subarray(first, t + 1);
  return {
    name: `weight that ${run.nameOf(t)} gives to ${run.nameOf(s)}, head ${head} of block ${layer}`,
    short: `weight on ${run.nameOf(s)}`, at: t, weights: Array.from(weights), value: weights[s],
    how: "Softmax over the tokens that it sees: e to the power of each score, and of these the share of one.",
    ...softmaxSum(scores, s - first, {
      of: "score",
      label: (i) => run.nameOf(first + i), opens: (i) => `score/${layer}/${head}/${t}/${first + i}`,
    }),
  };
}

function explainScore(run, layer, head, t, s) {
  if (!run.sees(layer, t, s)) return null;
  const { scoreScale: scale, scoreCap: cap } = attentionOf(run, layer);
  const group = sharedHead(run, head);
  const sum = dotSum(turnedRow(run, layer, "query", head, t), turnedRow(run, layer, "key", group, s), {
    of: ["query", "key"], label: (k) => `number ${k}`, opensA: (k) => `query/${layer}/${head}/${t}/${k}`,
    opensB: (k) => `key/${layer}/${group}/${s}/${k}`,
  });
  const isRoot = scale === 1 / Math.sqrt(run.headSize);
  const scaled = { words: isRoot ? `÷ √${run.headSize}` : `× ${scale}`, value: sum.total * scale };
  return {
    name: `score of ${run.nameOf(s)} for ${run.nameOf(t)}, head ${head} of block ${layer}`,
    short: "score", at: t, value: run.lookRow(layer, "scores", head, t)[s],
    how: `The query of ${run.nameOf(t)} times the key of ${run.nameOf(s)}: number by number, `
      + "added up, then scaled.",
    ...sum, steps: [scaled, ...capSteps(scaled.value, cap)],
  };
}

// Queries and keys (K) as their matrix makes them, before they are turned, and as they meet.
const madeRow = (run, layer, kind, head, t) => run.headRow(layer, `attention.${kind}`, head, t);

function unturnedRow(run, layer, kind, head, t) {
  const made = madeRow(run, layer, kind, head, t);
  return attentionOf(run, layer)[`${kind}Norm`]?.forward(made) ?? made;
}

function turnedRow(run, layer, kind, head, t) {
  const unturned = unturnedRow(run, layer, kind, head, t);
  const { ropeBase: base } = attentionOf(run, layer);
  return base === null ? unturned : rotated(unturned, t, base);
}

// `stage` tells the numbers of one query or key apart, of which the next is made.
function nameOfPart(run, kind, layer, head, t, k, stage = "") {
  return {
    name: `number ${k} of the ${kind} of ${run.nameOf(t)}, head ${head} of block ${layer}${stage}`,
    short: `${kind} ${k}${stage}`, at: t,
  };
}

function explainTurned(kind) {
  const unturned = explainUnturned(kind);
  return (run, layer, head, t, k) => {
    const { ropeBase: base } = attentionOf(run, layer);
    if (base === null) return unturned(run, layer, head, t, k);
    const half = run.headSize / 2;
    const partner = (k + half) % run.headSize;
    const before = unturnedRow(run, layer, kind, head, t);
    const angle = t * base ** ((-2 * (k % half)) / run.headSize);
    const opens = (i) => factor(before[i], `${kind}_unturned/${layer}/${head}/${t}/${i}`);
    return {
      ...nameOfPart(run, kind, layer, head, t, k),
      value: turnedRow(run, layer, kind, head, t)[k],
      how: `Rotary positions: numbers ${k} and ${partner} are turned together, further for later tokens `
        + "(cosine and sine of the angle).",
      ...sumOf([product(`number ${k} before`, opens(k), factor(Math.cos(angle))),
        product(`number ${partner} before`, opens(partner), factor(Math.sin(k < half ? -angle : angle)))]),
      of: ["number", "cosine or sine"],
    };
  };
}

function explainUnturned(kind) {
  const made = explainMade(kind);
  return (run, layer, head, t, k) => {
    const { ropeBase: base, [`${kind}Norm`]: norm } = attentionOf(run, layer);
    if (!norm) return made(run, layer, head, t, k);
    return {
      ...nameOfPart(run, kind, layer, head, t, k, base === null ? "" : ", not turned yet"),
      value: unturnedRow(run, layer, kind, head, t)[k],
      ...normSum(norm, madeRow(run, layer, kind, head, t), k, `${kind}_made/${layer}/${head}/${t}/${k}`),
    };
  };
}

function explainMade(kind) {
  return (run, layer, head, t, k) => {
    const { ropeBase: base, [`${kind}Norm`]: norm } = attentionOf(run, layer);
    const isLast = kind === "value" || (base === null && !norm);
    const value = madeRow(run, layer, kind, head, t)[k];
    return {
      ...nameOfPart(run, kind, layer, head, t, k, isLast ? "" : ", as first made"), value,
      how: `The token's vector after the norm times one row of the ${kind} matrix: number by number, `
        + "added up.",
      ...linearSum(run.insideRow(layer, "attention_norm", t), attentionOf(run, layer)[kind],
        head * run.headSize + k, {
          of: ["normed vector", `${kind} matrix`], result: value,
          opens: (i) => `normed/${layer}/attention/${t}/${i}`,
        }),
    };
  };
}

function explainNormed(run, layer, part, t, i) {
  const words = part.replace("_", "-");
  return {
    name: `number ${i} of ${run.nameOf(t)} after the norm before ${words} of block ${layer}`,
    short: `normed ${i}`, at: t, value: run.insideRow(layer, `${part}_norm`, t)[i],
    ...normSum(partOf(run, layer, part).norm, run.stream(layer, part, t), i,
      `stream/${layer}/${part}/${t}/${i}`),
  };
}

// --- Feed-forward -------------------------------------------------------------------

// The neurons (F): bent, and with a gate the product.
function neuronsOf(run, layer, t) {
  const bent = run.insideRow(layer, "feed_forward.activation", t);
  if (!partOf(run, layer, "feed_forward").layer.gate) return bent;
  const expanded = run.insideRow(layer, "feed_forward.expand", t);
  return bent.map((value, n) => value * expanded[n]);
}

function explainFeedForward(run, layer, t, direction) {
  const { asked, others, weight, what } = askedOf(run, layer, "feed_forward", t, direction);
  const neurons = neuronsOf(run, layer, t);
  const value = direction.along(run.added(layer, "feed_forward", t));
  return {
    name: `feed-forward of block ${layer} at ${run.nameOf(t)}: its share in ${direction.words}`,
    short: `feed-forward ${layer}`, at: t, value,
    how: "Each neuron, times what the second matrix makes of it.",
    ...dotSum(neurons, asked, {
      of: ["neuron", what], label: (n) => `neuron ${n}`, opensA: (n) => `neuron/${layer}/${t}/${n}`,
      others, made: { weight, result: value },
    }),
  };
}

const nameOfNeuron = (run, layer, t, n, words) =>
  ({ name: `neuron ${n} of block ${layer} at ${run.nameOf(t)}${words}`, at: t });

function explainNeuron(run, layer, t, n) {
  const { gate } = partOf(run, layer, "feed_forward").layer;
  if (!gate) return { ...explainBent(run, layer, t, n), short: `neuron ${n}` };
  const [bent, expanded] = ["activation", "expand"].map((name) =>
    run.insideRow(layer, `feed_forward.${name}`, t)[n]);
  return {
    ...nameOfNeuron(run, layer, t, n, ""), short: `neuron ${n}`, value: bent * expanded,
    how: "A gate times what it lets through.",
    ...sumOf([product("gate × input", factor(bent, `bent/${layer}/${t}/${n}`),
      factor(expanded, `expand/${layer}/${t}/${n}`))]), of: ["gate", "input"],
  };
}

function explainBent(run, layer, t, n) {
  const { gate, bend } = partOf(run, layer, "feed_forward").layer;
  const name = gate ? "gate" : "expand";
  const before = run.insideRow(layer, `feed_forward.${name}`, t)[n];
  return {
    ...nameOfNeuron(run, layer, t, n, gate ? ", its gate" : ""), short: "gate",
    value: run.insideRow(layer, "feed_forward.activation", t)[n],
    how: "What the neuron adds up goes through the activation function.",
    ...sumOf([single("before the activation function", before, `${name}/${layer}/${t}/${n}`)]),
    steps: [{ words: `activation function: ${bend}`, value: activateInPlace([before], bend)[0] }],
  };
}

function explainHidden(kind) {
  return (run, layer, t, n) => {
    const linear = partOf(run, layer, "feed_forward").layer[kind];
    if (!linear) return null;
    const value = run.insideRow(layer, `feed_forward.${kind}`, t)[n];
    return {
      ...nameOfNeuron(run, layer, t, n, kind === "gate" ? ": what its gate adds up" : ": what it adds up"),
      short: kind === "gate" ? "gate's sum" : "neuron's sum", value,
      how: "The token's vector after the norm times the neuron's row of the matrix: number by number, "
        + "added up.",
      ...linearSum(run.insideRow(layer, "feed_forward_norm", t), linear, n, {
        of: ["normed vector", kind === "gate" ? "gate matrix" : "first matrix"], result: value,
        opens: (i) => `normed/${layer}/feed_forward/${t}/${i}`,
      }),
    };
  };
}
