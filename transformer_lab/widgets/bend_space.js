// BendSpace: a small network learns to tell two kinds of points apart.
//
// Left the plane with the points, and how the network divides it. Right the same
// points and the plane's own grid as the last hidden layer has them: there the
// network can only draw a straight line, so it must fold the plane until one will do.

import { forward, makeNetwork, makeTrainer } from "./engine/mlp.js";
import { seededRandom } from "./engine/sampling.js";
import { button, buttonRow, numberBox, select, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element } from "./parts/nodes.js";
import { onThemeChange, themeColour, wantsLessMotion } from "./parts/theme.js";
import { formatPercent } from "./parts/words.js";

const SIZE = 320; // pixels of a canvas
const CELLS = 40; // of the plane, for colouring
const REACH = 1.15; // the plane runs from -REACH to REACH
const MOST_STEPS = 5000;

function render({ get, root, onChange, onEnd, set }) {
  let network, trainer, last, frame = 0, spoken = 0;
  const points = () => (get("data") === "own" ? get("points") : DATA[get("data")]());
  const change = (name, read = (value) => value) => (value) => { set(name, read(value)); restart(); };

  // --- Controls
  const data = select({
    label: "Points", value: get("data"), onInput: change("data"),
    options: [["circles", "a ring around a heap"], ["xor", "opposite corners (XOR)"], ["spiral", "two spirals"], ["own", "your own"]],
  });
  const activation = select({
    label: "Activation function: the bend", value: get("activation"), onInput: change("activation"),
    options: [["none", "none: only linear layers"], ["relu", "ReLU"], ["gelu", "GELU"], ["swiglu", "SwiGLU (gated)"]],
  });
  const depth = slider({ label: "Hidden layers", min: 1, max: 4, value: get("depth"), onInput: change("depth") });
  const width = slider({ label: "Neurons in each", min: 2, max: 8, value: get("width"), onInput: change("width") });
  const play = button("Train ▸", () => (frame ? pause() : start()), { primary: true });
  const some = button("100 steps", () => { pause(); learn(100); draw(); });
  const again = button("Start again", restart);
  const other = button("Other first weights", () => { set("seed", get("seed") + 1); restart(); });
  const words = statusLine();

  // --- Own points, by mouse and by keyboard
  const kind = select({ label: "Next point is", value: "0", options: [["0", "● (class A)"], ["1", "▲ (class B)"]], onInput: () => {} });
  const across = numberBox({ label: "across, −100 to 100", value: 0, min: -100, max: 100, onInput: () => {} });
  const up = numberBox({ label: "up, −100 to 100", value: 0, min: -100, max: 100, onInput: () => {} });
  const add = button("Add", () => addPoint(across.value / 100, up.value / 100));
  const clear = button("Remove all", () => { set("points", []); restart(); });
  const own = element("div", { class: "tl-own-points" },
    element("p", { class: "tl-quiet" }, "Click into the plane on the left, or give the place in numbers."),
    kind.root, across.root, up.root, buttonRow("own points", add, clear));

  // --- Pictures
  const plane = canvas("the plane with the points, coloured by the network's answer");
  const folded = canvas("the same points and grid lines as the last hidden layer has them; the dashed line divides them");
  plane.addEventListener("click", (event) => {
    if (get("data") !== "own") return;
    const box = plane.getBoundingClientRect();
    addPoint(((event.clientX - box.left) / box.width) * 2 * REACH - REACH, REACH - ((event.clientY - box.top) / box.height) * 2 * REACH);
  });
  root.append(element("div", { class: "tl-stack" },
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" }, data.root, activation.root),
      element("div", { class: "tl-stack" }, depth.root, width.root)),
    own, buttonRow("training", play, some, again, other), words.root,
    element("div", { class: "tl-columns" },
      element("div", {}, element("div", { class: "tl-heading" }, "The plane ", element("span", { class: "tl-quiet" }, "● or ▲: the answer is the shade")), plane),
      element("div", {}, element("div", { class: "tl-heading" }, "The plane, folded ", element("span", { class: "tl-quiet" }, "as the last hidden layer has it")), folded))));

  // --- Training
  function restart() {
    pause();
    own.hidden = get("data") !== "own";
    network = makeNetwork({
      depth: get("depth"), width: get("width"), activation: get("activation"), seed: get("seed"),
    });
    trainer = makeTrainer(network);
    last = null;
    draw();
  }

  function learn(nSteps) {
    const all = points();
    if (!all.length) return;
    for (let n = 0; n < nSteps && trainer.steps < MOST_STEPS; n++) last = trainer.step(all);
  }

  function start() {
    if (!points().length) return draw();
    play.textContent = "Pause";
    const perFrame = wantsLessMotion() ? 200 : 6; // with less motion: few, large jumps
    const go = () => {
      if (!document.hidden) { learn(perFrame); draw(); }
      if (trainer.steps >= MOST_STEPS) return pause();
      frame = wantsLessMotion() ? setTimeout(go, 1000) : requestAnimationFrame(go);
    };
    frame = requestAnimationFrame(go);
  }

  function pause() {
    cancelAnimationFrame(frame);
    clearTimeout(frame);
    const trained = frame !== 0;
    frame = 0;
    play.textContent = "Train ▸";
    if (trained) draw();
  }

  function addPoint(x, y) {
    if (get("points").length >= 300) return words.say("There is room for 300 points.");
    const inside = (value) => Math.max(-1.1, Math.min(1.1, value));
    set("points", [...get("points"), [inside(x), inside(y), Number(kind.value)]]);
    draw();
  }

  // --- Drawing
  function draw() {
    const all = points();
    const colours = {
      0: themeColour("--tl-weight"), 1: themeColour("--tl-orange"),
      ink: themeColour("--tl-ink"), line: themeColour("--tl-control-line"),
    };
    drawPlane(plane.getContext("2d"), network, all, colours);
    drawFolded(folded.getContext("2d"), network, all, colours);
    const nRight = all.filter(([x, y, target]) => (forward(network, [x, y]).score > 0) === (target === 1)).length;
    if (!all.length) return words.say("There are no points yet: add some of both kinds.");
    const loss = last ? `, loss ${last.loss.toFixed(3)}` : "";
    const done = nRight === all.length ? " Every point is on its side." : "";
    if (frame && performance.now() - spoken < 1000) return; // while it trains, once a second
    spoken = performance.now();
    words.say(`After ${trainer.steps} steps: ${formatPercent(nRight / all.length)} of ${all.length} points right${loss}.${done}`);
  }

  const hear = () => {
    data.value = get("data");
    activation.value = get("activation");
    depth.value = get("depth");
    width.value = get("width");
    restart();
  };
  onChange("data activation depth width seed", hear);
  onChange("points", draw);
  const endTheme = onThemeChange(draw);
  restart();
  onEnd(() => {
    pause();
    endTheme();
  });
}

function canvas(label) {
  return element("canvas", { width: SIZE, height: SIZE, class: "tl-plane", role: "img", "aria-label": label });
}

const toPixel = (value) => ((value + REACH) / (2 * REACH)) * SIZE;

function drawPlane(pen, network, points, colours) {
  pen.clearRect(0, 0, SIZE, SIZE);
  const cell = SIZE / CELLS;
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const x = ((column + 0.5) / CELLS) * 2 * REACH - REACH, y = REACH - ((row + 0.5) / CELLS) * 2 * REACH;
      const { score } = forward(network, [x, y]);
      const share = 1 / (1 + Math.exp(-score));
      pen.fillStyle = colours[share > 0.5 ? 1 : 0];
      pen.globalAlpha = 0.06 + 0.4 * Math.abs(share - 0.5);
      pen.fillRect(column * cell, row * cell, cell, cell);
    }
  }
  pen.globalAlpha = 1;
  for (const [x, y, target] of points) mark(pen, toPixel(x), SIZE - toPixel(y), target, colours);
}

// Across: how far the last hidden layer's numbers lie in the direction that the
// score is read from, so that the dividing line stands upright. Up: the direction
// in which they differ most besides.
function drawFolded(pen, network, points, colours) {
  pen.clearRect(0, 0, SIZE, SIZE);
  const { weight, bias } = network.head;
  const length = Math.hypot(...weight) || 1;
  const along = Array.from(weight, (value) => value / length);
  const lines = gridLines();
  const hidden = new Map();
  const at = (point) => {
    const key = point.join();
    if (!hidden.has(key)) hidden.set(key, Array.from(forward(network, point).hidden));
    return hidden.get(key);
  };
  const everything = [...lines.flat().map(at), ...points.map(([x, y]) => at([x, y]))];
  const aside = mainDirectionBeside(along, everything);
  const place = (h) => [project(h, along), project(h, aside)];
  const places = everything.map(place);
  const range = [0, 1].map((axis) => {
    const values = places.map((pair) => pair[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return { low, span: Math.max(high - low, 1e-6) };
  });
  const pixel = (pair) => pair.map((value, axis) => {
    const share = 0.06 + (0.88 * (value - range[axis].low)) / range[axis].span;
    return axis ? SIZE * (1 - share) : SIZE * share;
  });
  pen.strokeStyle = colours.line;
  pen.lineWidth = 0.7;
  for (const line of lines) {
    pen.beginPath();
    for (const point of line) pen.lineTo(...pixel(place(at(point))));
    pen.stroke();
  }
  const [border] = pixel([-bias[0] / length, range[1].low]);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1.5;
  pen.setLineDash([6, 5]);
  pen.beginPath();
  pen.moveTo(border, 0);
  pen.lineTo(border, SIZE);
  pen.stroke();
  pen.setLineDash([]);
  for (const [x, y, target] of points) mark(pen, ...pixel(place(at([x, y]))), target, colours);
}

function gridLines() {
  const steps = Array.from({ length: 9 }, (_, i) => -1 + i / 4);
  const fine = Array.from({ length: 33 }, (_, i) => -1 + i / 16);
  return [...steps.map((x) => fine.map((y) => [x, y])), ...steps.map((y) => fine.map((x) => [x, y]))];
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

export default figure("BendSpace", render, { ranges: { depth: [1, 4], width: [2, 8] } });
