// ModelMap: a whole decoder as a map, and one token on its way through it.
//
// Left the parts, in the order in which a token meets them; right the open one:
// what it is for, its shapes, its parameters, and the numbers of the token that
// is followed, as the model computes them for the reader's own text.

import { loadModel, promptIds } from "./engine/model_file.js";
import { linear } from "./engine/tensor.js";
import { distribution, mostLikelyFirst } from "./engine/sampling.js";
import { arrowKeysMoveWithin, button, buttonRow, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, svgElement, write } from "./parts/nodes.js";
import { debounce } from "./parts/time.js";
import { tokenChips } from "./parts/tokens.js";
import { counted, formatPercent, grouped, readable, specialName } from "./parts/words.js";

const N_GUESSES = 5;

function render({ get, root, onChange, set }) {
  const lm = loadModel(get("model_file"));
  const parts = partsOf(lm);
  const nAll = parts.reduce((sum, part) => sum + part.nParameters, 0);
  const view = { ids: [], seen: {}, attention: [], token: 0 };

  const open = () => Math.max(0, parts.findIndex(({ name }) => name === get("part")));
  const nameOf = (index) => {
    const piece = lm.tokenizer.piece(view.ids[index]);
    return lm.tokenizer.isSpecial(view.ids[index]) ? specialName(piece, index) : readable(piece);
  };
  const nextName = (id) => {
    const piece = lm.tokenizer.piece(id);
    return lm.tokenizer.isSpecial(id) ? specialName(piece, view.ids.length) : readable(piece);
  };

  // --- The text, and the token that is followed
  const text = textBox({
    label: "Text for the model to read", value: get("text"), rows: 2,
    onInput: debounce(() => { set("text", text.value); read(); }, 120),
  });
  const note = element("p", { class: "tl-quiet" });
  const chips = tokenChips({
    label: "tokens; choose the one to follow", onPick: (index) => follow(index),
  });

  // --- The map
  const buttons = parts.map((part, index) => element("button", {
    type: "button", class: `tl-part tl-part-${part.kind}`, tabindex: -1, "data-part": part.name,
    on: { click: () => show(index) },
  }, element("span", {}, part.label), element("span", { class: "tl-part-shape" })));
  const map = element("div", {
    class: "tl-map", role: "group", "aria-label": "parts of the model, in order; arrow keys move, Enter opens",
  });
  let frame = null;
  for (const [index, { block }] of parts.entries()) {
    if (block === undefined) frame = null;
    else if (frame?.dataset.block !== String(block)) {
      frame = element("div", { class: "tl-map-block", "data-block": block },
        element("span", { class: "tl-quiet" }, `Block ${block}`));
      map.append(frame);
    }
    (frame ?? map).append(buttons[index]);
  }
  arrowKeysMoveWithin(map, ".tl-part");

  // --- The open part
  const heading = element("div", { class: "tl-heading" });
  const purpose = element("p");
  const facts = element("dl", { class: "tl-facts" });
  const fact = (name) => {
    const value = element("dd");
    facts.append(element("dt", {}, name), value);
    return value;
  };
  const goesIn = fact("in"), comesOut = fact("out"), cost = fact("parameters");
  const strip = numberStrip();
  const detail = element("div", { class: "tl-stack" });
  const guesses = guessList();
  const words = statusLine();
  const earlier = button("← Part before", () => show(open() - 1));
  const later = button("Next part →", () => show(open() + 1), { primary: true });

  // --- All parameters
  const shares = element("div", { class: "tl-shares", "aria-hidden": "true" });
  const legend = element("p", { class: "tl-caption" });

  root.append(element("div", { class: "tl-stack" },
    text.root, note, chips.root,
    element("div", { class: "tl-columns tl-map-columns" },
      map,
      element("div", { class: "tl-stack" },
        buttonRow("follow the token", earlier, later),
        heading, purpose, facts, strip.root, detail, guesses.root, words.root)),
    element("div", { class: "tl-heading" }, "Where the parameters are"), shares, legend));

  // --- What happens
  function read() {
    const ids = promptIds(lm, text.value);
    const tooLong = ids.length - lm.config.max_len;
    view.ids = ids.slice(0, lm.config.max_len);
    note.hidden = tooLong <= 0;
    note.textContent = `This model sees ${lm.config.max_len} tokens; the last ${counted(tooLong, "token")} of your text are left out.`;
    view.seen = {};
    const { logits, attention } = lm.decoder.forward(view.ids, {
      record: (name, values) => { view.seen[name] = values; },
    });
    for (let layer = 0; layer < lm.config.n_layers; layer++) {
      const added = view.seen[`blocks.${layer}.feed_forward`];
      view.seen[`blocks.${layer}.middle`] = view.seen[`blocks.${layer}`].map((sum, i) => sum - added[i]);
    }
    view.attention = attention;
    view.logits = logits;
    chips.show(view.ids.map((id, index) => ({
      text: lm.tokenizer.piece(id), id, special: lm.tokenizer.isSpecial(id),
      unseen: lm.unseenTokens.has(id),
    })));
    buttons.forEach((place, index) => {
      place.lastChild.textContent = shapeInNumbers(parts[index].out, view.ids.length);
    });
    const wanted = get("token");
    view.token = wanted < 0 ? view.ids.length - 1 : Math.min(wanted, view.ids.length - 1);
    show(open());
  }

  function follow(index) {
    view.token = index;
    set("token", index === view.ids.length - 1 ? -1 : index);
    show(open());
  }

  function show(index) {
    const part = parts[Math.max(0, Math.min(parts.length - 1, index))];
    if (part.name !== get("part")) set("part", part.name);
    buttons.forEach((place, at) => {
      const isOpen = parts[at] === part;
      place.classList.toggle("tl-chosen", isOpen);
      place.setAttribute("aria-pressed", String(isOpen));
      place.tabIndex = isOpen ? 0 : -1;
    });
    earlier.disabled = part === parts[0];
    later.disabled = part === parts.at(-1);
    const n = view.ids.length;
    heading.replaceChildren(part.title, element("span", { class: "tl-quiet" }, ` chapter ${part.chapter}`));
    purpose.textContent = part.purpose;
    goesIn.textContent = shapeInWords(part.in, n);
    comesOut.textContent = shapeInWords(part.out, n);
    cost.textContent = part.nParameters
      ? `${part.sum} = ${grouped(part.nParameters)} (${formatPercent(part.nParameters / nAll)} of all)`
      : part.sum || "none";
    chips.shade(null, view.token);
    showNumbers(part);
    showShares(part);
  }

  // The token's numbers in this part, and what they mean there.
  function showNumbers(part) {
    const followed = nameOf(view.token);
    const values = part.seen && rowOf(view.seen[part.seen], view.token, view.ids.length);
    strip.root.hidden = !values;
    if (values) strip.show(values, `${followed} after this part`);
    detail.replaceChildren();
    guesses.root.hidden = !part.isStream;
    let sentence = values ? `${followed}: ${inWords(values)}.` : "";
    if (part.kind === "text") {
      sentence = `${followed} is token ${view.token + 1} of ${view.ids.length}. For the model it is the number ${view.ids[view.token]}, one of ${lm.config.vocab_size}.`;
    }
    if (part.kind === "attention") sentence += ` ${largestWeights(part.block)}`;
    if (part.kind === "attention") chips.shade(meanWeights(part.block), view.token);
    if (part.kind === "feed-forward") {
      const neurons = rowOf(view.seen[`${part.name}.activation`], view.token, view.ids.length);
      const firing = neurons.filter((value) => value > 0).length;
      sentence += ` ${firing} of its ${neurons.length} neurons are above zero for this token.`;
    }
    if (part.isStream) {
      const scores = part.name === "head" ? view.logits[view.token] : readOff(values);
      const share = distribution(scores, {});
      const top = mostLikelyFirst(share).slice(0, N_GUESSES);
      const heading = part.name === "head"
        ? `What comes after ${followed}` : `Read off here, as if the rest were missing: what comes after ${followed}`;
      guesses.show(heading, top.map((id) => ({ name: nextName(id), share: share[id] })));
      sentence += ` ${part.name === "head" ? "The model's guess" : "Read off here, the guess"} is ${nextName(top[0])}, with ${formatPercent(share[top[0]])}.`;
    }
    words.say(sentence.trim(), { delay: 120 });
  }

  // What the model would answer if the rest of its blocks were left out.
  function readOff(stream) {
    return linear(lm.decoder.finalNorm.forward(stream), lm.decoder.head);
  }

  function meanWeights(layer) {
    const heads = view.attention[layer];
    return heads[0][view.token].map((_, at) =>
      heads.reduce((sum, rows) => sum + rows[view.token][at], 0) / heads.length);
  }

  function largestWeights(layer) {
    const largest = view.attention[layer].map((rows, head) => {
      const row = rows[view.token];
      const at = mostLikelyFirst(row)[0];
      return `in head ${head} on ${nameOf(at)} (${formatPercent(row[at])})`;
    });
    return `Its largest attention weights: ${largest.join(", ")}.`;
  }

  function showShares(part) {
    const kinds = [
      ["embedding", "token and position vectors"], ["attention", "attention"],
      ["feed-forward", "feed-forward"], ["norm", "norms"],
    ];
    const counts = kinds.map(([kind]) => parts.filter((other) => other.kind === kind)
      .reduce((sum, other) => sum + other.nParameters, 0));
    shares.replaceChildren(...kinds.map(([kind], at) => element("span", {
      class: `tl-share tl-part-${kind}${kind === part.kind ? " tl-chosen" : ""}`,
      style: `flex-grow: ${counts[at]}`,
    }, counts[at] > 0.08 * nAll ? formatPercent(counts[at] / nAll) : "")));
    const sums = kinds.map(([, label], at) => `${label} ${grouped(counts[at])}`);
    legend.textContent = `${sums.join(" + ")} = ${grouped(nAll)} parameters.`;
  }

  const hearText = () => {
    if (get("text") !== text.value) { text.value = get("text"); read(); }
  };
  const hearPart = () => show(open());
  const hearToken = () => read();
  onChange("text", hearText);
  onChange("part", hearPart);
  onChange("token", hearToken);

  read();
}

// --- The parts of a decoder, in the order in which a token meets them -------------------

// Each: { name, label, title, kind, chapter, purpose, in, out: shapes as [rows,
// columns], sum: the parameters as a sum, nParameters, seen: the name of the
// recorded activation, isStream: whether it is the residual stream itself, block }.
function partsOf({ config }) {
  const { vocab_size: V, max_len: L, d_model: D, n_heads: H, n_layers: N, d_ff: F } = config;
  const stream = ["T", D];
  const add = "Nothing is learned here: the part's result is added to what the token already had. The running sum is called the residual stream.";
  const block = (layer) => [
    {
      name: `blocks.${layer}.attention_norm`, kind: "norm", label: "norm", chapter: 9,
      title: `Block ${layer}: norm before attention`, seen: `blocks.${layer}.attention_norm`,
      purpose: "Brings each token's vector to a standard size, so that the next part meets numbers of the size that it was trained on. A copy: the stream itself stays as it is.",
      in: stream, out: stream, sum: `2 × ${D}`, nParameters: 2 * D,
    },
    {
      name: `blocks.${layer}.attention`, kind: "attention", label: `attention, ${H} heads`, chapter: "5 to 7",
      title: `Block ${layer}: attention`, seen: `blocks.${layer}.attention.output`,
      purpose: "The only part in which tokens see each other. Each token gives a weight to itself and to every token before it, and takes the weighted mean of what they offer.",
      in: stream, out: stream, sum: `4 × (${D} × ${D} + ${D})`, nParameters: 4 * (D * D + D),
    },
    {
      name: `blocks.${layer}.middle`, kind: "add", label: "add", chapter: 9, isStream: true,
      title: `The residual stream after attention ${layer}`, seen: `blocks.${layer}.middle`,
      purpose: add, in: stream, out: stream, sum: "", nParameters: 0,
    },
    {
      name: `blocks.${layer}.feed_forward_norm`, kind: "norm", label: "norm", chapter: 9,
      title: `Block ${layer}: norm before feed-forward`, seen: `blocks.${layer}.feed_forward_norm`,
      purpose: "Again a copy of standard size, for the next part.",
      in: stream, out: stream, sum: `2 × ${D}`, nParameters: 2 * D,
    },
    {
      name: `blocks.${layer}.feed_forward`, kind: "feed-forward", label: `feed-forward, ${F} neurons`, chapter: 8,
      title: `Block ${layer}: feed-forward`, seen: `blocks.${layer}.feed_forward`,
      purpose: "Each token by itself: its vector is widened, goes through an activation function, and is narrowed again. No token sees another here.",
      in: stream, out: stream, sum: `(${D} × ${F} + ${F}) + (${F} × ${D} + ${D})`, nParameters: 2 * D * F + F + D,
    },
    {
      name: `blocks.${layer}`, kind: "add", label: "add", chapter: 9, isStream: true,
      title: `The residual stream after block ${layer}`, seen: `blocks.${layer}`,
      purpose: add, in: stream, out: stream, sum: "", nParameters: 0,
    },
  ].map((part) => ({ ...part, block: layer }));
  return [
    {
      name: "tokens", kind: "text", label: "text → token IDs", title: "Text becomes tokens", chapter: 3,
      purpose: "The text is cut into pieces from a fixed list, the vocabulary. Each piece becomes its number in that list.",
      in: ["text"], out: ["T"], sum: "", nParameters: 0,
    },
    {
      name: "embeddings.token", kind: "embedding", label: "token vectors", title: "A vector for what the token is", chapter: 4,
      purpose: "One row of a learned table for each token ID. The same token gets the same row wherever it stands.",
      in: ["T"], out: stream, sum: `${V} × ${D}`, nParameters: V * D, seen: "embeddings.token",
    },
    {
      name: "embeddings.position", kind: "embedding", label: "position vectors", title: "A vector for where it stands", chapter: 4,
      purpose: "One row of a second table for each position. Attention by itself takes no notice of the order of what it sees.",
      in: ["T"], out: stream, sum: `${L} × ${D}`, nParameters: L * D, seen: "embeddings.position",
    },
    {
      name: "embeddings", kind: "add", label: "add", title: "The residual stream begins", chapter: 4, isStream: true,
      purpose: "The two vectors are added. From here on each token is one vector, to which every block adds its results.",
      in: stream, out: stream, sum: "", nParameters: 0, seen: "embeddings",
    },
    ...Array.from({ length: N }, (_, layer) => block(layer)).flat(),
    {
      name: "final_norm", kind: "norm", label: "final norm", title: "The last norm", chapter: 9,
      purpose: "Brings the finished vectors to a standard size before they are compared with the vocabulary.",
      in: stream, out: stream, sum: `2 × ${D}`, nParameters: 2 * D, seen: "final_norm",
    },
    {
      name: "head", kind: "head", label: "scores → probabilities", title: "A score for each token that could come next", chapter: 12, isStream: true,
      purpose: "The dot product of the final vector with the vector of every token in the vocabulary is that token's score; a softmax turns the scores into probabilities.",
      in: stream, out: ["T", V],
      ...(config.tie_head
        ? { sum: "none of its own: it uses the table of token vectors again", nParameters: 0 }
        : { sum: `${V} × ${D}`, nParameters: V * D }),
    },
  ];
}

// --- Small views -------------------------------------------------------------------------

function rowOf(values, row, nRows) {
  const size = values.length / nRows;
  return values.subarray(row * size, (row + 1) * size);
}

function shapeInNumbers(shape, nTokens) {
  return shape.map((size) => (size === "T" ? nTokens : size)).join(" × ");
}

function shapeInWords(shape, nTokens) {
  if (shape[0] === "text") return "text";
  if (shape.length === 1) return `${counted(nTokens, "token ID")}`;
  return `${shapeInNumbers(shape, nTokens)} (tokens × numbers for each)`;
}

function inWords(values) {
  const length = Math.hypot(...values);
  return `${counted(values.length, "number")} from ${signed(Math.min(...values))} to ${signed(Math.max(...values))}, length ${length.toFixed(2)}`;
}

const signed = (number) => number.toFixed(2).replace("-", "−");

// Numbers as small bars above and below a line.
function numberStrip() {
  const [width, height] = [320, 56];
  const bars = svgElement("g", {});
  const drawing = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "tl-strip", "aria-hidden": "true", preserveAspectRatio: "none",
  }, bars, svgElement("line", { x1: 0, x2: width, y1: height / 2, y2: height / 2, class: "tl-strip-zero" }));
  const caption = element("p", { class: "tl-caption" });
  return {
    root: element("div", {}, drawing, caption),
    show(values, what) {
      const largest = Math.max(...values.map(Math.abs)) || 1;
      const step = width / values.length;
      bars.replaceChildren(...Array.from(values, (value, at) => svgElement("rect", {
        class: value < 0 ? "tl-strip-below" : "tl-strip-above",
        x: at * step, width: 0.8 * step,
        y: (height / 2) * (1 - Math.max(0, value) / largest), height: (height / 2) * (Math.abs(value) / largest),
      })));
      write(caption, `The numbers of ${what}: up is positive, down is negative; the longest bar is ${largest.toFixed(2)}.`);
    },
  };
}

function guessList() {
  const heading = element("div", { class: "tl-heading" });
  const list = element("ol", { class: "tl-bars", "aria-label": "most likely next tokens" });
  const rows = Array.from({ length: N_GUESSES }, () => {
    const [name, fill, share] = ["tl-token", "tl-bar-fill", "tl-bar-share"]
      .map((kind) => element("span", { class: kind }));
    list.append(element("li", { class: "tl-bar" }, name, element("span", { class: "tl-bar-track" }, fill), share));
    return { name, fill, share };
  });
  return {
    root: element("div", {}, heading, list),
    show(title, tokens) {
      write(heading, title);
      rows.forEach(({ name, fill, share }, at) => {
        write(name, tokens[at].name);
        fill.style.width = `${100 * tokens[at].share}%`;
        share.textContent = formatPercent(tokens[at].share);
      });
    },
  };
}

export default figure("ModelMap", render, {
  anew: ["model_file"],
  ranges: { token: [-1, Infinity] },
});
