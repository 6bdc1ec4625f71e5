// One word in several sentences of the reader's, through the layers of a real encoder.
//
// A map of its vectors (context_map.js). How alike they are, and beside it how alike they are
// to those of the other words: a cosine says something only next to another one. Also what
// both kinds of models share in WordInContext: the reader's sentences, the names of the
// places, the table.

import { cosine } from "../engine/vectors.js";
import {
  contextMap, describeSenses, hasBoth, placing, sensesOf, spreading,
} from "./context_map.js";
import { select, slider, statusLine } from "./controls.js";
import { columns, element, heading, stack, svgElement } from "./nodes.js";

const N_LINES = 6;
const MOST_PLACES = 12; // of the word, so that every text is quickly compared,
const MOST_OTHERS = 200; // and of the other words
const [WIDTH, HEIGHT, EDGE] = [420, 190, 30];

// --- Computed -------------------------------------------------------------------

/** The reader's sentences, one a line: as many as are used, and a note. @param {string} text */
export function sentencesOf(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const note = lines.length > N_LINES ? `The first ${N_LINES} lines are used.` : "";
  return { lines: lines.slice(0, N_LINES), note };
}

/**
 * What a model sees of a text, and whether that is all.
 * @param {number[]} ids
 * @param {number} most
 */
export function seenOf(ids, most) {
  return { ids: ids.slice(0, most), isCut: ids.length > most };
}

/** What to note if a model does not see all of a sentence. @param {{ isCut: boolean }[]} read */
export function cutNote(read, most) {
  return read.some(({ isCut }) => isCut)
    && `The model sees ${most} tokens of a sentence; what goes beyond is left out.`;
}

/**
 * The places of a word by name: "2" in the second sentence, "2a" and "2b" if it is there twice.
 * @param {{ line: string, places: number[][][] }[]} found of each place a vector for each layer
 */
export function namedPlaces(found) {
  return found.flatMap(({ line, places }, number) => places.map((vectors, which) => ({
    name: places.length > 1 ? `${number + 1}${"abcdefgh"[which] ?? "…"}` : `${number + 1}`, line, vectors,
  })));
}

// The whole words of a sentence, or those that are wanted, and their vectors: { words:
// { word, vectors }, isCut }; null if nobody waits. A word that the tokenizer cuts into pieces
// ("##s") has no vector of its own.
async function wordsOf(model, line, isWanted = (_) => true) {
  const all = await model.encode(line);
  if (!all) return null;
  const { ids, isCut } = seenOf(all, model.config.max_len);
  const pieces = ids.map(model.tokenizer.piece);
  const isWhole = (at) => /^\p{L}+$/u.test(pieces[at]) && !pieces[at + 1]?.startsWith("##");
  const places = pieces.flatMap((piece, at) => (isWanted(piece) && isWhole(at) ? [at] : []));
  const vectors = await model.vectors(ids, places);
  return vectors && { words: places.map((at, n) => ({ word: pieces[at], vectors: vectors[n] })), isCut };
}

// Words that stand in two sentences or more, the longest first: they are not the commonest.
function inCommon(found) {
  const counts = new Map(); // in how many sentences each word is
  for (const { words } of found) {
    for (const word of new Set(words.map((one) => one.word))) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  if (counts.size < 2) return []; // there is no other word to compare with
  return [...counts].filter(([, n]) => n > 1).map(([word]) => word).sort((a, b) => b.length - a.length);
}

// For each layer the mean cosine of the word's vectors, and of these and the other words' ones.
function cosinesByLayer(own, others) {
  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return own[0].vectors.map((_, layer) => {
    const at = ({ vectors }) => vectors[layer];
    return {
      same: mean(own.flatMap((one, n) => own.slice(n + 1).map((other) => cosine(at(one), at(other))))),
      other: mean(own.flatMap((one) => others.map((other) => cosine(at(one), at(other))))),
    };
  });
}

// --- Drawn ----------------------------------------------------------------------

/** How alike vectors are: `show(names, vectors)`, one name for each vector. */
export function cosineTable() {
  const root = element("table", { class: "tl-context-cosines" });
  return {
    root,
    show(names, vectors) {
      root.hidden = names.length < 2;
      root.replaceChildren(
        element("thead", {}, element("tr", {}, element("td"),
          ...names.map((name) => element("th", { scope: "col" }, name)))),
        element("tbody", {}, ...names.map((name, row) => element("tr", {},
          element("th", { scope: "row" }, name),
          ...vectors.map((vector) => element("td", {}, inDigits(cosine(vectors[row], vector))))))));
    },
  };
}

const inDigits = (number) => number.toFixed(2).replace("-0.00", "0.00").replace("-", "−");
const layerName = (layer) => (layer === 0 ? "token" : `block ${layer - 1}`);

// Both cosines from layer to layer.
function cosineLines() {
  const viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
  const root = svgElement("svg", { viewBox, class: "tl-context-map", role: "img" });
  return {
    root,
    show(word, byLayer, layer) {
      const least = Math.min(0, ...byLayer.map(({ other }) => other));
      const x = (n) => EDGE + ((WIDTH - 2 * EDGE) * n) / (byLayer.length - 1);
      const y = (value) => EDGE / 2 + (HEIGHT - 1.5 * EDGE) * (1 - value) / (1 - least);
      const line = (kind) => svgElement("polyline", {
        class: `tl-cosine-${kind}`, points: byLayer.map((at, n) => `${x(n)},${y(at[kind])}`).join(" "),
      });
      const text = (at, down, words, anchor) =>
        svgElement("text", { x: at, y: down, "text-anchor": anchor, class: "tl-axis" }, words);
      const level = (value) => [
        svgElement("path", { d: `M${EDGE} ${y(value)}H${WIDTH - EDGE}`, class: "tl-cosine-level" }),
        text(EDGE - 4, y(value) + 4, String(value), "end"),
      ];
      root.setAttribute("aria-label", `mean cosines at each layer: ${byLayer.map(({ same, other }, n) =>
        `${layerName(n)} ${inDigits(same)} for ${word}, ${inDigits(other)} for other words`).join("; ")}`);
      root.replaceChildren(...level(0), ...level(1), line("other"), line("same"),
        svgElement("circle", { cx: x(layer), cy: y(byLayer[layer].same), r: 5, class: "tl-sense-0" }),
        svgElement("circle", { cx: x(layer), cy: y(byLayer[layer].other), r: 5, class: "tl-sense-1" }),
        ...byLayer.map((_, n) => text(x(n), HEIGHT - 4, n === 0 ? "token" : String(n - 1), "middle")));
    },
  };
}

/** What a reader sees of it: `root`, and `read(text)` takes their sentences in. */
export class SameWordView {
  /**
   * @param {import("./real_model.js").RealModel} model an encoder
   * @param {string} word the word that is followed if it is in common
   * @param {{ line: string, sense: string }[]} references sentences in which its sense is known
   */
  constructor(model, word, references) {
    this.model = model;
    this.word = word;
    this.ofReferences = word;
    this.kinds = sensesOf(references);
    this.references = []; // those that have been read: { sense, vectors }
    this.known = new Map(); // by sentence, the promise of its words
    this.found = []; // the sentences: { line, words: [{ word, vectors }] }
    this.own = []; // the places of the word, by name
    this.byLayer = []; // its mean cosines: `cosinesByLayer`
    this.note = element("p", { class: "tl-quiet" });
    this.choice = element("div");
    const { n_layers: last } = model.config;
    this.layers = slider({
      label: "Layer", min: 0, max: last, value: last, format: layerName, onInput: () => this.show(),
    });
    this.status = statusLine();
    this.lines = cosineLines();
    this.map = contextMap(this.kinds);
    this.table = cosineTable();
    this.picture = columns(
      stack(this.map.root, this.lines.root, element("p", { class: "tl-caption" },
        "Line: the word and itself in another place. Dashed: the word and the other words. "
        + "Across: the token's own vector, then after each block.")),
      stack(this.map.list,
        heading("How alike the word's vectors are ", "cosines; 1.00 is the same direction"),
        this.table.root));
    this.root = stack(this.note, this.choice, this.layers.root, this.status.root, this.picture);
    this.readReferences(references).catch((error) => this.report(error));
  }

  // One after the other, so that a reader's new sentence need not wait for all of them.
  async readReferences(references) {
    const read = [];
    for (const { line, sense } of references) {
      const found = await wordsOf(this.model, line, (word) => word === this.ofReferences);
      if (!found) return; // the model has been unloaded
      read.push(...found.words.slice(-1).map(({ vectors }) => ({ sense, vectors })));
    }
    if (!hasBoth(read, this.kinds)) return;
    this.references = read;
    if (this.own.length) this.show();
  }

  async read(text) {
    const { lines, note } = sentencesOf(text);
    const wordsIn = (line) => this.known.get(line) ?? wordsOf(this.model, line);
    const known = this.known = new Map(lines.map((line) => [line, wordsIn(line)]));
    try {
      const found = await Promise.all(lines.map((line) => known.get(line)));
      if (known !== this.known || found.includes(null)) return; // nobody waits for these
      const notes = [note, cutNote(found, this.model.config.max_len)].filter(Boolean).join(" ");
      this.note.hidden = !notes;
      this.note.textContent = notes;
      this.found = lines.map((line, at) => ({ line, words: found[at].words }));
      this.choose();
    } catch (error) {
      this.report(error);
    }
  }

  report(error) {
    this.status.say(`${this.model.name} could not read this: ${error.message}.`);
  }

  choose() {
    const options = inCommon(this.found);
    for (const part of [this.picture, this.layers.root, this.choice]) part.hidden = !options.length;
    if (!options.length) return this.status.say("Write two sentences with a word in common, one a line.");
    const value = options.includes(this.word) ? this.word : options[0];
    const choice = select({
      label: "Word in common", value, options: options.map((word) => [word, word]),
      onInput: (word) => this.follow(word),
    });
    this.choice.replaceChildren(choice.root);
    this.follow(value);
  }

  follow(word) {
    this.word = word;
    const places = (isWanted) => namedPlaces(this.found.map(({ line, words }) => (
      { line, places: words.filter((one) => isWanted(one.word)).map(({ vectors }) => vectors) })));
    this.own = places((one) => one === word).slice(0, MOST_PLACES);
    this.byLayer = cosinesByLayer(this.own, places((one) => one !== word).slice(0, MOST_OTHERS));
    this.show();
  }

  show() {
    const { word, byLayer, layers: { value: layer } } = this;
    const own = this.own.map(({ vectors, ...item }) => ({ ...item, vector: vectors[layer] }));
    const vectors = own.map(({ vector }) => vector);
    this.lines.show(word, byLayer, layer);
    this.table.show(own.map(({ name }) => name), vectors);
    const known = word !== this.ofReferences ? []
      : this.references.map((one) => ({ sense: one.sense, vector: one.vectors[layer] }));
    const place = known.length ? placing(known, this.kinds) : spreading(vectors);
    this.map.show(own, place, known);
    const [same, other] = [byLayer[layer].same, byLayer[layer].other].map(inDigits);
    const where = layer === 0 ? "In the table" : `After block ${layer - 1}`;
    this.status.say(`${where}: “${word}” and “${word}” in another place have a cosine of ${same} on average, `
      + `“${word}” and the other words ${other}.`
      + (known.length ? ` As for its meaning: ${describeSenses(known, place)}` : ""));
  }
}
