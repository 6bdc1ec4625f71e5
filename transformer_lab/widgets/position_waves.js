// PositionWaves: where a token stands, as clock hands, and what a model can read off.
//
// Two tokens stand some way apart. What attention compares is a dot product: of the
// two rows (sinusoidal, learned), or of a query and a key that were turned (rotary).
// The reader moves both together and sees whether that number stays.
//
// State: the figure's traits, what was measured. Computed: `rowsOf`. Drawn: `heatMap`,
// `clockFaces`, `productCurve`. `render` wires them.

import { angles, rotated, sinusoidalRow } from "./engine/positions.js";
import { seededRandom } from "./engine/sampling.js";
import { dot, rowsFromHalf } from "./engine/vectors.js";
import { button, buttonRow, select, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, setAttributes, stack, svgElement } from "./parts/nodes.js";
import { onThemeChange, themeColour } from "./parts/theme.js";
import { afterPaint } from "./parts/time.js";
import { within } from "./parts/words.js";

const N_POSITIONS = 96;
const LAST_EARLIER = 64; // both tokens fit: 64 + 31 < 96
const FARTHEST = 31;
const BASES = [10, 100, 1000, 10_000, 100_000, 1_000_000];
const N_READINGS = 6; // measurements that the figure remembers
const WAYS = {
  sinusoidal: "sinusoidal: added to the token (2017)",
  learned: "learned: added to the token (GPT-2)",
  rotary: "rotary: turns queries and keys (LLaMA)",
};

// --- State ----------------------------------------------------------------------

// The figure's traits as they can be shown, and what follows from them.
function stateOf(get, ways) {
  const way = ways.some(([name]) => name === get("way")) ? get("way") : "sinusoidal";
  const earlier = Math.min(get("position"), LAST_EARLIER);
  const distance = Math.min(get("distance"), FARTHEST);
  return {
    way, earlier, distance, later: earlier + distance, isRotary: way === "rotary",
    size: sizeShown(get("size")), base: get("base"), seed: get("seed"),
  };
}

const sizeShown = (size) => within(2 * Math.round(size / 2), 4, 32);
const nearestBase = (base) => BASES.reduce((best, value, index) =>
  (Math.abs(Math.log(value / base)) < Math.abs(Math.log(BASES[best] / base)) ? index : best), 0);

// --- Computed -------------------------------------------------------------------

// What stands at a position, for each way: a row, or for rotary a turned query or key.
function rowsOf({ way, size, base, seed }, table) {
  const positions = Array.from({ length: N_POSITIONS }, (_, position) => position);
  if (way === "learned") return { queries: table, keys: table };
  if (way === "sinusoidal") {
    const rows = positions.map((position) => sinusoidalRow(position, size, base));
    return { queries: rows, keys: rows };
  }
  const [query, key] = queryAndKey(size, seed);
  return {
    queries: positions.map((position) => rotated(query, position, base)),
    keys: positions.map((position) => rotated(key, position, base)),
  };
}

// A query and a key that fit each other somewhat, as a trained head's would.
function queryAndKey(size, seed) {
  const random = seededRandom(seed);
  const query = Array.from({ length: size }, () => 2 * random() - 1);
  const key = query.map((number) => 0.6 * number + 0.8 * (2 * random() - 1));
  return [query, key];
}

// 6.28 → "6.3", 62831 → "63k", 4000000 → "4M".
function inShort(number) {
  if (number < 10) return String(Number(number.toFixed(1)));
  if (number < 1000) return String(Math.round(number));
  if (number < 1e6) return `${Number((number / 1000).toPrecision(2))}k`;
  return `${Number((number / 1e6).toPrecision(2))}M`;
}

// What was measured at each place, until something else than the place changes.
function measurements() {
  let setting = "";
  let readings = [];
  return ({ way, distance, size, base, seed, earlier }, value) => {
    const now = [way, distance, size, base, seed].join();
    if (now !== setting) readings = [];
    setting = now;
    readings = [...readings.filter(([at]) => at !== earlier), [earlier, value]].slice(-N_READINGS);
    return readings;
  };
}

// --- In words -------------------------------------------------------------------

const PRODUCTS = {
  sinusoidal: "their rows' dot product", learned: "their rows' dot product",
  rotary: "the score of the query and the key",
};

function describe({ way, earlier, later, distance }, value, readings) {
  const seen = readings.map(([, number]) => number);
  const spread = Math.max(...seen) - Math.min(...seen);
  const still = seen.length < 2
    ? "Now move the earlier token: both go along, and the distance stays."
    : spread < 0.005 ? "It is the same wherever the two stand: only the distance counts."
      : `It has changed by up to ${spread.toFixed(2)} as the two moved: the place counts too.`;
  return `The tokens stand at ${earlier} and ${later}, ${distance} apart: `
    + `${PRODUCTS[way]} is ${value.toFixed(2)}. ${still}`;
}

// --- Drawn ----------------------------------------------------------------------

// All rows, or every score, as colours; the two tokens marked.
function heatMap(onRow) {
  const [title, note] = [element("span"), element("span", { class: "tl-quiet" })];
  const canvas = element("canvas", { class: "tl-pw-heat", width: 480, height: 480, role: "img" });
  canvas.addEventListener("pointerdown", (event) => {
    const { top, height } = canvas.getBoundingClientRect();
    onRow(Math.floor(((event.clientY - top) / height) * N_POSITIONS));
  });
  return {
    root: stack(element("div", { class: "tl-heading" }, title, note), canvas),
    show(state, known) {
      const { queries, keys } = known;
      const n = keys[0].length;
      title.textContent = state.isRotary ? "Every score " : "All positions ";
      note.textContent = state.isRotary
        ? "row: where the query stands; column: the key. Each diagonal is one distance"
        : `a row for each position, ${n} numbers across; blue above 0, orange below`;
      known.picture ??= paintCells(canvas,
        state.isRotary ? queries.map((query) => keys.map((key) => dot(query, key))) : keys);
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(known.picture.canvas, 0, 0);
      markTokens(pen, state, known.picture);
      setAttributes(canvas, { "aria-label": state.isRotary
        ? `The scores of one query and one key at all ${N_POSITIONS} by ${N_POSITIONS} pairs of places; all `
          + `along a diagonal are equal. Marked: query at ${state.later}, key at ${state.earlier}.`
        : `The rows of ${N_POSITIONS} positions, ${n} numbers each; `
          + `the rows ${state.earlier} and ${state.later} are marked.` });
    },
  };
}

// The heat without its marks, on a canvas of its own, and how wide and high a cell is.
function paintCells({ width, height }, cells) {
  const own = element("canvas", { width, height });
  const pen = own.getContext("2d");
  const strongest = Math.max(...cells.map((row) => Math.max(...row.map(Math.abs))));
  const [across, down] = [width / cells[0].length, height / cells.length];
  const [above, below] = ["--tl-weight", "--tl-orange"].map(themeColour);
  cells.forEach((row, y) => row.forEach((number, x) => {
    pen.fillStyle = number < 0 ? below : above;
    pen.globalAlpha = Math.abs(number) / strongest;
    pen.fillRect(x * across, y * down, across + 0.3, down + 0.3);
  }));
  return { canvas: own, across, down };
}

function markTokens(pen, { isRotary, earlier, later, distance }, { across, down }) {
  pen.strokeStyle = themeColour("--tl-ink");
  pen.lineWidth = 2;
  if (!isRotary) {
    for (const at of [earlier, later]) pen.strokeRect(1, at * down - 1, pen.canvas.width - 2, down + 2);
    return;
  }
  pen.strokeRect(earlier * across - 3, later * down - 3, across + 6, down + 6);
  pen.setLineDash([5, 5]);
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(0.5 * across, (distance + 0.5) * down);
  pen.lineTo((N_POSITIONS - distance - 0.5) * across, (N_POSITIONS - 0.5) * down);
  pen.stroke();
  pen.setLineDash([]);
}

// Pairs of numbers as the hands of clocks. The faces stay while only the hands move.
function clockFaces() {
  const title = element("div", { class: "tl-heading" });
  const clocks = element("div", { class: "tl-pw-clocks", role: "img" });
  let faces = [];
  const makeFace = () => {
    const hands = ["tl-pw-key", "tl-pw-query"].map((kind) =>
      svgElement("line", { x1: 0, y1: 0, class: kind }));
    const round = element("span");
    const root = element("div", { class: "tl-pw-clock" },
      svgElement("svg", { viewBox: "-23 -23 46 46", "aria-hidden": "true" },
        svgElement("circle", { r: 21, class: "tl-pw-face" }), ...hands), round);
    return { root, hands, round };
  };
  return {
    root: stack(title, clocks),
    show({ isRotary, size, base, earlier, later }, query, key) {
      const who = isRotary ? ["query ", "key "] : ["", ""];
      title.replaceChildren(isRotary ? "The query and the key, turned " : "The two rows as clock hands ",
        element("span", { class: "tl-quiet" },
          `solid: ${who[0]}at ${later}; dashed: ${who[1]}at ${earlier}; below: positions for one round`));
      // A pair of numbers is the tip of a hand. Upright and clockwise for the waves.
      const n = size / 2;
      const tip = (vector, i) => (isRotary ? [vector[i], -vector[i + n]]
        : [vector[2 * i], -vector[2 * i + 1]]);
      const speeds = angles(1, size, base);
      const rounds = speeds.map((speed) => inShort((2 * Math.PI) / speed));
      const longest = Math.max(...[query, key].flatMap((vector) =>
        speeds.map((_, i) => Math.hypot(...tip(vector, i)))));
      if (faces.length !== n) {
        faces = speeds.map(makeFace);
        clocks.replaceChildren(...faces.map(({ root }) => root));
      }
      faces.forEach(({ hands, round }, i) => {
        round.textContent = rounds[i];
        [key, query].forEach((vector, hand) => {
          const [x2, y2] = tip(vector, i).map((number) => ((number * 20) / longest).toFixed(2));
          setAttributes(hands[hand], { x2, y2 });
        });
      });
      setAttributes(clocks, { "aria-label": `${n} clocks, each with two hands. The first goes round in `
        + `${rounds[0]} positions, the last in ${rounds.at(-1)}. The angle between two hands depends only on `
        + "the distance." });
    },
  };
}

// The dot product with one position, for all positions: a line, with both tokens on it.
function productCurve() {
  const [width, height, left, bottom, top] = [420, 190, 38, 24, 8];
  const x = (position) => left + ((width - left - 6) * position) / (N_POSITIONS - 1);
  const axis = svgElement("g", {});
  const path = svgElement("path", { class: "tl-pw-curve" });
  const [stem, level] = ["tl-pw-earlier", "tl-pw-level"].map((kind) => svgElement("line", { class: kind }));
  const mark = svgElement("circle", { r: 6, class: "tl-pw-later" });
  const root = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "tl-pw-plot", role: "img",
  }, axis, level, stem, path, mark);
  const label = (at, down, text, anchor = "middle") =>
    svgElement("text", { x: at, y: down, "text-anchor": anchor, class: "tl-pw-axis" }, text);
  let drawn = ""; // the ends of the axis
  const drawAxis = (most, least, y) => {
    if (drawn === [most, least].join()) return;
    drawn = [most, least].join();
    axis.replaceChildren(
      ...[0, 24, 48, 72, 95].map((position) => label(x(position), height - 6, String(position))),
      ...[most, 0, ...(least ? [least] : [])].flatMap((number) => [
        svgElement("line", { x1: left, x2: width, y1: y(number), y2: y(number), class: "tl-pw-grid" }),
        label(left - 5, y(number) + 4, number.toFixed(Math.abs(number) < 10 ? 1 : 0), "end")]));
  };
  return {
    root,
    show(products, { earlier, later }, strongest) {
      const most = strongest || 1;
      const least = Math.min(0, ...products) < 0 ? -most : 0;
      const y = (number) => top + ((height - top - bottom) * (most - number)) / (most - least);
      const [cx, cy] = [x(later), y(products[later])];
      const points = products.map((product, at) => `${x(at).toFixed(1)} ${y(product).toFixed(1)}`);
      drawAxis(most, least, y);
      setAttributes(path, { d: `M${points.join("L")}` });
      setAttributes(stem, { x1: x(earlier), x2: x(earlier), y1: top, y2: height - bottom });
      setAttributes(level, { x1: left, x2: width, y1: cy, y2: cy });
      setAttributes(mark, { cx, cy });
      setAttributes(root, { "aria-label": `A curve over positions 0 to ${N_POSITIONS - 1}. With the token `
        + `at ${earlier}, position ${later} has ${products[later].toFixed(2)}.` });
    },
  };
}

// --- Wired ----------------------------------------------------------------------

function controlsOf({ get, set, bind }, ways) {
  const choice = bind("way", select, {
    label: "Positions", options: ways, shown: () => stateOf(get, ways).way,
  });
  const place = bind("position", slider, {
    label: "Earlier token", min: 0, max: LAST_EARLIER, shown: (value) => Math.min(value, LAST_EARLIER),
    hint: "moves both tokens along the text", format: (number) => `at ${number}`,
  });
  const apart = bind("distance", slider, {
    label: "Distance", min: 0, max: FARTHEST, shown: (value) => Math.min(value, FARTHEST),
  });
  const width = bind("size", slider, {
    label: "Numbers", min: 4, max: 32, step: 2, hint: "numbers in a vector", shown: sizeShown,
  });
  const slowest = bind("base", slider, {
    label: "Base", min: 0, max: BASES.length - 1, hint: "the greater, the slower the slowest clock",
    format: (index) => inShort(BASES[index]), shown: nearestBase, kept: (index) => BASES[index],
  });
  const others = buttonRow("query and key",
    button("Another query and key", () => set("seed", get("seed") + 1)));
  return {
    choice, others,
    sliders: element("div", { class: "tl-pw-sliders" }, place.root, apart.root, width.root, slowest.root),
    show({ way, isRotary }) {
      for (const part of [width.root, slowest.root]) part.hidden = way === "learned";
      others.hidden = !isRotary;
    },
  };
}

function render(figure) {
  const { root, get, set, onChange, onEnd } = figure;
  const tableSize = get("table_size");
  const table = tableSize ? rowsFromHalf(get("table"), tableSize) : [];
  const ways = Object.entries(WAYS).filter(([name]) => name !== "learned" || table.length === N_POSITIONS);
  const controls = controlsOf(figure, ways);
  const said = statusLine();
  const readings = element("p", { class: "tl-pw-readings" });
  const heat = heatMap((row) => {
    const { isRotary, distance } = stateOf(get, ways);
    set("position", within(isRotary ? row - distance : row, 0, LAST_EARLIER));
  });
  const curve = productCurve();
  const curveTitle = element("div", { class: "tl-heading" });
  const clocks = clockFaces();
  root.append(stack(controls.choice.root, controls.sliders, said.root, readings,
    columns(heat.root, stack(curveTitle, curve.root, clocks.root, controls.others))));

  const measure = measurements();
  let known = null; // rows and their picture stay as they are while only the two tokens move
  const show = () => {
    const state = stateOf(get, ways);
    const setting = [state.way, state.size, state.base, state.seed].join();
    if (known?.setting !== setting) known = knownOf(state, table, setting);
    const { queries, keys, strongest } = known;
    const products = queries.map((query) => dot(query, keys[state.earlier]));
    const value = products[state.later];
    const measured = measure(state, value);
    controls.show(state);
    showReadings(readings, measured, state.distance);
    heat.show(state, known);
    curveTitle.replaceChildren(...curveWords(state));
    curve.show(products, state, Math.max(strongest, ...products.map(Math.abs)));
    clocks.root.hidden = state.way === "learned";
    if (!clocks.root.hidden) clocks.show(state, queries[state.later], keys[state.earlier]);
    said.say(describe(state, value, measured), { delay: 120 });
  };
  onChange("way position distance size base seed", afterPaint(show));
  onEnd(onThemeChange(() => { known = null; show(); }));
  show();
}

// The rows, their picture (once it is painted), and the greatest product of a place with itself.
function knownOf(state, table, setting) {
  const { queries, keys } = rowsOf(state, table);
  const own = queries.map((query, at) => Math.abs(dot(query, keys[at])));
  return { setting, queries, keys, strongest: Math.max(...own), picture: null };
}

function showReadings(node, readings, distance) {
  node.replaceChildren("Measured at this distance: ", ...readings.map(([at, number]) =>
    element("span", { class: "tl-pw-reading" }, `${at} & ${at + distance}: ${number.toFixed(2)}`)));
}

function curveWords({ isRotary }) {
  const [title, note] = isRotary
    ? ["The score with the key ", "of the same query at every position"]
    : ["The dot product with the earlier row ", "of the row of every position"];
  return [title, element("span", { class: "tl-quiet" }, note)];
}

export default figure("PositionWaves", render, {
  anew: ["table", "table_size"],
  ranges: { position: [0, Infinity], distance: [0, Infinity], size: [2, 32], base: [1, 1e12] },
});
