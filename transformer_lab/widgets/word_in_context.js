// WordInContext: the same word in several sentences, layer by layer.
//
// The references are texts in which the sense is known. Across stands how far a
// vector lies from the one sense to the other; up, the direction in which the
// vectors differ most besides. The reader's own sentences are placed among them.
// A real model, once loaded, reads the same sentences, with any word that they have in
// common (parts/same_word.js).

import { vectorsAt } from "./engine/contextual.js";
import { loadModel, promptIds } from "./engine/model_file.js";
import { centred, dot, principalDirections } from "./engine/vectors.js";
import { slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack, svgElement } from "./parts/nodes.js";
import { realModel } from "./parts/real_model.js";
import { cosineTable, namedPlaces, SameWordView, sentencesOf } from "./parts/same_word.js";
import { counted } from "./parts/words.js";

const [WIDTH, HEIGHT, EDGE] = [420, 260, 24];

// --- Computed -------------------------------------------------------------------

// The vectors of a word in a text: for each place one for each layer, the token's own
// first. Empty if the word does not occur.
function vectorsIn(lm, word, line) {
  const ids = promptIds(lm, line).slice(0, lm.config.max_len);
  const wanted = lm.tokenizer.encode(` ${word}`);
  const places = wanted.length === 1 ? ids.flatMap((id, at) => (id === wanted[0] ? [at] : [])) : [];
  if (!places.length) return [];
  return vectorsAt(lm.decoder, ids, places).map((layers) => layers.map((values) => Array.from(values)));
}

// The places of the word in the reader's lines, by name, and what to note about the lines.
function readLines(lm, word, text) {
  const { lines, note } = sentencesOf(text);
  const found = lines.map((line) => ({ line, places: vectorsIn(lm, word, line) }));
  const nWithout = found.filter(({ places }) => !places.length).length;
  const notes = [
    note,
    nWithout && `${counted(nWithout, "line")} without “${word}” ${nWithout === 1 ? "is" : "are"} left out.`,
  ].filter(Boolean);
  return { own: namedPlaces(found), notes: notes.join(" ") };
}

// How to place a vector among those of known sense: `place(vector)` gives { across,
// up, nearer: the sense whose middle is nearer (null: neither), share: how far it
// lies from the other sense's middle to this one's }. A vector that is one of the
// known itself is given with its `sense`, and is left out of that middle.
function placing(known, kinds) {
  const [first, second] = kinds.map((kind) =>
    known.filter(({ sense }) => sense === kind).map(({ vector }) => vector));
  const [from, to] = [mean(first), mean(second)];
  const between = to.map((value, i) => value - from[i]);
  const length = Math.sqrt(dot(between, between));
  const apart = length > 1e-6;
  const axis = apart ? between.map((value) => value / length) : between;
  const middle = from.map((value, i) => (value + to[i]) / 2);
  const rest = centred(known.map(({ vector }) => vector)).map((row) => {
    const along = dot(row, axis);
    return row.map((value, i) => value - along * axis[i]);
  });
  const [main] = principalDirections(rest);
  const place = (vector, sense = null) => {
    const shifted = vector.map((value, i) => value - middle[i]);
    const [near, far] = [
      distance(vector, leaveOut(from, vector, sense === kinds[0] ? first.length : 0)),
      distance(vector, leaveOut(to, vector, sense === kinds[1] ? second.length : 0)),
    ];
    const along = apart ? dot(shifted, axis) / length : 0; // −0.5 at the first middle, 0.5 at the second
    return {
      across: dot(shifted, axis), up: dot(shifted, main), nearer: apart ? kinds[near < far ? 0 : 1] : null,
      share: Math.max(0, Math.min(1, near < far ? 0.5 - along : 0.5 + along)),
    };
  };
  place.apart = apart;
  return place;
}

function mean(rows) {
  return rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
}

// The mean of n rows, without one of them.
function leaveOut(average, row, n) {
  return n < 2 ? average : average.map((value, i) => (n * value - row[i]) / (n - 1));
}

function distance(a, b) {
  return Math.hypot(...a.map((value, i) => value - b[i]));
}

// --- Drawn ----------------------------------------------------------------------

function contextMap(kinds) {
  const drawing = svgElement("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "tl-context-map", role: "img",
    "aria-label": `a map of the vectors: ${kinds[0]} on the left, ${kinds[1]} on the right`,
  });
  const legend = element("p", { class: "tl-caption" },
    `● ${kinds[0]}, ▲ ${kinds[1]}: sentences of known meaning. Numbers: yours. `
    + "Across: from one meaning to the other; up: what differs most besides.");
  return {
    root: stack(drawing, legend),
    show(known, own) {
      const all = [...known, ...own];
      const scale = (axis) => {
        const values = all.map((point) => point[axis]);
        const [least, most] = [Math.min(...values), Math.max(...values)];
        return (point) => (point[axis] - (least + most) / 2) / (most - least || 1);
      };
      const [across, up] = [scale("across"), scale("up")];
      const place = (point) => [
        WIDTH / 2 + (WIDTH - 2 * EDGE) * across(point), HEIGHT / 2 - (HEIGHT - 2 * EDGE - 16) * up(point),
      ];
      drawing.replaceChildren(
        ...known.map((point) => senseSign(...place(point), kinds.indexOf(point.sense))),
        ...own.flatMap((point) => ownSign(...place(point), point.name)),
        svgElement("text", { x: 4, y: HEIGHT - 4, class: "tl-axis" }, `← ${kinds[0]}`),
        svgElement("text", { x: WIDTH - 4, y: HEIGHT - 4, "text-anchor": "end", class: "tl-axis" },
          `${kinds[1]} →`));
    },
  };
}

function senseSign(x, y, sense) {
  return sense === 0 ? svgElement("circle", { cx: x, cy: y, r: 4.5, class: "tl-sense-0" })
    : svgElement("path", { d: `M${x} ${y - 5.5}l5 8.6h-10z`, class: "tl-sense-1" });
}

function ownSign(x, y, name) {
  return [
    svgElement("circle", { cx: x, cy: y, r: 10, class: "tl-own-place" }),
    svgElement("text", { x, y: y + 4, "text-anchor": "middle", class: "tl-own-name" }, name),
  ];
}

function sentenceItem({ name, line, nearer, share }) {
  const what = nearer === null ? "→ cannot be told" : `→ ${nearer} (${Math.round(100 * share)}% of the way)`;
  return element("li", {}, element("strong", {}, `${name} `), `${line} `,
    element("span", { class: "tl-quiet" }, what));
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
    onReady: (model) => put(new SameWordView(model, get("word")), "a word in common"),
    onGone: () => put(senses, `“${get("word")}”`),
  });
  root.append(stack(text.root, place, real.root));
  onChange("text", read);
  read();
}

// The sentences among those of known meaning, by a small model in the page: { root, read }.
function senseView({ get, bind, onChange }, lm) {
  const nLayers = lm.config.n_layers;
  const upToLast = (layer) => Math.min(layer, nLayers);
  const kinds = [...new Set(get("senses"))];
  let own = [];
  const references = get("references").flatMap((line, at) => vectorsIn(lm, get("word"), line).slice(-1)
    .map((vectors) => ({ vectors, sense: get("senses")[at] })));

  const note = element("p", { class: "tl-quiet" });
  const layers = bind("layer", slider, {
    label: "Layer", min: 0, max: nLayers, shown: upToLast,
    format: (number) => (number === 0 ? "token" : `block ${number - 1}`),
  });
  const map = contextMap(kinds);
  const list = element("ol", {
    class: "tl-context-list", "aria-label": "your sentences and what the vector says",
  });
  const words = statusLine();
  const table = cosineTable();
  const picture = columns(map.root, stack(list,
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
    picture.hidden = !kinds.every((kind) => known.some(({ sense }) => sense === kind));
    if (picture.hidden) return words.say(nothingKnown(get("word")));
    const place = placing(known, kinds);
    const placed = own.map((item) => ({ ...item, ...place(item.vectors[layer]) }));
    map.show(known.map(({ sense, vector }) => ({ sense, ...place(vector) })), placed);
    list.replaceChildren(...placed.map(sentenceItem));
    table.show(placed.map(({ name }) => name), placed.map(({ vectors }) => vectors[layer]));
    words.say(describe(layer, known, place));
  };
  onChange("layer", show);
  return { root: stack(note, layers.root, words.root, picture), read };
}

const nothingKnown = (word) => `No sentence of known meaning has “${word}” as one token: `
  + "there is nothing to compare with.";

function describe(layer, known, place) {
  const where = layer === 0 ? "The token's own vector" : `After block ${layer - 1}`;
  if (!place.apart) return `${where}: every sentence has the same vector: the meanings cannot be told apart.`;
  const nRight = known.filter(({ sense, vector }) => place(vector, sense).nearer === sense).length;
  return `${where}: ${nRight} of ${known.length} sentences of known meaning lie nearer to the middle of the `
    + "others with their meaning.";
}

export default figure("WordInContext", render, {
  anew: ["model_file", "real_model", "word", "references", "senses"],
  ranges: { layer: [0, Infinity] },
});
