// BendSpace: a small network learns to tell two kinds of points apart.
//
// Left the plane with the points, and how the network divides it. Right the same
// points and the plane's own grid as the last hidden layer has them: there the
// network can only draw a straight line, so it must fold the plane until one will do.

import { forward, makeNetwork, makeTrainer } from "./engine/mlp.js";
import { seededRandom } from "./engine/sampling.js";
import { button, buttonRow, numberBox, select, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack } from "./parts/nodes.js";
import { onThemeChange, themeColour, wantsLessMotion } from "./parts/theme.js";
import { formatPercent, within } from "./parts/words.js";

const SIZE = 320; // pixels of a canvas
const CELLS = 40; // of the plane, for colouring
const REACH = 1.15; // the plane runs from -REACH to REACH
const MOST_STEPS = 5000;
const MOST_POINTS = 300;

// --- Computed -------------------------------------------------------------------

// A network and its training.
class Training {
  constructor(get) {
    this.network = makeNetwork({
      depth: get("depth"), width: get("width"), activation: get("activation"), seed: get("seed"),
    });
    this.trainer = makeTrainer(this.network);
    this.last = null; // the last step's loss
  }

  get isOver() { return this.trainer.steps >= MOST_STEPS; }

  learn(points, nSteps) {
    if (!points.length) return;
    for (let n = 0; n < nSteps && !this.isOver; n++) this.last = this.trainer.step(points);
  }

  describe(points) {
    if (!points.length) return "There are no points yet: add some of both kinds.";
    const nRight = points.filter(([x, y, target]) =>
      (forward(this.network, [x, y]).score > 0) === (target === 1)).length;
    const loss = this.last ? `, loss ${this.last.loss.toFixed(3)}` : "";
    const done = nRight === points.length ? " Every point is on its side." : "";
    return `After ${this.trainer.steps} steps: ${formatPercent(nRight / points.length)} `
      + `of ${points.length} points right${loss}.${done}`;
  }
}

// Where the last hidden layer has points, as pixels. Across: how far its numbers lie in the
// direction that the score is read from, so that the dividing line stands upright. Up: the
// direction in which they differ most besides.
function foldingOf(network, points) {
  const { weight, bias } = network.head;
  const length = Math.hypot(...weight) || 1;
  const along = Array.from(weight, (value) => value / length);
  const hidden = points.map((point) => Array.from(forward(network, point).hidden));
  const aside = mainDirectionBeside(along, hidden);
  const places = hidden.map((h) => [project(h, along), project(h, aside)]);
  const [across, up] = [0, 1].map((axis) => {
    const values = places.map((pair) => pair[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value) => 0.06 + (0.88 * (value - low)) / Math.max(high - low, 1e-6);
  });
  return {
    places: places.map(([x, y]) => [SIZE * across(x), SIZE * (1 - up(y))]),
    border: SIZE * across(-bias[0] / length),
  };
}

function project(h, direction) {
  return h.reduce((sum, value, i) => sum + value * direction[i], 0);
}

// The direction of largest spread, at a right angle to `along` (power iteration).
function mainDirectionBeside(along, rows) {
  const mean = along.map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
  const rest = rows.map((row) => {
    const centred = row.map((value, i) => value - mean[i]);
    const share = project(centred, along);
    return centred.map((value, i) => value - share * along[i]);
  });
  let direction = along.map((_, i) => Math.sin(i + 1));
  for (let round = 0; round < 30; round++) {
    const next = along.map(() => 0);
    for (const row of rest) {
      const share = project(row, direction);
      row.forEach((value, i) => { next[i] += share * value; });
    }
    const length = Math.hypot(...next);
    if (length < 1e-12) return direction;
    direction = next.map((value) => value / length);
  }
  return direction;
}

// --- Drawn ----------------------------------------------------------------------

function canvas(label) {
  return element("canvas", {
    width: SIZE, height: SIZE, class: "tl-plane", role: "img", "aria-label": label,
  });
}

// Both canvases; `draw(network, points)`.
function picturesOf(onPlace) {
  const plane = canvas("the plane with the points, coloured by the network's answer");
  const folded = canvas("the same points and grid lines as the last hidden layer has them; "
    + "the dashed line divides them");
  plane.addEventListener("click", (event) => {
    const { left, top, width, height } = plane.getBoundingClientRect();
    onPlace(((event.clientX - left) / width) * 2 * REACH - REACH,
      REACH - ((event.clientY - top) / height) * 2 * REACH);
  });
  return {
    root: columns(
      element("div", {}, heading("The plane ", "● or ▲: the answer is the shade"), plane),
      element("div", {}, heading("The plane, folded ", "as the last hidden layer has it"), folded)),
    draw(network, points) {
      const colours = {
        0: themeColour("--tl-weight"), 1: themeColour("--tl-orange"),
        ink: themeColour("--tl-ink"), line: themeColour("--tl-control-line"),
      };
      drawPlane(plane.getContext("2d"), network, points, colours);
      drawFolded(folded.getContext("2d"), network, points, colours);
    },
  };
}

const toPixel = (value) => ((value + REACH) / (2 * REACH)) * SIZE;

function drawPlane(pen, network, points, colours) {
  pen.clearRect(0, 0, SIZE, SIZE);
  const cell = SIZE / CELLS;
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const x = ((column + 0.5) / CELLS) * 2 * REACH - REACH;
      const y = REACH - ((row + 0.5) / CELLS) * 2 * REACH;
      const share = 1 / (1 + Math.exp(-forward(network, [x, y]).score));
      pen.fillStyle = colours[share > 0.5 ? 1 : 0];
      pen.globalAlpha = 0.06 + 0.4 * Math.abs(share - 0.5);
      pen.fillRect(column * cell, row * cell, cell, cell);
    }
  }
  pen.globalAlpha = 1;
  for (const [x, y, target] of points) mark(pen, toPixel(x), SIZE - toPixel(y), target, colours);
}

function drawFolded(pen, network, points, colours) {
  pen.clearRect(0, 0, SIZE, SIZE);
  const lines = gridLines();
  const { places, border } = foldingOf(network, [...lines.flat(), ...points.map(([x, y]) => [x, y])]);
  pen.strokeStyle = colours.line;
  pen.lineWidth = 0.7;
  for (const line of lines) {
    pen.beginPath();
    for (const [x, y] of places.splice(0, line.length)) pen.lineTo(x, y);
    pen.stroke();
  }
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1.5;
  pen.setLineDash([6, 5]);
  pen.beginPath();
  pen.moveTo(border, 0);
  pen.lineTo(border, SIZE);
  pen.stroke();
  pen.setLineDash([]);
  places.forEach(([x, y], at) => mark(pen, x, y, points[at][2], colours)); // those of the points
}

function gridLines() {
  const steps = Array.from({ length: 9 }, (_, i) => -1 + i / 4);
  const fine = Array.from({ length: 33 }, (_, i) => -1 + i / 16);
  return [...steps.map((x) => fine.map((y) => [x, y])), ...steps.map((y) => fine.map((x) => [x, y]))];
}

// Class A is a disc, class B a triangle: the shapes differ, not only the colours.
function mark(pen, x, y, target, colours) {
  pen.fillStyle = colours[target];
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 0.8;
  pen.beginPath();
  if (target) {
    pen.moveTo(x, y - 5);
    pen.lineTo(x + 4.6, y + 3.4);
    pen.lineTo(x - 4.6, y + 3.4);
    pen.closePath();
  } else pen.arc(x, y, 3.6, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
}

// --- Points: the same ones each time -------------------------------------------------------

const DATA = {
  circles: () => scattered((random, target) => {
    const angle = 2 * Math.PI * random(), far = target ? 0.75 + 0.2 * random() : 0.4 * Math.sqrt(random());
    return [far * Math.cos(angle), far * Math.sin(angle)];
  }),
  xor: () => scattered((random, target) => {
    const [x, y] = [0.1 + 0.85 * random(), 0.1 + 0.85 * random()];
    const right = random() < 0.5;
    return [right ? x : -x, (right ? y : -y) * (target ? -1 : 1)];
  }),
  spiral: () => scattered((random, target) => {
    const turn = 0.15 + 0.85 * random();
    const angle = 3.2 * Math.PI * turn * 0.9 + (target ? Math.PI : 0);
    return [turn * Math.cos(angle) + 0.02 * random(), turn * Math.sin(angle) + 0.02 * random()];
  }),
};

function scattered(place) {
  const random = seededRandom(7);
  return Array.from({ length: 120 }, (_, n) => [...place(random, n % 2), n % 2]);
}

// --- Wired ----------------------------------------------------------------------

function controlsOf({ bind }) {
  return columns(
    stack(
      bind("data", select, {
        label: "Points",
        options: [["circles", "a ring around a heap"], ["xor", "opposite corners (XOR)"],
          ["spiral", "two spirals"], ["own", "your own"]],
      }).root,
      bind("activation", select, {
        label: "Activation function: the bend",
        options: [["none", "none: only linear layers"], ["relu", "ReLU"], ["gelu", "GELU"],
          ["swiglu", "SwiGLU (gated)"]],
      }).root),
    stack(
      bind("depth", slider, { label: "Hidden layers", min: 1, max: 4 }).root,
      bind("width", slider, { label: "Neurons in each", min: 2, max: 8 }).root));
}

// Own points, by mouse and by keyboard: `add(x, y)` or `clear()`.
function ownPoints({ onAdd, onClear }) {
  const nothing = () => {};
  const kind = select({
    label: "Next point is", value: "0", onInput: nothing,
    options: [["0", "● (class A)"], ["1", "▲ (class B)"]],
  });
  const [across, up] = ["across", "up"].map((name) => numberBox({
    label: `${name}, −100 to 100`, value: 0, min: -100, max: 100, onInput: nothing,
  }));
  return {
    kind: () => Number(kind.value),
    root: element("div", { class: "tl-own-points" },
      element("p", { class: "tl-quiet" }, "Click into the plane on the left, or give the place in numbers."),
      kind.root, across.root, up.root,
      buttonRow("own points", button("Add", () => onAdd(across.value / 100, up.value / 100)),
        button("Remove all", onClear))),
  };
}

class Session {
  constructor(figure) {
    const { get, set } = figure;
    this.get = get;
    this.set = set;
    this.training = new Training(get);
    this.frame = 0; // while it trains: the next one
    this.announced = 0; // when the sentence was last written
    this.words = statusLine();
    this.play = button("Train ▸", () => (this.frame ? this.pause() : this.start()), { primary: true });
    this.own = ownPoints({
      onAdd: (x, y) => this.addPoint(x, y),
      onClear: () => { set("points", []); this.restart(); },
    });
    this.pictures = picturesOf((x, y) => { if (get("data") === "own") this.addPoint(x, y); });
    figure.root.append(stack(controlsOf(figure), this.own.root, this.trainingButtons(),
      this.words.root, this.pictures.root));
  }

  trainingButtons() {
    return buttonRow("training", this.play,
      button("100 steps", () => {
        this.pause();
        this.training.learn(this.points, 100);
        this.draw();
      }),
      button("Start again", () => this.restart()),
      button("Other first weights", () => this.set("seed", this.get("seed") + 1)));
  }

  get points() {
    return this.get("data") === "own" ? this.get("points") : DATA[this.get("data")]();
  }

  restart() {
    this.pause();
    this.own.root.hidden = this.get("data") !== "own";
    this.training = new Training(this.get);
    this.draw();
  }

  start() {
    const { points } = this;
    if (!points.length) return this.draw();
    this.play.textContent = "Pause";
    const isCalm = wantsLessMotion();
    const perFrame = isCalm ? 200 : 6; // with less motion: few, large jumps
    const go = () => {
      if (!document.hidden) { this.training.learn(this.points, perFrame); this.draw(); }
      if (this.training.isOver) return this.pause();
      this.frame = isCalm ? window.setTimeout(go, 1000) : requestAnimationFrame(go);
    };
    this.frame = requestAnimationFrame(go);
  }

  pause() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.frame);
    const wasTraining = this.frame !== 0;
    this.frame = 0;
    this.play.textContent = "Train ▸";
    if (wasTraining) this.draw();
  }

  addPoint(x, y) {
    const points = this.get("points");
    if (points.length >= MOST_POINTS) return this.words.say(`There is room for ${MOST_POINTS} points.`);
    this.set("points", [...points, [within(x, -1.1, 1.1), within(y, -1.1, 1.1), this.own.kind()]]);
  }

  draw() {
    this.pictures.draw(this.training.network, this.points);
    const now = performance.now();
    if (this.points.length && this.frame && now - this.announced < 1000) return; // while it trains
    this.announced = now;
    this.words.say(this.training.describe(this.points));
  }
}

function render(figure) {
  const session = new Session(figure);
  figure.onChange("data activation depth width seed", () => session.restart());
  figure.onChange("points", () => session.draw());
  figure.onEnd(onThemeChange(() => session.draw()));
  figure.onEnd(() => session.pause());
  session.restart();
}

export default figure("BendSpace", render, { ranges: { depth: [1, 4], width: [2, 8] } });
