// NumberExplorer: any number of a model as the sum that it is, from the probability of a next
// token down to learned numbers.
//
// On top the way that was taken, each step a button; below, the number, and the sum: what can
// be opened is a button. The numbers and their words come from `engine/explain.js`.

import { explainer } from "./engine/explain.js";
import { loadModel } from "./engine/model_file.js";
import { arrowKeysMoveWithin, button, buttonRow, scroller, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, stack, write, written } from "./parts/nodes.js";
import { tokenName, tokensOf } from "./parts/reader_text.js";
import { realModel } from "./parts/real_model.js";
import { realTeller, tinyTeller } from "./parts/storytellers.js";
import { tokenChips } from "./parts/tokens.js";
import { counted, formatPercent, raised, spoken, within } from "./parts/words.js";

const START = "next";
const MOST_OF_REAL = 64; // tokens; the worker keeps numbers of no more (hosted_model.js)
const MOST_STEPS = 999; // more than there are in SmolLM2
const IS_SHARE = /^(probability|weight)\//;

// --- In words -------------------------------------------------------------------

// So many decimals that the largest of some numbers has three digits or more.
function decimalsFor(values) {
  const largest = Math.max(...values.map(Math.abs));
  return within(2 - Math.floor(Math.log10(largest || 1)), 2, 6);
}

// In a column one more, where there is room.
const decimalsOfSum = (values) =>
  Math.max(decimalsFor(values), values.every((value) => Math.abs(value) < 10) ? 3 : 2);

// 1.5 → "1.50", -0.25 → "−0.25"; what would round to nothing has two digits, or powers of ten.
function inDigits(value, decimals) {
  const [size, sign] = [Math.abs(value), value < 0 ? "−" : ""];
  const fixed = size.toFixed(decimals);
  if (size === 0 || Number(fixed) !== 0) return sign + fixed;
  if (size >= 1e-4) return sign + size.toPrecision(2);
  const [digits, power] = size.toExponential(1).split("e");
  return `${sign}${digits}·10${raised(Number(power))}`;
}

// "− 2.00", and "+ 2.00" for what is below zero.
const less = (value) => (value < 0 ? `+ ${alone(-value)}` : `− ${alone(value)}`);

const alone = (value) => inDigits(value, decimalsFor([value]));

function valueInWords({ path, value }) {
  return alone(value) + (IS_SHARE.test(path) ? ` (${formatPercent(value)})` : "");
}

// A number (`ExplainedNumber` of explain.js) for the ear.
function describe(number) {
  const { name, how, terms, rest } = number;
  const value = `${name}: ${valueInWords(number)}.`;
  if (!terms.length) return `${value} ${how}`;
  const nTerms = terms.length + (rest?.count ?? 0);
  const [largest] = terms;
  return `${value} It comes from ${counted(nTerms, "term")}; the largest: ${largest.label}, `
    + `${alone(largest.value)}.`;
}

// --- Drawn ----------------------------------------------------------------------

// The way down, each number a button. `show(numbers)`.
function crumbs(onStep) {
  const list = element("ol", { class: "tl-nx-crumbs" });
  const root = scroller(element("nav", { class: "tl-nx-way", "aria-label": "the way to this number" }, list));
  return {
    root,
    show(numbers) {
      list.replaceChildren(...numbers.map((number, depth) => {
        const isLast = depth === numbers.length - 1;
        return element("li", {}, element("button", {
          type: "button", class: "tl-nx-crumb", "aria-current": isLast ? "true" : null,
          on: { click: () => onStep(depth) },
        }, written("span", {}, number.short),
        depth ? element("span", { class: "tl-quiet" }, ` ${alone(number.value)}`) : null));
      }));
      root.scrollTop = root.scrollHeight;
    },
  };
}

// A factor: a button where it can be opened.
function factorNode({ value, opens }, words, label, onOpen) {
  if (!opens) return element("span", { class: "tl-nx-factor" }, words);
  return element("button", {
    type: "button", class: "tl-nx-factor tl-nx-open", tabindex: -1, "data-path": opens,
    "aria-label": `${spoken(label)}: ${words}`, title: `open ${alone(value)}`,
    on: { click: (event) => { event.stopPropagation(); onOpen(opens); } },
  }, words);
}

// A bar to the right of its zero, or to the left for what is below it.
function signedBar(value, largest) {
  const share = Math.abs(value) / (largest || 1);
  return element("span", {
    class: value < 0 ? "tl-nx-signed tl-nx-below" : "tl-nx-signed", style: `--share: ${share}`,
    "aria-hidden": "true",
  }, element("span"));
}

// One term as a row; where it has but one factor, that is its value.
function termRow(term, { decimals, bar, number, onOpen }) {
  const { label, value, factors, isPower } = term;
  const result = inDigits(value, decimals);
  const isSingle = factors.length === 1 && !isPower;
  const made = isSingle ? [] : factors.flatMap((each, i) => [
    i ? "×" : null,
    factorNode(each, alone(each.value), `${label}, ${number.of?.[i] ?? "factor"}`, onOpen)]);
  const opens = factors.find((each) => each.opens)?.opens;
  return element("li", {
    class: opens ? "tl-nx-row tl-nx-opens" : "tl-nx-row", on: { click: () => { if (opens) onOpen(opens); } },
  }, written("span", { class: "tl-nx-label" }, label), bar,
  element("span", { class: "tl-nx-factors" }, isPower ? "e^(" : null, ...made,
    isPower ? ` ${less(number.largest)})` : null),
  element("span", { class: "tl-nx-value" },
    isSingle ? factorNode(factors[0], result, label, onOpen) : result));
}

// What stands under the terms: the rest, the sum, and the steps from there to the number.
function lastRows(number, decimals, barOf) {
  const row = (kind, label, value, bar = null) => element("li", { class: `tl-nx-row ${kind}` },
    written("span", { class: "tl-nx-label" }, label), bar, element("span", { class: "tl-nx-factors" }),
    element("span", { class: "tl-nx-value" }, inDigits(value, decimals)));
  const { rest, total, steps = [] } = number;
  return [
    rest && row("tl-nx-rest", `and ${counted(rest.count, "other")}, together`, rest.value, barOf(rest.value)),
    row("tl-nx-total", "sum", total),
    ...steps.map(({ words, value }) => row("tl-nx-total", words, value)),
  ];
}

function sumView(onOpen) {
  const head = element("p", { class: "tl-quiet" });
  const list = element("ol", { class: "tl-nx-rows", "aria-label": "the sum; arrow keys move, Enter opens" });
  const settleStops = arrowKeysMoveWithin(list, ".tl-nx-open");
  return {
    root: stack(head, list), list,
    show(number) {
      const { terms, rest, steps = [], total, of, fixed = [] } = number;
      const values = [...terms.map(({ value }) => value), rest?.value ?? 0];
      const decimals = decimalsOfSum([...values, total, ...steps.map(({ value }) => value)]);
      const largest = Math.max(...values.map(Math.abs));
      list.classList.toggle("tl-nx-has-negative", values.some((value) => value < 0));
      list.hidden = !terms.length;
      list.replaceChildren(...terms.map((term) =>
        termRow(term, { decimals, bar: signedBar(term.value, largest), number, onOpen })),
      ...lastRows(number, decimals, (value) => signedBar(value, largest)).filter(Boolean));
      const columns = of && `Each row: ${of.length > 1 ? of.join(" × ") : `e^(${of[0]} − the largest)`}.`;
      const kept = fixed.map(({ name, value }) => `${name} ${alone(value)}`).join(", ");
      write(head, [columns, kept && `With ${kept}.`].filter(Boolean).join(" "));
      head.hidden = !head.textContent;
      settleStops();
    },
  };
}

// The number that is open: its name, its value, its sum, and the ways from it.
function numberCard({ onOpen, onOther, onUp }) {
  const [name, value] = ["tl-heading", "tl-nx-number"].map((kind) => element("div", { class: kind }));
  const how = element("p");
  const sum = sumView(onOpen);
  const up = button("← Back up", onUp, { title: "or the Backspace key" });
  const other = button("", onOther);
  const root = stack(buttonRow("go on", up, other), element("div", { class: "tl-nx-card" },
    element("div", { class: "tl-nx-head" }, name, value), how, sum.root));
  return {
    root,
    // from: the path that was open before. The focus stays within.
    show(number, isStart, from) {
      const hadFocus = root.contains(document.activeElement);
      write(name, number.name);
      write(value, valueInWords(number));
      write(how, number.how);
      sum.show(number);
      up.disabled = isStart;
      other.hidden = !number.other;
      write(other, number.other ? `${number.other.words} →` : "");
      const focused = document.activeElement;
      if (!hadFocus || (root.contains(focused) && !focused.matches(":disabled"))) return;
      const buttons = [...sum.list.querySelectorAll(".tl-nx-open")];
      (buttons.find(({ dataset }) => dataset.path === from) ?? buttons[0] ?? up).focus();
    },
  };
}

// --- Wired ----------------------------------------------------------------------

// Whose numbers they are: of the tiny model in the page, or of a real one in its worker.
// `open(ids)` gives a function from a path to a number, or to a promise of one.
function tinyNumbers(lm) {
  return {
    ...tinyTeller(lm), most: lm.config.max_len,
    open: (ids) => explainer(lm, ids, (id, index) => tokenName(lm, id, index)),
  };
}

function realNumbers(model) {
  return { ...realTeller(model), most: MOST_OF_REAL, open: (ids) => (path) => model.explain(ids, path) };
}

// What is open, and the way to it.
class Session {
  constructor(figure) {
    this.figure = figure;
    this.source = tinyNumbers(loadModel(figure.get("model_file")));
    this.explain = null; // of the present text, each path once
    this.ids = [];
    this.way = []; // the numbers from the start to the one that is open
    this.asked = null; // stands for what was asked last
    this.text = figure.bind("text", textBox, { label: "Text for the model to read", delay: 120 });
    this.note = element("p", { class: "tl-quiet" });
    this.chips = tokenChips({
      label: "tokens; choose the one after which something comes next",
      onPick: (index) => figure.set("token", index === this.ids.length - 1 ? -1 : index),
    });
    this.trail = crumbs((depth) => this.goTo(this.way.slice(0, depth + 1)));
    this.card = numberCard({
      onOpen: (path) => this.goTo(this.way, path),
      onOther: () => {
        const { other } = this.way.at(-1);
        if (other) this.goTo(this.way.slice(0, -1), other.path); // it may be gone by now
      },
      onUp: () => this.goUp(),
    });
    this.words = statusLine();
    this.words.root.classList.add("tl-spoken");
  }

  goTo(numbers, ...further) {
    this.figure.set("path", [...numbers.slice(1).map(({ path }) => path), ...further]);
  }

  goUp() {
    if (this.way.length > 1) this.goTo(this.way.slice(0, -1));
  }

  // Another model: its tokens have other numbers, so the way begins anew.
  async change(source) {
    this.source = source;
    this.figure.set("path", []);
    await this.read();
  }

  // Takes the text in, and shows what is open; what was asked of an older one is given up.
  async read() {
    const { source, figure } = this;
    const asked = this.asked = {};
    this.explain = null;
    this.card.root.setAttribute("aria-busy", "true");
    const all = await source.encode(figure.get("text"));
    if (asked !== this.asked) return;
    this.ids = all.slice(0, source.most);
    const nLeftOut = all.length - this.ids.length;
    this.note.hidden = nLeftOut === 0;
    this.note.textContent = `Numbers are shown of ${source.most} tokens; `
      + `the last ${counted(nLeftOut, "token")} of your text are left out.`;
    const token = figure.get("token");
    const last = within(token < 0 ? Infinity : token, 0, this.ids.length - 1);
    this.chips.show(tokensOf(source, this.ids).map((each, index) => ({ ...each, outside: index > last })));
    this.explain = once(source.open(this.ids.slice(0, last + 1)));
    await this.show();
  }

  async show() {
    if (!this.explain) return; // there is a newer text
    const asked = this.asked = {};
    this.card.root.setAttribute("aria-busy", "true");
    const paths = [START, ...this.figure.get("path")].slice(0, MOST_STEPS);
    const found = await Promise.all(paths.map(this.explain));
    if (asked !== this.asked || !found[0]) return;
    const from = this.way.at(-1)?.path;
    const end = found.indexOf(null);
    this.way = end < 0 ? found : found.slice(0, end);
    const number = this.way.at(-1);
    this.card.root.removeAttribute("aria-busy");
    this.trail.show(this.way);
    this.card.show(number, this.way.length === 1, from);
    this.chips.shade(number.weights, number.at);
    this.words.say(describe(number), { delay: 120 });
  }
}

// The same function, which does the same work but once.
function once(make) {
  const made = new Map();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key);
  };
}

function render(figure) {
  const { root, onChange, waitFor } = figure;
  const session = new Session(figure);
  const tiny = session.source;
  const trouble = statusLine();
  const report = (work) => work.catch((error) =>
    trouble.say(`The numbers cannot be shown because of this: ${error.message}.`));
  const real = realModel(figure, {
    onReady: (model) => report(session.change(realNumbers(model))),
    onGone: () => report(session.change(tiny)),
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Backspace" || event.target.matches("textarea")) return;
    event.preventDefault();
    session.goUp();
  });
  root.append(stack(session.text.root, session.note, session.chips.root, session.trail.root,
    session.card.root, session.words.root, trouble.root, real.root));
  onChange("text token", () => report(session.read()));
  onChange("path", () => report(session.show()));
  waitFor(report(session.read()));
}

export default figure("NumberExplorer", render, {
  anew: ["model_file", "real_model"],
  ranges: { token: [-1, Infinity] },
});
