// LensAndPatch: what a model would say half-way, and what carries an answer from one text
// to another.
//
// A table has a row for each token: on the left the reader's text, on the right the other one,
// each with what the lens says at every depth. The cells of the reader's text are buttons:
// pressed, the residual stream there is that of the other text.
//
// Computed: `read`, `trials`. Drawn: `lensTable`, `answerView`. `render` wires them.

import { loadModel, promptIds } from "./engine/model_file.js";
import { broughtOver, lens, patchedRun } from "./engine/patching.js";
import { distribution, mostLikely, mostLikelyFirst } from "./engine/sampling.js";
import { barList } from "./parts/bars.js";
import {
  arrowKeysMoveWithin, button, buttonRow, checkbox, scroller, statusLine, textBox,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, setAttributes, stack, write } from "./parts/nodes.js";
import { tokenName } from "./parts/reader_text.js";
import { weightColour } from "./parts/theme.js";
import { afterPaint, painted } from "./parts/time.js";
import { counted, formatPercent, spoken, within } from "./parts/words.js";

const N_BARS = 5; // answers that are compared

const isSame = (one) => (other) => one[0] === other[0] && one[1] === other[1];
const nameOfDepth = (depth) => (depth ? `block ${depth - 1}` : "embeddings");

// --- Computed -------------------------------------------------------------------

// A text as the model reads it: its run, and at each depth and token what the lens says.
function readText(lm, text) {
  const all = promptIds(lm, text);
  const ids = all.slice(0, lm.config.max_len);
  const run = patchedRun(lm.decoder, ids);
  return { ids, nLeftOut: all.length - ids.length, ...run, said: saidAt(lm, run.streams) };
}

// For each depth and token { id, share }: what the lens says, and how sure it is.
function saidAt({ decoder }, streams) {
  return streams.map((stream) => lens(decoder, stream).map((logits) => {
    const id = mostLikely(logits);
    return { id, share: distribution(logits)[id] };
  }));
}

// Both texts, and the reader's with what is carried over.
function read(lm, { text, otherText, cells }) {
  const [ours, theirs] = [text, otherText].map((one) => readText(lm, one));
  const fits = ours.ids.length === theirs.ids.length;
  const answers = { own: mostLikely(ours.logits), other: mostLikely(theirs.logits) };
  const isPlace = ([depth, token]) => ours.said[depth]?.[token] !== undefined;
  const carried = fits ? cells.filter(isPlace) : [];
  const run = carried.length ? patchedRun(lm.decoder, ours.ids, carried, theirs.streams) : ours;
  const brought = broughtOver(ours.logits, theirs.logits, answers);
  return {
    ours, theirs, fits, answers, carried, brought, logits: run.logits,
    said: carried.length ? saidAt(lm, run.streams) : ours.said,
  };
}

const keyOf = ({ ours, theirs }) => `${ours.ids} ${theirs.ids}`;

// What each cell alone brings over: shares[token][depth], as far as it has been tried. `next`
// tries one more token; it says false when all are done. `key` tells which texts these are.
function trials(lm, found) {
  const { ours, theirs, brought } = found;
  const shares = [];
  return {
    key: keyOf(found), shares,
    next() {
      const token = shares.length;
      if (token >= ours.ids.length) return false;
      shares.push(ours.streams.map((_, depth) =>
        brought(patchedRun(lm.decoder, ours.ids, [[depth, token]], theirs.streams).logits)));
      return true;
    },
  };
}

// --- Drawn ----------------------------------------------------------------------

// One row for each token of both texts. `onPick([depth, token])`.
function lensTable(lm, onPick) {
  const nDepths = lm.config.n_layers + 1;
  const depths = Array.from({ length: nDepths }, (_, depth) => depth);
  const headings = (words) => [words, ...depths.map(nameOfDepth)].map((text) =>
    element("th", { scope: "col" }, text));
  const head = element("tr", {}, ...headings("your text"), ...headings("other text"));
  const body = element("tbody");
  const root = element("div", {
    class: "tl-lens-frame", role: "group",
    "aria-label": "what the lens says at each token and depth; arrow keys move, Enter carries a cell over",
  }, element("table", { class: "tl-lens" }, element("thead", {}, head), body));
  const settleStops = arrowKeysMoveWithin(root, ".tl-lens-cell:enabled", () => nDepths);
  const rows = [];
  let shown = null;
  return {
    root: scroller(root),
    // shares[token][depth]: what a cell alone brings over, where that is known.
    show(found, shares) {
      shown = found;
      const length = Math.max(found.ours.ids.length, found.theirs.ids.length);
      while (rows.length > length) rows.pop().root.remove();
      while (rows.length < length) {
        rows.push(tokenRow(rows.length, depths, onPick));
        body.append(rows.at(-1).root);
      }
      rows.forEach((row, token) => row.show(lm, found, shares[token]));
      settleStops();
    },
    shade(token, shares) { rows[token].show(lm, shown, shares); },
  };
}

// A token's row: its name and a button for each depth; the same of the other text, to read.
function tokenRow(token, depths, onPick) {
  const names = [0, 1].map(() => element("th", { scope: "row" }));
  const cells = depths.map((depth) => cellButton([depth, token], onPick));
  const others = depths.map(() => element("td", { class: "tl-lens-other" }));
  return {
    root: element("tr", {}, names[0], ...cells.map(({ root }) => element("td", {}, root)),
      names[1], ...others),
    show(lm, found, shares) {
      const { ours, theirs } = found;
      [ours, theirs].forEach(({ ids }, at) =>
        write(names[at], token < ids.length ? tokenName(lm, ids[token], token) : ""));
      names[0].classList.toggle("tl-differs", ours.ids[token] !== theirs.ids[token]);
      cells.forEach((cell, depth) =>
        cell.show(lm, found, { name: names[0].textContent, share: shares?.[depth] ?? null }));
      const share = shares ? 0 : null; // one shade, one meaning: nothing is carried into the other text
      others.forEach((cell, depth) => showGuess(cell, theirs.said[depth][token], { lm, token, share }));
    },
  };
}

// A place of the reader's text, to be carried over.
function cellButton([depth, token], onPick) {
  const root = element("button", {
    type: "button", class: "tl-lens-cell", tabindex: -1, on: { click: () => onPick([depth, token]) },
  });
  return {
    root,
    show(lm, { ours, fits, carried, said }, { name, share }) {
      const isCarried = carried.some(isSame([depth, token]));
      showGuess(root, said[depth][token], { lm, token, share });
      root.disabled = !fits || token >= ours.ids.length;
      const parts = [
        `${nameOfDepth(depth)} at ${spoken(name)}: says ${spoken(root.textContent)}`,
        share !== null && `alone it brings over ${formatPercent(within(share, 0, 1))}`,
        isCarried && "carried over",
      ];
      setAttributes(root, {
        "aria-pressed": String(isCarried), "aria-label": parts.filter(Boolean).join("; "),
      });
    },
  };
}

// Shaded by what it brings over, if that is known, else by how sure the lens is.
function showGuess(cell, said, { lm, token, share = null }) {
  write(cell, said ? tokenName(lm, said.id, token + 1) : "");
  cell.style.backgroundColor = weightColour(said ? share ?? 0.4 * said.share : 0, 0.6);
}

// What comes next: as the text is, and with what is carried over.
function answerView(lm) {
  const words = statusLine();
  const bars = barList({
    label: "most likely next tokens", length: N_BARS, compared: true, look: "tl-bars tl-compared",
  });
  return {
    bars: bars.root, words: words.root,
    show(found) {
      const { ours, theirs, answers: { own, other: there }, logits } = found;
      const [before, after, other] = [ours.logits, logits, theirs.logits].map((each) => distribution(each));
      const ids = new Set([own, there, ...mostLikelyFirst(logits).slice(0, N_BARS)]);
      const nameOf = (id) => tokenName(lm, id, ours.ids.length);
      bars.show([...ids].slice(0, N_BARS).map((id) =>
        ({ name: nameOf(id), share: after[id], before: before[id] })));
      words.say(describe(found, { nameOf, before, after, other }));
    },
  };
}

function describe(found, { nameOf, before, after, other }) {
  const { ours, theirs, fits, answers, carried } = found;
  if (!fits) {
    return `Your text has ${counted(ours.ids.length, "token")} and the other one has `
      + `${theirs.ids.length}: to carry numbers over, both need as many.`;
  }
  const [own, there] = [answers.own, answers.other].map(nameOf);
  if (answers.own === answers.other) return `Both texts go on with ${own}: there is nothing to carry over.`;
  if (!carried.length) {
    return `Your text goes on with ${own} (${formatPercent(before[answers.own])}), the other one with `
      + `${there} (${formatPercent(other[answers.other])}). Press a cell to carry it over.`;
  }
  const [from, to] = [before, after].map((shares) => formatPercent(shares[answers.other]));
  return `With ${counted(carried.length, "cell")} carried over, ${there} goes from ${from} to ${to}: `
    + `${Math.round(100 * found.brought(found.logits))}% of the way to the other answer.`;
}

// --- Wired ----------------------------------------------------------------------

function render({ root, get, set, bind, onChange, onEnd }) {
  const lm = loadModel(get("model_file"));
  const text = bind("text", textBox, { label: "Your text", rows: 5, delay: 150 });
  const other = bind("other_text", textBox, { label: "The other text, one word apart", rows: 5, delay: 150 });
  const toggle = (cell) => {
    const rest = get("cells").filter((one) => !isSame(cell)(one));
    set("cells", rest.length < get("cells").length ? rest : [...rest, cell]);
  };
  const table = lensTable(lm, toggle);
  const answer = answerView(lm);
  const note = element("p", { class: "tl-quiet" });
  const clear = button("Carry nothing over", () => set("cells", []));
  const tried = bind("tried", checkbox, { label: "Shade each cell by what it alone brings over" });
  let tries = null; // of these two texts, while they are wanted
  const goOn = async (mine) => {
    while (mine === tries && mine.next()) {
      table.shade(mine.shares.length - 1, mine.shares.at(-1));
      await painted();
    }
  };
  const show = () => {
    const found = read(lm, { text: get("text"), otherText: get("other_text"), cells: get("cells") });
    const isTried = get("tried") && found.fits && found.answers.own !== found.answers.other;
    const isNew = isTried && tries?.key !== keyOf(found);
    if (isNew) tries = trials(lm, found);
    if (!isTried) tries = null;
    table.show(found, tries?.shares ?? []);
    answer.show(found);
    clear.disabled = get("cells").length === 0;
    const nLeftOut = found.ours.nLeftOut + found.theirs.nLeftOut;
    note.hidden = nLeftOut === 0;
    note.textContent = `This model sees ${lm.config.max_len} tokens; `
      + `the last ${counted(nLeftOut, "token")} beyond that are left out.`;
    if (isNew) goOn(tries);
  };
  onEnd(() => { tries = null; });
  root.append(stack(
    columns(text.root, other.root), note,
    heading("What it would say if it stopped here ", "a row for each token, a column for each depth"),
    table.root, tried.root, buttonRow("what is carried over", clear),
    heading("What comes next ", "outlined: with nothing carried over"), answer.bars, answer.words));
  onChange("text other_text cells tried", afterPaint(show));
  show();
  table.root.scrollTop = table.root.scrollHeight; // the last token decides
}

export default figure("LensAndPatch", render, { anew: ["model_file"] });
