import assert from "node:assert/strict";
import { test } from "node:test";

import { Decoder } from "../../transformer_lab/widgets/engine/decoder.js";
import { explainer } from "../../transformer_lab/widgets/engine/explain.js";
import { HostedModel } from "../../transformer_lab/widgets/engine/hosted_model.js";
import { seededRandom } from "../../transformer_lab/widgets/engine/sampling.js";
import { softmaxInPlace } from "../../transformer_lab/widgets/engine/tensor.js";
import { GPT } from "./files.js";
import { randomNumbers, randomPacked } from "./numbers.js";

const LLAMA = {
  ...GPT, positions: "rotary", activation: "swiglu", bias: false, norm: "rms", n_heads: 6, n_kv_heads: 3,
};
const GEMMA = {
  ...LLAMA, activation: "geglu", embedding_scale: 3, norm_order: "sandwich", head_size: 4, head_norm: true,
  score_scale: 0.4, score_cap: 5, logit_cap: 3, windows: [3, null], local_rope_base: 100, tie_head: false,
};
const PACKED = { ...LLAMA, d_model: 64, d_ff: 96, n_heads: 4, n_kv_heads: 2 };
const IDS = [0, 7, 3, 7, 11, 2];

// Random weights under every name that a model asks for; matrices of a `format`, if there is one.
function tensors(seed, format = null) {
  let last = seed;
  const get = (name, shape) => {
    last += 1;
    if (format && shape.length === 2) return randomPacked(format, ...shape, last);
    const middle = name.includes("weight") && shape.length === 1 ? 1 : 0; // of a norm
    const values = randomNumbers(shape.reduce((a, b) => a * b), last).map((value) => middle + 0.4 * value);
    return { shape, values };
  };
  const found = { under: () => found, get };
  return found;
}

function opened(config, format) {
  const decoder = new Decoder(config, tensors(1, format));
  return { decoder, explain: explainer({ decoder, config }, IDS, (id) => `token ${id}`) };
}

const near = (found, expected, scale, what) => assert.ok(
  Math.abs(found - expected) <= 1e-5 * Math.max(1, scale), `${what}: ${found}, expected ${expected}`);
const sum = (terms) => terms.reduce((all, { value }) => all + value, 0);

// A number is the sum of its terms and its rest, after its steps; a term is its factors.
function holds({ path, terms, rest, total, steps = [], largest, value }) {
  const scale = terms.reduce((all, term) => all + Math.abs(term.value), Math.abs(value));
  if (terms.length) near(sum(terms) + (rest?.value ?? 0), total, scale, `${path}, its sum`);
  near(steps.at(-1)?.value ?? total, value, scale, path);
  for (const { value: found, isPower, factors, label } of terms) {
    const made = isPower ? Math.exp(factors[0].value - largest)
      : factors.reduce((all, factor) => all * factor.value, 1);
    near(made, found, scale, `${path}, ${label}`);
  }
}

// Goes down at random until nothing can be opened: what is opened is what stood in the sum above.
// Calls `met` with each number on the way.
function goDown(explain, random, met) {
  for (let [opens, value] = ["next", 1]; opens;) {
    const number = explain(opens);
    near(number.value, value, Math.abs(value), `${opens}, from above`);
    holds(number);
    met(number);
    const ways = number.terms.flatMap(({ factors }) => factors).filter((factor) => factor.opens);
    if (number.other) ways.push({ opens: number.other.path, value: number.value });
    ({ opens, value } = ways[Math.floor(random() * ways.length)] ?? { opens: null, value: 0 });
  }
}

// The kinds of numbers that are met on many ways down.
function kindsMet(config, format) {
  const [{ explain }, random, kinds] = [opened(config, format), seededRandom(1), new Set()];
  for (let i = 0; i < 150; i++) goDown(explain, random, ({ path }) => kinds.add(path.split("/")[0]));
  return kinds;
}

const ALWAYS = ("next probability logit shares final stream embeddings token attention head handed value "
  + "weight score query key normed feed_forward neuron expand").split(" ");
const MODELS = {
  GPT: [GPT, ["position"]],
  "model with waves": [{ ...GPT, positions: "sinusoidal", activation: "relu" }, ["position"]],
  LLaMA: [LLAMA, ["query_unturned", "key_unturned", "bent", "gate"]],
  Gemma: [GEMMA, ["query_unturned", "query_made", "key_unturned", "key_made", "bent", "gate"]],
};

for (const [name, [config, further]] of Object.entries(MODELS)) {
  test(`every number of a ${name} adds up to what stands above it, down to learned numbers`, () => {
    assert.deepEqual([...kindsMet(config)].sort(), [...ALWAYS, ...further].sort());
  });
}

for (const format of ["q4_1", "q8_0"]) {
  test(`with matrices in ${format} the rounding stands in the sum, and is small`, () => {
    const { explain } = opened(PACKED, format);
    let nRounded = 0;
    const random = seededRandom(2);
    for (let i = 0; i < 60; i++) {
      goDown(explain, random, ({ path, terms, value }) => {
        const rounded = terms.find(({ label }) => label.startsWith("rounding"));
        if (!rounded) return;
        nRounded += 1;
        const scale = terms.reduce((all, term) => all + Math.abs(term.value), Math.abs(value));
        assert.ok(Math.abs(rounded.value) < 0.1 * scale, `${path}: ${rounded.value} of ${scale}`);
      });
    }
    assert.ok(nRounded > 20);
  });
}

test("the numbers are the model's own", () => {
  const { decoder, explain } = opened(GPT);
  const seen = {};
  const record = (name, values) => { seen[name] = values; };
  const { logits, attention } = decoder.forward(IDS, { record });
  near(explain("logit/5").value, logits.at(-1)[5], 1, "logit");
  near(explain("weight/1/2/4/3").value, attention[1][2][4][3], 1, "weight");
  near(explain("stream/1/attention/2/7").value, seen["blocks.0"][2 * GPT.d_model + 7], 1, "stream");
  const neurons = seen["blocks.0.feed_forward.activation"];
  near(explain("neuron/0/3/9").value, neurons[3 * GPT.d_ff + 9], 1, "neuron");
  near(explain("next").terms[0].value, Math.max(...softmaxInPlace(logits.at(-1))), 1, "probability");
});

test("the largest terms come first, and the one that is asked for is among them", () => {
  const { explain } = opened(GPT);
  const sizes = explain("logit/5").terms.map(({ value }) => Math.abs(value));
  assert.deepEqual(sizes, sizes.toSorted((a, b) => b - a));
  for (let v = 0; v < GPT.vocab_size; v++) {
    assert.ok(explain(`probability/${v}`).terms.some(({ label }) => label === `token ${v}`));
  }
});

test("what is no number of this model and text is null", () => {
  const { explain } = opened({ ...LLAMA, windows: [2, null] });
  const none = ["", "/", "constructor", "probability", "probability/41", "probability/-1", "probability/1.5",
    "probability/5/5", "weight/0/0/2/3", "weight/0/0/5/0", "weight/1/0/6/0", "position/0/0", "query/0/9/0/0",
    "key/0/5/0/0", "stream/3/attention/0/0", "stream/0/norm/0/0", "token/0/logit.", "token/0/logit.41",
    "token/0/__proto__", "neuron/0/0/20"];
  for (const path of none) assert.equal(explain(path), null, path);
  assert.equal(explain("weight/1/0/5/0").path, "weight/1/0/5/0");
});

test("a stream that is no plain sum is refused in a sentence", () => {
  assert.throws(() => opened({ ...GPT, norm_order: "post" }), /plain sum/);
});

test("in a worker the same numbers are given, of a text that is not too long", () => {
  const { decoder, explain } = opened(GPT);
  const hosted = new HostedModel({});
  const tokenizer = { piece: (id) => `token ${id}`, isSpecial: () => false };
  hosted.lm = { decoder, config: decoder.config, tokenizer };
  const found = hosted.explain({ ids: IDS, path: "logit/5" });
  assert.equal(found.value, explain("logit/5").value);
  assert.equal(found.name, "logit of token·5");
  assert.deepEqual(structuredClone(found), found); // plain data
  for (const length of [0, 65]) {
    assert.throws(() => hosted.explain({ ids: Array(length).fill(0), path: "next" }), /1 to 64 tokens/);
  }
});
