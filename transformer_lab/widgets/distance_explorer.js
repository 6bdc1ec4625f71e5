// DistanceExplorer: a question about a note, asked of several models at once.
//
// The reader's row of notes is read by each model in the page. The slider moves the
// question from the last note back to the first. Below, the measured curves: how
// often each model is right at a distance and, if given, how much gradient arrives there.

import { Decoder } from "./engine/decoder.js";
import { Recurrent } from "./engine/recurrent.js";
import { readSafetensors } from "./engine/safetensors.js";
import { distribution } from "./engine/sampling.js";
import { bar } from "./parts/bars.js";
import { button, slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack, svgElement } from "./parts/nodes.js";
import { counted, formatPercent, raised } from "./parts/words.js";

const MARKS = ["●", "▲", "■", "◆"]; // one for each model: not by colour alone
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [340, 190, 44, 34];

// --- Computed -------------------------------------------------------------------

// The notes and the question, or what is wrong with them: { said, asked, back, problem }.
function questionOf(text, distance, idOf) {
  const said = text.trim().split(/\s+/).filter(Boolean);
  const problem = problemWith(said, idOf);
  const back = Math.min(distance, said.length);
  return { said, problem, back, asked: said[said.length - back] };
}

// A function from token IDs to the probabilities of the values.
function reader(file, nValues) {
  const { metadata, tensors } = readSafetensors(file);
  const config = JSON.parse(metadata.config);
  const Network = metadata.architecture === "decoder" ? Decoder : Recurrent;
  const network = new Network(config, tensors);
  return (ids) => {
    const scores = network.forward(ids, { lastOnly: true }).logits.at(-1);
    return Array.from(distribution(scores.slice(0, nValues), {}));
  };
}

// What is wrong with a row of notes, in one sentence; null if nothing is.
function problemWith(said, idOf) {
  if (!said.length) return "There is no note yet: write some, such as f1 c3 a4.";
  const strange = said.find((note) => !idOf.has(note) || note.endsWith("?"));
  if (strange) {
    return `“${strange}” is no note: a letter from a to x and a value from 1 to 4, such as c3.`;
  }
  const twice = said.find((note, at) => said.findIndex((other) => other[0] === note[0]) !== at);
  return twice ? `“${twice[0]}” is noted twice; these models have learned that each letter comes once.`
    : null;
}

function drawNotes(vocabulary, values, seed) {
  let state = seed * 2654435761 + 12345;
  const draw = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const letters = [...new Set(vocabulary.map((token) => token[0]))];
  for (let i = letters.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [letters[i], letters[j]] = [letters[j], letters[i]];
  }
  return letters.slice(0, 16).map((letter) => letter + values[draw(values.length)]).join(" ");
}

// --- Drawn ----------------------------------------------------------------------

function showQuestion(node, { said, back, asked }) {
  node.replaceChildren(...said.flatMap((note, at) => [
    element("span", { class: at === said.length - back ? "tl-asked" : "" }, note), " "]),
  element("strong", {}, `${asked[0]}?`));
}

// The probabilities that one model gives to the values.
function answerOf({ name, shares }, at, values, target) {
  const best = shares.indexOf(Math.max(...shares));
  const bars = shares.map((share, value) => {
    const one = bar("div");
    one.show({ name: value === target ? `${values[value]} (right)` : values[value], share });
    return one.root;
  });
  return element("div", { class: "tl-answer" },
    element("div", { class: "tl-heading" },
      `${MARKS[at]} ${name}: ${values[best]} ${best === target ? "✓" : "✗"}`), ...bars);
}

// Curves over the distance, each with a sign of its own; an upright line at `back`.
function chart({ title, unit, isLog }) {
  const drawing = svgElement("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "tl-log-chart", role: "img",
  });
  return {
    root: element("div", {}, heading(`${title} `, unit), drawing),
    show(distances, curves, back, { chance = null, spread = [] } = {}) {
      const scale = scaleOf(distances, curves, isLog);
      const last = distances.at(-1);
      drawing.replaceChildren(
        ...frameOf(scale, chance),
        svgElement("line", {
          x1: scale.x(Math.min(back, last)), x2: scale.x(Math.min(back, last)), y1: 6, y2: HEIGHT - BOTTOM,
          class: "tl-here",
        }),
        ...linesOf(scale, distances, curves, spread),
        chartText(LEFT, HEIGHT - BOTTOM + 16, "1", "middle"),
        chartText(WIDTH - 12, HEIGHT - BOTTOM + 16, String(last), "middle"),
        chartText((LEFT + WIDTH) / 2, HEIGHT - 4, "distance (notes back)", "middle"));
      drawing.setAttribute("aria-label", `${title}, for distances from 1 to ${last}`);
    },
  };
}

const chartText = (x, y, label, anchor) =>
  svgElement("text", { x, y, "text-anchor": anchor, class: "tl-axis" }, label);

// Where distances and values lie in the chart; with `isLog` one step up is a factor of ten.
function scaleOf(distances, curves, isLog) {
  const scaled = (value) => (isLog ? Math.log10(Math.max(value, 1e-12)) : value);
  const all = curves.flat().map(scaled);
  const [low, high] = isLog ? [Math.floor(Math.min(...all)), Math.ceil(Math.max(...all))] : [0, 1];
  const last = distances.at(-1);
  const name = (level) => (level === 1 ? "1" : `10${raised(Math.round(Math.log10(level)))}`);
  return {
    x: (distance) => LEFT + ((WIDTH - LEFT - 12) * (distance - 1)) / Math.max(1, last - 1),
    y: (value) => 10 + ((HEIGHT - BOTTOM - 10) * (high - scaled(value))) / Math.max(1e-9, high - low),
    within: (value) => Math.min(high, Math.max(low, value)),
    levels: isLog ? Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n))
      : [0, 0.25, 0.5, 0.75, 1],
    name: (level) => (isLog ? name(level) : `${100 * level}%`),
  };
}

function frameOf({ levels, y, name }, chance) {
  const across = (value, kind) =>
    svgElement("line", { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value), class: kind });
  return [
    ...levels.map((level) => across(level, "tl-curve-grid")),
    ...levels.map((level) => chartText(LEFT - 5, y(level) + 4, name(level), "end")),
    ...(chance === null ? [] : [across(chance, "tl-curve-floor")]),
  ];
}

function linesOf({ x, y, within }, distances, curves, spread) {
  const points = (values) => values.map((value, n) => `${x(distances[n]).toFixed(1)} ${y(value).toFixed(1)}`);
  const band = (values, halves) => {
    const edge = (sign) => points(values.map((value, n) => within(value + sign * halves[n])));
    return `M${[...edge(1), ...edge(-1).reverse()].join("L")}Z`;
  };
  return [
    ...spread.map((halves, at) =>
      svgElement("path", { d: band(curves[at], halves), class: `tl-model-band tl-model-${at}` })),
    ...curves.map((values, at) =>
      svgElement("path", { d: `M${points(values).join("L")}`, class: `tl-model-line tl-model-${at}` })),
    ...curves.flatMap((values, at) => values.map((value, n) => svgElement("text", {
      x: x(distances[n]), y: y(value) + 4, "text-anchor": "middle", class: `tl-model-mark tl-model-${at}`,
    }, MARKS[at]))),
  ];
}

// --- Wired ----------------------------------------------------------------------

function chartsOf(get) {
  const right = chart({
    title: "How often each is right", unit: "share of right answers, measured", isLog: false,
  });
  const slope = !get("gradient").length ? null : chart({
    title: "How much gradient arrives at the note",
    unit: "size, measured; each line is ten times the one below", isLog: true,
  });
  const names = get("names").map((name, at) => `${MARKS[at]} ${name}`).join(", ");
  const shaded = get("spread").length
    ? "Shaded: the 95 % confidence interval of the mean over trainings. " : "";
  return {
    roots: [columns(right.root, slope?.root), element("p", { class: "tl-caption" },
      `${names}; dashed: guessing. ${shaded}The upright line stands at your distance.`)],
    show(back) {
      right.show(get("distances"), get("accuracy"), back, { chance: get("chance"), spread: get("spread") });
      slope?.show(get("distances"), get("gradient"), back);
    },
  };
}

function render({ root, get, set, bind, onChange }) {
  const vocabulary = get("vocabulary");
  const idOf = new Map(vocabulary.map((token, id) => [token, id]));
  const notesKnown = vocabulary.filter((token) => !token.endsWith("?"));
  const values = [...new Set(notesKnown.map((token) => token.slice(-1)))];
  const models = get("names").map((name, at) =>
    ({ name, answer: reader(get("model_files")[at], values.length) }));
  let seed = 0;

  const notes = bind("notes", textBox, {
    label: "Notes: a letter and a value, such as f1 c3 a4", rows: 2, maxLength: 200, delay: 120,
  });
  const other = button("Other notes", () => set("notes", drawNotes(vocabulary, values, ++seed)));
  const problem = element("p", { class: "tl-problem", role: "alert" });
  const distance = slider({
    label: "Notes back", min: 1, max: 1, value: 1, onInput: (number) => set("distance", number),
  });
  const question = element("p", { class: "tl-question tl-mono" });
  const answers = element("div", { class: "tl-answers" });
  const words = statusLine();
  const charts = chartsOf(get);
  root.append(stack(notes.root, element("div", { class: "tl-buttons" }, other), problem, distance.root,
    question, answers, words.root, ...charts.roots));

  const show = () => {
    const now = questionOf(notes.value, get("distance"), idOf);
    problem.hidden = !now.problem;
    problem.textContent = now.problem ?? "";
    answers.hidden = question.hidden = Boolean(now.problem);
    if (now.problem) return words.say("");
    distance.input.max = now.said.length;
    distance.value = now.back;
    showQuestion(question, now);
    const [letter, value] = now.asked;
    const target = values.indexOf(value);
    const ids = [...now.said, `${letter}?`].map((token) => idOf.get(token));
    const given = models.map(({ name, answer }) => ({ name, shares: answer(ids) }));
    answers.replaceChildren(...given.map((one, at) => answerOf(one, at, values, target)));
    const described = given.map(({ name, shares }) =>
      `${name} gives the right answer ${formatPercent(shares[target])}`);
    const back = `${counted(now.back, "note")} back`;
    words.say(`${letter} was ${value}, ${back}. ${described.join(", ")}.`, { delay: 120 });
    charts.show(now.back);
  };
  onChange("notes distance", show);
  show();
}

export default figure("DistanceExplorer", render, {
  anew: ["names", "model_files", "vocabulary", "distances", "accuracy", "spread", "gradient", "chance"],
  ranges: { distance: [1, Infinity], chance: [0, 1] },
});
