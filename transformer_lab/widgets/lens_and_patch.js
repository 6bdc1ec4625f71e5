// LensAndPatch: what a model would say half-way, and what carries an answer from one text
// to another.
//
// A table has a row for each token: on the left the reader's text, on the right the other one,
// each with what the lens says at some depths. The cells of the reader's text are buttons:
// pressed, the residual stream there is that of the other text.
//
// Computed: `TextPair` (engine/patching.js), for a tiny model in the page or a real one in its
// worker. Drawn: `lensTable`, `answerView`. `Session` wires them: it asks one thing after the
// other, what decides first, and whatever the reader does ends what is still being asked.

import { loadModel, promptIds } from "./engine/model_file.js";
import { TextPair } from "./engine/patching.js";
import { barList } from "./parts/bars.js";
import {
  arrowKeysMoveWithin, button, buttonRow, checkbox, scroller, select, statusLine, textBox,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, setAttributes, stack, write } from "./parts/nodes.js";
import { tokenName } from "./parts/reader_text.js";
import { realModel } from "./parts/real_model.js";
import { weightColour } from "./parts/theme.js";
import { afterPaint, painted, pause } from "./parts/time.js";
import { counted, formatPercent, spoken, within } from "./parts/words.js";

const N_BARS = 5; // answers that are compared
const MOST_OF_REAL = 24; // tokens of each text that a real model reads
const MOST_COLUMNS = 11; // depths that are in sight at once
const FEW_COLUMNS = 5; // that have room for long words
const CELLS_AT_ONCE = 120; // of either text that are made or changed between two looks at the keys

const isSame = (one) => (other) => one[0] === other[0] && one[1] === other[1];
const nameOfDepth = (depth) => (depth ? `block ${depth - 1}` : "embeddings");

// --- Computed -------------------------------------------------------------------

// Both kinds of models answer the same questions, and a promise of an answer will do. `open`
// gives the `patch` and `lens` of a `TextPair`; a real model gives null if nobody waits any more.

function tinyReader(lm) {
  return {
    ...lm, most: lm.config.max_len, traits: ["text", "other_text"],
    encode: (text) => promptIds(lm, text),
    // Each answer is a task of its own: keys are answered between two.
    open(ids, otherIds) {
      const pair = new TextPair(lm.decoder, ids, otherIds);
      return {
        patch: (cells) => pause(0).then(() => pair.patch(cells)),
        lens: (cells, depth) => pause(0).then(() => pair.lens(cells, depth)),
      };
    },
  };
}

function realReader(model) {
  const { name, config, tokenizer } = model;
  return {
    name, config, tokenizer, most: MOST_OF_REAL, traits: ["real_text", "real_other_text"],
    about: "At the embeddings a token need not name itself: the guess is the token whose row in the "
      + "table has the largest product with the stream, and a long row can beat the token's own.",
    encode: (text) => model.encode(text),
    open(ids, otherIds) {
      const texts = { ids, otherIds };
      return {
        patch: (cells) => model.patch(texts, cells),
        lens: (cells, depth) => model.lens(texts, cells, depth),
      };
    },
  };
}

// Which depths can be in sight together: [[name, depths], …]. Of many, some of all, or all of some.
function sights({ n_layers: nLayers }) {
  const all = Array.from({ length: nLayers + 1 }, (_, depth) => depth);
  if (all.length <= MOST_COLUMNS) return [["all", all]];
  const step = Math.ceil(nLayers / (MOST_COLUMNS - 1));
  const some = all.filter((depth) => (nLayers - depth) % step === 0);
  const pieces = [];
  for (let from = 0; from < nLayers; from += MOST_COLUMNS - 1) {
    const piece = all.slice(from, from + MOST_COLUMNS);
    pieces.push([`${nameOfDepth(piece[0])} to ${nameOfDepth(piece.at(-1))}`, piece]);
  }
  return [[`every ${step} blocks`, some], ...pieces];
}

// --- Drawn ----------------------------------------------------------------------

// One row for each token of both texts, one column for each of `depths`. `onPick([depth, token])`.
function lensTable(depths, onPick) {
  const headings = (words) => [element("th", { scope: "col", class: "tl-lens-corner" }, words),
    ...depths.map((depth) => element("th", { scope: "col", class: !depth && "tl-lens-first" },
      nameOfDepth(depth)))];
  const head = element("tr", {}, ...headings("your text"), ...headings("other text"));
  const body = element("tbody");
  const table = element("table", {
    class: depths.length > FEW_COLUMNS ? "tl-lens tl-lens-deep" : "tl-lens",
    style: `--depths: ${depths.length}`,
  }, element("thead", {}, head), body);
  const root = element("div", {
    class: "tl-lens-frame", role: "group",
    "aria-label": "what the lens says at each token and depth; arrow keys move, Enter carries a cell over",
  }, table);
  const settleStops = arrowKeysMoveWithin(root, ".tl-lens-cell:enabled", () => depths.length);
  const nAtOnce = Math.ceil(CELLS_AT_ONCE / depths.length);
  const rows = [];
  let shown = null;
  return {
    root: scroller(root),
    // Shows this in a few steps, as long as it `isNewest`.
    async show(found, isNewest) {
      shown = found;
      const length = Math.max(...found.ids.map((ids) => ids.length));
      while (rows.length > length) rows.pop().root.remove();
      for (let token = 0; token < length; token++) {
        if (token && token % nAtOnce === 0) await painted();
        if (!isNewest()) return;
        const row = rows[token] ??= tokenRow(token, depths, onPick);
        row.show(found);
        if (!row.root.parentNode) body.append(row.root); // the others keep the keyboard
      }
      settleStops();
    },
    // What is known by now of one depth, at all tokens or at one.
    fill(depth, token = null) {
      for (const row of token === null ? rows : [rows[token]]) row.fill(shown, depths.indexOf(depth));
    },
    // The last token at the last depth decides: it comes into sight.
    scrollToEnd() {
      const [frame, cell] = [root, rows.at(-1).last].map((node) => node.getBoundingClientRect());
      root.scrollTop = root.scrollHeight;
      root.scrollLeft += cell.right - frame.right + 4;
    },
  };
}

// A token's row: its name and a button for each depth; the same of the other text, to read.
function tokenRow(token, depths, onPick) {
  const names = [0, 1].map(() => element("th", { scope: "row" }));
  const cells = depths.map((depth) => cellButton([depth, token], onPick));
  const others = depths.map(() => element("div", { class: "tl-lens-other" }));
  const fill = (found, column) => {
    const said = found.said[depths[column]]?.theirs[token];
    cells[column].show(found, names[0].textContent);
    // One shade, one meaning: nothing is carried into the other text.
    showGuess(others[column], said, { ...found, token, share: found.isTried ? 0 : null });
  };
  return {
    root: element("tr", {}, names[0], ...cells.map(({ root }) => element("td", {}, root)),
      names[1], ...others.map((other) => element("td", {}, other))),
    last: cells.at(-1).root,
    fill,
    show(found) {
      const { reader, ids: [ours, theirs] } = found;
      [ours, theirs].forEach((ids, at) =>
        write(names[at], token < ids.length ? tokenName(reader, ids[token], token) : ""));
      names[0].classList.toggle("tl-differs", ours[token] !== theirs[token]);
      depths.forEach((_, column) => fill(found, column));
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
    show(found, name) {
      const isCarried = found.carried.some(isSame([depth, token]));
      const said = found.said[depth]?.ours[token];
      const share = found.isTried ? found.shares[token]?.[depth] ?? null : null;
      showGuess(root, said, { ...found, token, share });
      root.disabled = !found.fits || token >= found.ids[0].length;
      const parts = [
        `${nameOfDepth(depth)} at ${spoken(name)}`,
        said && `says ${spoken(root.textContent)} (${formatPercent(said.share)})`,
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
function showGuess(cell, said, { reader, token, share }) {
  const text = said ? tokenName(reader, said.id, token + 1) : "";
  write(cell, text);
  setAttributes(cell, { title: said ? `${text} ${formatPercent(said.share)}` : null });
  cell.style.backgroundColor = weightColour(said ? share ?? 0.4 * said.share : 0, 0.6);
}

// What comes next: as the text is, and with what is carried over.
function answerView() {
  const words = statusLine();
  const bars = barList({
    label: "most likely next tokens", length: N_BARS, compared: true, look: "tl-bars tl-compared",
  });
  return {
    bars: bars.root, words: words.root, say: words.say,
    show(found) {
      const nameOf = (id) => tokenName(found.reader, id, found.ids[0].length);
      bars.show(found.answer.next.map(({ id, ours, now }) =>
        ({ name: nameOf(id), share: now, before: ours })));
      words.say(describe(found, nameOf));
    },
  };
}

function describe({ ids: [ours, theirs], fits, carried, answer }, nameOf) {
  const { own, other, brought, next } = answer;
  if (!fits) {
    return `Your text has ${counted(ours.length, "token")} and the other one has `
      + `${theirs.length}: to carry numbers over, both need as many.`;
  }
  const [here, there] = [own, other].map((id) => next.find((one) => one.id === id));
  const [before, now, goal] = [there.ours, there.now, there.theirs].map(formatPercent);
  if (carried.length) {
    const moved = `With ${counted(carried.length, "cell")} carried over, ${nameOf(other)} goes from `
      + `${before} to ${now}`;
    return own === other ? `${moved}; in the other text it has ${goal}.`
      : `${moved}: ${Math.round(100 * brought)}% of the way to the other answer.`;
  }
  if (own === other) {
    return `Both texts go on with ${nameOf(own)} (${before} and ${goal}), so there is no other answer to `
      + "bring over; a cell that you press can still change how likely this one is.";
  }
  return `Your text goes on with ${nameOf(own)} (${formatPercent(here.ours)}), the other one with `
    + `${nameOf(other)} (${goal}). Press a cell to carry it over.`;
}

// How far trying the cells has come.
function trialsView() {
  const bar = element("progress", { "aria-label": "trying the cells" });
  const words = element("span", { class: "tl-quiet" });
  const root = element("span", { class: "tl-real-progress", hidden: true }, bar, words);
  return {
    root,
    show(n, nAll) {
      setAttributes(bar, { value: n, max: nAll });
      words.textContent = `cell ${n} of ${nAll}`;
      root.hidden = false;
    },
    hide() { root.hidden = true; },
  };
}

// --- Wired ----------------------------------------------------------------------

class Session {
  constructor(figure) {
    this.figure = figure;
    this.reader = null; // `tinyReader` or `realReader`
    this.texts = null; // the two that were read last, and what is known of them: `take`
    this.found = null; // what is shown
    this.newest = null; // the reading that is waited for
    this.boxes = new Map(); // of each kind of reader, for its two texts
    this.boxPlace = element("div");
    this.sightPlace = element("div");
    this.tablePlace = element("div");
    this.about = element("p", { class: "tl-quiet" });
    this.note = element("p", { class: "tl-quiet" });
    this.answer = answerView();
    this.clear = button("Carry nothing over", () => figure.set("cells", []));
    this.trials = trialsView();
    const tried = figure.bind("tried", checkbox, { label: "Shade each cell by what it alone brings over" });
    this.view = stack(
      heading("What it would say if it stopped here ", "a row for each token, a column for each depth"),
      this.sightPlace, this.tablePlace, this.about,
      element("div", { class: "tl-lens-trials" }, tried.root, this.trials.root),
      buttonRow("what is carried over", this.clear),
      heading("What comes next ", "outlined: with nothing carried over"), this.answer.bars);
  }

  // From here on this model reads. What was carried over was another model's.
  begin(reader) {
    if (this.reader) this.figure.set("cells", []);
    this.reader = reader;
    this.texts = this.found = null;
    this.boxPlace.replaceChildren(this.boxesFor(reader.traits));
    this.about.textContent = reader.about ?? "";
    this.about.hidden = !reader.about;
    const choices = sights(reader.config);
    const sight = select({
      label: "In sight", value: "0", options: choices.map(([name], at) => [String(at), name]),
      onInput: (at) => { this.look(choices[at][1]); this.read(); },
    });
    this.sightPlace.replaceChildren(sight.root);
    this.sightPlace.hidden = choices.length === 1;
    this.look(choices[0][1]);
    return this.read();
  }

  // Each model has two texts of its own. A story stands whole: its last words matter most.
  boxesFor([trait, otherTrait]) {
    const { boxes, figure: { bind } } = this;
    if (!boxes.has(trait)) {
      boxes.set(trait, columns(
        bind(trait, textBox, { label: "Your text", rows: 7, delay: 150 }).root,
        bind(otherTrait, textBox, { label: "The other text, one word apart", rows: 7, delay: 150 }).root));
    }
    return boxes.get(trait);
  }

  // The next reading brings these depths into sight.
  look(depths) {
    this.depths = depths;
    this.table = lensTable(depths, (cell) => this.toggle(cell));
  }

  toggle(cell) {
    const { get, set } = this.figure;
    const rest = get("cells").filter((one) => !isSame(cell)(one));
    set("cells", rest.length < get("cells").length ? rest : [...rest, cell]);
  }

  // Reads both texts as they are now.
  async read() {
    const reading = this.newest = {};
    const isNewest = () => reading === this.newest;
    this.trials.hide();
    this.view.setAttribute("aria-busy", "true");
    try {
      await this.ask(isNewest);
      if (isNewest()) this.view.removeAttribute("aria-busy");
      if (isNewest() && this.found?.isTried) await this.tryCells(isNewest);
    } catch (error) {
      if (!isNewest()) return;
      this.view.removeAttribute("aria-busy");
      this.answer.say(`The model could not read these texts: ${error.message}.`);
    }
  }

  async ask(isNewest) {
    const { reader, figure: { get } } = this;
    if (reader.name) this.answer.say(`${reader.name} is reading …`, { delay: 300 });
    const encoded = await Promise.all(reader.traits.map((trait) => reader.encode(get(trait))));
    if (!isNewest() || encoded.includes(null)) return;
    const texts = this.take(encoded);
    this.view.hidden = texts.pair === null;
    if (!texts.pair) return this.showNothing();
    const carried = texts.fits ? get("cells").filter(isPlaceIn(reader, texts)) : [];
    const answer = await texts.pair.patch(carried);
    if (!isNewest() || !answer) return;
    await this.show({ ...texts, reader, carried, answer }, isNewest);
    if (isNewest()) await this.askLens(isNewest);
  }

  // Both texts as the model sees them. Of those that it has already, what is known stays:
  // said[depth] by the lens, shares[token][depth] of the way that a cell alone brings over.
  take(encoded) {
    const { most, open } = this.reader;
    const ids = encoded.map((all) => all.slice(0, most));
    const nLeftOut = encoded.flat().length - ids.flat().length;
    this.note.hidden = nLeftOut === 0;
    this.note.textContent = `This figure reads ${most} tokens of a text; `
      + `the last ${counted(nLeftOut, "token")} beyond that are left out.`;
    const key = ids.join(" ");
    if (this.texts?.key === key) return this.texts;
    const [ours, theirs] = ids;
    const pair = ours.length && theirs.length ? open(ours, theirs) : null;
    this.texts = { key, ids, pair, fits: ours.length === theirs.length, said: [], shares: [] };
    return this.texts;
  }

  showNothing() {
    this.found = null;
    this.tablePlace.replaceChildren();
    this.answer.say(`${this.reader.name} has no start token: both texts need a word.`);
  }

  async show(found, isNewest) {
    const { get } = this.figure;
    const { fits, answer: { own, other } } = found;
    this.found = { ...found, isTried: get("tried") && fits && own !== other };
    this.answer.show(found);
    this.clear.disabled = get("cells").length === 0;
    const { table, tablePlace } = this;
    await table.show(this.found, isNewest);
    if (!isNewest() || table.root.isConnected) return;
    tablePlace.replaceChildren(table.root);
    requestAnimationFrame(() => table.scrollToEnd()); // when the browser measures it anyway
  }

  // What the lens says at each depth in sight, the deepest first.
  async askLens(isNewest) {
    const { found: { pair, carried, said }, depths, table } = this;
    for (const depth of [...depths].reverse()) {
      const answer = await pair.lens(carried, depth);
      if (!isNewest() || !answer) return;
      said[depth] = answer;
      table.fill(depth);
    }
  }

  // What each cell in sight brings over by itself.
  async tryCells(isNewest) {
    const { found: { pair, shares, ids: [ours] }, depths, table, trials } = this;
    const cells = ours.flatMap((_, token) => depths.map((depth) => [depth, token]));
    const unknown = cells.filter(([depth, token]) => shares[token]?.[depth] === undefined);
    let nKnown = cells.length - unknown.length;
    for (const [depth, token] of unknown) {
      trials.show(++nKnown, cells.length);
      const answer = await pair.patch([[depth, token]]);
      if (!isNewest() || !answer) return;
      (shares[token] ??= [])[depth] = answer.brought;
      table.fill(depth, token);
    }
    trials.hide();
  }

  end() { this.newest = null; }
}

const isPlaceIn = ({ config }, { ids: [ours] }) => ([depth, token]) =>
  depth >= 0 && depth <= config.n_layers && token >= 0 && token < ours.length;

function render(figure) {
  const { root, get, onChange, onEnd, waitFor } = figure;
  const session = new Session(figure);
  const tiny = tinyReader(loadModel(get("model_file")));
  waitFor(session.begin(tiny));
  const real = realModel(figure, {
    onReady: (model) => session.begin(realReader(model)),
    onGone: () => session.begin(tiny),
  });
  root.append(stack(session.boxPlace, session.note, session.view, session.answer.words, real.root));
  onChange("text other_text real_text real_other_text cells tried", afterPaint(() => session.read()));
  onEnd(() => session.end());
}

export default figure("LensAndPatch", render, { anew: ["model_file", "real_model"] });
