import assert from "node:assert/strict";
import { test } from "node:test";

import { Decoder } from "../../transformer_lab/widgets/engine/decoder.js";
import { explainer } from "../../transformer_lab/widgets/engine/explain.js";
import { normal, seededRandom } from "../../transformer_lab/widgets/engine/sampling.js";

const GPT = {
  vocab_size: 41, max_len: 16, d_model: 12, n_heads: 3, n_layers: 2, d_ff: 20, positions: "learned",
  n_token_types: null, embedding_scale: 1, embedding_norm: false, activation: "gelu_tanh", bias: true,
  norm: "layer", norm_order: "pre", norm_eps: 1e-5, tie_head: true, head_size: null, n_kv_heads: null,
  rope_base: 10_000, local_rope_base: null, score_scale: null, score_cap: null, logit_cap: null,
  logit_bias: false, head_norm: false, windows: null,
};
const LLAMA = {
  ...GPT, positions: "rotary", activation: "swiglu", bias: false, norm: "rms", n_heads: 6, n_kv_heads: 3,
};
const GEMMA = {
  ...LLAMA, activation: "geglu", embedding_scale: 3, norm_order: "sandwich", head_size: 4, head_norm: true,
  score_scale: 0.4, score_cap: 5, logit_cap: 3, windows: [3, null], local_rope_base: 100, tie_head: false,
};
const WAVES = { ...GPT, positions: "sinusoidal", activation: "relu" };
const IDS = [0, 7, 3, 7, 11, 2];

// Random weights under every name that a model asks for.
function randomTensors(draw) {
  const get = (name, shape) => ({
    shape,
    values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () =>
      (name.includes("weight") && shape.length === 1 ? 1 : 0) + 0.4 * draw()),
  });
  return { under: randomTensors.bind(null, draw), get, refuseOthers() {} };
}

function open(config, seed = 0) {
  const decoder = new Decoder(config, randomTensors(normal(seededRandom(seed))));
  return { decoder, explain: explainer({ decoder, config }, IDS, (id) => `token ${id}`) };
}

const near = (found, expected, scale, what) => assert.ok(
  Math.abs(found - expected) <= 1e-5 * Math.max(1, scale), `${what}: ${found}, expected ${expected}`);

// A number is the sum of its terms and its rest, after its steps; a term is its factors.
function holds({ path, terms, rest, total, steps = [], largest, value }) {
  if (!terms.length) return;
  const scale = terms.reduce((sum, term) => sum + Math.abs(term.value), Math.abs(value));
  near(terms.reduce((sum, term) => sum + term.value, rest?.value ?? 0), total, scale, `${path}, its sum`);
  near(steps.at(-1)?.value ?? total, value, scale, path);
  for (const { value: found, isPower, factors, label } of terms) {
    const made = isPower ? Math.exp(factors[0].value - largest)
      : factors.reduce((all, factor) => all * factor.value, 1);
    near(made, found, scale, `${path}, ${label}`);
  }
}

// Goes down at random until a number cannot be opened; every number on the way holds, and is
// what stood in the sum above. Returns the kinds that were met.
function wayDown(explain, random) {
  const kinds = [];
  for (let opens = "next", value = 1; opens;) {
    const number = explain(opens);
    near(number.value, value, Math.abs(value), `${opens}, from above`);
    holds(number);
    kinds.push(opens.split("/")[0]);
    const ways = number.terms.flatMap(({ factors }) => factors).filter((factor) => factor.opens);
    if (number.other) ways.push({ opens: number.other.path, value: number.value });
    ({ opens, value } = ways[Math.floor(random() * ways.length)] ?? { opens: null });
  }
  return kinds;
}

for (const [name, config] of Object.entries({ GPT, LLAMA, GEMMA, WAVES })) {
  test(`every number of a ${name} adds up to what stands above it`, () => {
    const random = seededRandom(1);
    const met = new Set();
    for (let i = 0; i < 300; i++) for (const kind of wayDown(open(config).explain, random)) met.add(kind);
    console.log(name, [...met].join(" "));
  });
}
