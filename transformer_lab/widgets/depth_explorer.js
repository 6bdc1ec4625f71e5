// DepthExplorer: signal and gradient through a deep stack, layer by layer.

import { makeStack, runStack } from "./engine/deep_stack.js";
import {
  button, buttonRow, checkbox, element, figure, raised, select, slider, statusLine, svgElement,
} from "./parts/ui.js";

const FATES = { vanishes: "vanishes", stays: "stays about the same", explodes: "explodes" };
const FACTOR = 1000; // from the last layer to the first: beyond this it has vanished or exploded

function render({ model, root, remember }) {
  let result = null;
  let guessed = null; // what the reader predicted for the settings shown
  const change = (name) => (value) => { guessed = null; remember(name, value); show(); };

  const depth = slider({ label: "Layers", min: 1, max: 64, value: model.get("depth"), onInput: change("depth") });
  const scale = slider({
    label: "Size of the weights", min: 0.5, max: 2, step: 0.05, value: model.get("scale"),
    format: (number) => number.toFixed(2), onInput: change("scale"),
  });
  const residual = checkbox({ label: "Residual: add, do not replace", value: model.get("residual"), onInput: change("residual") });
  const norm = select({
    label: "Norm", value: model.get("norm"), onInput: change("norm"),
    options: [["none", "none"], ["pre", "before each layer (pre-norm)"], ["post", "after each sum (post-norm)"]],
  });
  const again = button("Other random weights", () => change("seed")(model.get("seed") + 1));
  const guess = checkbox({
    label: "Let me predict first", value: model.get("guess"),
    onInput: (ticked) => { guessed = null; remember("guess", ticked); show(); },
  });
  const asked = element("p", {});
  const question = element("div", { class: "tl-stack" },
    asked,
    buttonRow("your prediction", ...Object.entries(FATES).map(([fate, label]) =>
      button(label, () => { guessed = fate; show(); }))));
  const words = statusLine();
  const signal = logChart({ label: "size of the signal after each layer", kind: "signal" });
  const gradient = logChart({ label: "size of the gradient that arrives at each layer", kind: "gradient" });
  const charts = element("div", { class: "tl-columns" },
    element("div", {}, element("div", { class: "tl-heading" }, "The signal ", element("span", { class: "tl-quiet" }, "forward: its size after each layer")), signal.root),
    element("div", {}, element("div", { class: "tl-heading" }, "The gradient ", element("span", { class: "tl-quiet" }, "backward: its size where it arrives")), gradient.root));
  root.append(element("div", { class: "tl-stack" },
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" }, depth.root, scale.root),
      element("div", { class: "tl-stack" }, residual.root, norm.root)),
    element("div", { class: "tl-buttons" }, again, guess.root),
    question, words.root, charts));

  function show() {
    const settings = { residual: model.get("residual"), norm: model.get("norm") };
    const stack = makeStack({ depth: model.get("depth"), scale: model.get("scale"), seed: model.get("seed") });
    result = runStack(stack, settings);
    const waits = model.get("guess") && guessed === null;
    question.hidden = !waits;
    if (waits) {
      asked.textContent = questionInWords();
      signal.wait(result.signal.length);
      gradient.wait(result.gradients.length);
      return words.say("Predict; then the curves appear.");
    }
    signal.show(result.signal);
    gradient.show(result.gradients);
    const fate = fateOf(result.gradients);
    const verdict = guessed === null ? "" : guessed === fate ? "As you predicted. " : `You predicted that it ${FATES[guessed]}. `;
    words.say(verdict + inWords(fate));
  }

  function questionInWords() {
    const layers = model.get("depth") === 1 ? "1 layer" : `${model.get("depth")} layers`;
    return `${layers}, weights of size ${model.get("scale").toFixed(2)}: on its way back from the last to the first, the gradient …`;
  }

  function inWords(fate) {
    const { gradients, signal: sizes } = result;
    const n = gradients.length;
    const ratio = gradients[0] / gradients[n - 1];
    const grown = sizes[n] / sizes[0];
    if (n === 1) return "One layer: there is nothing to pass through.";
    return `The gradient ${FATES[fate]}: at layer 1 it is ${times(ratio)} of that at layer ${n}. The signal at the end is ${times(grown)} of what went in.`;
  }

  const hear = () => {
    depth.value = model.get("depth");
    scale.value = model.get("scale");
    residual.value = model.get("residual");
    norm.value = model.get("norm");
    guess.value = model.get("guess");
    guessed = null;
    show();
  };
  const heard = "change:depth change:scale change:residual change:norm change:seed change:guess";
  model.on(heard, hear);
  show();
  return () => model.off(heard, hear);
}

function fateOf(gradients) {
  const ratio = gradients[0] / gradients.at(-1);
  if (!(ratio > 1 / FACTOR)) return "vanishes";
  return ratio > FACTOR ? "explodes" : "stays";
}

// 0.00000012 → "1.2 × 10⁻⁷ times", 3.4 → "3.4 times", 0.5 → "0.50 times"
function times(ratio) {
  if (ratio === 0) return "0 times";
  const power = Math.floor(Math.log10(ratio));
  if (power >= -2 && power <= 3) return `${ratio.toPrecision(2)} times`;
  return `${(ratio / 10 ** power).toFixed(1)} × 10${raised(power)} times`;
}

// Positive numbers as a line over the layers; one step up is a multiplication.
function logChart({ label, kind }) {
  const [width, height, left, bottom] = [340, 200, 46, 34];
  const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, class: "tl-log-chart", role: "img", "aria-label": label });
  const text = (x, y, words, anchor) => svgElement("text", { x, y, "text-anchor": anchor, class: "tl-axis" }, words);
  const from = kind === "signal" ? 0 : 1; // the signal also has a size before the first layer
  const layers = (n) => [
    text(left, height - bottom + 16, String(from), "middle"),
    text(width - 10, height - bottom + 16, String(from + n - 1), "middle"),
    text((left + width) / 2, height - 4, kind === "gradient" ? "layer (the gradient comes from the right)" : "after layer", "middle"),
  ];
  return {
    root: drawing,
    wait(n) { // before the prediction: what may happen, and no curve yet
      const [start, end] = kind === "signal" ? [left, width - 10] : [width - 10, left];
      const middle = (10 + height - bottom) / 2;
      const ways = [[22, "explodes", -5], [middle, "stays", -5], [height - bottom - 12, "vanishes", 14]];
      drawing.replaceChildren(
        ...ways.map(([y]) => svgElement("line", { x1: start, y1: middle, x2: end, y2: y, class: "tl-log-maybe" })),
        ...ways.map(([y, fate, off]) => text(end + (end < start ? 4 : -4), y + off, `${fate}?`, end < start ? "start" : "end")),
        ...layers(n));
      drawing.setAttribute("aria-label", `${label}: shown after your prediction`);
    },
    show(values) {
      const powers = values.map((value) => Math.log10(Math.max(value, 1e-30)));
      // At least four powers of ten, so that a steady line looks steady.
      const middle = (Math.max(...powers) + Math.min(...powers)) / 2;
      const low = Math.floor(Math.min(...powers, middle - 2)), high = Math.ceil(Math.max(...powers, middle + 2));
      const n = values.length;
      const x = (at) => left + ((width - left - 10) * at) / Math.max(1, n - 1);
      const y = (power) => 10 + ((height - bottom - 10) * (high - power)) / (high - low);
      const step = Math.max(1, Math.ceil((high - low) / 6));
      const ticks = Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => low + i * step);
      const line = powers.map((power, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${y(power).toFixed(1)}`).join("");
      drawing.replaceChildren(
        ...ticks.map((power) => svgElement("line", { x1: left, x2: width, y1: y(power), y2: y(power), class: "tl-curve-grid" })),
        ...ticks.map((power) => text(left - 5, y(power) + 4, power === 0 ? "1" : `10${raised(power)}`, "end")),
        svgElement("path", { d: line, class: `tl-log-line tl-log-${kind}` }),
        ...powers.map((power, at) => svgElement("circle", { cx: x(at), cy: y(power), r: n > 30 ? 1.8 : 3, class: `tl-log-dot tl-log-${kind}` })),
        ...layers(n));
      drawing.setAttribute("aria-label", `${label}: ${values[0].toExponential(1)} at the first, ${values.at(-1).toExponential(1)} at the last`);
    },
  };
}

export default figure("DepthExplorer", render, { ranges: { depth: [1, 64], scale: [0.5, 2] } });
