// MaskPlayground: who may look at whom, and what a change of a token reaches then.
//
// Left the mask, a grid of cells to click. Right its reach: each token in turn is
// replaced by another, the model runs with the reader's mask, and a cell is marked
// where an output moved. Below, one row in numbers: scores, mask, weights.

import { loadModel, promptIds } from "./engine/model_file.js";
import { dot, softmaxInPlace } from "./engine/tensor.js";
import { button, buttonRow, checkbox, select, slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, uniqueId, write, written } from "./parts/nodes.js";
import { debounce } from "./parts/time.js";
import { counted, formatPercent, readable, specialName, spoken } from "./parts/words.js";

const N_TOKENS = 8; // at most, of the reader's text: a grid must fit a small screen

// The usual masks: may position `t` look at position `s`? `isPadding` tells for each position.
const PRESETS = {
  causal: { label: "Causal", allows: (t, s) => s <= t },
  none: { label: "No mask", allows: () => true },
  padding: { label: "Padding", allows: (t, s, isPadding) => !isPadding(s) },
  both: { label: "Causal and padding", allows: (t, s, isPadding) => s <= t && !isPadding(s) },
  window: { label: "Window of 2", allows: (t, s) => s <= t && s > t - 2 },
  shifted: { label: "Off by one", allows: (t, s) => s <= t + 1 },
};

function render({ get, root, onChange, set }) {
  const lm = loadModel(get("model_file"));
  const { n_layers: nLayers, n_heads: nHeads, d_model: size, vocab_size: vocabSize } = lm.config;
  const view = { ids: [], mask: [], seen: {}, reach: [] };
  const nPadding = () => get("n_padding");
  const nInFront = () => (get("padding_in_front") ? nPadding() : 0);
  const nWords = () => view.ids.length - nPadding();
  const isPadding = (index) => index < nInFront() || index >= nInFront() + nWords();
  const nLayersShown = () => Math.min(get("layers"), nLayers);
  const shownRow = () => Math.min(get("row"), view.ids.length - 1);
  const nameOf = (index) => {
    if (isPadding(index)) return "⟨pad⟩";
    const piece = lm.tokenizer.piece(view.ids[index]);
    return lm.tokenizer.isSpecial(view.ids[index]) ? specialName(piece, index - nInFront()) : readable(piece);
  };

  // --- Controls
  const text = textBox({
    label: "A short text", value: get("text"), rows: 1,
    onInput: debounce(() => { set("text", text.value); read(); }, 120),
  });
  const note = element("p", { class: "tl-quiet" });
  const padding = slider({
    label: "Padding tokens", min: 0, max: 3, value: nPadding(),
    onInput: (number) => { set("n_padding", number); read(); },
  });
  const inFront = checkbox({
    label: "in front of the text", value: get("padding_in_front"),
    onInput: (ticked) => { set("padding_in_front", ticked); read(); },
  });
  const presets = buttonRow("masks to start from", ...Object.values(PRESETS).map(({ label, allows }) =>
    button(label, () => setMask(maskOf(allows)))));

  // --- The two grids
  const maskGrid = grid({
    label: "the mask; rows look, columns are looked at; arrow keys move, Enter changes a cell",
    onPick: (t, s) => {
      set("row", t);
      setMask(view.mask.map((row, at) => row.map((allowed, column) => (at === t && column === s ? !allowed : allowed))));
    },
  });
  const reachGrid = grid({ label: "the reach; a mark means: changing the column's token moves the row's output" });
  const layers = slider({
    label: "After block", min: 1, max: nLayers, value: nLayersShown(),
    format: (number) => `${number} of ${nLayers}`,
    onInput: (number) => { set("layers", number); measureReach(); },
  });
  const verdict = statusLine();

  // --- One row in numbers
  const looker = select({ label: "Row in numbers", options: [], value: 0, onInput: (value) => { set("row", Number(value)); showRow(); } });
  const late = checkbox({
    label: "Set to zero after the softmax (the mistake)", value: get("after_softmax"),
    onInput: (ticked) => { set("after_softmax", ticked); showRow(); },
  });
  const numbers = element("table", { class: "tl-mask-numbers" });
  const sum = statusLine();

  root.append(element("div", { class: "tl-stack" },
    element("div", { class: "tl-columns" }, element("div", { class: "tl-stack" }, text.root, note),
      element("div", { class: "tl-stack" }, padding.root, inFront.root)),
    presets,
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" },
        element("div", { class: "tl-heading" }, "The mask ", element("span", { class: "tl-quiet" }, "each row looks; ✓: may look at this column")),
        maskGrid.root),
      element("div", { class: "tl-stack" },
        element("div", { class: "tl-heading" }, "Its reach ", element("span", { class: "tl-quiet" }, "●: changing the column's token moves this row; !: it comes from the future")),
        reachGrid.root, layers.root)),
    verdict.root,
    looker.root, late.root, numbers, sum.root));

  // --- What happens
  function maskOf(allows) {
    const n = view.ids.length;
    return Array.from({ length: n }, (_, t) => Array.from({ length: n }, (_, s) => allows(t, s, isPadding)));
  }

  function read() {
    const ids = promptIds(lm, text.value);
    const tooLong = ids.length - N_TOKENS;
    const padded = Array(nPadding()).fill(lm.startId);
    const words = ids.slice(0, N_TOKENS);
    view.ids = get("padding_in_front") ? [...padded, ...words] : [...words, ...padded];
    note.hidden = tooLong <= 0;
    note.textContent = `The first ${N_TOKENS} tokens are used; ${counted(tooLong, "token")} of your text ${tooLong === 1 ? "is" : "are"} left out.`;
    looker.input.replaceChildren(...view.ids.map((_, at) => element("option", { value: at, "aria-label": `${at + 1}: ${spoken(nameOf(at))}` }, `${at + 1}: ${nameOf(at)}`)));
    takeMask();
  }

  // The mask of the state, if it fits the text; else the causal one.
  function takeMask() {
    const wanted = get("mask");
    const fits = wanted.length === view.ids.length && wanted.every((row) => row.length === wanted.length);
    view.mask = fits ? wanted : maskOf(PRESETS.causal.allows);
    compute();
  }

  // `takeMask` hears of the change, as it does when Python makes it.
  function setMask(mask) {
    set("mask", mask);
  }

  function run(ids) {
    const seen = {};
    lm.decoder.forward(ids, { mask: view.mask, record: (name, values) => { seen[name] = values; } });
    return seen;
  }

  function compute() {
    view.seen = run(view.ids);
    const names = view.ids.map((_, at) => nameOf(at));
    maskGrid.show(names, (t, s) => ({
      text: view.mask[t][s] ? "✓" : "", kind: view.mask[t][s] ? "allowed" : "hidden",
      words: `${names[t]} ${view.mask[t][s] ? "may" : "may not"} look at ${names[s]}`,
    }));
    measureReach();
    showRow();
  }

  // Replaces each token by another, and asks which outputs move.
  function measureReach() {
    const block = `blocks.${nLayersShown() - 1}`;
    view.reach = view.ids.map(() => []);
    for (let s = 0; s < view.ids.length; s++) {
      const other = view.ids.map((id, at) => (at === s ? (id + 1) % vocabSize : id));
      const moved = run(other)[block];
      view.ids.forEach((_, t) => {
        view.reach[t][s] = rowsDiffer(view.seen[block], moved, t, size);
      });
    }
    const names = view.ids.map((_, at) => nameOf(at));
    reachGrid.show(names, (t, s) => {
      const reached = view.reach[t][s];
      const bad = reached && (s > t || (isPadding(s) && !isPadding(t)));
      return {
        text: bad ? "!" : reached ? "●" : "", kind: bad ? "bad" : reached ? "reached" : "hidden",
        words: `changing ${names[s]} ${reached ? "moves" : "does not move"} ${names[t]}${bad && s > t ? ", which comes before it" : ""}`,
      };
    });
    layers.value = nLayersShown();
    verdict.say(inWords(names));
  }

  function inWords(names) {
    const cells = names.flatMap((_, t) => names.map((_, s) => [t, s])).filter(([t, s]) => view.reach[t][s]);
    const leak = cells.find(([t, s]) => s > t && !isPadding(s) && !isPadding(t));
    const dirt = cells.find(([t, s]) => isPadding(s) && !isPadding(t));
    const parts = [];
    if (leak) parts.push(`It leaks: ${names[leak[0]]} is moved by ${names[leak[1]]}, which comes after it.`);
    else parts.push("No position is moved by a word that comes after it.");
    if (dirt) parts.push(`Padding gets in: it moves ${names[dirt[0]]}.`);
    else if (nPadding()) parts.push("Padding moves no word.");
    const last = nInFront() + nWords() - 1;
    const reaching = view.reach[last].filter((reached, s) => reached && !isPadding(s)).length;
    parts.push(`After ${counted(nLayersShown(), "block")}, ${reaching} of ${nWords()} tokens reach “${names[last]}”.`);
    const blind = view.mask.filter((row) => !row.includes(true)).length;
    if (blind) parts.push(`${counted(blind, "row")} of the mask ${blind === 1 ? "is a row" : "are rows"} of nothing.`);
    return parts.join(" ");
  }

  // One row of head 0 of the first block, number by number.
  function showRow() {
    const t = shownRow();
    looker.value = String(t);
    const [query, key] = ["query", "key"].map((name) => view.seen[`blocks.0.attention.${name}`]);
    const headSize = size / nHeads;
    const scores = view.ids.map((_, s) => dot(query, t * size, key, s * size, headSize) / Math.sqrt(headSize));
    const allowed = view.mask[t];
    const isLate = get("after_softmax");
    const masked = scores.map((score, s) => (allowed[s] || isLate ? score : -Infinity));
    const blind = !isLate && !allowed.includes(true);
    const soft = blind ? scores.map(() => 0) : [...softmaxInPlace(Float64Array.from(masked))];
    const weights = soft.map((weight, s) => (allowed[s] ? weight : 0));
    const steps = isLate ? ["score", "softmax", "then the mask"] : ["score", "with the mask", "softmax"];
    const number = (value) => (value === -Infinity ? "−∞" : value.toFixed(2).replace("-", "−"));
    numbers.replaceChildren(
      written("caption", {}, `${nameOf(t)} looks (block 0, head 0)`),
      element("thead", {}, element("tr", {}, ...["token", ...steps].map((title) => element("th", { scope: "col" }, title)))),
      element("tbody", {}, ...scores.map((score, s) => element("tr", { class: allowed[s] ? "" : "tl-is-hidden" },
        written("th", { scope: "row" }, nameOf(s)),
        ...(isLate
          ? [number(score), formatPercent(soft[s]), formatPercent(weights[s])]
          : [number(score), number(masked[s]), formatPercent(weights[s])]
        ).map((cell) => element("td", {}, cell))))));
    const total = weights.reduce((all, weight) => all + weight, 0);
    const words = [`The weights of ${nameOf(t)} add up to ${formatPercent(total)}.`];
    if (blind) words.push("It may look at nothing, so it gathers nothing: a row of zeros. A plain softmax would give 0/0 here.");
    else if (isLate && total < 0.9995) words.push(`The missing ${formatPercent(1 - total)} went to hidden tokens and is lost.`);
    else if (!isLate) words.push("Hidden tokens got exactly 0, and the rest share out all of it.");
    sum.say(words.join(" "));
  }

  const hearText = () => { text.value = get("text"); padding.value = nPadding(); inFront.value = get("padding_in_front"); read(); };
  const hearRow = () => { late.value = get("after_softmax"); showRow(); };
  onChange("text n_padding padding_in_front", hearText);
  onChange("mask", takeMask);
  onChange("layers", measureReach);
  onChange("row after_softmax", hearRow);

  read();
}

function rowsDiffer(one, other, row, size) {
  for (let i = row * size; i < (row + 1) * size; i++) {
    if (Math.abs(one[i] - other[i]) > 1e-6) return true;
  }
  return false;
}

// A square table of cells with the tokens as headings. With `onPick` the cells are
// buttons: one stop of the Tab key, the arrow keys move in both directions.
function grid({ label, onPick = null }) {
  const id = uniqueId("grid");
  const root = element("table", { class: "tl-mask-grid", "aria-label": label, id });
  let cells = [];
  const focusOn = (t, s) => {
    const n = cells.length;
    const [row, column] = [t, s].map((at) => Math.max(0, Math.min(n - 1, at)));
    for (const cell of cells.flat()) cell.tabIndex = -1;
    cells[row][column].tabIndex = 0;
    return cells[row][column];
  };
  const move = (event, t, s) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    focusOn(t + step[0], s + step[1]).focus();
  };
  const makeCell = (t, s) => (onPick
    ? element("button", { type: "button", tabindex: t + s ? -1 : 0, on: {
      click: () => onPick(t, s), keydown: (event) => move(event, t, s), focus: () => focusOn(t, s),
    } })
    : element("span", { role: "img" }));
  const build = (names) => {
    cells = names.map((_, t) => names.map((_, s) => makeCell(t, s)));
    root.replaceChildren(
      element("thead", {}, element("tr", {}, element("td"),
        ...names.map(() => element("th", { scope: "col" }, element("span"))))),
      element("tbody", {}, ...cells.map((row) => element("tr", {}, element("th", { scope: "row" }),
        ...row.map((cell) => element("td", {}, cell))))));
  };
  return {
    root,
    show(names, content) {
      if (cells.length !== names.length) build(names);
      root.querySelectorAll("thead th > span").forEach((head, at) => write(head, names[at]));
      root.querySelectorAll("tbody th").forEach((head, at) => write(head, names[at]));
      cells.forEach((row, t) => row.forEach((cell, s) => {
        const { text, kind, words } = content(t, s);
        cell.textContent = text;
        cell.className = `tl-cell tl-cell-${kind}`;
        cell.setAttribute("aria-label", spoken(words));
        cell.title = spoken(words);
        if (onPick) cell.setAttribute("aria-pressed", String(kind === "allowed"));
      }));
    },
  };
}

export default figure("MaskPlayground", render, {
  anew: ["model_file"],
  ranges: { n_padding: [0, 3], row: [0, Infinity], layers: [1, Infinity] },
});
