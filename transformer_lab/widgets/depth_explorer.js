// DepthExplorer: signal and gradient through a deep stack, layer by layer.

import { makeStack, runStack } from "./engine/deep_stack.js";
import { button, buttonRow, checkbox, select, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack, svgElement } from "./parts/nodes.js";
import { counted, raised } from "./parts/words.js";

const FATES = { vanishes: "vanishes", stays: "stays about the same", explodes: "explodes" };
const FACTOR = 1000; // from the last layer to the first: beyond this it has vanished or exploded

// --- Computed, and in words -----------------------------------------------------

function run(get) {
  const layers = makeStack({ depth: get("depth"), scale: get("scale"), seed: get("seed") });
  return runStack(layers, { residual: get("residual"), norm: get("norm") });
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

function describe({ gradients, signal }) {
  const n = gradients.length;
  if (n === 1) return "One layer: there is nothing to pass through.";
  const ratio = times(gradients[0] / gradients[n - 1]);
  return `The gradient ${FATES[fateOf(gradients)]}: at layer 1 it is ${ratio} of that at layer ${n}. `
    + `The signal at the end is ${times(signal[n] / signal[0])} of what went in.`;
}

function verdict(gradients, guessed) {
  if (guessed === null) return "";
  return guessed === fateOf(gradients) ? "As you predicted. " : `You predicted that it ${FATES[guessed]}. `;
}

// --- Drawn ----------------------------------------------------------------------

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [340, 200, 46, 34];
const chartText = (x, y, words, anchor) =>
  svgElement("text", { x, y, "text-anchor": anchor, class: "tl-axis" }, words);

// Positive numbers as a line over the layers; one step up is a multiplication.
function logChart({ label, kind }) {
  const root = svgElement("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "tl-log-chart", role: "img", "aria-label": label,
  });
  const from = kind === "signal" ? 0 : 1; // the signal also has a size before the first layer
  const axis = kind === "gradient" ? "layer (the gradient comes from the right)" : "after layer";
  const layers = (n) => [
    chartText(LEFT, HEIGHT - BOTTOM + 16, String(from), "middle"),
    chartText(WIDTH - 10, HEIGHT - BOTTOM + 16, String(from + n - 1), "middle"),
    chartText((LEFT + WIDTH) / 2, HEIGHT - 4, axis, "middle"),
  ];
  return {
    root,
    wait(n) {
      root.replaceChildren(...questionMarks(kind), ...layers(n));
      root.setAttribute("aria-label", `${label}: shown after your prediction`);
    },
    show(values) {
      root.replaceChildren(...curve(values, kind), ...layers(values.length));
      const [first, last] = [values[0], values.at(-1)].map((value) => value.toExponential(1));
      root.setAttribute("aria-label", `${label}: ${first} at the first, ${last} at the last`);
    },
  };
}

// Before the prediction: what may happen, and no curve yet.
function questionMarks(kind) {
  const [start, end] = kind === "signal" ? [LEFT, WIDTH - 10] : [WIDTH - 10, LEFT];
  const middle = (10 + HEIGHT - BOTTOM) / 2;
  const ways = [
    { y: 22, fate: "explodes", off: -5 }, { y: middle, fate: "stays", off: -5 },
    { y: HEIGHT - BOTTOM - 12, fate: "vanishes", off: 14 },
  ];
  return [
    ...ways.map(({ y }) => svgElement("line",
      { x1: start, y1: middle, x2: end, y2: y, class: "tl-log-maybe" })),
    ...ways.map(({ y, fate, off }) => chartText(end + (end < start ? 4 : -4), y + off, `${fate}?`,
      end < start ? "start" : "end")),
  ];
}

function curve(values, kind) {
  const powers = values.map((value) => Math.log10(Math.max(value, 1e-30)));
  // At least four powers of ten, so that a steady line looks steady.
  const middle = (Math.max(...powers) + Math.min(...powers)) / 2;
  const low = Math.floor(Math.min(...powers, middle - 2)), high = Math.ceil(Math.max(...powers, middle + 2));
  const n = values.length;
  const x = (at) => LEFT + ((WIDTH - LEFT - 10) * at) / Math.max(1, n - 1);
  const y = (power) => 10 + ((HEIGHT - BOTTOM - 10) * (high - power)) / (high - low);
  const step = Math.max(1, Math.ceil((high - low) / 6));
  const ticks = Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => low + i * step);
  const points = powers.map((power, at) => `${x(at).toFixed(1)} ${y(power).toFixed(1)}`);
  const dot = { r: n > 30 ? 1.8 : 3, class: `tl-log-dot tl-log-${kind}` };
  return [
    ...ticks.map((power) => svgElement("line",
      { x1: LEFT, x2: WIDTH, y1: y(power), y2: y(power), class: "tl-curve-grid" })),
    ...ticks.map((power) =>
      chartText(LEFT - 5, y(power) + 4, power === 0 ? "1" : `10${raised(power)}`, "end")),
    svgElement("path", { d: `M${points.join("L")}`, class: `tl-log-line tl-log-${kind}` }),
    ...powers.map((power, at) => svgElement("circle", { cx: x(at), cy: y(power), ...dot })),
  ];
}

// --- Wired ----------------------------------------------------------------------

function render({ root, get, set, bind, onChange }) {
  let guessed = null; // what the reader predicted for the settings shown
  const depth = bind("depth", slider, { label: "Layers", min: 1, max: 64 });
  const scale = bind("scale", slider, {
    label: "Size of the weights", min: 0.5, max: 2, step: 0.05, format: (number) => number.toFixed(2),
  });
  const residual = bind("residual", checkbox, { label: "Residual: add, do not replace" });
  const norm = bind("norm", select, {
    label: "Norm",
    options: [["none", "none"], ["pre", "before each layer (pre-norm)"],
      ["post", "after each sum (post-norm)"]],
  });
  const again = button("Other random weights", () => set("seed", get("seed") + 1));
  const guess = bind("guess", checkbox, { label: "Let me predict first" });
  const asked = element("p", {});
  const question = stack(asked, buttonRow("your prediction", ...Object.entries(FATES).map(([fate, label]) =>
    button(label, () => { guessed = fate; show(); }))));
  const words = statusLine();
  const signal = logChart({ label: "size of the signal after each layer", kind: "signal" });
  const gradient = logChart({ label: "size of the gradient that arrives at each layer", kind: "gradient" });
  root.append(stack(
    columns(stack(depth.root, scale.root), stack(residual.root, norm.root)),
    element("div", { class: "tl-buttons" }, again, guess.root),
    question, words.root,
    columns(
      element("div", {}, heading("The signal ", "forward: its size after each layer"), signal.root),
      element("div", {}, heading("The gradient ", "backward: its size where it arrives"), gradient.root))));

  const show = () => {
    const result = run(get);
    question.hidden = !get("guess") || guessed !== null;
    if (!question.hidden) {
      asked.textContent = `${counted(get("depth"), "layer")}, weights of size ${get("scale").toFixed(2)}: `
        + "on its way back from the last to the first, the gradient …";
      signal.wait(result.signal.length);
      gradient.wait(result.gradients.length);
      return words.say("Predict; then the curves appear.");
    }
    signal.show(result.signal);
    gradient.show(result.gradients);
    words.say(verdict(result.gradients, guessed) + describe(result));
  };
  onChange("depth scale residual norm seed guess", () => { guessed = null; show(); });
  show();
}

export default figure("DepthExplorer", render, { ranges: { depth: [1, 64], scale: [0.5, 2] } });
