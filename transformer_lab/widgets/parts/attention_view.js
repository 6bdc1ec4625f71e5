// Attention weights, drawn: one matrix, small or large.
//
// Rows are the tokens that look, columns the ones looked at; the darker, the more
// weight. The upper right is empty in a causal model: nobody sees the future.

import { element } from "./nodes.js";
import { onThemeChange, themeColour } from "./theme.js";

const NO_INK = 1 / 255 ** 2; // a weight whose ink no screen shows

// A matrix on a canvas of `size` pixels a side, to be scaled by the stylesheet.
// Returns { root, show, mark, end }:
//   show(weights)   T rows of T numbers from 0 to 1
//   mark(row)       outlines the row of one token; null: none
//   end()           stops following the theme
export function attentionMatrix({ size, label = null }) {
  const root = element("canvas", {
    class: "tl-matrix", width: size, height: size,
    role: label ? "img" : null, "aria-label": label, "aria-hidden": label ? null : "true",
  });
  const state = { weights: [], marked: null };
  const draw = ({ weight: colour, ink }) => {
    const pen = root.getContext("2d");
    pen.clearRect(0, 0, size, size);
    const cell = size / Math.max(1, state.weights.length);
    const edge = Math.max(cell - 0.5, 0.5);
    pen.fillStyle = colour;
    state.weights.forEach((row, y) => row.forEach((weight, x) => {
      if (weight < NO_INK) return;
      // The square root keeps small weights visible: 0.04 gets a fifth of the ink of 1.
      pen.globalAlpha = Math.sqrt(weight);
      pen.fillRect(x * cell, y * cell, edge, edge);
    }));
    pen.globalAlpha = 1;
    if (state.marked === null) return;
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.strokeRect(1, state.marked * cell, size - 2, cell);
  };
  const picture = { root, draw };
  const drawSoon = () => inNextFrame(picture);
  const end = onThemeChange(drawSoon);
  return {
    root, end,
    show(weights) { state.weights = weights; drawSoon(); },
    mark(row) { state.marked = row; drawSoon(); },
  };
}

// Many matrices change at once, some twice: each is drawn once a frame, and the colours
// are asked for once, since to ask makes the browser work out the page's style.
const changed = new Set();
function inNextFrame(picture) {
  if (!changed.size) requestAnimationFrame(drawChanged);
  changed.add(picture);
}

function drawChanged() {
  const [weight, ink] = ["--tl-weight", "--tl-ink"].map((name) => themeColour(name));
  for (const { draw } of changed) draw({ weight, ink });
  changed.clear();
}
