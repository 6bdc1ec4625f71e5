// PositionWaves: where a token stands, as clock hands, and what a model can read off.
//
// Two tokens stand some way apart. What attention compares is a dot product: of the
// two rows (sinusoidal, learned), or of a query and a key that were turned (rotary).
// The reader moves both together and sees whether that number stays.

import { angles, rotated, sinusoidalRow } from "./engine/positions.js";
import { seededRandom } from "./engine/sampling.js";
import { dot, rowsFromHalf } from "./engine/vectors.js";
import {
  afterPaint, button, buttonRow, element, figure, onThemeChange, select, slider, statusLine,
  svgElement, themeColour,
} from "./parts/ui.js";

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

function render({ model, root, remember }) {
  const tableSize = model.get("table_size");
  const table = tableSize ? rowsFromHalf(model.get("table"), tableSize) : [];
  const ways = Object.entries(WAYS).filter(([name]) => name !== "learned" || table.length === N_POSITIONS);
  const state = { readings: [], setting: "" };

  const way = () => (ways.some(([name]) => name === model.get("way")) ? model.get("way") : "sinusoidal");
  const earlier = () => Math.min(model.get("position"), LAST_EARLIER);
  const later = () => earlier() + distance();
  const distance = () => Math.min(model.get("distance"), FARTHEST);
  const size = () => Math.max(4, Math.min(32, 2 * Math.round(model.get("size") / 2)));
  const base = () => model.get("base");
  const nearestBase = () => BASES.reduce((best, value, index) =>
    (Math.abs(Math.log(value / base())) < Math.abs(Math.log(BASES[best] / base())) ? index : best), 0);

  // --- Controls
  const choice = select({ label: "Positions", options: ways, value: way(), onInput: (name) => remember("way", name) });
  const place = slider({
    label: "Earlier token", min: 0, max: LAST_EARLIER, value: earlier(),
    hint: "moves both tokens along the text", format: (number) => `at ${number}`,
    onInput: (number) => remember("position", number),
  });
  const apart = slider({
    label: "Distance", min: 0, max: FARTHEST, value: distance(),
    format: String, onInput: (number) => remember("distance", number),
  });
  const width = slider({
    label: "Numbers", min: 4, max: 32, step: 2, value: size(), hint: "numbers in a vector",
    format: String, onInput: (number) => remember("size", number),
  });
  const slowest = slider({
    label: "Base", min: 0, max: BASES.length - 1, value: nearestBase(), hint: "the greater, the slower the slowest clock",
    format: (index) => inShort(BASES[index]), onInput: (index) => remember("base", BASES[index]),
  });
  const others = button("Another query and key", () => remember("seed", model.get("seed") + 1));
  const said = statusLine();
  const readings = element("p", { class: "tl-pw-readings" });

  // --- Pictures
  const heatTitle = element("span");
  const heatNote = element("span", { class: "tl-quiet" });
  const canvas = element("canvas", { class: "tl-pw-heat", width: 480, height: 480, role: "img" });
  const clockTitle = element("div", { class: "tl-heading" });
  const clocks = element("div", { class: "tl-pw-clocks", role: "img" });
  const clockPart = element("div", { class: "tl-stack" }, clockTitle, clocks);
  const curve = productCurve();
  const curveTitle = element("div", { class: "tl-heading" });
  canvas.addEventListener("pointerdown", (event) => {
    const box = canvas.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * N_POSITIONS);
    remember("position", Math.max(0, Math.min(LAST_EARLIER, way() === "rotary" ? row - distance() : row)));
  });

  root.append(element("div", { class: "tl-stack" },
    choice.root,
    element("div", { class: "tl-pw-sliders" }, place.root, apart.root, width.root, slowest.root),
    said.root, readings,
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" },
        element("div", { class: "tl-heading" }, heatTitle, heatNote), canvas),
      element("div", { class: "tl-stack" },
        curveTitle, curve.root, clockPart, buttonRow("query and key", others)))));

  // --- What happens

  // What stands at a position, for each way: a row, or for rotary a turned query or key.
  function makeRows() {
    if (way() === "learned") return { queries: table, keys: table };
    if (way() === "sinusoidal") {
      const rows = positions().map((position) => sinusoidalRow(position, size(), base()));
      return { queries: rows, keys: rows };
    }
    const [query, key] = queryAndKey(size(), model.get("seed"));
    return {
      queries: positions().map((position) => rotated(query, position, base())),
      keys: positions().map((position) => rotated(key, position, base())),
    };
  }

  // Rows and their picture stay as they are while only the two tokens move.
  let known = null;
  function rows() {
    const setting = [way(), size(), base(), model.get("seed")].join();
    if (known?.setting !== setting) known = { setting, picture: null, ...makeRows() };
    return known;
  }

  function show() {
    const { queries, keys } = rows();
    const rotary = way() === "rotary";
    choice.value = way();
    place.value = earlier();
    apart.value = distance();
    width.value = size();
    slowest.value = nearestBase();
    for (const part of [width.root, slowest.root, clockPart]) part.hidden = way() === "learned";
    others.parentNode.hidden = !rotary;

    const products = queries.map((query) => dot(query, keys[earlier()]));
    const value = products[later()];
    measure(value);
    drawHeat();
    curve.show(products, earlier(), later(), Math.max(...queries.map((query, at) => Math.abs(dot(query, keys[at]))), ...products.map(Math.abs)));
    if (way() !== "learned") drawClocks(queries[later()], keys[earlier()]);
    say(value);
  }

  // Remembers what was measured at each place, until something else than the place changes.
  function measure(value) {
    const setting = [way(), distance(), size(), base(), model.get("seed")].join();
    if (setting !== state.setting) Object.assign(state, { setting, readings: [] });
    state.readings = state.readings.filter(([at]) => at !== earlier());
    state.readings.push([earlier(), value]);
    state.readings = state.readings.slice(-N_READINGS);
    readings.replaceChildren("Measured at this distance: ", ...state.readings.map(([at, number]) =>
      element("span", { class: "tl-pw-reading" }, `${at} & ${at + distance()}: ${number.toFixed(2)}`)));
  }

  function say(value) {
    const what = { sinusoidal: "their rows' dot product", learned: "their rows' dot product", rotary: "the score of the query and the key" }[way()];
    const seen = state.readings.map(([, number]) => number);
    const spread = Math.max(...seen) - Math.min(...seen);
    const still = seen.length < 2
      ? "Now move the earlier token: both go along, and the distance stays."
      : spread < 0.005 ? "It is the same wherever the two stand: only the distance counts."
        : `It has changed by up to ${spread.toFixed(2)} as the two moved: the place counts too.`;
    said.say(`The tokens stand at ${earlier()} and ${later()}, ${distance()} apart: ${what} is ${value.toFixed(2)}. ${still}`, { delay: 120 });
  }

  function drawHeat() {
    const { queries, keys } = known;
    const rotary = way() === "rotary";
    heatTitle.textContent = rotary ? "Every score " : "All positions ";
    heatNote.textContent = rotary
      ? "row: where the query stands; column: the key. Each diagonal is one distance"
      : `a row for each position, ${keys[0].length} numbers across; blue above 0, orange below`;
    known.picture ??= paintCells(rotary ? queries.map((query) => keys.map((key) => dot(query, key))) : keys);
    const { across, down } = known.picture;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(known.picture.canvas, 0, 0);
    pen.strokeStyle = themeColour(root, "--tl-ink");
    pen.lineWidth = 2;
    if (rotary) {
      pen.strokeRect(earlier() * across - 3, later() * down - 3, across + 6, down + 6);
      pen.setLineDash([5, 5]);
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(0.5 * across, (distance() + 0.5) * down);
      pen.lineTo((N_POSITIONS - distance() - 0.5) * across, (N_POSITIONS - 0.5) * down);
      pen.stroke();
      pen.setLineDash([]);
    } else {
      for (const at of [earlier(), later()]) pen.strokeRect(1, at * down - 1, canvas.width - 2, down + 2);
    }
    canvas.setAttribute("aria-label", rotary
      ? `The scores of one query and one key at all ${N_POSITIONS} by ${N_POSITIONS} pairs of places; all along a diagonal are equal. Marked: query at ${later()}, key at ${earlier()}.`
      : `The rows of ${N_POSITIONS} positions, ${keys[0].length} numbers each; the rows ${earlier()} and ${later()} are marked.`);
  }

  // The heat without its marks, on a canvas of its own, and how wide and high a cell is.
  function paintCells(cells) {
    const own = element("canvas", { width: canvas.width, height: canvas.height });
    const pen = own.getContext("2d");
    const strongest = Math.max(...cells.map((row) => Math.max(...row.map(Math.abs))));
    const [across, down] = [own.width / cells[0].length, own.height / cells.length];
    const [above, below] = ["--tl-weight", "--tl-orange"].map((name) => themeColour(root, name));
    cells.forEach((row, y) => row.forEach((number, x) => {
      pen.fillStyle = number < 0 ? below : above;
      pen.globalAlpha = Math.abs(number) / strongest;
      pen.fillRect(x * across, y * down, across + 0.3, down + 0.3);
    }));
    return { canvas: own, across, down };
  }

  function drawClocks(query, key) {
    const rotary = way() === "rotary";
    const n = size() / 2;
    clockTitle.replaceChildren(rotary ? "The query and the key, turned " : "The two rows as clock hands ",
      element("span", { class: "tl-quiet" }, `solid: ${rotary ? "query " : ""}at ${later()}; dashed: ${rotary ? "key " : ""}at ${earlier()}; below: positions for one round`));
    // A pair of numbers is the tip of a hand. Upright and clockwise for the waves.
    const tip = (vector, i) => (rotary ? [vector[i], -vector[i + n]] : [vector[2 * i], -vector[2 * i + 1]]);
    const speeds = angles(1, size(), base());
    const longest = Math.max(...[query, key].flatMap((vector) => speeds.map((_, i) => Math.hypot(...tip(vector, i)))));
    clocks.replaceChildren(...speeds.map((speed, i) => element("div", { class: "tl-pw-clock" },
      svgElement("svg", { viewBox: "-23 -23 46 46", "aria-hidden": "true" },
        svgElement("circle", { r: 21, class: "tl-pw-face" }),
        ...[[key, "tl-pw-key"], [query, "tl-pw-query"]].map(([vector, kind]) => {
          const [x, y] = tip(vector, i).map((number) => (number * 20) / longest);
          return svgElement("line", { x1: 0, y1: 0, x2: x.toFixed(2), y2: y.toFixed(2), class: kind });
        })),
      element("span", {}, inShort((2 * Math.PI) / speed)))));
    clocks.setAttribute("aria-label", `${n} clocks, each with two hands. The first goes round in ${inShort((2 * Math.PI) / speeds[0])} positions, the last in ${inShort((2 * Math.PI) / speeds.at(-1))}. The angle between two hands depends only on the distance.`);
    curveTitle.replaceChildren(rotary ? "The score with the key " : "The dot product with the earlier row ",
      element("span", { class: "tl-quiet" }, rotary ? "of the same query at every position" : "of the row of every position"));
  }

  const hear = () => {
    if (way() === "learned") {
      curveTitle.replaceChildren("The dot product with the earlier row ", element("span", { class: "tl-quiet" }, "of the row of every position"));
    }
    show();
  };
  const changes = ["way", "position", "distance", "size", "base", "seed"].map((name) => `change:${name}`).join(" ");
  const hearSoon = afterPaint(hear);
  model.on(changes, hearSoon);
  const endTheme = onThemeChange(() => { known = null; show(); });
  hear();
  return () => { // when the figure is taken away
    endTheme();
    model.off(changes, hearSoon);
  };
}

const positions = () => Array.from({ length: N_POSITIONS }, (_, position) => position);

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

// The dot product with one position, for all positions: a line, with both tokens on it.
function productCurve() {
  const [width, height, left, bottom, top] = [420, 190, 38, 24, 8];
  const x = (position) => left + ((width - left - 6) * position) / (N_POSITIONS - 1);
  const axis = svgElement("g", {});
  const path = svgElement("path", { class: "tl-pw-curve" });
  const stem = svgElement("line", { class: "tl-pw-earlier" });
  const dotMark = svgElement("circle", { r: 6, class: "tl-pw-later" });
  const level = svgElement("line", { class: "tl-pw-level" });
  const root = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, class: "tl-pw-plot", role: "img" }, axis, level, stem, path, dotMark);
  const label = (at, down, text, anchor = "middle") => svgElement("text", { x: at, y: down, "text-anchor": anchor, class: "tl-pw-axis" }, text);
  return {
    root,
    show(products, earlier, later, strongest) {
      const most = strongest || 1;
      const least = Math.min(0, ...products) < 0 ? -most : 0;
      const y = (number) => top + ((height - top - bottom) * (most - number)) / (most - least);
      axis.replaceChildren(
        ...[0, 24, 48, 72, 95].map((position) => label(x(position), height - 6, String(position))),
        ...[most, 0, ...(least ? [least] : [])].flatMap((number) => [
          svgElement("line", { x1: left, x2: width, y1: y(number), y2: y(number), class: "tl-pw-grid" }),
          label(left - 5, y(number) + 4, Math.abs(number) < 10 ? number.toFixed(1) : number.toFixed(0), "end")]));
      path.setAttribute("d", products.map((product, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${y(product).toFixed(1)}`).join(""));
      for (const [name, value] of [["x1", x(earlier)], ["x2", x(earlier)], ["y1", top], ["y2", height - bottom]]) stem.setAttribute(name, value);
      for (const [name, value] of [["x1", left], ["x2", width], ["y1", y(products[later])], ["y2", y(products[later])]]) level.setAttribute(name, value);
      dotMark.setAttribute("cx", x(later));
      dotMark.setAttribute("cy", y(products[later]));
      root.setAttribute("aria-label", `A curve over positions 0 to ${N_POSITIONS - 1}. With the token at ${earlier}, position ${later} has ${products[later].toFixed(2)}.`);
    },
  };
}

export default figure("PositionWaves", render, {
  anew: ["table", "table_size"],
  ranges: { position: [0, Infinity], distance: [0, Infinity], size: [2, 32], base: [1, 1e12] },
});
