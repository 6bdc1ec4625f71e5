// ModelMap: a whole decoder as a map, and one token on its way through it.
//
// Left the parts, in the order in which a token meets them; right the open one:
// what it is for, its shapes, its parameters, and the numbers of the token that
// is followed, as the model computes them for the reader's own text.

import { loadModel } from "./engine/model_file.js";
import { distribution, mostLikelyFirst } from "./engine/sampling.js";
import { linear } from "./engine/tensor.js";
import { barList } from "./parts/bars.js";
import { arrowKeysMoveWithin, button, buttonRow, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, heading, setAttributes, stack, svgElement, write } from "./parts/nodes.js";
import { readerText } from "./parts/reader_text.js";
import { tokenChips } from "./parts/tokens.js";
import { counted, formatPercent, grouped, within } from "./parts/words.js";

const N_GUESSES = 5;

// --- Computed -------------------------------------------------------------------

// What the model computes for some tokens: { ids, seen: the recorded activations by name,
// attention, logits }.
function run({ decoder, config }, ids) {
  const seen = {};
  const { logits, attention } = decoder.forward(ids, {
    record: (name, values) => { seen[name] = values; },
  });
  for (let layer = 0; layer < config.n_layers; layer++) {
    const added = seen[`blocks.${layer}.feed_forward`];
    seen[`blocks.${layer}.middle`] = seen[`blocks.${layer}`].map((sum, i) => sum - added[i]);
  }
  return { ids, seen, attention, logits };
}

// What the model would answer if the rest of its blocks were left out.
function readOff({ decoder }, stream) {
  return linear(decoder.finalNorm.forward(stream), decoder.head);
}

function meanWeights(heads, token) {
  return heads[0][token].map((_, at) =>
    heads.reduce((sum, rows) => sum + rows[token][at], 0) / heads.length);
}

// A token's numbers after a part; undefined where it has none.
const valuesAfter = (part, { seen, ids }, token) => part.seen && rowOf(seen[part.seen], token, ids.length);

function rowOf(values, row, nRows) {
  const size = values.length / nRows;
  return values.subarray(row * size, (row + 1) * size);
}

// --- In words -------------------------------------------------------------------

function shapeInNumbers(shape, nTokens) {
  return shape.map((size) => (size === "T" ? nTokens : size)).join(" × ");
}

function shapeInWords(shape, nTokens) {
  if (shape[0] === "text") return "text";
  if (shape.length === 1) return `${counted(nTokens, "token ID")}`;
  return `${shapeInNumbers(shape, nTokens)} (tokens × numbers for each)`;
}

const signed = (number) => number.toFixed(2).replace("-", "−");

function numbersInWords(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)].map(signed);
  const length = Math.hypot(...values).toFixed(2);
  return `${counted(values.length, "number")} from ${least} to ${most}, length ${length}`;
}

function largestWeights(heads, token, { nameOf }) {
  const largest = heads.map((rows, head) => {
    const at = mostLikelyFirst(rows[token])[0];
    return `in head ${head} on ${nameOf(at)} (${formatPercent(rows[token][at])})`;
  });
  return `Its largest attention weights: ${largest.join(", ")}.`;
}

// What the token's numbers mean in a part.
function describe(part, { token, values, ran, text, lm }) {
  const name = text.nameOf(token);
  if (part.kind === "text") {
    return `${name} is token ${token + 1} of ${ran.ids.length}. For the model it is the number `
      + `${ran.ids[token]}, one of ${lm.config.vocab_size}.`;
  }
  const numbers = values ? `${name}: ${numbersInWords(values)}.` : "";
  if (part.kind === "attention") {
    return `${numbers} ${largestWeights(ran.attention[part.block], token, text)}`;
  }
  if (part.kind !== "feed-forward") return numbers;
  const neurons = rowOf(ran.seen[`${part.name}.activation`], token, ran.ids.length);
  const nFiring = neurons.filter((value) => value > 0).length;
  return `${numbers} ${nFiring} of its ${neurons.length} neurons are above zero for this token.`;
}

// --- Drawn ----------------------------------------------------------------------

// The parts as buttons, those of a block in a frame.
function partsMap(parts, onOpen) {
  const buttons = parts.map((part, index) => element("button", {
    type: "button", class: `tl-part tl-part-${part.kind}`, tabindex: -1, "data-part": part.name,
    on: { click: () => onOpen(index) },
  }, element("span", {}, part.label), element("span", { class: "tl-part-shape" })));
  const root = element("div", {
    class: "tl-map", role: "group",
    "aria-label": "parts of the model, in order; arrow keys move, Enter opens",
  });
  let frame = null;
  parts.forEach(({ block }, index) => {
    if (block === undefined) frame = null;
    else if (frame?.dataset.block !== String(block)) {
      frame = element("div", { class: "tl-map-block", "data-block": block },
        element("span", { class: "tl-quiet" }, `Block ${block}`));
      root.append(frame);
    }
    (frame ?? root).append(buttons[index]);
  });
  arrowKeysMoveWithin(root, ".tl-part");
  return {
    root,
    read: (nTokens) => buttons.forEach((place, index) => {
      place.lastChild.textContent = shapeInNumbers(parts[index].out, nTokens);
    }),
    mark: (part) => buttons.forEach((place, at) => {
      const isOpen = parts[at] === part;
      place.classList.toggle("tl-chosen", isOpen);
      setAttributes(place, { "aria-pressed": String(isOpen), tabindex: isOpen ? 0 : -1 });
    }),
  };
}

// What a part is for, its shapes and its parameters.
function partFacts(nAll) {
  const title = element("div", { class: "tl-heading" });
  const purpose = element("p");
  const [goesIn, comesOut, cost] = [1, 2, 3].map(() => element("dd"));
  const facts = element("dl", { class: "tl-facts" }, element("dt", {}, "in"), goesIn,
    element("dt", {}, "out"), comesOut, element("dt", {}, "parameters"), cost);
  return {
    roots: [title, purpose, facts],
    show(part, nTokens) {
      title.replaceChildren(part.title, element("span", { class: "tl-quiet" }, ` chapter ${part.chapter}`));
      purpose.textContent = part.purpose;
      goesIn.textContent = shapeInWords(part.in, nTokens);
      comesOut.textContent = shapeInWords(part.out, nTokens);
      cost.textContent = part.nParameters
        ? `${part.sum} = ${grouped(part.nParameters)} (${formatPercent(part.nParameters / nAll)} of all)`
        : part.sum || "none";
    },
  };
}

// What comes next, read off in the residual stream.
function guessList(lm, text) {
  const title = element("div", { class: "tl-heading" });
  const bars = barList({ label: "most likely next tokens", length: N_GUESSES });
  const root = element("div", {}, title, bars.root);
  return {
    root,
    // Returns the guess in words.
    show(part, { token, values, ran }) {
      root.hidden = !part.isStream;
      if (root.hidden) return "";
      const isEnd = part.name === "head";
      const shares = distribution(isEnd ? ran.logits[token] : readOff(lm, values));
      const top = mostLikelyFirst(shares).slice(0, N_GUESSES);
      write(title, isEnd ? `What comes after ${text.nameOf(token)}`
        : `Read off here, as if the rest were missing: what comes after ${text.nameOf(token)}`);
      bars.show(top.map((id) => ({ name: text.nextName(id), share: shares[id] })));
      const name = text.nextName(top[0]);
      return ` ${isEnd ? "The model's guess" : "Read off here, the guess"} is ${name}, `
        + `with ${formatPercent(shares[top[0]])}.`;
    },
  };
}

// Numbers as small bars above and below a line.
function numberStrip() {
  const [width, height] = [320, 56];
  const bars = svgElement("g", {});
  const drawing = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "tl-strip", "aria-hidden": "true", preserveAspectRatio: "none",
  }, bars, svgElement("line", { x1: 0, x2: width, y1: height / 2, y2: height / 2, class: "tl-strip-zero" }));
  const caption = element("p", { class: "tl-caption" });
  const root = element("div", {}, drawing, caption);
  return {
    root,
    show(values, what) {
      root.hidden = !values;
      if (!values) return;
      const largest = Math.max(...values.map(Math.abs)) || 1;
      const step = width / values.length;
      bars.replaceChildren(...Array.from(values, (value, at) => svgElement("rect", {
        class: value < 0 ? "tl-strip-below" : "tl-strip-above",
        x: at * step, width: 0.8 * step, y: (height / 2) * (1 - Math.max(0, value) / largest),
        height: (height / 2) * (Math.abs(value) / largest),
      })));
      write(caption, `The numbers of ${what}: up is positive, down is negative; `
        + `the longest bar is ${largest.toFixed(2)}.`);
    },
  };
}

// All parameters as one bar, by kind.
function parameterShares(parts, nAll) {
  const kinds = [
    ["embedding", "token and position vectors"], ["attention", "attention"],
    ["feed-forward", "feed-forward"], ["norm", "norms"],
  ];
  const counts = kinds.map(([kind]) => parts.filter((part) => part.kind === kind)
    .reduce((sum, part) => sum + part.nParameters, 0));
  const pieces = kinds.map(([kind], at) => element("span", {
    class: `tl-share tl-part-${kind}`, style: `flex-grow: ${counts[at]}`,
  }, counts[at] > 0.08 * nAll ? formatPercent(counts[at] / nAll) : ""));
  const sums = kinds.map(([, label], at) => `${label} ${grouped(counts[at])}`);
  return {
    roots: [element("div", { class: "tl-shares", "aria-hidden": "true" }, ...pieces),
      element("p", { class: "tl-caption" }, `${sums.join(" + ")} = ${grouped(nAll)} parameters.`)],
    mark: (part) => pieces.forEach((piece, at) =>
      piece.classList.toggle("tl-chosen", kinds[at][0] === part.kind)),
  };
}

// --- Wired ----------------------------------------------------------------------

function render(figure) {
  const { root, get, set, onChange } = figure;
  const lm = loadModel(get("model_file"));
  const parts = partsOf(lm);
  const nAll = parts.reduce((sum, part) => sum + part.nParameters, 0);
  const open = () => Math.max(0, parts.findIndex(({ name }) => name === get("part")));
  const openPart = (index) => set("part", parts[within(index, 0, parts.length - 1)].name);
  let ran = null;

  const text = readerText(figure, lm, { label: "Text for the model to read" });
  const token = () => within(get("token") < 0 ? Infinity : get("token"), 0, ran.ids.length - 1);
  const chips = tokenChips({
    label: "tokens; choose the one to follow",
    onPick: (index) => set("token", index === ran.ids.length - 1 ? -1 : index),
  });
  const map = partsMap(parts, openPart);
  const facts = partFacts(nAll);
  const strip = numberStrip();
  const guesses = guessList(lm, text);
  const words = statusLine();
  const [earlier, later] = [button("← Part before", () => openPart(open() - 1)),
    button("Next part →", () => openPart(open() + 1), { primary: true })];
  const shares = parameterShares(parts, nAll);
  root.append(stack(text.root, text.note, chips.root,
    element("div", { class: "tl-columns tl-map-columns" }, map.root,
      stack(buttonRow("follow the token", earlier, later), ...facts.roots, strip.root, guesses.root,
        words.root)),
    heading("Where the parameters are"), ...shares.roots));

  const read = () => {
    text.read();
    ran = run(lm, text.ids);
    chips.show(text.tokens());
    map.read(ran.ids.length);
    show();
  };
  const show = () => {
    const part = parts[open()];
    if (part.name !== get("part")) return set("part", part.name); // there is no such part
    map.mark(part);
    [earlier.disabled, later.disabled] = [part === parts[0], part === parts.at(-1)];
    facts.show(part, ran.ids.length);
    shares.mark(part);
    const now = { token: token(), values: valuesAfter(part, ran, token()), ran, text, lm };
    strip.show(now.values, `${text.nameOf(token())} after this part`);
    chips.shade(part.kind === "attention" ? meanWeights(ran.attention[part.block], token()) : null, token());
    words.say((describe(part, now) + guesses.show(part, now)).trim(), { delay: 120 });
  };
  onChange("text", read);
  onChange("part token", show);
  read();
}

// --- The parts of a decoder, in the order in which a token meets them -------------------

// Each: { name, label, title, kind, chapter, purpose, in, out: shapes as [rows,
// columns], sum: the parameters as a sum, nParameters, seen: the name of the
// recorded activation, isStream: whether it is the residual stream itself, block }.
/** @returns {Part[]} */
function partsOf({ config }) {
  const blocks = Array.from({ length: config.n_layers }, (_, layer) =>
    blockParts(layer, config).map((part) => ({ ...part, block: layer })));
  return [...firstParts(config), ...blocks.flat(), ...lastParts(config)];
}

const ADDED = "Nothing is learned here: the part's result is added to what the token already had. "
  + "The running sum is called the residual stream.";

/** @typedef {Record<string, any>} Part */

function firstParts({ vocab_size: V, max_len: L, d_model: D }) {
  const stream = ["T", D];
  return [
    {
      name: "tokens", kind: "text", label: "text → token IDs", title: "Text becomes tokens", chapter: 3,
      purpose: "The text is cut into pieces from a fixed list, the vocabulary. Each piece becomes "
        + "its number in that list.",
      in: ["text"], out: ["T"], sum: "", nParameters: 0,
    },
    {
      name: "embeddings.token", kind: "embedding", label: "token vectors",
      title: "A vector for what the token is", chapter: 4,
      purpose: "One row of a learned table for each token ID. The same token gets the same row "
        + "wherever it stands.",
      in: ["T"], out: stream, sum: `${V} × ${D}`, nParameters: V * D, seen: "embeddings.token",
    },
    {
      name: "embeddings.position", kind: "embedding", label: "position vectors",
      title: "A vector for where it stands", chapter: 4,
      purpose: "One row of a second table for each position. Attention by itself takes no notice "
        + "of the order of what it sees.",
      in: ["T"], out: stream, sum: `${L} × ${D}`, nParameters: L * D, seen: "embeddings.position",
    },
    {
      name: "embeddings", kind: "add", label: "add",
      title: "The residual stream begins", chapter: 4, isStream: true,
      purpose: "The two vectors are added. From here on each token is one vector, to which every "
        + "block adds its results.",
      in: stream, out: stream, sum: "", nParameters: 0, seen: "embeddings",
    },
  ];
}

function blockParts(layer, { d_model: D, n_heads: H, d_ff: F }) {
  const stream = ["T", D];
  return [
    {
      name: `blocks.${layer}.attention_norm`, kind: "norm", label: "norm", chapter: 9,
      title: `Block ${layer}: norm before attention`, seen: `blocks.${layer}.attention_norm`,
      purpose: "Brings each token's vector to a standard size, so that the next part meets numbers "
        + "of the size that it was trained on. A copy: the stream itself stays as it is.",
      in: stream, out: stream, sum: `2 × ${D}`, nParameters: 2 * D,
    },
    {
      name: `blocks.${layer}.attention`, kind: "attention", label: `attention, ${H} heads`, chapter: "5 to 7",
      title: `Block ${layer}: attention`, seen: `blocks.${layer}.attention.output`,
      purpose: "The only part in which tokens see each other. Each token gives a weight to itself "
        + "and to every token before it, and takes the weighted mean of what they offer.",
      in: stream, out: stream, sum: `4 × (${D} × ${D} + ${D})`, nParameters: 4 * (D * D + D),
    },
    {
      name: `blocks.${layer}.middle`, kind: "add", label: "add", chapter: 9, isStream: true,
      title: `The residual stream after attention ${layer}`, seen: `blocks.${layer}.middle`,
      purpose: ADDED, in: stream, out: stream, sum: "", nParameters: 0,
    },
    {
      name: `blocks.${layer}.feed_forward_norm`, kind: "norm", label: "norm", chapter: 9,
      title: `Block ${layer}: norm before feed-forward`, seen: `blocks.${layer}.feed_forward_norm`,
      purpose: "Again a copy of standard size, for the next part.",
      in: stream, out: stream, sum: `2 × ${D}`, nParameters: 2 * D,
    },
    {
      name: `blocks.${layer}.feed_forward`, kind: "feed-forward", label: `feed-forward, ${F} neurons`,
      chapter: 8,
      title: `Block ${layer}: feed-forward`, seen: `blocks.${layer}.feed_forward`,
      purpose: "Each token by itself: its vector is widened, goes through an activation function, "
        + "and is narrowed again. No token sees another here.",
      in: stream, out: stream, sum: `(${D} × ${F} + ${F}) + (${F} × ${D} + ${D})`,
      nParameters: 2 * D * F + F + D,
    },
    {
      name: `blocks.${layer}`, kind: "add", label: "add", chapter: 9, isStream: true,
      title: `The residual stream after block ${layer}`, seen: `blocks.${layer}`,
      purpose: ADDED, in: stream, out: stream, sum: "", nParameters: 0,
    },
  ];
}

function lastParts({ vocab_size: V, d_model: D, tie_head: isTied }) {
  const stream = ["T", D];
  return [
    {
      name: "final_norm", kind: "norm", label: "final norm", title: "The last norm", chapter: 9,
      purpose: "Brings the finished vectors to a standard size before they are compared with the vocabulary.",
      in: stream, out: stream, sum: `2 × ${D}`, nParameters: 2 * D, seen: "final_norm",
    },
    {
      name: "head", kind: "head", label: "scores → probabilities",
      title: "A score for each token that could come next", chapter: 12, isStream: true,
      purpose: "The dot product of the final vector with the vector of every token in the "
        + "vocabulary is that token's score; a softmax turns the scores into probabilities.",
      in: stream, out: ["T", V],
      ...(isTied
        ? { sum: "none of its own: it uses the table of token vectors again", nParameters: 0 }
        : { sum: `${V} × ${D}`, nParameters: V * D }),
    },
  ];
}

export default figure("ModelMap", render, {
  anew: ["model_file"],
  ranges: { token: [-1, Infinity] },
});
