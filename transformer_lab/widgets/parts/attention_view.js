// Attention weights, drawn: one matrix, small or large.
//
// Rows are the tokens that look, columns the ones looked at; the darker, the more
// weight. The upper right is empty in a causal model: nobody sees the future.

import { element, onThemeChange, themeColour } from "./ui.js";

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
  const draw = () => {
    const pen = root.getContext("2d");
    pen.clearRect(0, 0, size, size);
    const cell = size / Math.max(1, state.weights.length);
    pen.fillStyle = themeColour(root.parentNode ?? document.body, "--tl-weight");
    state.weights.forEach((row, y) => row.forEach((weight, x) => {
      // The square root keeps small weights visible: 0.04 gets a fifth of the ink of 1.
      pen.globalAlpha = Math.sqrt(weight);
      pen.fillRect(x * cell, y * cell, Math.max(cell - 0.5, 0.5), Math.max(cell - 0.5, 0.5));
    }));
    pen.globalAlpha = 1;
    if (state.marked === null) return;
    pen.strokeStyle = themeColour(root.parentNode ?? document.body, "--tl-ink");
    pen.lineWidth = 2;
    pen.strokeRect(1, state.marked * cell, size - 2, cell);
  };
  const end = onThemeChange(draw);
  return {
    root, end,
    show(weights) { state.weights = weights; draw(); },
    mark(row) { state.marked = row; draw(); },
  };
}
