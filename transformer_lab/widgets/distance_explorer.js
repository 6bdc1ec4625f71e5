// DistanceExplorer: a question about a note, asked of several models at once.
//
// The reader's row of notes is read by each model in the page. The slider moves the
// question from the last note back to the first. Below, the measured curves: how
// often each model is right at a distance and, if given, how much gradient arrives there.

import { Decoder } from "./engine/decoder.js";
import { Recurrent } from "./engine/recurrent.js";
import { readSafetensors } from "./engine/safetensors.js";
import { distribution } from "./engine/sampling.js";
import { button, slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, svgElement } from "./parts/nodes.js";
import { debounce } from "./parts/time.js";
import { formatPercent, raised } from "./parts/words.js";

const MARKS = ["●", "▲", "■", "◆"]; // one for each model: not by colour alone
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [340, 190, 44, 34];

function render({ get, root, onChange, set }) {
  const vocabulary = get("vocabulary");
  const idOf = new Map(vocabulary.map((token, id) => [token, id]));
  const values = [...new Set(vocabulary.filter((token) => !token.endsWith("?")).map((token) => token.slice(-1)))];
  const models = get("names").map((name, at) => ({ name, answer: reader(get("model_files")[at], values.length) }));
  let seed = 0;

  const notes = textBox({
    label: "Notes: a letter and a value, such as f1 c3 a4", value: get("notes"), rows: 2, maxLength: 200,
    onInput: debounce(() => { set("notes", notes.value); show(); }, 120),
  });
  const other = button("Other notes", () => { seed += 1; notes.value = drawNotes(vocabulary, values, seed); set("notes", notes.value); show(); });
  const problem = element("p", { class: "tl-problem", role: "alert" });
  const distance = slider({
    label: "Notes back", min: 1, max: 1, value: 1,
    onInput: (number) => { set("distance", number); show(); },
  });
  const question = element("p", { class: "tl-question tl-mono" });
  const answers = element("div", { class: "tl-answers" });
  const words = statusLine();
  const right = chart({ title: "How often each is right", unit: "share of right answers, measured", log: false });
  const slope = !get("gradient").length ? null
    : chart({ title: "How much gradient arrives at the note", unit: "size, measured; each line is ten times the one below", log: true });
  root.append(element("div", { class: "tl-stack" },
    notes.root, element("div", { class: "tl-buttons" }, other), problem, distance.root, question, answers, words.root,
    element("div", { class: "tl-columns" }, right.root, slope?.root),
    element("p", { class: "tl-caption" }, models.map(({ name }, at) => `${MARKS[at]} ${name}`).join(", ").concat("; dashed: guessing. ",
      get("spread").length ? "Shaded: the 95 % confidence interval of the mean over trainings. " : "", "The upright line stands at your distance."))));

  function show() {
    const said = notes.value.trim().split(/\s+/).filter(Boolean);
    const wrong = complaint(said, idOf);
    problem.hidden = !wrong;
    problem.textContent = wrong ?? "";
    answers.hidden = question.hidden = Boolean(wrong);
    if (wrong) return words.say("");
    distance.input.max = said.length;
    const back = Math.min(get("distance"), said.length);
    distance.value = back;
    const asked = said[said.length - back];
    question.replaceChildren(...said.flatMap((note, at) => [
      element("span", { class: at === said.length - back ? "tl-asked" : "" }, note), " "]),
    element("strong", {}, `${asked[0]}?`));
    const ids = [...said, `${asked[0]}?`].map((token) => idOf.get(token));
    const target = values.indexOf(asked[1]);
    const given = models.map(({ name, answer }) => ({ name, shares: answer(ids) }));
    answers.replaceChildren(...given.map(({ name, shares }, at) => {
      const best = shares.indexOf(Math.max(...shares));
      return element("div", { class: "tl-answer" },
        element("div", { class: "tl-heading" }, `${MARKS[at]} ${name}: ${values[best]} ${best === target ? "✓" : "✗"}`),
        ...shares.map((share, value) => element("div", { class: "tl-bar" },
          element("span", { class: "tl-token" }, value === target ? `${values[value]} (right)` : values[value]),
          element("span", { class: "tl-bar-track" }, element("span", { class: "tl-bar-fill", style: `width: ${100 * share}%` })),
          element("span", { class: "tl-bar-share" }, formatPercent(share)))));
    }));
    const sayings = given.map(({ name, shares }) => `${name} gives the right answer ${formatPercent(shares[target])}`);
    words.say(`${asked[0]} was ${asked[1]}, ${back} ${back === 1 ? "note" : "notes"} back. ${sayings.join(", ")}.`, { delay: 120 });
    right.show(get("distances"), get("accuracy"), back, { chance: get("chance"), spread: get("spread") });
    slope?.show(get("distances"), get("gradient"), back);
  }

  const hear = () => { notes.value = get("notes"); show(); };
  onChange("notes distance", hear);
  show();
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
function complaint(said, idOf) {
  if (!said.length) return "There is no note yet: write some, such as f1 c3 a4.";
  const strange = said.find((note) => !idOf.has(note) || note.endsWith("?"));
  if (strange) return `“${strange}” is no note: a letter from a to x and a value from 1 to 4, such as c3.`;
  const twice = said.find((note, at) => said.findIndex((other) => other[0] === note[0]) !== at);
  return twice ? `“${twice[0]}” is noted twice; these models have learned that each letter comes once.` : null;
}

function drawNotes(vocabulary, values, seed) {
  let state = seed * 2654435761 + 12345;
  const draw = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor((state / 2 ** 32) * n); };
  const letters = [...new Set(vocabulary.map((token) => token[0]))];
  for (let i = letters.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [letters[i], letters[j]] = [letters[j], letters[i]];
  }
  return letters.slice(0, 16).map((letter) => letter + values[draw(values.length)]).join(" ");
}

// Curves over the distance, each with a sign of its own; an upright line at `back`.
function chart({ title, unit, log }) {
  const drawing = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "tl-log-chart", role: "img" });
  return {
    root: element("div", {}, element("div", { class: "tl-heading" }, `${title} `, element("span", { class: "tl-quiet" }, unit)), drawing),
    show(distances, curves, back, { chance = null, spread = [] } = {}) {
      const scaled = (value) => (log ? Math.log10(Math.max(value, 1e-12)) : value);
      const all = curves.flat().map(scaled);
      const low = log ? Math.floor(Math.min(...all)) : 0, high = log ? Math.ceil(Math.max(...all)) : 1;
      const last = distances.at(-1);
      const x = (d) => LEFT + ((WIDTH - LEFT - 12) * (d - 1)) / Math.max(1, last - 1);
      const y = (value) => 10 + ((HEIGHT - BOTTOM - 10) * (high - scaled(value))) / Math.max(1e-9, high - low);
      const levels = log ? Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n)) : [0, 0.25, 0.5, 0.75, 1];
      const name = (level) => (log ? (level === 1 ? "1" : `10${raised(Math.round(Math.log10(level)))}`) : `${100 * level}%`);
      const path = (values) => values.map((value, n) => `${n ? "L" : "M"}${x(distances[n]).toFixed(1)} ${y(value).toFixed(1)}`).join("");
      const band = (values, halves) => {
        const edge = (sign) => values.map((value, n) => `${x(distances[n]).toFixed(1)} ${y(Math.min(high, Math.max(low, value + sign * halves[n]))).toFixed(1)}`);
        return `M${[...edge(1), ...edge(-1).reverse()].join("L")}Z`;
      };
      const text = (at, down, label, anchor) => svgElement("text", { x: at, y: down, "text-anchor": anchor, class: "tl-axis" }, label);
      drawing.replaceChildren(
        ...levels.map((level) => svgElement("line", { x1: LEFT, x2: WIDTH, y1: y(level), y2: y(level), class: "tl-curve-grid" })),
        ...levels.map((level) => text(LEFT - 5, y(level) + 4, name(level), "end")),
        ...(chance === null ? [] : [svgElement("line", { x1: LEFT, x2: WIDTH, y1: y(chance), y2: y(chance), class: "tl-curve-floor" })]),
        svgElement("line", { x1: x(Math.min(back, last)), x2: x(Math.min(back, last)), y1: 6, y2: HEIGHT - BOTTOM, class: "tl-here" }),
        ...spread.map((halves, at) => svgElement("path", { d: band(curves[at], halves), class: `tl-model-band tl-model-${at}` })),
        ...curves.map((values, at) => svgElement("path", { d: path(values), class: `tl-model-line tl-model-${at}` })),
        ...curves.flatMap((values, at) => values.map((value, n) => svgElement("text", {
          x: x(distances[n]), y: y(value) + 4, "text-anchor": "middle", class: `tl-model-mark tl-model-${at}`,
        }, MARKS[at]))),
        text(LEFT, HEIGHT - BOTTOM + 16, "1", "middle"), text(WIDTH - 12, HEIGHT - BOTTOM + 16, String(last), "middle"),
        text((LEFT + WIDTH) / 2, HEIGHT - 4, "distance (notes back)", "middle"));
      drawing.setAttribute("aria-label", `${title}, for distances from 1 to ${last}`);
    },
  };
}

export default figure("DistanceExplorer", render, {
  anew: ["names", "model_files", "vocabulary", "distances", "accuracy", "spread", "gradient", "chance"],
  ranges: { distance: [1, Infinity], chance: [0, 1] },
});
