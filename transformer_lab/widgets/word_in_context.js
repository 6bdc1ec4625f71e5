// WordInContext: the same word in several sentences, layer by layer.
//
// The references are texts in which the sense is known; the reader's own sentences are
// placed among them (parts/context_map.js). A real model, once loaded, reads the same
// sentences, with any word that they have in common (parts/same_word.js).

import { vectorsAt } from "./engine/contextual.js";
import { loadModel, promptIds } from "./engine/model_file.js";
import { contextMap, describeSenses, hasBoth, placing, sensesOf } from "./parts/context_map.js";
import { slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack } from "./parts/nodes.js";
import { realModel } from "./parts/real_model.js";
import { cosineTable, cutNote, namedPlaces, SameWordView, seenOf, sentencesOf } from "./parts/same_word.js";
import { counted } from "./parts/words.js";

// --- Computed -------------------------------------------------------------------

// The vectors of a word in a text (token IDs): for each place one for each layer, the token's own
// first. Empty if the word does not occur.
function vectorsIn(lm, word, ids) {
  const wanted = lm.tokenizer.encode(` ${word}`);
  const places = wanted.length === 1 ? ids.flatMap((id, at) => (id === wanted[0] ? [at] : [])) : [];
  if (!places.length) return [];
  return vectorsAt(lm.decoder, ids, places).map((layers) => layers.map((values) => Array.from(values)));
}

// The places of the word in the reader's lines, by name, and what to note about the lines.
function readLines(lm, word, text) {
  const { lines, note } = sentencesOf(text);
  const read = lines.map((line) => ({ line, ...seenOf(promptIds(lm, line), lm.config.max_len) }));
  const found = read.map(({ line, ids }) => ({ line, places: vectorsIn(lm, word, ids) }));
  const nWithout = found.filter(({ places }) => !places.length).length;
  const notes = [
    note, cutNote(read, lm.config.max_len),
    nWithout && `${counted(nWithout, "line")} without “${word}” ${nWithout === 1 ? "is" : "are"} left out.`,
  ].filter(Boolean);
  return { own: namedPlaces(found), notes: notes.join(" ") };
}

// --- Wired ----------------------------------------------------------------------

function render(figure) {
  const { root, get, bind, onChange } = figure;
  const senses = senseView(figure, loadModel(get("model_file")));
  let view = senses; // or, while a real model is there, what that says
  const labelFor = (word) => `Sentences with ${word}, one a line`;
  const text = bind("text", textBox, { label: labelFor(`“${get("word")}”`), rows: 5, delay: 150 });
  const place = element("div", {}, senses.root);
  const read = () => view.read(get("text"));
  const put = (another, word) => {
    view = another;
    place.replaceChildren(view.root);
    text.root.querySelector("label").textContent = labelFor(word);
    read();
  };
  const real = realModel(figure, {
    onReady: (model) => put(
      new SameWordView(model, get("word"), referencesOf(get)), "a word in common"),
    onGone: () => put(senses, `“${get("word")}”`),
  });
  root.append(stack(text.root, place, real.root));
  onChange("text", read);
  read();
}

// The sentences of known meaning: { line, sense }.
const referencesOf = (get) => get("references").map((line, at) => ({ line, sense: get("senses")[at] }));

// The sentences among those of known meaning, by a small model in the page: { root, read }.
function senseView({ get, bind, onChange }, lm) {
  const nLayers = lm.config.n_layers;
  const upToLast = (layer) => Math.min(layer, nLayers);
  const kinds = sensesOf(referencesOf(get));
  let own = [];
  const references = referencesOf(get).flatMap(({ line, sense }) =>
    vectorsIn(lm, get("word"), seenOf(promptIds(lm, line), lm.config.max_len).ids).slice(-1)
      .map((vectors) => ({ vectors, sense })));

  const note = element("p", { class: "tl-quiet" });
  const layers = bind("layer", slider, {
    label: "Layer", min: 0, max: nLayers, shown: upToLast,
    format: (number) => (number === 0 ? "token" : `block ${number - 1}`),
  });
  const map = contextMap(kinds);
  const words = statusLine();
  const table = cosineTable();
  const picture = columns(map.root, stack(map.list,
    heading("How alike your vectors are ", "cosines; 1.00 is the same direction"), table.root));

  const read = (text) => {
    const found = readLines(lm, get("word"), text);
    own = found.own;
    note.hidden = !found.notes;
    note.textContent = found.notes;
    show();
  };
  const show = () => {
    const layer = upToLast(get("layer"));
    const known = references.map(({ vectors, sense }) => ({ sense, vector: vectors[layer] }));
    picture.hidden = !hasBoth(known, kinds);
    if (picture.hidden) return words.say(nothingKnown(get("word")));
    const place = placing(known, kinds);
    const ofReader = own.map(({ vectors, ...item }) => ({ ...item, vector: vectors[layer] }));
    map.show(ofReader, place, known);
    table.show(ofReader.map(({ name }) => name), ofReader.map(({ vector }) => vector));
    const where = layer === 0 ? "The token's own vector" : `After block ${layer - 1}`;
    words.say(`${where}: ${describeSenses(known, place)}`);
  };
  onChange("layer", show);
  return { root: stack(note, layers.root, words.root, picture), read };
}

const nothingKnown = (word) => `No sentence of known meaning has “${word}” as one token: `
  + "there is nothing to compare with.";

export default figure("WordInContext", render, {
  anew: ["model_file", "real_model", "word", "references", "senses"],
  ranges: { layer: [0, Infinity] },
});
