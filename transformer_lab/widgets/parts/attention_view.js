// Attention weights, drawn: one matrix, small or large.
//
// Rows are the tokens that look, columns the ones looked at; the darker, the more
// weight. The upper right is empty in a causal model: nobody sees the future.

import { element } from "./nodes.js";
import { onThemeChange, themeColour } from "./theme.js";

const MOST_A_FRAME = 2 ** 18; // weights and pixels at once: ten small matrices of 128 tokens

// A matrix on a canvas of `size` pixels a side, to be scaled by the stylesheet.
// Returns { root, show, mark, end }:
//   show(weights)   T rows of at most T numbers from 0 to 1
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
    const nRows = state.weights.length;
    pen.clearRect(0, 0, size, size);
    if (!nRows) return;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(inkOf(state.weights, Math.min(nRows, size)), 0, 0, size, size);
    pen.globalCompositeOperation = "source-in"; // where there is ink, the theme's colour
    pen.fillStyle = colour;
    pen.fillRect(0, 0, size, size);
    pen.globalCompositeOperation = "source-over";
    if (state.marked === null) return;
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.strokeRect(1, (state.marked * size) / nRows, size - 2, size / nRows);
  };
  const picture = { draw, work: () => state.weights.length ** 2 + size ** 2 };
  const drawSoon = () => inNextFrame(picture);
  const end = onThemeChange(drawSoon);
  return {
    root, end,
    show(weights) { state.weights = weights; drawSoon(); },
    mark(row) { state.marked = row; drawSoon(); },
  };
}

// The weights as the ink of n × n pixels. Of those that fall on one pixel the largest is
// seen: what is one token wide does not fade away in a small picture.
function inkOf(weights, n) {
  const image = new ImageData(n, n);
  const pixels = image.data;
  const scale = n / weights.length;
  for (let t = 0; t < weights.length; t++) {
    const row = weights[t];
    const start = n * Math.floor(t * scale);
    for (let s = 0; s < row.length; s++) {
      const alpha = 4 * (start + Math.floor(s * scale)) + 3;
      // The square root keeps small weights visible: 0.04 gets a fifth of the ink of 1.
      const ink = 255 * Math.sqrt(row[s]);
      if (ink > pixels[alpha]) pixels[alpha] = ink;
    }
  }
  const sheet = new OffscreenCanvas(n, n);
  sheet.getContext("2d").putImageData(image, 0, 0);
  return sheet;
}

// Many matrices change at once, some twice: each is drawn once, so many in a frame that the
// page goes on answering. The colours are asked for once, since to ask makes the browser work
// out the page's style.
const changed = new Set();
function inNextFrame(picture) {
  if (!changed.size) requestAnimationFrame(drawChanged);
  changed.add(picture);
}

function drawChanged() {
  const [weight, ink] = ["--tl-weight", "--tl-ink"].map((name) => themeColour(name));
  let done = 0;
  for (const picture of changed) {
    if (done >= MOST_A_FRAME) break;
    changed.delete(picture);
    picture.draw({ weight, ink });
    done += picture.work();
  }
  if (changed.size) requestAnimationFrame(drawChanged);
}
