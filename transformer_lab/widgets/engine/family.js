// What a Config means: its parts in order, in words, with their parameters; and what a
// token costs.
//
// The same counts as torch's for the models of transformer_lab/models.py. Nothing here
// runs a model. Sources: rules for FLOPs as in Kaplan et al. 2020, section 2.1, counted
// exactly for each matrix. Taught in chapter 15.

const BYTES = 2; // a number of a cache in 16 bits

const NORMS = { layer: "LayerNorm", rms: "RMSNorm" };
const POSITIONS = {
  learned: "a learned vector for each position is added",
  sinusoidal: "fixed waves are added",
  rotary: "nothing is added here",
  none: "nothing is added",
};
const ACTIVATIONS = {
  relu: "ReLU", gelu: "GELU", gelu_tanh: "GELU", silu: "SiLU",
  swiglu: "SwiGLU: a second projection is the gate", geglu: "GeGLU: a second projection is the gate",
};
const isGated = ({ activation }) => activation.endsWith("glu");
const headSize = (config) => config.head_size ?? Math.floor(config.d_model / config.n_heads);
const kvHeads = (config) => config.n_kv_heads ?? config.n_heads;

// The stacks of an architecture: which blocks there are, and how they look.
const STACKS = {
  encoder: [{ stack: "encoder", looks: "looks both ways" }],
  decoder: [{ stack: "decoder", looks: "looks back only" }],
  "encoder-decoder": [
    { stack: "encoder", looks: "looks both ways" },
    { stack: "decoder", looks: "looks back only", crosses: true },
  ],
};

// The parts of a model in the order in which a token meets them:
//   { key, label, kind, stack, phrases: [words], nParameters }
// `key` names the same part in other models; `nParameters` counts all layers together.
export function partsOf({ architecture, config }) {
  const { vocab_size: V, max_len: maxLen, d_model: D, n_layers: L } = config;
  const norm = { phrases: [NORMS[config.norm]], size: normSize(config, D) };
  const parts = [];
  const add = (key, label, kind, phrases, nParameters, stack = null) =>
    parts.push({ key, label, kind, stack, phrases: phrases.filter(Boolean), nParameters });
  add("token", "Token embeddings", "embedding",
    ["one learned vector for each token", config.embedding_scale !== 1 && "multiplied by √d_model"], V * D);
  add("position", "Positions", "embedding", [POSITIONS[config.positions]],
    config.positions === "learned" ? maxLen * D : 0);
  if (config.n_token_types) {
    add("token_type", "Token types", "embedding",
      ["a learned vector for the first or the second text is added"], config.n_token_types * D);
  }
  if (config.embedding_norm) add("embedding_norm", "Norm of the embeddings", "norm", norm.phrases, norm.size);
  for (const { stack, looks, crosses } of STACKS[architecture]) {
    const normed = (key, words) =>
      add(key, "Norm", "norm", [...norm.phrases, words], L * norm.size, stack);
    const layer = (key, label, kind, phrases, nParameters) => {
      if (config.norm_order !== "post") normed(`${key}_norm`, "before the layer; the stream stays as it is");
      add(key, label, kind, phrases, L * nParameters, stack);
      if (config.norm_order === "post") normed(`${key}_norm`, "after the addition, on the stream itself");
      if (config.norm_order === "sandwich") normed(`${key}_after_norm`, "once more, on what the layer found");
    };
    layer("attention", "Attention", "attention",
      [looks, ...attentionPhrases(config)], attentionParameters(config));
    if (crosses) {
      layer("cross_attention", "Cross-attention", "attention",
        ["looks across, at the encoder's vectors"], attentionParameters(config));
    }
    layer("feed_forward", "Feed-forward", "feed-forward",
      [ACTIVATIONS[config.activation], biasPhrase(config)], feedForwardParameters(config));
    if (config.norm_order !== "post") {
      add("final_norm", "Final norm", "norm", norm.phrases, norm.size, `after ${stack}`);
    }
  }
  const [phrases, nParameters] = headOf(architecture, config);
  add("head", architecture === "encoder" ? "Out" : "Head", "head", phrases, nParameters);
  return parts;
}

function headOf(architecture, config) {
  if (architecture === "encoder") return [["a vector for each token; a task adds its own head"], 0];
  const { vocab_size: V, d_model: D } = config;
  const isTied = architecture === "encoder-decoder" || config.tie_head;
  return [[
    isTied ? "scores each token by its embedding" : "has weights of its own",
    config.logit_cap && "bends large scores (soft cap)",
    config.logit_bias && "a bias for each token is added",
  ], (isTied ? 0 : V * D) + (config.logit_bias ? V : 0)];
}

// LayerNorm has a scale and a shift for each number, RMSNorm a scale only.
function normSize(config, size) {
  return config.norm === "layer" ? 2 * size : size;
}

function attentionPhrases(config) {
  const groups = kvHeads(config);
  return [
    groups === config.n_heads ? "each head has keys and values of its own"
      : groups === 1 ? "all heads share one set of keys and values" : "groups of heads share keys and values",
    config.positions === "rotary" && "queries and keys turn with their position",
    config.head_norm && "queries and keys are normalised",
    config.score_cap && "bends large scores (soft cap)",
    config.windows && windowsPhrase(config.windows),
    biasPhrase(config),
  ];
}

// In our rows the layers repeat a pattern, which ends with a layer that sees all.
function windowsPhrase(windows) {
  const length = windows.indexOf(null) + 1;
  if (!length) return "sees only the nearest tokens";
  return `${length - 1} of ${length} layers see only the nearest tokens`;
}

const biasPhrase = (config) => (config.bias ? "with biases" : "without biases");

function attentionParameters(config) {
  const [D, K] = [config.d_model, headSize(config)];
  const [queries, keys] = [config.n_heads * K, kvHeads(config) * K];
  const biases = config.bias ? queries + 2 * keys + D : 0;
  const headNorms = config.head_norm ? 2 * normSize(config, K) : 0;
  return 2 * D * queries + 2 * D * keys + biases + headNorms;
}

function feedForwardParameters(config) {
  const [D, F] = [config.d_model, config.d_ff];
  const up = isGated(config) ? 2 : 1;
  return (up + 1) * D * F + (config.bias ? up * F + D : 0);
}

export function countParameters(row) {
  return partsOf(row).reduce((sum, { nParameters }) => sum + nParameters, 0);
}

// How many positions are visible to the last of `context` tokens, over all layers.
function visible(config, context) {
  const windows = config.windows ?? Array(config.n_layers).fill(null);
  return windows.reduce((sum, window) => sum + Math.min(window ?? context, context), 0);
}

// What one more token costs when `context` tokens stand in the window, itself included:
//   cachePerToken   bytes that a token leaves in the key/value cache (0 for an encoder)
//   cache           bytes of the whole cache; a local layer need keep no more than its window
//   flops           multiplications and additions of all matrices for this token
// An encoder-decoder has read a source of `context` tokens before, and keeps that too.
export function costs({ architecture, config }, context) {
  const { d_model: D, n_layers: L, vocab_size: V, d_ff: F } = config;
  const K = headSize(config);
  const [queries, keys] = [config.n_heads * K, kvHeads(config) * K];
  const crosses = architecture === "encoder-decoder";
  const seen = visible(config, context); // summed over layers
  const projections = 2 * D * (queries + 2 * keys) + 2 * queries * D;
  const feedForward = 2 * D * F * (isGated(config) ? 3 : 2);
  const crossing = crosses ? L * (4 * D * queries + 4 * queries * context) : 0;
  const head = architecture === "encoder" ? 0 : 2 * D * V;
  const hasCache = architecture !== "encoder";
  const bytesPerLayer = 2 * keys * BYTES;
  return {
    cachePerToken: hasCache ? L * bytesPerLayer : 0,
    cache: hasCache ? seen * bytesPerLayer + (crosses ? L * context * bytesPerLayer : 0) : 0,
    flops: L * (projections + feedForward) + 4 * queries * seen + crossing + head,
  };
}

// Why it was changed, for phrases that one model has and another has not.
export const REASONS = {
  RMSNorm:
    "RMSNorm drops the mean and the bias of LayerNorm: less work; its authors found it as good "
      + "(chapter 9).",
  "before the layer; the stream stays as it is":
    "A norm before the layer leaves the stream itself as it is, a plain sum: an open way back for "
      + "the gradient (chapter 9).",
  "after the addition, on the stream itself":
    "In 2017 the norm stood after the addition. The gradient has to pass through every one of them "
      + "(chapter 9).",
  "once more, on what the layer found": "A second norm sets the size of what a layer adds to the stream.",
  "fixed waves are added":
    "Waves need no training, and give every position a pattern of its own (chapter 4).",
  "a learned vector for each position is added":
    "Learned positions are the simplest; none exists beyond the longest text of training "
      + "(chapter 4).",
  "queries and keys turn with their position":
    "Rotary: a score depends on how far apart two tokens stand, not on where (chapter 4).",
  "SwiGLU: a second projection is the gate":
    "A second learned projection says, number by number, how much of the first goes on; at equal "
      + "size a little better in the tests of its author (chapter 8).",
  "GeGLU: a second projection is the gate":
    "A gate as in SwiGLU, with GELU as its activation function (chapter 8).",
  GELU: "A smooth activation function: it lets a little through below zero (chapter 8).",
  ReLU:
    "The cheapest activation function; while a neuron is below zero for every text, it learns "
      + "nothing (chapter 8).",
  "without biases":
    "Biases are few among the parameters; makers of large models report steadier training without "
      + "them.",
  "groups of heads share keys and values":
    "Fewer keys and values to keep: the cache shrinks, and with it the memory of long texts.",
  "all heads share one set of keys and values":
    "The smallest cache of all: one set of keys and values for all heads.",
  "looks both ways":
    "To understand a text that is there already, each token may see all others (chapter 10).",
  "looks back only": "To write, a token must not see what is not written yet (chapters 6 and 10).",
  "bends large scores (soft cap)": "A cap keeps scores from growing without end in training.",
  "queries and keys are normalised":
    "With queries and keys of one size, scores cannot grow without end; in Gemma 3 this took the "
      + "place of the cap.",
  "sees only the nearest tokens": "A window: the work and the cache of a layer stop growing with the text.",
  "scores each token by its embedding":
    "One table for reading and writing saves a large share of a small model's parameters "
      + "(chapter 2).",
  "has weights of its own": "A large model can afford a second table for writing.",
  "multiplied by √d_model":
    "The vectors are scaled up by √d_model, to a size that fits the rest of the stream.",
  "looks across, at the encoder's vectors": "The one connection between the two stacks (chapter 13).",
};

// The reason of a phrase; "" if there is nothing to say.
export function reasonOf(phrase) {
  if (/layers see only the nearest tokens$/.test(phrase)) return REASONS["sees only the nearest tokens"];
  return REASONS[phrase] ?? "";
}

// What `row` does otherwise than `other`: for each of its parts the phrases that the
// same part of the other has not. Returns a Map from part to [phrases].
export function differences(row, other) {
  const theirs = partsOf(other);
  return new Map(partsOf(row).map((part) => {
    const same = theirs.filter(({ key }) => key === part.key);
    const match = same.find(({ stack }) => stack === part.stack) ?? same.at(-1);
    return [part, match ? part.phrases.filter((phrase) => !match.phrases.includes(phrase)) : part.phrases];
  }));
}
