// Config: the choices that make one model, as transformer_lab/config.py writes them.
//
// Holds what each choice may be, and two sizes that follow from them. A file may be
// anybody's: every choice must be there, and is followed or refused in one sentence.

import { accountFor, ANY } from "./fields.js";

const isSize = (value) => Number.isSafeInteger(value) && value >= 1;
const isPositive = (value) => Number.isFinite(value) && value > 0;
const isFlag = (value) => typeof value === "boolean";
const oneOf = (...options) => (value) => options.includes(value);
const orNone = (fits) => (value) => value === null || fits(value);

// What Python's Config says, and which values each choice may have.
const CHOICES = {
  vocab_size: isSize, max_len: isSize, d_model: isSize, n_heads: isSize, n_layers: isSize, d_ff: isSize,
  positions: oneOf("learned", "sinusoidal", "rotary", "none"), n_token_types: orNone(isSize),
  embedding_scale: isPositive, embedding_norm: isFlag,
  activation: oneOf("relu", "gelu", "gelu_tanh", "silu", "swiglu", "geglu"), bias: isFlag,
  norm: oneOf("layer", "rms"), norm_order: oneOf("pre", "post", "sandwich"), norm_eps: isPositive,
  tie_head: isFlag, head_size: orNone(isSize), n_kv_heads: orNone(isSize),
  rope_base: isPositive, local_rope_base: orNone(isPositive),
  score_scale: orNone(isPositive), score_cap: orNone(isPositive), logit_cap: orNone(isPositive),
  logit_bias: isFlag, head_norm: isFlag,
  windows: orNone((value) => Array.isArray(value) && value.every(orNone(isSize))),
};

// Not every architecture has these; what they are where one does without.
const OPTIONAL = {
  n_token_types: null, embedding_norm: false, tie_head: true, logit_cap: null, logit_bias: false,
  windows: null, local_rope_base: null,
};

// supports: those of OPTIONAL that this architecture works out.
export function refuseUnsupported(config, architecture, supports) {
  accountFor(config, Object.fromEntries(Object.keys(CHOICES).map((name) => [name, ANY])), "the config");
  for (const [name, fits] of Object.entries(CHOICES)) {
    if (!fits(config[name])) {
      throw new Error(`the config has ${said(config, name)}, which the page cannot run`);
    }
  }
  for (const [name, without] of Object.entries(OPTIONAL)) {
    if (!supports.includes(name) && config[name] !== without) {
      throw new Error(`the architecture "${architecture}" does not support ${said(config, name)}`);
    }
  }
  const misfit = MISFITS.find(({ found }) => found(config));
  if (misfit) throw new Error(`in the config ${misfit.names.map((name) => said(config, name)).join(" and ")} `
    + "do not fit each other");
}

// Choices that exclude each other, as Python's Config refuses them.
const MISFITS = [
  { names: ["d_model", "n_heads"], found: (config) => !isSize(headSize(config)) },
  { names: ["n_heads", "n_kv_heads"], found: (config) => config.n_heads % kvHeads(config) !== 0 },
  {
    names: ["n_layers", "windows"],
    found: ({ n_layers: nLayers, windows }) =>
      windows && !(windows.length === nLayers && windows.some((window) => window !== null)),
  },
  {
    names: ["positions", "d_model"],
    found: ({ positions, d_model: size }) => positions === "sinusoidal" && size % 2 !== 0,
  },
  {
    names: ["positions", "d_model", "n_heads", "head_size"],
    found: (config) => config.positions === "rotary" && headSize(config) % 2 !== 0,
  },
  {
    names: ["positions", "rope_base"],
    found: ({ positions, rope_base: base }) => positions !== "rotary" && base !== 10_000,
  },
  {
    names: ["positions", "windows", "local_rope_base"],
    found: ({ positions, windows, local_rope_base: base }) =>
      base !== null && !(positions === "rotary" && windows),
  },
];

const said = (config, name) => `${name}=${(JSON.stringify(config[name]) ?? "nothing").slice(0, 80)}`;

// The size of one head's queries, keys and values.
export function headSize({ head_size: size, d_model: dModel, n_heads: nHeads }) {
  return size ?? dModel / nHeads;
}

// The heads that have keys and values of their own.
export function kvHeads({ n_kv_heads: nKvHeads, n_heads: nHeads }) {
  return nKvHeads ?? nHeads;
}
