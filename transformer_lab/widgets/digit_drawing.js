// DigitDrawing: draw a digit, and see what a Vision Transformer makes of it.
//
// On the left the field: a pointer draws with a round pen on a grid of 32 by 32, and the ink of a
// square is how many of its 16 small squares are black, as in the pictures that the model
// learned from. With the keys, arrows move from square to square, and the space bar inks one.
// On the right the classes; below, for each head, how the class token looked at the patches.

import { loadModel } from "./engine/model_file.js";
import { distribution, mostLikely } from "./engine/sampling.js";
import { barList } from "./parts/bars.js";
import { arrowKeysMoveWithin, button, buttonRow, select, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, setAttributes, stack } from "./parts/nodes.js";
import { weightColour } from "./parts/theme.js";
import { formatPercent } from "./parts/words.js";

const SIDE = 8; // squares
const FINE = 4; // small squares in a square's side
const MOST = FINE * FINE; // ink of a square
const PEN = 2.2; // radius, in small squares
const CLASSES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]; // their IDs

const isPicture = (pixels) => pixels.length === SIDE * SIDE;
const blank = () => new Array(SIDE * SIDE).fill(0);

// --- The drawing field ----------------------------------------------------------

// Returns { root, show(pixels) }; `onDraw` gets the ink of all squares.
function drawingField(onDraw) {
  const fine = new Uint8Array((SIDE * FINE) ** 2); // what a pointer has drawn
  let pixels = blank();
  const squares = pixels.map((_, at) => element("button", {
    type: "button", class: "tl-digit-square", on: { click: (event) => press(event, at) },
  }));
  const root = element("div", { class: "tl-digit-field", role: "group", "aria-label": "the drawing field" },
    ...squares);
  arrowKeysMoveWithin(root, "button", () => SIDE)();
  const show = (ink) => {
    pixels = isPicture(ink) ? [...ink] : blank();
    fine.fill(0);
    pixels.forEach((amount, at) => showSquare(squares[at], at, amount));
  };
  // With the keys: full, empty, full, … (a pointer's own clicks have already drawn).
  const press = (event, at) => {
    if (event.detail) return;
    pixels[at] = pixels[at] ? 0 : MOST;
    showSquare(squares[at], at, pixels[at]);
    onDraw(pixels);
  };
  let last = null; // where the pen was, while it is down
  const draw = (event) => {
    const box = root.getBoundingClientRect();
    const scale = (SIDE * FINE) / box.width;
    const place = [scale * (event.clientX - box.left), scale * (event.clientY - box.top)];
    for (const [x, y] of between(last ?? place, place)) ink(fine, x, y);
    last = place;
    pixels = pixels.map((amount, at) => Math.max(amount, inkOf(fine, at)));
    pixels.forEach((amount, at) => showSquare(squares[at], at, amount));
    onDraw(pixels);
  };
  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    root.setPointerCapture(event.pointerId);
    draw(event);
  });
  root.addEventListener("pointermove", (event) => { if (last) draw(event); });
  for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, () => { last = null; });
  return { root, show };
}

function showSquare(square, at, amount) {
  square.style.background = weightColour(amount / MOST);
  const place = `row ${Math.floor(at / SIDE) + 1}, column ${(at % SIDE) + 1}`;
  setAttributes(square, { "aria-label": `${place}: ink ${amount} of ${MOST}` });
}

// Places on the way from one to another, close enough for a line without holes.
function between(from, to) {
  const [x0, y0] = from, [x1, y1] = to;
  const n = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0)));
  return Array.from({ length: n }, (_, i) => [
    x0 + ((x1 - x0) * (i + 1)) / n, y0 + ((y1 - y0) * (i + 1)) / n]);
}

// Blackens the small squares under a round pen.
function ink(fine, x, y) {
  const width = SIDE * FINE;
  const clipped = (value) => Math.max(0, Math.min(width - 1, Math.floor(value)));
  for (let row = clipped(y - PEN); row <= clipped(y + PEN); row++) {
    for (let column = clipped(x - PEN); column <= clipped(x + PEN); column++) {
      if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= PEN) fine[row * width + column] = 1;
    }
  }
}

function inkOf(fine, at) {
  const top = FINE * Math.floor(at / SIDE), left = FINE * (at % SIDE);
  let amount = 0;
  for (let i = 0; i < MOST; i++) {
    amount += fine[(top + Math.floor(i / FINE)) * SIDE * FINE + left + (i % FINE)];
  }
  return amount;
}

// --- What the model makes of it -------------------------------------------------

// For each head a small picture of its weights on the patches.
function headPictures({ n_layers: nLayers, n_heads: nHeads, max_len: nPatches }) {
  const heads = Array.from({ length: nLayers * nHeads }, (_, i) => {
    const [layer, head] = [Math.floor(i / nHeads), i % nHeads];
    const cells = Array.from({ length: nPatches }, () => element("span"));
    const words = element("span", { class: "tl-quiet" });
    return {
      layer, head, cells, words,
      root: element("li", {}, `layer ${layer + 1}, head ${head + 1}`,
        element("div", { class: "tl-digit-patches", "aria-hidden": "true" }, ...cells), words),
    };
  });
  return {
    root: element("ol", { class: "tl-digit-heads" }, ...heads.map(({ root }) => root)),
    show(attention) {
      for (const { layer, head, cells, words } of heads) {
        const row = attention[layer][head][0]; // the class token's: itself, then the patches
        cells.forEach((cell, at) => { cell.style.background = weightColour(Math.sqrt(row[at + 1])); });
        words.textContent = `on itself: ${formatPercent(row[0])}`;
      }
    },
  };
}

function render({ root, get, set, onChange }) {
  const { viewer, tokenizer, config } = loadModel(get("model_file"));
  const status = statusLine();
  const bars = barList({ label: "the classes", length: CLASSES.length });
  const heads = headPictures(config);
  const read = (pixels) => {
    const image = Float32Array.from(pixels, (amount) => amount / MOST);
    const { logits, attention } = viewer.forward(image, SIDE);
    const shares = distribution(logits);
    bars.show(CLASSES.map((id) => ({ name: tokenizer.piece(id), share: shares[id] })));
    heads.show(attention);
    const best = mostLikely(logits);
    status.say(pixels.some((amount) => amount > 0)
      ? `It reads ${tokenizer.piece(best)}, ${formatPercent(shares[best])} sure.`
      : "The field is empty. The model has to say something all the same: it has no class for “nothing”.",
    { delay: 300 });
  };
  let shown = "";
  const keep = (pixels) => {
    shown = String(pixels);
    set("pixels", [...pixels]);
    read(pixels);
  };
  const field = drawingField(keep);
  const take = (pixels) => {
    field.show(pixels);
    keep(pixels);
  };
  const examples = select({
    label: "Or a held-out digit", value: "",
    options: [["", "choose …"], ...get("examples").map(({ label }, at) => [String(at), label])],
    onInput: (at) => { if (at) take(get("examples")[Number(at)].pixels); },
  });
  // At first, and when somebody else, such as Python, has changed the picture.
  const start = () => {
    const pixels = isPicture(get("pixels")) ? get("pixels") : blank();
    if (String(pixels) === shown) return;
    shown = String(pixels);
    field.show(pixels);
    read(pixels);
  };
  root.append(stack(
    columns(
      stack(heading("Draw a digit, ", "so large that it fills the field"), field.root,
        buttonRow("drawing", button("Clear", () => take(blank()))), examples.root),
      stack(status.root, bars.root)),
    heading("Where the class token looks ", "on the 4 by 4 patches, in each head"), heads.root));
  onChange("pixels", start);
  start();
}

export default figure("DigitDrawing", render, { anew: ["model_file", "examples"] });
