// WordInContext: the same word in several sentences, layer by layer.
//
// The references are texts in which the sense is known. Across stands how far a
// vector lies from the one sense to the other; up, the direction in which the
// vectors differ most besides. The reader's own sentences are placed among them.

import { loadModel, promptIds } from "./engine/model_file.js";
import { centred, cosine, dot, principalDirections } from "./engine/vectors.js";
import { slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, svgElement } from "./parts/nodes.js";
import { debounce } from "./parts/time.js";
import { counted } from "./parts/words.js";

const N_LINES = 6;
const [WIDTH, HEIGHT, EDGE] = [420, 260, 24];

function render({ get, root, onChange, set }) {
  const lm = loadModel(get("model_file"));
  const nLayers = lm.config.n_layers;
  const size = lm.config.d_model;
  const layer = () => Math.min(get("layer"), nLayers);
  const kinds = [...new Set(get("senses"))];
  let references = [], own = [];

  const text = textBox({
    label: `Sentences with “${get("word")}”, one a line`, value: get("text"), rows: 5,
    onInput: debounce(() => { set("text", text.value); read(); show(); }, 150),
  });
  const note = element("p", { class: "tl-quiet" });
  const layers = slider({
    label: "Layer", min: 0, max: nLayers, value: layer(),
    format: (number) => (number === 0 ? "token" : `block ${number - 1}`),
    onInput: (number) => { set("layer", number); show(); },
  });
  const drawing = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "tl-context-map", role: "img" });
  const legend = element("p", { class: "tl-caption" });
  const list = element("ol", { class: "tl-context-list", "aria-label": "your sentences and what the vector says" });
  const words = statusLine();
  const table = element("table", { class: "tl-context-cosines" });
  const picture = element("div", { class: "tl-columns" },
    element("div", { class: "tl-stack" }, drawing, legend),
    element("div", { class: "tl-stack" }, list,
      element("div", { class: "tl-heading" }, "How alike your vectors are ", element("span", { class: "tl-quiet" }, "cosines; 1.00 is the same direction")), table));
  root.append(element("div", { class: "tl-stack" }, text.root, note, layers.root, words.root, picture));

  // The vectors of the word in a text: for each place one for each layer, the
  // token's own first. Empty if the word does not occur.
  function vectorsIn(line) {
    const ids = promptIds(lm, line).slice(0, lm.config.max_len);
    const wanted = lm.tokenizer.encode(` ${get("word")}`);
    const places = wanted.length === 1 ? ids.flatMap((id, at) => (id === wanted[0] ? [at] : [])) : [];
    if (!places.length) return [];
    const seen = [];
    lm.decoder.forward(ids, {
      record: (name, values) => {
        if (name === "embeddings.token") seen[0] = values;
        const block = name.match(/^blocks\.(\d+)$/);
        if (block) seen[Number(block[1]) + 1] = values;
      },
    });
    return places.map((at) => seen.map((values) => Array.from(values.subarray(at * size, (at + 1) * size))));
  }

  function read() {
    const lines = text.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const used = lines.slice(0, N_LINES);
    own = used.flatMap((line, number) => vectorsIn(line).map((vectors, which, all) => ({
      name: all.length > 1 ? `${number + 1}${"abcdefgh"[which] ?? "…"}` : `${number + 1}`, line, vectors,
    })));
    const without = used.filter((line) => !vectorsIn(line).length).length;
    const notes = [];
    if (lines.length > N_LINES) notes.push(`The first ${N_LINES} lines are used.`);
    if (without) notes.push(`${counted(without, "line")} without “${get("word")}” ${without === 1 ? "is" : "are"} left out.`);
    note.hidden = !notes.length;
    note.textContent = notes.join(" ");
  }

  function show() {
    layers.value = layer();
    const known = references.map(({ vectors, sense }) => ({ sense, vector: vectors[layer()] }));
    picture.hidden = !kinds.every((kind) => known.some(({ sense }) => sense === kind));
    if (picture.hidden) return words.say(`No sentence of known meaning has “${get("word")}” as one token: there is nothing to compare with.`);
    const place = placing(known, kinds);
    const placed = own.map((item) => ({ ...item, ...place(item.vectors[layer()]) }));
    draw(known.map(({ sense, vector }) => ({ sense, ...place(vector) })), placed);
    list.replaceChildren(...placed.map(({ name, line, nearer, share }) => element("li", {},
      element("strong", {}, `${name} `), `${line} `,
      element("span", { class: "tl-quiet" }, nearer === null ? "→ cannot be told" : `→ ${nearer} (${Math.round(100 * share)}% of the way)`))));
    showCosines(placed);
    const right = known.filter(({ sense, vector }) => place(vector, sense).nearer === sense).length;
    const where = layer() === 0 ? "The token's own vector" : `After block ${layer() - 1}`;
    const told = place.apart ? `${right} of ${known.length} sentences of known meaning lie nearer to the middle of the others with their meaning` : "every sentence has the same vector: the meanings cannot be told apart";
    words.say(`${where}: ${told}.`);
  }

  function showCosines(placed) {
    table.hidden = placed.length < 2;
    const vectors = placed.map(({ vectors: all }) => all[layer()]);
    table.replaceChildren(
      element("thead", {}, element("tr", {}, element("td"), ...placed.map(({ name }) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...placed.map(({ name }, row) => element("tr", {}, element("th", { scope: "row" }, name),
        ...vectors.map((vector) => element("td", {}, cosine(vectors[row], vector).toFixed(2).replace("-", "−")))))));
  }

  function draw(known, placed) {
    const all = [...known, ...placed];
    const span = (values) => Math.max(...values) - Math.min(...values) || 1;
    const scale = (axis) => {
      const values = all.map((point) => point[axis]);
      return (value) => (value - (Math.min(...values) + Math.max(...values)) / 2) / span(values);
    };
    const [across, up] = [scale("across"), scale("up")];
    const x = (point) => WIDTH / 2 + (WIDTH - 2 * EDGE) * across(point.across);
    const y = (point) => HEIGHT / 2 - (HEIGHT - 2 * EDGE - 16) * up(point.up);
    const sign = (point) => (kinds.indexOf(point.sense) === 0
      ? svgElement("circle", { cx: x(point), cy: y(point), r: 4.5, class: "tl-sense-0" })
      : svgElement("path", { d: `M${x(point)} ${y(point) - 5.5}l5 8.6h-10z`, class: "tl-sense-1" }));
    drawing.replaceChildren(
      ...known.map(sign),
      ...placed.flatMap((point) => [
        svgElement("circle", { cx: x(point), cy: y(point), r: 10, class: "tl-own-place" }),
        svgElement("text", { x: x(point), y: y(point) + 4, "text-anchor": "middle", class: "tl-own-name" }, point.name),
      ]),
      svgElement("text", { x: 4, y: HEIGHT - 4, class: "tl-axis" }, `← ${kinds[0]}`),
      svgElement("text", { x: WIDTH - 4, y: HEIGHT - 4, "text-anchor": "end", class: "tl-axis" }, `${kinds[1]} →`));
    drawing.setAttribute("aria-label", `a map of the vectors: ${kinds[0]} on the left, ${kinds[1]} on the right`);
    legend.textContent = `● ${kinds[0]}, ▲ ${kinds[1]}: sentences of known meaning. Numbers: yours. Across: from one meaning to the other; up: what differs most besides.`;
  }

  const learn = () => {
    references = get("references").flatMap((line, at) => vectorsIn(line).slice(-1)
      .map((vectors) => ({ vectors, sense: get("senses")[at] })));
  };
  const hear = () => { text.value = get("text"); learn(); read(); show(); };
  onChange("text word", hear);
  onChange("layer", show);
  learn();
  read();
  show();
}

// How to place a vector among those of known sense: `place(vector)` gives { across,
// up, nearer: the sense whose middle is nearer (null: neither), share: how far it
// lies from the other sense's middle to this one's }. A vector that is one of the
// known itself is given with its `sense`, and is left out of that middle.
function placing(known, kinds) {
  const [first, second] = kinds.map((kind) => known.filter(({ sense }) => sense === kind).map(({ vector }) => vector));
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

export default figure("WordInContext", render, {
  anew: ["model_file", "word", "references", "senses"],
  ranges: { layer: [0, Infinity] },
});
