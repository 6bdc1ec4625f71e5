// A real model beside a figure's tiny one: a button that loads it, and what it can do.
//
// Nothing is loaded before the reader asks. The model works in a worker, shared by all
// figures of the page (shared_model.js); the figure's root says in data-real-model whether
// it is absent, loading, ready or failed, and in data-tokens-per-second how fast it writes.

import { button, statusLine } from "./controls.js";
import { element, setAttributes } from "./nodes.js";
import { tokensOf } from "./reader_text.js";
import { sharedModel } from "./shared_model.js";

/**
 * The figure's real model (its trait `real_model`): what a reader sees of it, and itself.
 *
 *   const real = realModel(figure, { onReady(model) { … }, onGone() { … } });
 *   real.root     the button, the progress and a sentence; null if the figure has no such model
 *   real.model    the `RealModel` from `onReady` to `onGone`, else null
 *
 * `onReady` is called at once if another figure has loaded the model already.
 *
 * @param {import("./figure.js").Figure} figure
 * @param {{ onReady?: (model: RealModel) => void, onGone?: () => void }} [options]
 * @returns {{ root: any, model: RealModel | null }}
 */
export function realModel(figure, { onReady = (_) => {}, onGone = () => {} } = {}) {
  const source = figure.get("real_model");
  const real = { root: null, model: null };
  if (!source) return real;
  const shared = sharedModel(source);
  const view = loadingView(shared);
  const follow = () => {
    figure.root.dataset.realModel = shared.state;
    view.show();
    const isReady = shared.state === "ready";
    if (isReady === (real.model !== null)) return;
    delete figure.root.dataset.tokensPerSecond;
    real.model?.giveUp();
    real.model = isReady ? new RealModel(shared, figure.root) : null;
    if (isReady) onReady(real.model);
    else onGone();
  };
  real.root = view.root;
  shared.listeners.add(follow);
  figure.onEnd(() => {
    shared.listeners.delete(follow);
    real.model?.giveUp();
  });
  follow();
  return real;
}

/**
 * A model that is ready. What is given up gives null: by a signal, by a newer call of the
 * same figure, or because the model was unloaded. What cannot be done rejects with a
 * sentence.
 *
 * It has what `tokenName` and `tokensOf` (reader_text.js) read of a tiny model.
 */
export class RealModel {
  /** @param {import("./shared_model.js").SharedModel} shared @param {HTMLElement} root the figure's */
  constructor(shared, root) {
    this.shared = shared;
    this.root = root;
    this.name = shared.name;
    this.config = shared.facts.config; // Python's Config; max_len is the window here
    this.unseenTokens = new Set(); // nobody knows
    this.tokenizer = vocabularyOf(shared.facts);
    this.newest = new AbortController(); // of `callInstead`
  }

  /**
   * The tokens of a text, at most `config.max_len` of which a model sees.
   * @param {string} text
   * @returns {Promise<{ ids: number[], tokens: object[] } | null>} `tokens` as for `tokenChips`
   */
  async tokens(text) {
    const ids = await this.encode(text);
    return ids && { ids, tokens: tokensOf(this, ids) };
  }

  /** @param {string} text @returns {Promise<number[] | null>} */
  encode(text) {
    return this.call("encode", { text });
  }

  /**
   * What the model is given of a conversation; see `fit` in engine/chatting.js.
   * @param {{ role: string, content: string }[]} messages
   */
  async turns(messages) {
    const given = await this.call("turns", { messages });
    return given && {
      ...given,
      turns: given.turns.map(({ at, message, ids }) => ({ message: messages[at] ?? message, ids })),
      dropped: given.dropped.map((at) => messages[at]),
    };
  }

  /**
   * What comes after `ids` (T of them, one at least). A newer call of the same figure gives
   * this one up.
   *
   *   attention      true: each head's weights too, of at most 128 tokens; "mean": in each
   *                  layer the mean of the heads, as if it were the only one
   *   order          true: the token IDs by falling score too
   *   disabledHeads  [[layer, head], …]
   *   record         names of what is computed on the way (engine/decoder.js)
   *
   * @param {number[]} ids
   * @param {{ attention?: boolean | "mean", order?: boolean, disabledHeads?: number[][],
   *   record?: string[] }} [options]
   * @returns {Promise<{ logits: Float32Array, order: Uint32Array | null,
   *   attention: Float32Array[][] | null,
   *   recorded: Record<string, Float32Array> } | null>} logits (V) of the last position;
   *   attention[layer][head] (T × T); each name's numbers, T rows one after the other
   *   ("final_norm": the last position's row)
   */
  forward(ids, options = {}) {
    return this.callInstead("forward", { ids, ...options });
  }

  /**
   * Goes on from `ids` until a special token, `maxTokens` new ones or the end of the window.
   * `onToken` gets each token's { id, text }: `text` is all that was written so far.
   *
   * @param {{ ids: number[], temperature?: number, seed?: number, maxTokens?: number,
   *   signal?: AbortSignal, onToken?: (token: { id: number, text: string }) => void }} options
   * @returns {Promise<{ isFull: boolean } | null>} whether it ended because the window is full
   */
  generate({ signal, onToken = (_) => {}, ...args }) {
    const count = this.speedometer();
    return this.call("generate", args, { signal, onToken: (token) => { count(); onToken(token); } });
  }

  /**
   * What some tokens of a text mean in it: `vectorsAt` of engine/contextual.js.
   * @param {number[]} ids at most `config.max_len`
   * @param {number[]} places from 0
   * @returns {Promise<Float32Array[][] | null>} for each place one vector (D) for each layer
   */
  vectors(ids, places) {
    return this.call("vectors", { ids, places });
  }

  /**
   * A number of what the model computes for `ids` (1 to 64), and how it came about: `explainer` of
   * engine/explain.js; null if there is no such number.
   * @param {number[]} ids
   * @param {string} path
   * @returns {Promise<import("../engine/explain.js").ExplainedNumber | null>}
   */
  explain(ids, path) {
    return this.call("explain", { ids, path });
  }

  /**
   * What comes next after the first of two texts, with numbers of the second in it: `patch` of
   * `TextPair` (engine/patching.js). A newer call of the same figure gives this one up.
   * @param {{ ids: number[], otherIds: number[] }} texts of 1 to 24 tokens each
   * @param {number[][]} cells
   */
  patch(texts, cells) {
    return this.callInstead("patch", { ...texts, cells });
  }

  /**
   * What the lens says of both texts at a depth: `lens` of `TextPair`. A newer call of the same
   * figure gives this one up.
   * @param {{ ids: number[], otherIds: number[] }} texts
   * @param {number[][]} cells
   * @param {number} depth
   */
  lens(texts, cells, depth) {
    return this.callInstead("lens", { ...texts, cells, depth });
  }

  // A function to call for each token that is written: it shows how fast they come.
  speedometer() {
    const { dataset } = this.root;
    delete dataset.tokensPerSecond;
    let first = 0; // when the first token came
    let nAfter = 0;
    return () => {
      const now = performance.now();
      if (!first) first = now;
      else dataset.tokensPerSecond = (1000 * ++nAfter / (now - first)).toFixed(1);
    };
  }

  // Gives up the last one that was called in this way.
  callInstead(method, args) {
    this.newest.abort();
    this.newest = new AbortController();
    return this.call(method, args, { signal: this.newest.signal });
  }

  call(method, args, options = {}) {
    return this.shared.call(method, args, { ...options, owner: this });
  }

  giveUp() {
    this.shared.giveUp(this);
  }
}

// Names and joins tokens as the tokenizer in the worker does, which alone can cut a text.
function vocabularyOf({ bytes, ends, special }) {
  const bytesOf = (id) => bytes.subarray(ends[id - 1] ?? 0, ends[id]);
  const decode = (ids) => {
    const pieces = ids.map(bytesOf);
    const whole = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
    pieces.reduce((end, piece) => { whole.set(piece, end); return end + piece.length; }, 0);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole);
  };
  const piece = (id) => decode([id]);
  const names = new Map(special.map((id) => [piece(id), id]));
  const isSpecial = new Set(special);
  return { size: ends.length, piece, decode, special: names, isSpecial: (id) => isSpecial.has(id) };
}

// --- What a reader sees

const megabytes = (nBytes) => Math.round(nBytes / 1e6);

// One button, so that the keyboard stays where it is: it loads, cancels or unloads.
function loadingView(shared) {
  const { name, source } = shared;
  const nAll = megabytes(source.size);
  const act = button("", () => ACTIONS[shared.state](shared));
  const bar = element("progress", { max: source.size, "aria-label": `loading ${name}` });
  const loaded = element("span", { class: "tl-quiet" });
  const progress = element("span", { class: "tl-real-progress" }, bar, loaded);
  const status = statusLine();
  return {
    root: element("div", { class: "tl-real-model", role: "group", "aria-label": `the model ${name}` },
      act, progress, status.root),
    show() {
      act.textContent = LABELS[shared.state](shared);
      progress.hidden = shared.state !== "loading";
      setAttributes(bar, { value: shared.nBytes });
      loaded.textContent = `${megabytes(shared.nBytes)} of ${nAll} MB`;
      status.say(SENTENCES[shared.state](shared));
    },
  };
}

const load = (shared) => shared.load();
const ACTIONS = {
  absent: load, failed: load,
  loading: (shared) => shared.cancel(),
  ready: (shared) => shared.unload(),
};

const toLoad = ({ name, nBytes, source }) => (nBytes
  ? `Go on loading ${name} (${megabytes(source.size - nBytes)} of ${megabytes(source.size)} MB)`
  : `Load ${name} (${megabytes(source.size)} MB)`);
const LABELS = {
  absent: toLoad, failed: toLoad,
  loading: () => "Cancel",
  ready: ({ name }) => `Unload ${name}`,
};

const SENTENCES = {
  absent: ({ name, nBytes }) => (nBytes ? `Loading ${name} was cancelled; what has come stays.` : ""),
  loading: ({ name }) => `Loading ${name} …`,
  ready: ({ name, isKept }) => (isKept ? `${name} is loaded.`
    : `${name} is loaded. The browser keeps nothing of it, so the next visit loads it again.`),
  failed: ({ name, problem }) => `${name} could not be loaded because ${problem}. `
    + "Until it is, the small model goes on working.",
};
