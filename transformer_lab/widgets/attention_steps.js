// AttentionSteps: one attention in eight steps, every number to be read and changed.
//
// A step shows the matrices it takes and the one it makes; pointing at a number of
// the result lights up the row and the column it comes from and writes the sum out.
// Below, at every step: the attention weights of one token, as they are and as they
// were at first. A reader who wants to predict first sees each result only on asking.
//
// State: the figure's traits and a `Session`. Computed: `attention`. Drawn: `stepRow`,
// `sheet`, `weightBars`. `render` wires them.

import { softmaxInPlace } from "./engine/tensor.js";
import { dot } from "./engine/vectors.js";
import { barList } from "./parts/bars.js";
import {
  arrowKeysMoveWithin, button, buttonRow, checkbox, select, slider, statusLine,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, setAttributes, stack, uniqueId } from "./parts/nodes.js";
import { weightColour } from "./parts/theme.js";
import { formatPercent, within } from "./parts/words.js";

const LARGEST = 99; // a number that still fits its cell
const INPUTS = ["x", "wq", "wk", "wv"];

// What each matrix is called, and whose names its rows and columns carry.
const SHEETS = {
  x: { name: "X", words: "tokens", rows: "tokens", columns: "features" },
  wq: { name: "W_Q", words: "learned", rows: "features", columns: "features" },
  wk: { name: "W_K", words: "learned", rows: "features", columns: "features" },
  wv: { name: "W_V", words: "learned", rows: "features", columns: "features" },
  q: { name: "Q", words: "queries", rows: "tokens", columns: "features" },
  k: { name: "K", words: "keys", rows: "tokens", columns: "features" },
  v: { name: "V", words: "values", rows: "tokens", columns: "features" },
  scores: { name: "Scores", words: "who fits whom", rows: "tokens", columns: "tokens" },
  scaled: { name: "Scaled scores", words: "", rows: "tokens", columns: "tokens" },
  weights: { name: "Weights", words: "rows add up to 1", rows: "tokens", columns: "tokens" },
  output: { name: "Output", words: "mixed values", rows: "tokens", columns: "features" },
};

// From which matrices each step makes its result, what it means, and what can be
// predicted about it (of the followed token).
const STEPS = [
  { title: "Vectors", takes: [], makes: "x",
    means: "Each token is a row of numbers. Here the columns have names, because we made them up." },
  { title: "Queries", takes: ["x", "wq"], makes: "q",
    means: "A query says what its token looks for. The same matrix makes it for every token.",
    asks: "which numbers of the query of {token} will not be 0?" },
  { title: "Keys", takes: ["x", "wk"], makes: "k",
    means: "A key says what its token can be found by. Another matrix, the same tokens.",
    asks: "by what can {token} be found? Which numbers of its key will not be 0?" },
  { title: "Values", takes: ["x", "wv"], makes: "v",
    means: "A value is what its token hands over to those who look at it.",
    asks: "what does {token} hand over?" },
  { title: "Scores", takes: ["q", "k"], makes: "scores",
    means: "Each query meets each key: a dot product, row by row. A high score is a good fit.",
    asks: "whose key will fit the query of {token} best?" },
  { title: "Scale", takes: ["scores"], makes: "scaled",
    means: "Every score is divided by the same number.",
    asks: "will another key fit {token} best now?" },
  { title: "Weights", takes: ["scaled"], makes: "weights",
    means: "Softmax, row by row: e to the power of each score, divided by the sum of the row.",
    asks: "at whom will {token} look most, and with how much weight?" },
  { title: "Output", takes: ["weights", "v"], makes: "output",
    means: "Each token's new vector: all values, each times its weight, added up.",
    asks: "of which features will {token} have gathered most?" },
];

// --- The arithmetic: everything that the figure shows, from its state ----------------

const column = (matrix, j) => matrix.map((row) => row[j]);
const product = (a, b) => a.map((row) => b[0].map((_, j) => dot(row, column(b, j))));

// What the scores are divided by.
const divisorOf = ({ scaled, temperature, size }) => (scaled ? Math.sqrt(size) : 1) * temperature;

function attention({ x, wq, wk, wv, scaled: isScaled, temperature }) {
  const divisor = divisorOf({ scaled: isScaled, temperature, size: wq.length });
  const [q, k, v] = [wq, wk, wv].map((matrix) => product(x, matrix));
  const scores = q.map((query) => k.map((key) => dot(query, key)));
  const scaled = scores.map((row) => row.map((score) => score / divisor));
  const weights = scaled.map((row) => softmaxInPlace([...row]));
  return { x, wq, wk, wv, q, k, v, scores, scaled, weights, output: product(weights, v) };
}

// 2 → "2", 0.4375 → "0.44", -1 → "−1".
function short(number) {
  const rounded = Number(number.toFixed(2)) + 0;
  return `${rounded < 0 ? "−" : ""}${Math.abs(rounded)}`;
}
const factor = (number) => (Number(number.toFixed(2)) < 0 ? `(${short(number)})` : short(number));

const LOOK = STEPS.findIndex(({ makes }) => makes === "weights"); // the step that makes the weights

// --- State ----------------------------------------------------------------------

class Session {
  constructor({ get }) {
    this.get = get;
    this.names = { tokens: get("tokens"), features: get("features") };
    this.first = this.numbers();
    this.start = attention(this.first);
    this.all = this.start;
    this.place = null; // the number of the result that is explained: [row, column]
    this.faulty = new Set(); // boxes that hold no number just now
    this.revealed = new Set(); // steps whose result was asked for
  }

  // All that can be changed.
  /** @returns {any} */
  numbers() {
    return Object.fromEntries([...INPUTS, "scaled", "temperature"].map((name) => [name, this.get(name)]));
  }

  get step() { return this.get("step"); }
  get followed() { return Math.min(this.names.tokens.length - 1, this.get("followed")); }

  // What a reader who predicts first has not asked for yet: a step's result, the weights.
  isHidden(step) {
    return this.get("guess") && STEPS[step].takes.length > 0 && !this.revealed.has(step);
  }
}

// --- In words -------------------------------------------------------------------

const named = ({ names }, index) => `“${names.tokens[index]}”`;

function divisorInWords({ get, names }) {
  const [scaled, temperature] = [get("scaled"), get("temperature")];
  const parts = [];
  if (scaled) parts.push(`√${names.features.length}`);
  if (temperature !== 1) parts.push(`temperature ${short(temperature)}`);
  const number = short(divisorOf({ scaled, temperature, size: names.features.length }));
  return parts.length ? `${number} (${parts.join(" × ")})` : "1 (no scale, temperature 1)";
}

function howItCame(session, { takes, makes }, [i, j]) {
  const { all } = session;
  const { name, columns: kind } = SHEETS[makes];
  const value = makes === "weights" ? all.weights[i][j].toFixed(2) : short(all[makes][i][j]);
  const whose = kind === "tokens" ? `for ${named(session, j)}` : session.names.features[j];
  const place = `${name} of ${named(session, i)}, ${whose}`;
  if (takes.length === 2) {
    const [left, right] = [all[takes[0]][i], makes === "scores" ? all.k[j] : column(all[takes[1]], j)];
    const products = left.map((number, n) => `${factor(number)}×${factor(right[n])}`);
    return `${place}: ${products.join(" + ")} = ${value}`;
  }
  if (makes === "scaled") {
    return `${place}: ${short(all.scores[i][j])} ÷ ${divisorInWords(session)} = ${value}`;
  }
  const powers = all.scaled[i].map((score) => `e^${factor(score)}`);
  return `${place}: ${powers[j]} ÷ (${powers.join(" + ")}) = ${value}`;
}

function lookInWords(session) {
  const { all, start, followed: at, names } = session;
  const [now, before] = [all.weights[at], start.weights[at]];
  const top = Math.max(...now);
  const best = now.map((_, index) => index).filter((index) => now[index] > top - 1e-9);
  const nameOf = (index) => (index === at ? "itself" : named(session, index));
  const entropy = -now.reduce((sum, weight) => sum + (weight > 0 ? weight * Math.log(weight) : 0), 0);
  const where = best.length === now.length ? "at all tokens alike"
    : `most at ${best.map(nameOf).join(" and ")} (${formatPercent(top)}${best.length > 1 ? " each" : ""})`;
  const was = best.length < now.length && formatPercent(before[best[0]]) !== formatPercent(top)
    ? `; at first that was ${formatPercent(before[best[0]])}` : "";
  const passed = all.output[at].map((number, j) => `${names.features[j]} ${short(number)}`);
  const spread = Math.exp(entropy).toFixed(1);
  return `${named(session, at)} looks ${where}${was}, as if at ${spread} tokens equally. `
    + `It takes home: ${passed.join(", ")}.`;
}

// --- Drawn ----------------------------------------------------------------------

function stepRow(onStep) {
  const buttons = STEPS.map(({ title }, index) => element("button", {
    type: "button", class: "tl-step", on: { click: () => onStep(index) },
  }, element("span", { class: "tl-step-number" }, String(index + 1)),
  element("span", { class: "tl-step-name" }, title)));
  const root = element("div", {
    class: "tl-steps", role: "group", "aria-label": "steps; arrow keys move, Enter chooses",
  }, ...buttons);
  const settleStops = arrowKeysMoveWithin(root, ".tl-step");
  return {
    root,
    show(step) {
      buttons.forEach((one, index) => {
        one.classList.toggle("tl-chosen", index === step);
        setAttributes(one, {
          "aria-current": index === step ? "step" : null, tabindex: index === step ? 0 : -1,
          "aria-label": `step ${index + 1}: ${STEPS[index].title}`,
        });
      });
      settleStops();
    },
  };
}

// One matrix as a table. `kind` is "input" (numbers to type), "result" (numbers to
// point at) or "given". `makeCell(row, column, label)` makes what stands in a cell.
function sheet(key, kind, names, makeCell) {
  const { name, words, rows, columns: columnKind } = SHEETS[key];
  const captionId = uniqueId("sheet");
  const cells = names[rows].map((row, i) => names[columnKind].map((text, j) =>
    makeCell(i, j, `${name}, ${row}, ${text}`)));
  const table = element("table", { class: `tl-sheet tl-${kind}`, "aria-labelledby": captionId },
    element("thead", {}, element("tr", {}, element("td", {}),
      ...names[columnKind].map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...cells.map((line, i) => element("tr", {},
      element("th", { scope: "row" }, names[rows][i]),
      ...line.map((cell) => element("td", {}, cell))))));
  const caption = element("div", { class: "tl-sheet-name", id: captionId },
    element("strong", {}, ...withIndex(name)), words ? ` ${words}` : "");
  return { key, kind, cells, root: element("div", { class: "tl-sheet-box" }, caption, table) };
}

// "W_Q" → W with a small, low Q.
function withIndex(name) {
  const [letter, index] = name.split("_");
  return index ? [letter, element("sub", {}, index)] : [letter];
}

// A number of the result, to point at; the arrow keys go to its neighbours.
function resultCell(i, j, label, { onPoint, cells }) {
  const onKey = (event) => {
    const there = {
      ArrowRight: [i, j + 1], ArrowLeft: [i, j - 1], ArrowDown: [i + 1, j], ArrowUp: [i - 1, j],
    }[event.key];
    if (!there || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    cells()[there[0]]?.[there[1]]?.focus();
  };
  const point = () => onPoint([i, j]);
  return element("button", {
    type: "button", class: "tl-cell tl-result", tabindex: -1, "data-name": label,
    on: { focus: point, pointerenter: point, click: point, keydown: onKey },
  });
}

// A number to type: `onNumber(number)`, or `onFault(input)` until it is one again;
// `onLeave(input)` when the reader goes on.
function numberCell(label, { onNumber, onFault, onLeave }) {
  const input = element("input", {
    type: "number", class: "tl-cell", step: "any", min: -LARGEST, max: LARGEST, "aria-label": label,
  });
  input.addEventListener("input", () => {
    const isGood = input.value !== "" && input.validity.valid;
    setAttributes(input, { "aria-invalid": isGood ? null : "true" });
    if (isGood) onNumber(input, Number(input.value));
    else onFault(input);
  });
  input.addEventListener("blur", () => onLeave(input));
  return input;
}

function fill({ key, kind, cells }, session) {
  const isSecret = kind === "result" && session.isHidden(session.step);
  session.all[key].forEach((row, i) => {
    cells[i][0].closest("tr").classList.toggle("tl-followed",
      SHEETS[key].rows === "tokens" && i === session.followed);
    row.forEach((number, j) => {
      const cell = cells[i][j];
      if (kind !== "input") showNumber(cell, { key, kind, number, isSecret });
      else if (cell !== document.activeElement && !session.faulty.has(cell)) cell.value = number;
    });
  });
}

function showNumber(cell, { key, kind, number, isSecret }) {
  const isWeight = key === "weights";
  cell.textContent = isSecret ? "?" : isWeight ? number.toFixed(2) : short(number);
  cell.style.backgroundColor = isWeight && !isSecret ? weightColour(number, 0.5) : "";
  if (kind === "result") setAttributes(cell, { "aria-label": `${cell.dataset.name}: ${cell.textContent}` });
}

// Lights up where the number in row i, column j of the result comes from.
function lightUp({ given, result }, { takes, makes }, [i, j]) {
  const light = ({ cells }, isLit) => cells.forEach((row, r) => row.forEach((cell, c) =>
    cell.classList.toggle("tl-lit", isLit(r, c))));
  for (const cell of result.cells.flat()) cell.tabIndex = -1;
  result.cells[i][j].tabIndex = 0;
  light(result, (r, c) => r === i && c === j);
  light(given[0], (r, c) => r === i && (takes.length === 2 || makes === "weights" || c === j));
  if (takes.length === 2) light(given[1], (r, c) => (makes === "scores" ? r === j : c === j));
}

// The weights of the followed token, as they are and as they were at first.
function weightBars(tokens) {
  const heading = element("div", { class: "tl-heading" });
  const words = statusLine();
  const bars = barList({
    label: "attention weights of the followed token", length: tokens.length, compared: true,
    look: "tl-bars tl-compared tl-look",
  });
  return {
    root: stack(heading, bars.root, words.root),
    show(session) {
      const { all, start, followed } = session;
      const isSecret = session.isHidden(LOOK);
      const note = isSecret ? "hidden until you have predicted it" : "outlined: at first";
      heading.replaceChildren(`Where ${named(session, followed)} looks `,
        element("span", { class: "tl-quiet" }, note));
      bars.show(tokens.map((name, index) => (isSecret ? { name, share: 0, words: "?" }
        : { name, share: all.weights[followed][index], before: start.weights[followed][index] })));
      if (!isSecret) return words.say(lookInWords(session), { delay: 120 });
      words.say(`With scores divided by ${divisorInWords(session)}, at whom will `
        + `${named(session, followed)} look most? Predict it, then show the numbers of step ${LOOK + 1}.`);
    },
  };
}

// The boxes of a matrix that can be changed, and what is wrong with what was typed there.
function inputCells(session, change) {
  const fault = statusLine();
  fault.root.classList.add("tl-fault");
  const forget = () => { session.faulty.clear(); fault.say(""); };
  const forgive = (input) => {
    session.faulty.delete(input);
    if (!session.faulty.size) fault.say("");
  };
  const replaced = (matrix, i, j, number) =>
    matrix.map((row, r) => row.map((old, c) => (r === i && c === j ? number : old)));
  return {
    root: fault.root, forget,
    make: (key) => (i, j, label) => numberCell(label, {
      onNumber(input, number) {
        forgive(input);
        change({ [key]: replaced(session.get(key), i, j, number) });
      },
      onFault(input) {
        session.faulty.add(input);
        const last = short(session.get(key)[i][j]);
        fault.say(`${label}: this needs a number from −${LARGEST} to ${LARGEST}. Until then ${last} stays.`);
      },
      onLeave(input) { // what was no number gives way to the last good one
        if (!session.faulty.has(input)) return;
        input.removeAttribute("aria-invalid");
        input.value = session.get(key)[i][j];
        forgive(input);
      },
    }),
  };
}

// The matrices of a step with the signs between them, and how a number came about.
function sheetsView(session, inputs) {
  const sum = statusLine();
  sum.root.classList.add("tl-sum");
  const terms = element("div", { class: "tl-terms" });
  let sheets = null;
  const point = (place) => {
    const step = STEPS[session.step];
    session.place = place;
    lightUp(sheets, step, place);
    if (!session.isHidden(session.step)) return sum.say(howItCame(session, step, place), { delay: 60 });
    sum.say(`Predict: ${step.asks.replaceAll("{token}", named(session, session.followed))}`);
  };
  const given = (key) => (INPUTS.includes(key) ? sheet(key, "input", session.names, inputs.make(key))
    : sheet(key, "given", session.names, () => element("span", { class: "tl-cell" })));
  const result = (key) => sheet(key, "result", session.names, (i, j, label) =>
    resultCell(i, j, label, { onPoint: point, cells: () => sheets.result.cells }));
  return {
    root: element("div", { class: "tl-sheets" }, terms, sum.root),
    lay() {
      const { takes, makes } = STEPS[session.step];
      sheets = { given: takes.map(given), result: takes.length ? result(makes) : given(makes) };
      inputs.forget();
      const signs = [["", "→"], ["", makes === "scores" ? "•" : "×", "="]][takes.length - 1] ?? [""];
      terms.replaceChildren(...[...sheets.given, sheets.result].map(({ root }, at) => element("div", {
        class: "tl-term",
      }, signs[at] ? element("span", { class: "tl-sign", "aria-hidden": "true" }, signs[at]) : null, root)));
      session.place = takes.length ? [session.followed, 0] : null;
    },
    show() {
      for (const each of [...sheets.given, sheets.result]) fill(each, session);
      if (session.place) point(session.place);
      else if (session.isHidden(LOOK)) sum.say("Go on, and predict each step before you see it.");
      else sum.say("Change a number: the bars below follow at once.");
    },
  };
}

// The way through the steps: `show()` tells the step, and hands the focus on from a
// button that is switched off.
function stepsView(session, { goTo, onReveal, guess }) {
  const row = stepRow(goTo);
  const back = button("Back", () => goTo(session.step - 1));
  const next = button("Next step", () => goTo(session.step + 1), { primary: true });
  const reveal = button("Show the numbers", () => {
    session.revealed.add(session.step);
    (session.step < STEPS.length - 1 ? next : back).focus(); // this button goes away
    onReveal();
  });
  const title = element("div", { class: "tl-heading" });
  const means = element("p", {});
  const handOn = (from, to) => {
    from.disabled = false;
    to.disabled = false;
    if (document.activeElement === from) to.focus();
    from.disabled = true;
  };
  return {
    parts: [row.root, buttonRow("go through the steps", back, next, reveal, guess.root),
      element("div", { class: "tl-step-text" }, title, means)],
    showReveal: () => { reveal.hidden = !session.isHidden(session.step); },
    show() {
      const { step } = session;
      title.textContent = `Step ${step + 1} of ${STEPS.length}: ${STEPS[step].title}`;
      means.textContent = STEPS[step].means;
      row.show(step);
      if (step === 0) handOn(back, next);
      else if (step === STEPS.length - 1) handOn(next, back);
      else back.disabled = next.disabled = false;
    },
  };
}

// --- Wired ----------------------------------------------------------------------

function render(figure) {
  const { root, set, onChange } = figure;
  const session = new Session(figure);
  const change = (numbers) => {
    for (const [name, value] of Object.entries(numbers)) set(name, value);
    compute();
  };
  const goTo = (step) => set("step", within(step, 0, STEPS.length - 1));
  const controls = controlsOf(figure, session, { change, restore: () => {
    inputs.forget();
    change(session.first);
  } });
  const inputs = inputCells(session, change);
  const sheets = sheetsView(session, inputs);
  const steps = stepsView(session, { goTo, guess: controls.guess, onReveal: () => compute() });
  const bars = weightBars(session.names.tokens);
  root.append(stack(...steps.parts, sheets.root, inputs.root,
    element("div", { class: "tl-columns tl-below" }, bars.root, controls.root)));

  const lay = () => {
    steps.show();
    sheets.lay();
    compute();
  };
  const compute = () => {
    session.all = attention(session.numbers());
    controls.show();
    steps.showReveal();
    sheets.show();
    bars.show(session);
  };
  onChange("step", lay);
  onChange("guess", compute);
  onChange("followed", () => {
    if (session.place) session.place = [session.followed, session.place[1]];
    compute();
  });
  lay();
}

// What the reader can change at every step.
function controlsOf({ get, bind }, session, { change, restore }) {
  const { tokens, features } = session.names;
  const size = features.length;
  const guess = bind("guess", checkbox, {
    label: "Let me predict first", onInput: () => session.revealed.clear(),
  });
  const follow = bind("followed", select, {
    label: "Follow the token", options: tokens.map((token, index) => [String(index), token]),
    shown: () => String(session.followed), kept: Number,
  });
  const scale = checkbox({
    label: `Divide scores by √${size} = ${short(Math.sqrt(size))}`, value: get("scaled"),
    onInput: (scaled) => change({ scaled }),
  });
  const temperature = slider({
    label: "Temperature", min: 0.1, max: 4, step: 0.1, value: get("temperature"),
    format: (number) => number.toFixed(1),
    hint: "the scores are divided by it before the softmax",
    onInput: (number) => change({ temperature: number }),
  });
  const doubled = () => get("x").map((row) => row.map((number) => within(2 * number, -LARGEST, LARGEST)));
  const tries = buttonRow("things to try",
    button("As at first", restore),
    button("Double every number of X", () => change({ x: doubled() })),
    button("All tokens alike", () => change({ x: tokens.map(() => [...get("x")[session.followed]]) })));
  return {
    guess,
    root: stack(follow.root, scale.root, temperature.root, tries),
    show() {
      scale.value = get("scaled");
      if (temperature.value !== get("temperature")) temperature.value = get("temperature");
    },
  };
}

export default figure("AttentionSteps", render, {
  anew: ["tokens", "features", "x", "wq", "wk", "wv", "scaled", "temperature"],
  ranges: { step: [0, 7], followed: [0, 5], temperature: [0.1, 4] },
});
