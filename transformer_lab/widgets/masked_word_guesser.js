// MaskedWordGuesser: hide a word, and see what an encoder and a decoder make of the gap.
//
// Above the text and its words, each a button that hides it. Below, side by side: the
// encoder, which sees both sides, and the decoder, which sees the left side alone and
// writes on from there. Last, the attention weights of each.

import { stream } from "./engine/generation.js";
import { loadModel, promptIds } from "./engine/model_file.js";
import { distribution, mostLikelyFirst } from "./engine/sampling.js";
import { arrowKeysMoveWithin, scroller, select, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, svgElement } from "./parts/nodes.js";
import { weightColour } from "./parts/theme.js";
import { debounce } from "./parts/time.js";
import { counted, formatPercent } from "./parts/words.js";

const N_GUESSES = 5;
const N_WRITTEN = 12; // tokens that the decoder writes on
const [SMALLEST, LARGEST] = [5, 14]; // pixels of a matrix cell
const LEGIBLE = 10; // pixels of a cell from which on every row has its word beside it
const LABELS = 76; // pixels of the words beside it
const LEGEND = "A row shows one word's attention weights, a column for each word that it attends to, in the order of the text.";
// Words as WordPiece cuts them, found in the reader's own spelling.
const WORD = /\[MASK\]|[\p{P}$+<=>^`|~]|[^\p{White_Space}\p{P}$+<=>^`|~]+/gu;

function render({ get, root, onChange, set: keep }) {
  const encoder = loadModel(get("model_file"));
  const decoder = loadModel(get("decoder_file"));
  const { tokenizer } = encoder;
  const idOf = (name) => tokenizer.vocab.get(encoder.metadata[name]);
  const [startId, stopId, maskId] = ["start", "stop", "mask"].map(idOf);
  const room = encoder.config.max_len - 2; // without the tokens around the text
  const view = { words: [], hidden: new Set(), remembering: false };
  const set = (name, value) => {
    view.remembering = true; // the figure itself need not hear of this change
    keep(name, value);
    view.remembering = false;
  };

  // --- Controls
  const text = textBox({
    label: "A short story", value: get("text"), rows: 3, onInput: debounce(() => read({ typed: true }), 150),
  });
  const examples = select({
    label: "Or one of these", value: "", options: [["", "choose …"], ...get("examples").map((one) => [one, one])],
    onInput: (one) => {
      if (!one) return;
      examples.value = ""; // so that it can be chosen again after a change
      text.value = one;
      view.hidden.clear();
      read();
    },
  });
  const chips = element("div", { class: "tl-chips tl-guess-words", role: "group", "aria-label": "words; press one to hide it, arrow keys move" });
  const settleStops = arrowKeysMoveWithin(chips, ".tl-chip");
  const note = element("p", { class: "tl-quiet" });
  const status = statusLine();
  const both = element("div", { class: "tl-stack" });
  const left = element("div", { class: "tl-stack" });
  const look = select({
    label: "Attention of", value: get("look"),
    options: [["mean", "all heads (mean)"], ...encoder.guesser.blocks.flatMap((_, layer) =>
      Array.from({ length: encoder.config.n_heads }, (__, head) => [`${layer} ${head}`, `layer ${layer + 1}, head ${head + 1}`]))],
    onInput: (value) => { set("look", value); showAttention(); },
  });
  const bothMatrix = matrix("encoder");
  const leftMatrix = matrix("decoder");
  const looking = element("p", { class: "tl-guess-looking" });
  root.append(element("div", { class: "tl-stack" },
    text.root, examples.root,
    element("div", {},
      element("p", { class: "tl-heading" }, "Hide a word ", element("span", { class: "tl-quiet" }, "press it; press again to show it")), chips),
    note, status.root,
    element("div", { class: "tl-columns" },
      element("section", { class: "tl-stack", "aria-label": "encoder" }, element("div", { class: "tl-heading" }, "Encoder ", element("span", { class: "tl-quiet" }, "sees both sides of the gap")), both),
      element("section", { class: "tl-stack", "aria-label": "decoder" }, element("div", { class: "tl-heading" }, "Decoder ", element("span", { class: "tl-quiet" }, "sees the left side alone")), left)),
    look.root,
    element("div", { class: "tl-columns" }, bothMatrix.root, leftMatrix.root),
    looking));

  // --- What happens
  const isHidden = (at) => view.hidden.has(at) || view.words[at].id === maskId;
  const nameOf = (at) => (isHidden(at) ? "[MASK]" : tokenizer.piece(view.words[at].id));

  function read({ typed = false } = {}) {
    set("text", text.value);
    const all = [...text.value.matchAll(WORD)].flatMap(({ 0: spelt, index }) =>
      tokenizer.encode(spelt).map((id) => ({ id, spelt, start: index })));
    const words = all.slice(0, room);
    view.hidden = typed ? follow(view.hidden, view.words, words) : new Set([...view.hidden].filter((at) => at < words.length));
    view.words = words;
    const unknown = [...new Set(view.words.filter(({ id }) => id === tokenizer.unknown).map(({ spelt }) => spelt))];
    const notes = [];
    if (all.length > room) notes.push(`The encoder reads the first ${counted(room, "word")}.`);
    if (unknown.length) notes.push(`The encoder does not know: ${unknown.join(", ")}. It reads [UNK] there.`);
    note.hidden = !notes.length;
    note.textContent = notes.join(" ");
    guess();
  }

  function toggle(at) {
    if (view.words[at].id === maskId) {
      status.say("You typed [MASK] here; put a word in its place in the text.");
      return;
    }
    if (!view.hidden.delete(at)) view.hidden.add(at);
    guess();
  }

  // Run both models on the text with its gaps, and show everything.
  function guess() {
    set("hidden", [...view.hidden].sort((a, b) => a - b));
    const ids = [startId, ...view.words.map(({ id }, at) => (isHidden(at) ? maskId : id)), stopId];
    const gaps = view.words.map((_, at) => at).filter(isHidden);
    view.gap = gaps.length ? gaps[0] : null;
    view.encoder = encoder.guesser.forward(ids);
    view.names = ["[CLS]", ...view.words.map((_, at) => nameOf(at)), "[SEP]"];
    const before = view.gap === null ? text.value : text.value.slice(0, view.words[view.gap].start);
    view.before = promptIds(decoder, before);
    view.fits = view.before.length <= decoder.config.max_len;
    view.decoder = view.fits ? decoder.decoder.forward(view.before) : null;
    showWords();
    both.replaceChildren(...(gaps.length ? gaps.map(guessesOfEncoder) : [element("p", { class: "tl-quiet" }, "It has no question: hide a word.")]));
    left.replaceChildren(...guessesOfDecoder());
    showAttention();
    say();
  }

  function showWords() {
    while (chips.childElementCount > view.words.length) chips.lastChild.remove();
    while (chips.childElementCount < view.words.length) {
      const at = chips.childElementCount;
      chips.append(element("button", { type: "button", class: "tl-chip", tabindex: -1, on: { click: () => toggle(at) } }));
    }
    [...chips.children].forEach((chip, at) => {
      const { id, spelt } = view.words[at];
      chip.textContent = nameOf(at);
      chip.setAttribute("aria-pressed", String(isHidden(at)));
      chip.setAttribute("aria-label", `word ${at + 1}: ${spelt}${isHidden(at) ? ", hidden" : ""}${id === tokenizer.unknown ? ", unknown" : ""}`);
      chip.classList.toggle("tl-unseen", id === tokenizer.unknown && !isHidden(at));
      chip.classList.toggle("tl-guess-hidden", isHidden(at));
    });
    settleStops();
  }

  // The word of the reader at a place, as the encoder spells it; null if that cannot be guessed.
  const truthAt = (at) => ([maskId, tokenizer.unknown].includes(view.words[at].id) ? null : tokenizer.piece(view.words[at].id));

  function guessesOfEncoder(at) {
    const shares = distribution(view.encoder.logits[at + 1]);
    return guessList(`for word ${at + 1}`, shares, (id) => tokenizer.piece(id), truthAt(at));
  }

  function guessesOfDecoder() {
    if (!view.fits) return [element("p", { class: "tl-quiet" }, `The left side is too long: this decoder sees at most ${decoder.config.max_len} tokens.`)];
    const shares = distribution(view.decoder.logits.at(-1));
    const where = view.gap === null ? "after the text" : `for word ${view.gap + 1}`;
    const written = writeOn(decoder, view.before);
    const seen = view.gap === null ? text.value : text.value.slice(0, view.words[view.gap].start);
    return [
      guessList(where, shares, wordOf, view.gap === null ? null : truthAt(view.gap)),
      element("p", {}, element("span", { class: "tl-quiet" }, "It writes on: "),
        `${seen.trim()}`, element("strong", { class: "tl-guess-written" }, written || " (the story ends here)")),
      ...(view.hidden.size > 1 ? [element("p", { class: "tl-quiet" }, "It writes from the first gap on, so it is asked about that one alone.")] : []),
    ];
  }

  // A decoder's token as a word: its space and its capitals do not matter here.
  function wordOf(id) {
    if (id === decoder.startId) return "⟨end⟩";
    return decoder.tokenizer.piece(id).trim().toLowerCase();
  }

  // The likeliest words with their shares, and the reader's own word wherever it stands.
  function guessList(where, shares, spell, truth) {
    const order = mostLikelyFirst(shares);
    const shown = order.slice(0, N_GUESSES);
    const own = truth === null ? undefined : order.find((id) => spell(id) === truth);
    if (own !== undefined && !shown.includes(own)) shown.push(own);
    return element("div", {},
      element("p", { class: "tl-caption" }, where),
      element("ol", { class: "tl-guess-list", "aria-label": `guesses ${where}` }, ...shown.map((id) => element("li", { class: spell(id) === truth ? "tl-guess-own" : null },
        element("span", { class: "tl-mono" }, spell(id) === truth ? `${spell(id)} ✓` : spell(id)),
        element("span", { class: "tl-guess-track", "aria-hidden": "true" }, element("span", { style: `width: ${100 * shares[id]}%` })),
        element("span", { class: "tl-guess-share" }, formatPercent(shares[id]))))));
  }

  function showAttention() {
    const [layer, head] = look.value.split(" ").map(Number);
    const of = (attention) => attention[layer]?.[head] ?? meanOf(attention.flat());
    view.looks = of(view.encoder.attention);
    const marked = view.gap === null ? null : view.gap + 1;
    const cell = bothMatrix.cellFor(view.names.length);
    bothMatrix.show(view.names, view.looks, marked, cell);
    const pieces = view.fits ? view.before.map((id) => (id === decoder.startId ? "⟨start⟩" : decoder.tokenizer.piece(id).trim())) : [];
    leftMatrix.show(pieces, view.fits ? of(view.decoder.attention) : [], pieces.length - 1, cell);
    if (marked === null) {
      looking.textContent = `${LEGEND} The decoder's upper right is empty: no word sees what comes later.`;
      return;
    }
    const right = view.looks[marked].slice(marked + 1).reduce((sum, weight) => sum + weight, 0);
    looking.textContent = `${LEGEND} At [MASK], the marked row, the encoder gives ${formatPercent(right)} of its attention to what stands to the right.`
      + (view.fits ? " The decoder gives none: its upper right is empty, and its marked row is the last token that it has seen." : "");
  }

  function say() {
    if (!view.words.length) return status.say("Write a story, or choose one.");
    if (view.gap === null) {
      const decoders = view.fits ? "the decoder goes on after the last word" : "the text is too long for the decoder";
      return status.say(`No word is hidden. The encoder has nothing to guess; ${decoders}.`);
    }
    const best = (shares, spell) => { const [id] = mostLikelyFirst(shares); return `“${spell(id)}” (${formatPercent(shares[id])})`; };
    const guessed = best(distribution(view.encoder.logits[view.gap + 1]), (id) => tokenizer.piece(id));
    const next = view.fits ? best(distribution(view.decoder.logits.at(-1)), wordOf) : "nothing";
    const truth = truthAt(view.gap);
    const unknown = view.words[view.gap].id === tokenizer.unknown;
    const what = unknown ? `, “${view.words[view.gap].spelt}”, is in no story: no guess can be right` : truth === null ? "" : ` is “${truth}”`;
    status.say(`Word ${view.gap + 1}${what}. From both sides: ${guessed}. From the left alone: ${next}.`);
  }

  // --- When Python changes something
  const hear = () => {
    if (view.remembering) return;
    text.value = get("text");
    view.hidden = new Set(get("hidden"));
    read();
  };
  const hearLook = () => {
    if (view.remembering) return;
    look.value = get("look");
    showAttention();
  };
  onChange("text hidden", hear);
  onChange("look", hearLook);
  view.hidden = new Set(get("hidden"));
  read();
}

// Which words stay hidden when the text changes: those before the change, and those after it.
function follow(hidden, before, after) {
  const [n, m] = [before.length, after.length];
  const same = (a, b) => before[a].spelt === after[b].spelt;
  let head = 0;
  while (head < Math.min(n, m) && same(head, head)) head += 1;
  let tail = 0;
  while (tail < Math.min(n, m) - head && same(n - 1 - tail, m - 1 - tail)) tail += 1;
  return new Set([...hidden].filter((at) => at < head || at >= n - tail).map((at) => (at < head ? at : at + m - n)));
}

// What a decoder writes after these tokens if it always takes the likeliest one.
function writeOn(lm, ids) {
  const written = [];
  for (const id of stream(lm, ids)) {
    if (id === lm.startId) break;
    written.push(id);
    if (written.length === N_WRITTEN) break;
  }
  return lm.tokenizer.decode(written);
}

// Several matrices of weights, averaged.
function meanOf(heads) {
  return heads[0].map((row, t) => Float64Array.from(row, (_, s) =>
    heads.reduce((sum, head) => sum + head[t][s], 0) / heads.length));
}

// Attention as a drawing with the words beside the rows; it scrolls where it is too wide.
function matrix(whose) {
  const drawing = svgElement("svg", { role: "img" });
  const frame = scroller(element("div", { class: "tl-guess-matrix", role: "group", "aria-label": `attention of the ${whose}` }, drawing));
  return {
    root: element("div", {}, element("div", { class: "tl-heading" }, `Attention weights of the ${whose}`), frame),
    cellFor(n) { // so that n columns fit, if they can
      return Math.max(SMALLEST, Math.min(LARGEST, Math.floor(((frame.clientWidth || 340) - LABELS - 2) / n)));
    },
    show(names, weights, marked, cell) {
      const n = names.length;
      const [width, height] = [LABELS + n * cell + 2, n * cell + 2];
      for (const [name, value] of [["width", width], ["height", height], ["viewBox", `0 0 ${width} ${height}`]]) drawing.setAttribute(name, value);
      drawing.setAttribute("aria-label", `the attention weights of ${n} rows, one column for each of ${n} words, in the order of the text`);
      drawing.replaceChildren(
        ...names.map((name, t) => (cell < LEGIBLE && t !== marked ? null : svgElement("text", { x: LABELS - 5, y: t * cell + cell / 2 + 4, "text-anchor": "end", class: t === marked ? "tl-guess-now" : null }, name.length > 11 ? `${name.slice(0, 10)}…` : name))).filter(Boolean),
        // The square root keeps small weights visible.
        ...weights.flatMap((row, t) => Array.from(row, (weight, s) => svgElement("rect", {
          x: LABELS + s * cell + 0.5, y: t * cell + 0.5, width: cell - 1, height: cell - 1, style: `fill: ${weightColour(Math.sqrt(weight))}`,
        }))),
        ...(marked === null || marked < 0 ? [] : [svgElement("rect", { x: LABELS, y: marked * cell, width: n * cell, height: cell, class: "tl-guess-mark" })]));
      if (marked > 0) frame.scrollTop = marked * cell - frame.clientHeight / 2;
    },
  };
}

export default figure("MaskedWordGuesser", render, { anew: ["model_file", "decoder_file", "examples"] });
