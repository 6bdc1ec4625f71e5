// AttentionSteps: one attention in eight steps, every number to be read and changed.
//
// A step shows the matrices it takes and the one it makes; pointing at a number of
// the result lights up the row and the column it comes from and writes the sum out.
// Below, at every step: the attention weights of one token, as they are and as they
// were at first. A reader who wants to predict first sees each result only on asking.

import {
  arrowKeysMoveWithin, button, buttonRow, checkbox, element, figure, formatPercent, select,
  setAttribute, slider, statusLine, uniqueId, weightColour,
} from "./parts/ui.js";

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
const dot = (a, b) => a.reduce((sum, number, i) => sum + number * b[i], 0);
const product = (a, b) => a.map((row) => b[0].map((_, j) => dot(row, column(b, j))));

function softmax(row) {
  const top = Math.max(...row); // so that no power overflows; it cancels out
  const powers = row.map((score) => Math.exp(score - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

function attention({ x, wq, wk, wv, divisor }) {
  const [q, k, v] = [wq, wk, wv].map((matrix) => product(x, matrix));
  const scores = q.map((query) => k.map((key) => dot(query, key)));
  const scaled = scores.map((row) => row.map((score) => score / divisor));
  const weights = scaled.map(softmax);
  return { x, wq, wk, wv, q, k, v, scores, scaled, weights, output: product(weights, v) };
}

// 2 → "2", 0.4375 → "0.44", -1 → "−1".
function short(number) {
  const rounded = Number(number.toFixed(2)) + 0;
  const text = rounded === 0 ? "0" : Math.abs(rounded).toLocaleString("en-GB", { maximumFractionDigits: 2, useGrouping: false });
  return rounded < 0 ? `−${text}` : text;
}
const factor = (number) => (Number(number.toFixed(2)) < 0 ? `(${short(number)})` : short(number));

const LOOK = STEPS.findIndex(({ makes }) => makes === "weights"); // the step that makes the weights

function render({ model, root, remember }) {
  const tokens = model.get("tokens");
  const features = model.get("features");
  const size = features.length;
  const first = Object.fromEntries([...INPUTS, "scaled", "temperature"].map((name) => [name, model.get(name)]));
  const view = { all: null, start: null, place: null, sheets: {}, faulty: new Set(), revealed: new Set() };

  const step = () => model.get("step");
  const followed = () => Math.min(tokens.length - 1, model.get("followed"));
  const divisorOf = ({ scaled, temperature }) => (scaled ? Math.sqrt(size) : 1) * temperature;
  const named = (index) => `“${tokens[index]}”`;
  // What a reader who predicts first has not asked for yet: a step's result, the weights.
  const hidden = (at) => model.get("guess") && STEPS[at].takes.length > 0 && !view.revealed.has(at);
  const namesOf = (kind) => (kind === "tokens" ? tokens : features);

  // --- The steps
  const stepRow = element("div", { class: "tl-steps", role: "group", "aria-label": "steps; arrow keys move, Enter chooses" });
  const stepButtons = STEPS.map(({ title }, index) => element("button", {
    type: "button", class: "tl-step", on: { click: () => goTo(index) },
  }, element("span", { class: "tl-step-number" }, String(index + 1)), element("span", { class: "tl-step-name" }, title)));
  stepRow.append(...stepButtons);
  const settleStops = arrowKeysMoveWithin(stepRow, ".tl-step");
  const back = button("Back", () => goTo(step() - 1));
  const next = button("Next step", () => goTo(step() + 1), { primary: true });
  const reveal = button("Show the numbers", () => {
    view.revealed.add(step());
    (step() < STEPS.length - 1 ? next : back).focus(); // this button goes away
    compute();
  });
  const guess = checkbox({
    label: "Let me predict first", value: model.get("guess"),
    onInput: (ticked) => { view.revealed.clear(); remember("guess", ticked); },
  });
  const title = element("div", { class: "tl-heading" });
  const means = element("p", {});
  const terms = element("div", { class: "tl-terms" });
  const fault = statusLine();
  const sum = statusLine();
  sum.root.classList.add("tl-sum");
  fault.root.classList.add("tl-fault");

  // --- What the reader can change at every step
  const follow = select({
    label: "Follow the token", value: String(followed()),
    options: tokens.map((token, index) => [String(index), token]),
    onInput: (index) => remember("followed", Number(index)),
  });
  const scale = checkbox({
    label: `Divide scores by √${size} = ${short(Math.sqrt(size))}`, value: model.get("scaled"),
    onInput: (ticked) => change({ scaled: ticked }),
  });
  const temperature = slider({
    label: "Temperature", min: 0.1, max: 4, step: 0.1, value: model.get("temperature"),
    format: (number) => number.toFixed(1),
    hint: "the scores are divided by it before the softmax",
    onInput: (number) => change({ temperature: number }),
  });
  const tries = buttonRow("things to try",
    button("As at first", () => restore()),
    button("Double every number of X", () => change({ x: scaledBy(model.get("x"), 2) })),
    button("All tokens alike", () => change({ x: tokens.map(() => [...model.get("x")[followed()]]) })));
  const bars = element("ol", { class: "tl-bars tl-compared tl-look", "aria-label": "attention weights of the followed token" });
  const rows = tokens.map((token) => {
    const [name, own, fill, share] = ["tl-token", "tl-bar-own", "tl-bar-fill", "tl-bar-share"]
      .map((kind) => element("span", { class: kind }));
    name.textContent = token;
    bars.append(element("li", { class: "tl-bar" }, name, element("span", { class: "tl-bar-track" }, own, fill), share));
    return { own, fill, share };
  });
  const heading = element("div", { class: "tl-heading" });
  const words = statusLine();

  root.append(element("div", { class: "tl-stack" },
    stepRow, buttonRow("go through the steps", back, next, reveal, guess.root),
    element("div", { class: "tl-step-text" }, title, means),
    element("div", { class: "tl-sheets" }, terms, sum.root), fault.root,
    element("div", { class: "tl-columns tl-below" },
      element("div", { class: "tl-stack" }, heading, bars, words.root),
      element("div", { class: "tl-stack" }, follow.root, scale.root, temperature.root, tries))));

  // --- Matrices
  // One matrix as a table. `kind` is "input" (numbers to type), "result" (numbers to
  // point at) or "given".
  function sheet(key, kind) {
    const { name, words: note, rows: rowKind, columns: columnKind } = SHEETS[key];
    const captionId = uniqueId("sheet");
    const cells = namesOf(rowKind).map((rowName, i) => namesOf(columnKind).map((columnName, j) => {
      const label = `${name}, ${rowName}, ${columnName}`;
      if (kind === "input") return numberCell(key, i, j, label);
      if (kind === "given") return element("span", { class: "tl-cell" });
      return element("button", {
        type: "button", class: "tl-cell tl-result", tabindex: -1, "data-name": label,
        on: {
          focus: () => point(i, j), pointerenter: () => point(i, j), click: () => point(i, j),
          keydown: (event) => moveInResult(event, i, j),
        },
      });
    }));
    const table = element("table", { class: `tl-sheet tl-${kind}`, "aria-labelledby": captionId },
      element("thead", {}, element("tr", {}, element("td", {}),
        ...namesOf(columnKind).map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...cells.map((line, i) => element("tr", {},
        element("th", { scope: "row" }, namesOf(rowKind)[i]),
        ...line.map((cell) => element("td", {}, cell))))));
    const caption = element("div", { class: "tl-sheet-name", id: captionId }, element("strong", {}, ...withIndex(name)),
      note ? ` ${note}` : "");
    return { key, kind, cells, root: element("div", { class: "tl-sheet-box" }, caption, table) };
  }

  function numberCell(key, i, j, label) {
    const input = element("input", {
      type: "number", class: "tl-cell", step: "any", min: -LARGEST, max: LARGEST, "aria-label": label,
    });
    input.addEventListener("input", () => {
      const good = input.value !== "" && input.validity.valid;
      setAttribute(input, "aria-invalid", good ? null : "true");
      if (!good) {
        view.faulty.add(input);
        fault.say(`${label}: this needs a number from −${LARGEST} to ${LARGEST}. Until then ${short(model.get(key)[i][j])} stays.`);
        return;
      }
      view.faulty.delete(input);
      if (!view.faulty.size) fault.say("");
      const matrix = model.get(key).map((row) => [...row]);
      matrix[i][j] = Number(input.value);
      change({ [key]: matrix });
    });
    input.addEventListener("blur", () => { // what was no number gives way to the last good one
      if (!view.faulty.delete(input)) return;
      input.removeAttribute("aria-invalid");
      input.value = model.get(key)[i][j];
      if (!view.faulty.size) fault.say("");
    });
    return input;
  }

  function moveInResult(event, i, j) {
    const there = {
      ArrowRight: [i, j + 1], ArrowLeft: [i, j - 1], ArrowDown: [i + 1, j], ArrowUp: [i - 1, j],
    }[event.key];
    if (!there || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    view.sheets.result.cells[there[0]]?.[there[1]]?.focus();
  }

  // --- What happens
  function goTo(index) {
    const wanted = Math.max(0, Math.min(STEPS.length - 1, index));
    if (wanted !== model.get("step")) remember("step", wanted);
  }
  function change(numbers) {
    for (const [name, value] of Object.entries(numbers)) remember(name, value);
    compute();
  }
  function restore() {
    view.faulty.clear();
    fault.say("");
    change(first);
  }
  const scaledBy = (matrix, times) => matrix.map((row) => row.map((number) =>
    Math.max(-LARGEST, Math.min(LARGEST, number * times))));

  function lay() { // the matrices of this step
    const { title: name, takes, makes, means: text } = STEPS[step()];
    title.textContent = `Step ${step() + 1} of ${STEPS.length}: ${name}`;
    means.textContent = text;
    stepButtons.forEach((tab, index) => {
      tab.classList.toggle("tl-chosen", index === step());
      setAttribute(tab, "aria-current", index === step() ? "step" : null);
      tab.tabIndex = index === step() ? 0 : -1;
      tab.setAttribute("aria-label", `step ${index + 1}: ${STEPS[index].title}`);
    });
    settleStops();
    // A button that is switched off would drop the focus: hand it to the other one.
    if (step() === 0 && document.activeElement === back) { next.disabled = false; next.focus(); }
    if (step() === STEPS.length - 1 && document.activeElement === next) { back.disabled = false; back.focus(); }
    back.disabled = step() === 0;
    next.disabled = step() === STEPS.length - 1;
    const given = takes.map((key) => sheet(key, INPUTS.includes(key) ? "input" : "given"));
    const result = sheet(makes, takes.length ? "result" : "input");
    view.sheets = { given, result };
    view.faulty.clear();
    fault.say("");
    const signs = [["", "→"], ["", makes === "scores" ? "•" : "×", "="]][takes.length - 1] ?? [""];
    terms.replaceChildren(...[...given, result].map((each, index) => element("div", { class: "tl-term" },
      signs[index] ? element("span", { class: "tl-sign", "aria-hidden": "true" }, signs[index]) : null, each.root)));
    view.place = takes.length ? [followed(), 0] : null;
    compute();
  }

  function compute() {
    const state = Object.fromEntries(INPUTS.map((name) => [name, model.get(name)]));
    view.all = attention({ ...state, divisor: divisorOf({ scaled: model.get("scaled"), temperature: model.get("temperature") }) });
    view.start ??= attention({ ...first, divisor: divisorOf(first) });
    for (const each of [...view.sheets.given, view.sheets.result]) fill(each);
    follow.value = String(followed());
    scale.value = model.get("scaled");
    if (temperature.value !== model.get("temperature")) temperature.value = model.get("temperature");
    guess.value = model.get("guess");
    reveal.hidden = !hidden(step());
    if (view.place) point(...view.place);
    else if (hidden(LOOK)) sum.say("Go on, and predict each step before you see it.");
    else sum.say("Change a number: the bars below follow at once.");
    showLook();
  }

  function fill({ key, kind, cells }) {
    view.all[key].forEach((row, i) => row.forEach((number, j) => {
      const cell = cells[i][j];
      const text = short(number);
      if (kind === "input") {
        if (cell !== document.activeElement && !view.faulty.has(cell)) cell.value = number;
      } else {
        const secret = kind === "result" && hidden(step());
        cell.textContent = secret ? "?" : key === "weights" ? number.toFixed(2) : text;
        cell.style.backgroundColor = key === "weights" && !secret ? weightColour(number, 0.5) : "";
        if (kind === "result") cell.setAttribute("aria-label", `${cell.dataset.name}: ${cell.textContent}`);
      }
      cell.closest("tr").classList.toggle("tl-followed",
        SHEETS[key].rows === "tokens" && i === followed());
    }));
  }

  // Lights up where the number in row i, column j of the result comes from, and says how.
  function point(i, j) {
    view.place = [i, j];
    const { takes, makes } = STEPS[step()];
    const { given, result } = view.sheets;
    const light = (each, isLit) => each.cells.forEach((row, r) => row.forEach((cell, c) =>
      cell.classList.toggle("tl-lit", isLit(r, c))));
    result.cells.flat().forEach((cell) => { cell.tabIndex = -1; });
    result.cells[i][j].tabIndex = 0;
    light(result, (r, c) => r === i && c === j);
    if (takes.length === 2) {
      light(given[0], (r) => r === i);
      light(given[1], (r, c) => (makes === "scores" ? r === j : c === j));
    } else light(given[0], (r, c) => r === i && (makes === "weights" || c === j));
    if (hidden(step())) return sum.say(`Predict: ${STEPS[step()].asks.replaceAll("{token}", named(followed()))}`);
    sum.say(howItCame(takes, makes, i, j), { delay: 60 });
  }

  function howItCame(takes, makes, i, j) {
    const { all } = view;
    const value = makes === "weights" ? all.weights[i][j].toFixed(2) : short(all[makes][i][j]);
    const place = `${SHEETS[makes].name} of ${named(i)}, ${SHEETS[makes].columns === "tokens" ? `for ${named(j)}` : features[j]}`;
    if (takes.length === 2) {
      const [left, right] = [all[takes[0]][i], makes === "scores" ? all.k[j] : column(all[takes[1]], j)];
      return `${place}: ${left.map((number, n) => `${factor(number)}×${factor(right[n])}`).join(" + ")} = ${value}`;
    }
    if (makes === "scaled") return `${place}: ${short(all.scores[i][j])} ÷ ${divisorInWords()} = ${value}`;
    const powers = all.scaled[i].map((score) => `e^${factor(score)}`);
    return `${place}: ${powers[j]} ÷ (${powers.join(" + ")}) = ${value}`;
  }

  function divisorInWords() {
    const parts = [];
    if (model.get("scaled")) parts.push(`√${size}`);
    if (model.get("temperature") !== 1) parts.push(`temperature ${short(model.get("temperature"))}`);
    const number = short(divisorOf({ scaled: model.get("scaled"), temperature: model.get("temperature") }));
    return parts.length ? `${number} (${parts.join(" × ")})` : "1 (no scale, temperature 1)";
  }

  function showLook() {
    const at = followed();
    const [now, before] = [view.all.weights[at], view.start.weights[at]];
    const secret = hidden(LOOK);
    heading.replaceChildren(`Where ${named(at)} looks `, element("span", { class: "tl-quiet" }, secret ? "hidden until you have predicted it" : "outlined: at first"));
    rows.forEach(({ own, fill: bar, share }, index) => {
      own.hidden = secret;
      own.style.width = `${100 * before[index]}%`;
      bar.style.width = `${secret ? 0 : 100 * now[index]}%`;
      share.textContent = secret ? "?" : formatPercent(now[index]);
    });
    if (secret) return words.say(`With scores divided by ${divisorInWords()}, at whom will ${named(at)} look most? Predict it, then show the numbers of step ${LOOK + 1}.`);
    words.say(lookInWords(at, now, before), { delay: 120 });
  }

  function lookInWords(at, now, before) {
    const top = Math.max(...now);
    const best = now.map((_, index) => index).filter((index) => now[index] > top - 1e-9);
    const nameOf = (index) => (index === at ? "itself" : named(index));
    const spread = Math.exp(-now.reduce((sum_, w) => sum_ + (w > 0 ? w * Math.log(w) : 0), 0));
    const where = best.length === now.length ? "at all tokens alike"
      : `most at ${best.map(nameOf).join(" and ")} (${formatPercent(top)}${best.length > 1 ? " each" : ""})`;
    const was = best.length < now.length && formatPercent(before[best[0]]) !== formatPercent(top)
      ? `; at first that was ${formatPercent(before[best[0]])}` : "";
    const passed = view.all.output[at].map((number, j) => `${features[j]} ${short(number)}`).join(", ");
    return `${named(at)} looks ${where}${was}, as if at ${spread.toFixed(1)} tokens equally. It takes home: ${passed}.`;
  }

  const hearStep = () => lay();
  const hearFollowed = () => { if (view.place) view.place = [followed(), view.place[1]]; compute(); };
  model.on("change:step", hearStep);
  model.on("change:followed", hearFollowed);
  model.on("change:guess", compute);

  lay();
  return () => {
    model.off("change:step", hearStep);
    model.off("change:followed", hearFollowed);
    model.off("change:guess", compute);
  };
}

// "W_Q" → W with a small, low Q.
function withIndex(name) {
  const [letter, index] = name.split("_");
  return index ? [letter, element("sub", {}, index)] : [letter];
}

export default figure("AttentionSteps", render, {
  anew: ["tokens", "features", "x", "wq", "wk", "wv", "scaled", "temperature"],
  ranges: { step: [0, 7], followed: [0, 5], temperature: [0.1, 4] },
});
