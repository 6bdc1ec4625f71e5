// MaskPlayground: which token may attend to which, and what a change of a token reaches then.
//
// Left the mask, a grid of cells to click. Right its reach: each token in turn is
// replaced by another, the model runs with the reader's mask, and a cell is marked
// where an output moved. Below, one row in numbers: scores, mask, weights.

import { loadModel } from "./engine/model_file.js";
import { columns as columnsOf, rowsOf, softmaxInPlace } from "./engine/tensor.js";
import { dot } from "./engine/vectors.js";
import { button, buttonRow, checkbox, select, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, setAttributes, stack, uniqueId, write, written } from "./parts/nodes.js";
import { readerText, tokenName } from "./parts/reader_text.js";
import { counted, formatPercent, spoken, within } from "./parts/words.js";

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

// --- State ----------------------------------------------------------------------

// The tokens with their padding, and the mask: what stands in the traits, as it fits.
function stateOf({ get }, lm, text) {
  const nPadding = get("n_padding");
  const padding = Array(nPadding).fill(lm.startId);
  const nInFront = get("padding_in_front") ? nPadding : 0;
  const nWords = text.ids.length;
  const ids = nInFront ? [...padding, ...text.ids] : [...text.ids, ...padding];
  const isPadding = (index) => index < nInFront || index >= nInFront + nWords;
  const names = ids.map((id, index) => (isPadding(index) ? "⟨pad⟩" : tokenName(lm, id, index - nInFront)));
  const maskOf = (allows) => ids.map((_, t) => ids.map((__, s) => allows(t, s, isPadding)));
  const wanted = get("mask");
  const fits = wanted.length === ids.length && wanted.every((row) => row.length === ids.length);
  return {
    ids, names, isPadding, maskOf, nPadding, nWords, lastWord: nInFront + nWords - 1,
    mask: fits ? wanted : maskOf(PRESETS.causal.allows),
    nLayers: Math.min(get("layers"), lm.config.n_layers),
    row: Math.min(get("row"), ids.length - 1),
  };
}

// --- Computed -------------------------------------------------------------------

// What the model computes with a mask: activations by name.
function run({ decoder }, ids, mask) {
  const seen = {};
  decoder.forward(ids, { mask, record: (name, values) => { seen[name] = values; } });
  return seen;
}

// Replaces each token by another, and measures which outputs move: rows of booleans.
function reachOf({ ids, mask, nLayers }, lm, seen) {
  const { vocab_size: vocabSize, d_model: size } = lm.config;
  const block = `blocks.${nLayers - 1}`;
  const moved = ids.map((_, s) =>
    run(lm, ids.map((id, at) => (at === s ? (id + 1) % vocabSize : id)), mask)[block]);
  return ids.map((_, t) => ids.map((__, s) => rowsDiffer(seen[block], moved[s], t, size)));
}

function rowsDiffer(one, other, row, size) {
  for (let i = row * size; i < (row + 1) * size; i++) {
    if (Math.abs(one[i] - other[i]) > 1e-6) return true;
  }
  return false;
}

// One row of head 0 of the first block, number by number. `isLate`: the mask comes after
// the softmax.
function rowInNumbers({ mask, row }, { d_model: size, n_heads: nHeads }, seen, isLate) {
  const headSize = size / nHeads;
  const [queries, keys] = ["query", "key"].map((name) =>
    rowsOf(columnsOf(seen[`blocks.0.attention.${name}`], size, 0, headSize), headSize));
  const allowed = mask[row];
  const scores = keys.map((key) => dot(queries[row], key) / Math.sqrt(headSize));
  const masked = scores.map((score, s) => (allowed[s] || isLate ? score : -Infinity));
  const isBlind = !isLate && !allowed.includes(true);
  const soft = isBlind ? scores.map(() => 0) : [...softmaxInPlace(Float64Array.from(masked))];
  const weights = soft.map((weight, s) => (allowed[s] ? weight : 0));
  const total = weights.reduce((all, weight) => all + weight, 0);
  return { scores, masked, soft, weights, total, allowed, isBlind, isLate };
}

// --- In words -------------------------------------------------------------------

function describeReach({ names, isPadding, nPadding, nWords, lastWord, mask, nLayers }, reach) {
  const cells = names.flatMap((_, t) => names.map((__, s) => [t, s])).filter(([t, s]) => reach[t][s]);
  const leak = cells.find(([t, s]) => s > t && !isPadding(s) && !isPadding(t));
  const dirty = cells.find(([t, s]) => isPadding(s) && !isPadding(t));
  const nReaching = reach[lastWord].filter((reached, s) => reached && !isPadding(s)).length;
  const nBlind = mask.filter((row) => !row.includes(true)).length;
  return [
    leak ? `It leaks: ${names[leak[0]]} is moved by ${names[leak[1]]}, which comes after it.`
      : "No position is moved by a word that comes after it.",
    dirty ? `Padding gets in: it moves ${names[dirty[0]]}.` : nPadding ? "Padding moves no word." : "",
    `After ${counted(nLayers, "block")}, ${nReaching} of ${nWords} tokens reach “${names[lastWord]}”.`,
    nBlind && `${counted(nBlind, "row")} of the mask ${nBlind === 1 ? "is a row" : "are rows"} of nothing.`,
  ].filter(Boolean).join(" ");
}

function describeRow(name, { total, isBlind, isLate }) {
  const sum = `The weights of ${name} add up to ${formatPercent(total)}.`;
  if (isBlind) {
    return `${sum} It may look at nothing, so it gathers nothing: a row of zeros. `
      + "A plain softmax would give 0/0 here.";
  }
  if (!isLate) return `${sum} Hidden tokens got exactly 0, and the rest share out all of it.`;
  if (total >= 0.9995) return sum;
  return `${sum} The missing ${formatPercent(1 - total)} went to hidden tokens and is lost.`;
}

// --- Drawn ----------------------------------------------------------------------

function maskCell({ names, mask }) {
  return (t, s) => ({
    text: mask[t][s] ? "✓" : "", kind: mask[t][s] ? "allowed" : "hidden",
    words: `${names[t]} ${mask[t][s] ? "may" : "may not"} look at ${names[s]}`,
  });
}

function reachCell({ names, isPadding }, reach) {
  const kindOf = (t, s) => {
    if (!reach[t][s]) return "hidden";
    return s > t || (isPadding(s) && !isPadding(t)) ? "bad" : "reached";
  };
  return (t, s) => {
    const kind = kindOf(t, s);
    const verb = reach[t][s] ? "moves" : "does not move";
    const note = kind === "bad" && s > t ? ", which comes before it" : "";
    return {
      text: { bad: "!", reached: "●", hidden: "" }[kind], kind,
      words: `changing ${names[s]} ${verb} ${names[t]}${note}`,
    };
  };
}

function showNumbers(table, { names, row }, { scores, masked, soft, weights, allowed, isLate }) {
  const number = (value) => (value === -Infinity ? "−∞" : value.toFixed(2).replace("-", "−"));
  const steps = isLate ? ["score", "softmax", "then the mask"] : ["score", "with the mask", "softmax"];
  const cells = (s) => (isLate
    ? [number(scores[s]), formatPercent(soft[s]), formatPercent(weights[s])]
    : [number(scores[s]), number(masked[s]), formatPercent(weights[s])]);
  table.replaceChildren(
    written("caption", {}, `${names[row]} looks (block 0, head 0)`),
    element("thead", {}, element("tr", {},
      ...["token", ...steps].map((title) => element("th", { scope: "col" }, title)))),
    element("tbody", {}, ...names.map((name, s) => element("tr", { class: allowed[s] ? "" : "tl-is-hidden" },
      written("th", { scope: "row" }, name), ...cells(s).map((cell) => element("td", {}, cell))))));
}

// A square table of cells with the tokens as headings. With `onPick` the cells are
// buttons: one stop of the Tab key, the arrow keys move in both directions.
function grid({ label, onPick = null }) {
  const root = element("table", { class: "tl-mask-grid", "aria-label": label, id: uniqueId("grid") });
  let cells = [];
  const makeCell = (t, s) => (onPick ? pickCell(t, s, { onPick, cells: () => cells })
    : element("span", { role: "img" }));
  const build = (names) => {
    cells = names.map((_, t) => names.map((__, s) => makeCell(t, s)));
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
      for (const heads of ["thead th > span", "tbody th"]) {
        root.querySelectorAll(heads).forEach((head, at) => write(head, names[at]));
      }
      cells.forEach((row, t) => row.forEach((cell, s) => {
        const { text, kind, words } = content(t, s);
        cell.textContent = text;
        const isPressed = onPick ? String(kind === "allowed") : null;
        setAttributes(cell, {
          class: `tl-cell tl-cell-${kind}`, "aria-label": spoken(words), title: spoken(words),
          "aria-pressed": isPressed,
        });
      }));
    },
  };
}

function pickCell(t, s, { onPick, cells }) {
  const stopAt = (row, column) => {
    const last = cells().length - 1;
    const stop = cells()[within(row, 0, last)][within(column, 0, last)];
    for (const cell of cells().flat()) cell.tabIndex = cell === stop ? 0 : -1;
    return stop;
  };
  const move = (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    stopAt(t + step[0], s + step[1]).focus();
  };
  return element("button", { type: "button", tabindex: t + s ? -1 : 0, on: {
    click: () => onPick(t, s), keydown: move, focus: () => stopAt(t, s),
  } });
}

// --- Wired ----------------------------------------------------------------------

const rowOption = (name, at) =>
  element("option", { value: at, "aria-label": `${at + 1}: ${spoken(name)}` }, `${at + 1}: ${name}`);

function controlsOf({ set, bind }, lm, state) {
  const { n_layers: nLayers } = lm.config;
  return {
    padding: bind("n_padding", slider, { label: "Padding tokens", min: 0, max: 3 }),
    inFront: bind("padding_in_front", checkbox, { label: "in front of the text" }),
    presets: buttonRow("masks to start from", ...Object.values(PRESETS).map(({ label, allows }) =>
      button(label, () => set("mask", state().maskOf(allows))))),
    layers: bind("layers", slider, {
      label: "After block", min: 1, max: nLayers, shown: (value) => Math.min(value, nLayers),
      format: (number) => `${number} of ${nLayers}`,
    }),
    row: select({
      label: "Row in numbers", options: [], value: "0", onInput: (value) => set("row", Number(value)),
    }),
    late: bind("after_softmax", checkbox, { label: "Set to zero after the softmax (the mistake)" }),
  };
}

const tooLong = (n) => `The first ${N_TOKENS} tokens are used; ${counted(n, "token")} of your text `
  + `${n === 1 ? "is" : "are"} left out.`;

function layout(text, controls, { mask, reach, verdict, numbers, sum }) {
  return stack(
    columns(stack(text.root, text.note), stack(controls.padding.root, controls.inFront.root)),
    controls.presets,
    columns(
      stack(heading("The mask ", "each row looks; ✓: may look at this column"), mask.root),
      stack(heading("Its reach ",
        "●: changing the column's token moves this row; !: it comes from the future"),
      reach.root, controls.layers.root)),
    verdict.root, controls.row.root, controls.late.root, numbers, sum.root);
}

function render(figure) {
  const { root, get, set, onChange } = figure;
  const lm = loadModel(get("model_file"));
  let state, seen; // what is shown, and what the model computed for it
  const text = readerText(figure, lm, { label: "A short text", rows: 1, room: N_TOKENS, tooLong });
  const controls = controlsOf(figure, lm, () => state);
  const views = {
    mask: grid({
      label: "the mask; rows look, columns are looked at; arrow keys move, Enter changes a cell",
      onPick(t, s) {
        set("row", t);
        set("mask", state.mask.map((row, at) =>
          row.map((isAllowed, column) => (at === t && column === s ? !isAllowed : isAllowed))));
      },
    }),
    reach: grid({ label: "the reach; a mark means: changing the column's token moves the row's output" }),
    verdict: statusLine(), numbers: element("table", { class: "tl-mask-numbers" }), sum: statusLine(),
  };
  root.append(layout(text, controls, views));

  const read = () => {
    text.read();
    controls.row.input.replaceChildren(...stateOf(figure, lm, text).names.map(rowOption));
    compute();
  };
  const compute = () => {
    state = stateOf(figure, lm, text);
    seen = run(lm, state.ids, state.mask);
    views.mask.show(state.names, maskCell(state));
    showReach();
    showRow();
  };
  const showReach = () => {
    state = stateOf(figure, lm, text);
    const reach = reachOf(state, lm, seen);
    views.reach.show(state.names, reachCell(state, reach));
    views.verdict.say(describeReach(state, reach));
  };
  const showRow = () => {
    state = stateOf(figure, lm, text);
    controls.row.value = String(state.row);
    const row = rowInNumbers(state, lm.config, seen, get("after_softmax"));
    showNumbers(views.numbers, state, row);
    views.sum.say(describeRow(state.names[state.row], row));
  };
  onChange("text n_padding padding_in_front", read);
  onChange("mask", compute);
  onChange("layers", showReach);
  onChange("row after_softmax", showRow);
  read();
}

export default figure("MaskPlayground", render, {
  anew: ["model_file"],
  ranges: { n_padding: [0, 3], row: [0, Infinity], layers: [1, Infinity] },
});
