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
import { columns, element, heading, setAttributes, stack, svgElement } from "./parts/nodes.js";
import { weightColour } from "./parts/theme.js";
import { debounce } from "./parts/time.js";
import { counted, formatPercent, within } from "./parts/words.js";

const N_GUESSES = 5;
const N_WRITTEN = 12; // tokens that the decoder writes on
const [SMALLEST, LARGEST] = [5, 14]; // pixels of a matrix cell
const LEGIBLE = 10; // pixels of a cell from which on every row has its word beside it
const LABELS = 76; // pixels of the words beside it
const LEGEND = "A row shows one word's attention weights, a column for each word that it attends to, "
  + "in the order of the text.";
// Words as WordPiece cuts them, found in the reader's own spelling.
const WORD = /\[MASK\]|[\p{P}$+<=>^`|~]|[^\p{White_Space}\p{P}$+<=>^`|~]+/gu;

// --- State ----------------------------------------------------------------------

// A text, cut into the encoder's words, some of which are hidden.
class GappedText {
  constructor({ tokenizer, metadata, config }) {
    this.tokenizer = tokenizer;
    this.startId = tokenizer.vocab.get(metadata.start);
    this.stopId = tokenizer.vocab.get(metadata.stop);
    this.maskId = tokenizer.vocab.get(metadata.mask);
    this.room = config.max_len - 2; // without the tokens around the text
    this.text = "";
    this.words = []; // { id, spelt, start }
    this.hidden = new Set();
  }

  // Takes a text in. Says what is left out and what is not known.
  read(text, { isTyped = false } = {}) {
    const all = [...text.matchAll(WORD)].flatMap(({ 0: spelt, index }) =>
      this.tokenizer.encode(spelt).map((id) => ({ id, spelt, start: index })));
    const words = all.slice(0, this.room);
    this.hidden = isTyped ? follow(this.hidden, this.words, words)
      : new Set([...this.hidden].filter((at) => at < words.length));
    this.words = words;
    this.text = text;
    const unknown = [...new Set(words.filter((_, at) => this.isUnknown(at)).map(({ spelt }) => spelt))];
    return [
      all.length > this.room && `The encoder reads the first ${counted(this.room, "word")}.`,
      unknown.length && `The encoder does not know: ${unknown.join(", ")}. It reads [UNK] there.`,
    ].filter(Boolean).join(" ");
  }

  isUnknown(at) { return this.words[at].id === this.tokenizer.unknown; }
  isTypedMask(at) { return this.words[at].id === this.maskId; }
  isHidden(at) { return this.hidden.has(at) || this.isTypedMask(at); }
  nameOf(at) { return this.isHidden(at) ? "[MASK]" : this.tokenizer.piece(this.words[at].id); }

  // The word of the reader at a place, as the encoder spells it; null if that cannot be guessed.
  truthAt(at) {
    return this.isTypedMask(at) || this.isUnknown(at) ? null : this.tokenizer.piece(this.words[at].id);
  }

  get gaps() { return this.words.map((_, at) => at).filter((at) => this.isHidden(at)); }

  get ids() {
    return [this.startId, ...this.words.map(({ id }, at) => (this.isHidden(at) ? this.maskId : id)),
      this.stopId];
  }

  // The text before the first gap; all of it, if there is none.
  get left() {
    const [gap] = this.gaps;
    return gap === undefined ? this.text : this.text.slice(0, this.words[gap].start);
  }
}

// Which words stay hidden when the text changes: those before the change, and those after it.
function follow(hidden, before, after) {
  const [n, m] = [before.length, after.length];
  const same = (a, b) => before[a].spelt === after[b].spelt;
  let head = 0;
  while (head < Math.min(n, m) && same(head, head)) head += 1;
  let tail = 0;
  while (tail < Math.min(n, m) - head && same(n - 1 - tail, m - 1 - tail)) tail += 1;
  return new Set([...hidden].filter((at) => at < head || at >= n - tail)
    .map((at) => (at < head ? at : at + m - n)));
}

// --- Computed -------------------------------------------------------------------

// What both models make of the gaps: { gap: the first (null: none), both, left, pieces, … }.
function guess(gapped, encoder, decoder) {
  const [gap = null] = gapped.gaps;
  const leftIds = promptIds(decoder, gapped.left);
  const fits = leftIds.length <= decoder.config.max_len;
  const left = fits ? decoder.decoder.forward(leftIds) : null;
  const both = encoder.guesser.forward(gapped.ids);
  return {
    gapped, gap, leftIds, fits,
    // Where each has attended: [layer][head][row].
    attention: { both: both.attention, left: left?.attention ?? null },
    sharesAt: (at) => distribution(both.logits[at + 1]),
    sharesAfter: left && distribution(left.logits.at(-1)),
    names: ["[CLS]", ...gapped.words.map((_, at) => gapped.nameOf(at)), "[SEP]"],
  };
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

// The weights of one head ("layer head"), or the mean of all ("mean").
function weightsOf(attention, look) {
  const [layer, head] = look.split(" ").map(Number);
  if (attention[layer]?.[head]) return attention[layer][head];
  const heads = attention.flat();
  return heads[0].map((row, t) => Float64Array.from(row, (_, s) =>
    heads.reduce((sum, one) => sum + one[t][s], 0) / heads.length));
}

// A decoder's token as a word: its space and its capitals do not matter here.
const wordOf = (decoder) => (id) =>
  (id === decoder.startId ? "⟨end⟩" : decoder.tokenizer.piece(id).trim().toLowerCase());

// --- In words -------------------------------------------------------------------

function describe({ gapped, gap, fits, sharesAt, sharesAfter }, decoder) {
  if (!gapped.words.length) return "Write a story, or choose one.";
  if (gap === null) {
    return "No word is hidden. The encoder has nothing to guess; "
      + `${fits ? "the decoder goes on after the last word" : "the text is too long for the decoder"}.`;
  }
  const best = (shares, spell) => {
    const [id] = mostLikelyFirst(shares);
    return `“${spell(id)}” (${formatPercent(shares[id])})`;
  };
  const truth = gapped.truthAt(gap);
  const what = gapped.isUnknown(gap)
    ? `, “${gapped.words[gap].spelt}”, is in no story: no guess can be right`
    : truth === null ? "" : ` is “${truth}”`;
  const fromLeft = fits ? best(sharesAfter, wordOf(decoder)) : "nothing";
  return `Word ${gap + 1}${what}. From both sides: `
    + `${best(sharesAt(gap), (id) => gapped.tokenizer.piece(id))}. From the left alone: ${fromLeft}.`;
}

function describeLook({ gap, fits }, weights) {
  if (gap === null) {
    return `${LEGEND} The decoder's upper right is empty: no word sees what comes later.`;
  }
  const right = weights[gap + 1].slice(gap + 2).reduce((sum, weight) => sum + weight, 0);
  const decoders = fits ? " The decoder gives none: its upper right is empty, and its marked row is the last "
    + "token that it has seen." : "";
  return `${LEGEND} At [MASK], the marked row, the encoder gives ${formatPercent(right)} of its attention `
    + `to what stands to the right.${decoders}`;
}

// --- Drawn ----------------------------------------------------------------------

// The words, each a button that hides it.
function wordChips(onToggle) {
  const root = element("div", {
    class: "tl-chips tl-guess-words", role: "group",
    "aria-label": "words; press one to hide it, arrow keys move",
  });
  const settleStops = arrowKeysMoveWithin(root, ".tl-chip");
  return {
    root,
    show(gapped) {
      while (root.childElementCount > gapped.words.length) root.lastChild.remove();
      while (root.childElementCount < gapped.words.length) {
        const at = root.childElementCount;
        root.append(element("button", {
          type: "button", class: "tl-chip", tabindex: -1, on: { click: () => onToggle(at) },
        }));
      }
      [...root.children].forEach((chip, at) => showWord(chip, gapped, at));
      settleStops();
    },
  };
}

function showWord(chip, gapped, at) {
  const [isHidden, isUnknown] = [gapped.isHidden(at), gapped.isUnknown(at)];
  chip.textContent = gapped.nameOf(at);
  setAttributes(chip, {
    "aria-pressed": String(isHidden),
    "aria-label": `word ${at + 1}: ${gapped.words[at].spelt}${isHidden ? ", hidden" : ""}`
      + `${isUnknown ? ", unknown" : ""}`,
  });
  chip.classList.toggle("tl-unseen", isUnknown && !isHidden);
  chip.classList.toggle("tl-guess-hidden", isHidden);
}

const quiet = (text) => element("p", { class: "tl-quiet" }, text);

function guessesOfEncoder({ gapped, sharesAt }) {
  if (!gapped.gaps.length) return [quiet("It has no question: hide a word.")];
  return gapped.gaps.map((at) => guessList(`for word ${at + 1}`, sharesAt(at),
    (id) => gapped.tokenizer.piece(id), gapped.truthAt(at)));
}

function guessesOfDecoder({ gapped, gap, fits, leftIds, sharesAfter }, decoder) {
  if (!fits) {
    return [quiet(`The left side is too long: this decoder sees at most ${decoder.config.max_len} tokens.`)];
  }
  const [where, truth] = gap === null ? ["after the text", null]
    : [`for word ${gap + 1}`, gapped.truthAt(gap)];
  const written = writeOn(decoder, leftIds) || " (the story ends here)";
  return [
    guessList(where, sharesAfter, wordOf(decoder), truth),
    element("p", {}, element("span", { class: "tl-quiet" }, "It writes on: "),
      `${gapped.left.trim()}`, element("strong", { class: "tl-guess-written" }, written)),
    ...(gapped.hidden.size > 1
      ? [quiet("It writes from the first gap on, so it is asked about that one alone.")] : []),
  ];
}

// The likeliest words with their shares, and the reader's own word wherever it stands.
function guessList(where, shares, spell, truth) {
  const order = mostLikelyFirst(shares);
  const shown = order.slice(0, N_GUESSES);
  const own = truth === null ? undefined : order.find((id) => spell(id) === truth);
  if (own !== undefined && !shown.includes(own)) shown.push(own);
  const item = (id) => {
    const isOwn = spell(id) === truth;
    return element("li", { class: isOwn ? "tl-guess-own" : null },
      element("span", { class: "tl-mono" }, `${spell(id)}${isOwn ? " ✓" : ""}`),
      element("span", { class: "tl-guess-track", "aria-hidden": "true" },
        element("span", { style: `width: ${100 * shares[id]}%` })),
      element("span", { class: "tl-guess-share" }, formatPercent(shares[id])));
  };
  return element("div", {}, element("p", { class: "tl-caption" }, where),
    element("ol", { class: "tl-guess-list", "aria-label": `guesses ${where}` }, ...shown.map(item)));
}

// Both matrices, and what they say.
function attentionView() {
  const [both, left] = ["encoder", "decoder"].map(matrix);
  const words = element("p", { class: "tl-guess-looking" });
  return {
    roots: [columns(both.root, left.root), words],
    show(now, look, decoder) {
      const weights = weightsOf(now.attention.both, look);
      const cell = both.cellFor(now.names.length);
      both.show(now.names, weights, now.gap === null ? null : now.gap + 1, cell);
      const pieceOf = (id) => (id === decoder.startId ? "⟨start⟩" : decoder.tokenizer.piece(id).trim());
      const pieces = now.fits ? now.leftIds.map(pieceOf) : [];
      left.show(pieces, now.fits ? weightsOf(now.attention.left, look) : [], pieces.length - 1, cell);
      words.textContent = describeLook(now, weights);
    },
  };
}

// Attention as a drawing with the words beside the rows; it scrolls where it is too wide.
function matrix(whose) {
  const drawing = svgElement("svg", { role: "img" });
  const frame = scroller(element("div", {
    class: "tl-guess-matrix", role: "group", "aria-label": `attention of the ${whose}`,
  }, drawing));
  return {
    root: element("div", {},
      heading(`Attention weights of the ${whose}`), frame),
    cellFor(n) { // so that n columns fit, if they can
      return within(Math.floor(((frame.clientWidth || 340) - LABELS - 2) / n), SMALLEST, LARGEST);
    },
    show(names, weights, marked, cell) {
      const n = names.length;
      const [width, height] = [LABELS + n * cell + 2, n * cell + 2];
      setAttributes(drawing, {
        width, height, viewBox: `0 0 ${width} ${height}`,
        "aria-label": `the attention weights of ${n} rows, one column for each of ${n} words, `
          + "in the order of the text",
      });
      drawing.replaceChildren(...rowNames(names, marked, cell), ...matrixCells(weights, cell),
        ...(marked === null || marked < 0 ? [] : [svgElement("rect", {
          x: LABELS, y: marked * cell, width: n * cell, height: cell, class: "tl-guess-mark",
        })]));
      if (marked > 0) frame.scrollTop = marked * cell - frame.clientHeight / 2;
    },
  };
}

function rowNames(names, marked, cell) {
  return names.flatMap((name, t) => (cell < LEGIBLE && t !== marked ? [] : [svgElement("text", {
    x: LABELS - 5, y: t * cell + cell / 2 + 4, "text-anchor": "end",
    class: t === marked ? "tl-guess-now" : null,
  }, name.length > 11 ? `${name.slice(0, 10)}…` : name)]));
}

function matrixCells(weights, cell) {
  // The square root keeps small weights visible.
  return weights.flatMap((row, t) => Array.from(row, (weight, s) => svgElement("rect", {
    x: LABELS + s * cell + 0.5, y: t * cell + 0.5, width: cell - 1, height: cell - 1,
    style: `fill: ${weightColour(Math.sqrt(weight))}`,
  })));
}

// --- Wired ----------------------------------------------------------------------

class Session {
  constructor({ root, get, set, bind }) {
    this.get = get;
    this.set = set;
    this.encoder = loadModel(get("model_file"));
    this.decoder = loadModel(get("decoder_file"));
    this.gapped = new GappedText(this.encoder);
    this.isSetting = false;
    this.text = textBox({
      label: "A short story", value: get("text"), rows: 3,
      onInput: debounce(() => this.read({ isTyped: true }), 150),
    });
    this.chips = wordChips((at) => this.toggle(at));
    this.note = element("p", { class: "tl-quiet" });
    this.status = statusLine();
    this.both = stack();
    this.left = stack();
    this.look = bind("look", select, { label: "Attention of", options: headOptions(this.encoder) });
    this.attention = attentionView();
    root.append(this.layout());
  }

  layout() {
    const side = (name, note, list) => element("section", {
      class: "tl-stack", "aria-label": name.toLowerCase(),
    }, heading(`${name} `, note), list);
    return stack(this.text.root, this.exampleSelect().root,
      element("div", {}, element("p", { class: "tl-heading" }, "Hide a word ",
        element("span", { class: "tl-quiet" }, "press it; press again to show it")), this.chips.root),
      this.note, this.status.root,
      columns(side("Encoder", "sees both sides of the gap", this.both),
        side("Decoder", "sees the left side alone", this.left)),
      this.look.root, ...this.attention.roots);
  }

  exampleSelect() {
    const examples = select({
      label: "Or one of these", value: "",
      options: [["", "choose …"], ...this.get("examples").map((one) => [one, one])],
      onInput: (one) => {
        if (!one) return;
        examples.value = ""; // so that it can be chosen again after a change
        this.text.value = one;
        this.gapped.hidden.clear();
        this.read();
      },
    });
    return examples;
  }

  // Keeps what the reader has done; the figure itself need not hear of it.
  keep(trait, value) {
    this.isSetting = true;
    this.set(trait, value);
    this.isSetting = false;
  }

  read(options) {
    this.keep("text", this.text.value);
    const note = this.gapped.read(this.text.value, options);
    this.note.hidden = !note;
    this.note.textContent = note;
    this.show();
  }

  toggle(at) {
    const { gapped } = this;
    if (gapped.isTypedMask(at)) {
      this.status.say("You typed [MASK] here; put a word in its place in the text.");
      return;
    }
    if (!gapped.hidden.delete(at)) gapped.hidden.add(at);
    this.show();
  }

  // Runs both models on the text with its gaps, and shows everything.
  show() {
    const { gapped, decoder } = this;
    this.keep("hidden", [...gapped.hidden].sort((a, b) => a - b));
    this.now = guess(gapped, this.encoder, decoder);
    this.chips.show(gapped);
    this.both.replaceChildren(...guessesOfEncoder(this.now));
    this.left.replaceChildren(...guessesOfDecoder(this.now, decoder));
    this.showAttention();
    this.status.say(describe(this.now, decoder));
  }

  showAttention() {
    this.attention.show(this.now, this.look.value, this.decoder);
  }

  // Somebody else, such as Python, has changed the text or what is hidden.
  onText() {
    if (this.isSetting) return;
    this.text.value = this.get("text");
    this.gapped.hidden = new Set(this.get("hidden"));
    this.read();
  }
}

function headOptions({ config }) {
  const heads = Array.from({ length: config.n_layers * config.n_heads }, (_, number) =>
    [Math.floor(number / config.n_heads), number % config.n_heads]);
  return [["mean", "all heads (mean)"], ...heads.map(([layer, head]) =>
    [`${layer} ${head}`, `layer ${layer + 1}, head ${head + 1}`])];
}

function render(figure) {
  const session = new Session(figure);
  figure.onChange("text hidden", () => session.onText());
  figure.onChange("look", () => session.showAttention());
  session.onText();
}

export default figure("MaskedWordGuesser", render, { anew: ["model_file", "decoder_file", "examples"] });
