// EmbeddingMap: word vectors through training, and what is truly near to what.
//
// A flat map of all words, seen along two of the vectors' principal directions. The
// directions are those of the last snapshot (from Python), so that the map keeps still
// while the words move. Neighbours are measured in all dimensions; the figure says how
// much of that a flat map can show.
//
// State: the figure's traits. Computed: `WordVectors`, `labelsFor`. Drawn: `wordMap` and
// the views below it. `render` wires them.

import { dot, centred, nearest, rowsFromHalf, unit } from "./engine/vectors.js";
import { bar } from "./parts/bars.js";
import { arrowKeysMoveWithin, button, checkbox, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import {
  columns, element, heading, setAttributes, stack, svgElement, uniqueId,
} from "./parts/nodes.js";
import { wantsLessMotion } from "./parts/theme.js";
import { afterPaint, debounce } from "./parts/time.js";
import { formatPercent, within } from "./parts/words.js";

const N_NEAR = 5; // neighbours shown
const PLAY_MS = 1000; // how long each snapshot is shown while playing
const GLIDE_MS = 450; // how long the words take to their next place
const SLOW_MS = 60; // after a frame that took longer, they go there at once
const SLOW_FOR_MS = 10_000; // for so long
const EDGE = 26; // pixels around the map, for words that stand at its rim
const REACH = 24; // pixels from a word within which a hand means it
const NARROW = 520; // pixels: on a narrower map only one word of a kind is named unasked
const CLOSER = 3; // how much the map grows around the chosen word
// The signs of the first kinds: form and colour both differ.
const SIGNS = [
  ["circle", "weight"], ["square", "orange"], ["triangle", "green"], ["diamond", "purple"],
  ["plus", "ink"], ["down", "red"], ["ring", "weight"], ["cross", "green"], ["frame", "orange"],
];
const FORMS = {
  circle: "M0 -4.6A4.6 4.6 0 1 0 0.01 -4.6Z",
  ring: "M0 -4.2A4.2 4.2 0 1 0 0.01 -4.2Z",
  square: "M-4.2 -4.2H4.2V4.2H-4.2Z",
  frame: "M-3.8 -3.8H3.8V3.8H-3.8Z",
  triangle: "M0 -5.4L5 4H-5Z",
  down: "M0 5.4L5 -4H-5Z",
  diamond: "M0 -5.8L5.2 0L0 5.8L-5.2 0Z",
  plus: "M0 -5V5M-5 0H5",
  cross: "M-4 -4L4 4M-4 4L4 -4",
  dot: "M0 -2.6A2.6 2.6 0 1 0 0.01 -2.6Z",
};

// --- Computed -------------------------------------------------------------------

// The vectors of all words at all snapshots. `step` numbers a snapshot, `word` a word.
class WordVectors {
  constructor(get) {
    this.words = get("words");
    this.kinds = get("kinds");
    this.steps = get("steps");
    this.directions = get("directions"); // two for each flat view
    this.size = get("vectors").byteLength / (2 * this.steps.length * this.words.length);
    this.tables = chunks(rowsFromHalf(get("vectors"), this.size), this.words.length);
    this.means = this.tables.map(centred);
    this.units = this.tables.map((table) => table.map(unit));
    this.allKinds = [...new Set(this.kinds)].filter(Boolean);
    // Made when they are first asked for:
    this.cosines = this.tables.map(() => []);
    this.places = this.directions.map(() => []);
    this.ranges = [];
  }

  signOf(word) {
    return SIGNS[this.allKinds.indexOf(this.kinds[word])] ?? ["dot", "quiet"];
  }

  cosinesOf(step, word) {
    const units = this.units[step];
    return (this.cosines[step][word] ??= units.map((vector) => dot(units[word], vector)));
  }

  // The same as `neighboursOf(step, word, 1)`, without putting all words in order.
  nearestOf(step, word) {
    const cosines = this.cosinesOf(step, word);
    return cosines.reduce((best, value, other) =>
      (other !== word && (best < 0 || value > cosines[best]) ? other : best), -1);
  }

  neighboursOf(step, word) {
    return nearest(this.cosinesOf(step, word), word, Math.min(N_NEAR, this.words.length - 1));
  }

  // The share of words whose nearest neighbour is of their kind.
  ownKindShare(step) {
    const known = this.words.map((_, word) => word).filter((word) => this.kinds[word]);
    const own = known.filter((word) => this.kinds[this.nearestOf(step, word)] === this.kinds[word]);
    return own.length / known.length;
  }

  // How often another word drawn blindly is of the same kind.
  ownKindByChance() {
    const known = this.kinds.filter(Boolean);
    const same = known.reduce((sum, kind) => sum + known.filter((other) => other === kind).length - 1, 0);
    return same / (known.length * (this.kinds.length - 1) || 1);
  }

  // Places of all words, seen from one side: across and up.
  placesAt(step, side) {
    const [across, up] = this.directions.slice(2 * side, 2 * side + 2);
    return (this.places[side][step] ??= this.means[step].map((vector) =>
      [dot(vector, across), dot(vector, up)]));
  }

  // Of the places at all snapshots: least and greatest, across and up.
  rangesFrom(side) {
    return (this.ranges[side] ??= [0, 1].map((axis) => {
      const values = this.steps.flatMap((_, step) => this.placesAt(step, side).map((place) => place[axis]));
      return [Math.min(...values), Math.max(...values)];
    }));
  }

  // What a flat view keeps of how the vectors differ, from 0 to 1.
  shareKept(step, side) {
    const spread = (vectors) => vectors.reduce((sum, vector) => sum + dot(vector, vector), 0);
    return spread(this.placesAt(step, side)) / (spread(this.means[step]) || 1);
  }

  nearestOnMap({ step, side, word, near }) {
    const places = this.placesAt(step, side);
    const [x, y] = places[word];
    return nearest(places.map((place) => -Math.hypot(place[0] - x, place[1] - y)), word, near.length);
  }
}

function chunks(rows, size) {
  return Array.from({ length: rows.length / size }, (_, n) => rows.slice(n * size, (n + 1) * size));
}

// Pixels of the map for places of one view. The scale is the same at every step, and
// the same across and up: a distance on the map is the distance in that view.
function scaleOf(vectors, { step, side, word, closer }, { width, height }) {
  const [[left, right], [low, high]] = vectors.rangesFrom(side);
  const factor = Math.min((width - 2 * EDGE) / (right - left || 1), (height - 2 * EDGE) / (high - low || 1));
  const [middle, grown] = closer ? [vectors.placesAt(step, side)[word], CLOSER * factor]
    : [[(left + right) / 2, (low + high) / 2], factor];
  return ([x, y]) => [width / 2 + grown * (x - middle[0]), height / 2 - grown * (y - middle[1])];
}

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const isInside = ([x, y], { width, height }) => x >= 0 && x <= width && y >= 0 && y <= height;

// Where to write which words: a Map from words to { dx, dy, anchor }. As many as there is
// room for: the chosen one, its neighbours and the one pointed at always, the others where
// no name or sign is in the way.
function labelsFor(vectors, places, now, box) {
  const always = new Set([now.word, now.pointed ?? now.word, ...now.near]);
  const isCrowded = box.width < NARROW && now.kind === null && !now.closer;
  const keyOf = (index) => (isCrowded ? vectors.kinds[index] : index); // one name for each key
  const named = new Set([...always].map(keyOf));
  const labels = new Map();
  const wanted = [...always, ...namedIfFree(vectors, now, always)];
  for (const index of wanted.filter((one) => isInside(places[one], box))) {
    const isForced = always.has(index);
    if (!isForced && named.has(keyOf(index))) continue;
    const isMeant = [now.word, now.pointed].includes(index);
    const spot = spotFor(index, { word: vectors.words[index], places, labels, box, isForced, isMeant });
    if (!spot) continue;
    named.add(keyOf(index));
    labels.set(index, spot);
  }
  return labels;
}

function namedIfFree(vectors, { kind }, always) {
  return vectors.words.map((_, index) => index).filter((index) => !always.has(index)
    && (kind === null ? vectors.signOf(index)[0] !== "dot" : vectors.kinds[index] === kind));
}

// The first place that is free; a forced name may lie on signs, a meant one on names.
function spotFor(index, { word, places, labels, box, isForced, isMeant }) {
  const inside = spotsAround(word, places[index]).filter(({ rectangle: [x1, y1, x2, y2] }) =>
    isInside([x1, y1], box) && isInside([x2, y2], box));
  const taken = [...labels.values()];
  const legible = inside.filter((spot) => !taken.some((other) => overlap(other.rectangle, spot.rectangle)));
  const free = legible.find(({ rectangle }) => !places.some(([x, y], other) =>
    other !== index && overlap([x - 5, y - 5, x + 5, y + 5], rectangle)));
  return free ?? (isForced ? legible[0] : null) ?? (isMeant ? inside[0] : null);
}

// Right of its sign, left, above, below.
function spotsAround(word, [x, y]) {
  const width = 7.1 * word.length + 2;
  return [[8, 4, "start"], [-8, 4, "end"], [0, -8, "middle"], [0, 17, "middle"]].map(([dx, dy, anchor]) => {
    const left = x + Number(dx) - { start: 0, end: width, middle: width / 2 }[anchor];
    return { dx, dy, anchor, rectangle: [left, y + Number(dy) - 11, left + width, y + Number(dy) + 3] };
  });
}

// --- In words -------------------------------------------------------------------

const listed = (names) => (names.length < 2 ? names.join("")
  : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

// "All 5", "3 of the 5", "None of the 5", with the verb.
function inWords(own, all) {
  if (own === all) return `All ${all} nearest are`;
  return own ? `${own} of the ${all} nearest ${own === 1 ? "is" : "are"}` : `None of the ${all} nearest is`;
}

function describeNeighbours({ words, kinds, steps }, cosines, { step, word, near }) {
  const own = near.filter((other) => kinds[other] === kinds[word]).length;
  const kind = kinds[word] ? ` ${inWords(own, near.length)} of its own kind, ${kinds[word]}.` : "";
  const best = near.slice(0, 3).map((other) => `${words[other]} (${cosines[other].toFixed(2)})`);
  return `Step ${steps[step]} of ${steps.at(-1)}: most like “${words[word]}” are ${listed(best)}.${kind}`;
}

function describeMap(vectors, now) {
  const n = now.near.length;
  const both = vectors.nearestOnMap(now).filter((other) => now.near.includes(other)).length;
  return `This flat view keeps ${formatPercent(vectors.shareKept(now.step, now.side))} of how the vectors `
    + `differ. Of the ${n} words that lie nearest to “${vectors.words[now.word]}” on it, ${both || "none"} `
    + `truly ${both > 1 ? "are" : "is"} among the ${n} most like it (thin lines).`;
}

// --- Drawn ----------------------------------------------------------------------

// The map. `show(now)` draws a state at once or in a glide; `label(now)` only the names.
function wordMap(vectors, { onPick, onPoint }) {
  const lines = svgElement("g", { class: "tl-em-lines" },
    ...Array.from({ length: Math.min(N_NEAR, vectors.words.length - 1) }, () => svgElement("line")));
  const trail = svgElement("polyline", { class: "tl-em-trail" });
  const dots = vectors.words.map((_, index) => wordDot(vectors, index, { onPick, onPoint }));
  const root = svgElement("svg", {
    class: "tl-em-map", role: "group", "aria-label": "the map of words; arrow keys move, Enter chooses",
  }, trail, lines, ...dots.map(({ dot: mark }) => mark));
  arrowKeysMoveWithin(root, ".tl-em-word");
  const box = { width: 0, height: 0 };
  const glide = glider(dots, lines);
  pointWith(root, { dots, glide, onPick, onPoint });
  const label = (now) => {
    if (!box.width) return;
    const places = vectors.placesAt(now.step, now.side).map(scaleOf(vectors, now, box));
    placeLabels(vectors, dots, places, now, box);
  };
  return {
    root, label,
    end: glide.stop,
    point: (pointed) => dots.forEach(({ dot: mark }, at) =>
      mark.classList.toggle("tl-pointed", at === pointed)),
    show(now, { isSudden = false } = {}) {
      dots.forEach(({ dot: mark }, index) => {
        mark.classList.toggle("tl-chosen", index === now.word);
        mark.classList.toggle("tl-neighbour", now.near.includes(index));
        mark.classList.toggle("tl-faded",
          now.kind !== null && vectors.kinds[index] !== now.kind && index !== now.word);
        setAttributes(mark, { "aria-pressed": String(index === now.word) });
      });
      if (!box.width) return;
      const scale = scaleOf(vectors, now, box);
      const way = vectors.steps.slice(0, now.step + 1).map((_, step) =>
        scale(vectors.placesAt(step, now.side)[now.word]).map((n) => n.toFixed(1)).join(","));
      setAttributes(trail, { points: way.join(" ") });
      label(now);
      glide.to(vectors.placesAt(now.step, now.side).map(scale), now, isSudden || wantsLessMotion());
    },
    // The map is drawn for the width that it has: its words keep their size. Says whether it is new.
    fit() {
      const width = Math.floor(root.getBoundingClientRect().width);
      if (!width || width === box.width) return false;
      Object.assign(box, { width, height: width < NARROW ? 360 : 520 });
      glide.forget();
      root.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
      root.style.height = `${box.height}px`;
      return true;
    },
  };
}

function wordDot(vectors, index, { onPick, onPoint }) {
  const { words, kinds } = vectors;
  const [form, colour] = vectors.signOf(index);
  const label = svgElement("text", { class: "tl-em-label" }, words[index]);
  const onKey = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onPick(index);
  };
  const dot = svgElement("g", {
    class: `tl-em-word tl-em-sign-${form}`, role: "button", tabindex: index ? -1 : 0,
    "aria-label": kinds[index] ? `${words[index]} (${kinds[index]})` : words[index],
    style: `--tl-em-sign: var(--tl-${colour})`,
    on: { keydown: onKey, focus: () => onPoint(index), blur: () => onPoint(null) },
  }, svgElement("circle", { r: 12, class: "tl-em-around" }), svgElement("path", { d: FORMS[form] }), label);
  return { dot, label };
}

// Words lie close together: a hand means the nearest one.
function pointWith(map, { dots, glide, onPick, onPoint }) {
  const underHand = (event) => {
    const box = map.getBoundingClientRect();
    const distances = glide.places().map(([x, y]) =>
      Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y));
    const best = distances.indexOf(Math.min(...distances));
    return distances[best] <= REACH ? best : null;
  };
  map.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") onPoint(underHand(event));
  });
  map.addEventListener("pointerleave", () => onPoint(null));
  map.addEventListener("click", (event) => {
    // A screen reader's click has no place: it means the word that it is on.
    const called = dots.findIndex(({ dot }) => dot.contains(event.target));
    const index = event.detail ? underHand(event) : called;
    if (index !== null && index >= 0) onPick(index);
  });
}

function placeLabels(vectors, dots, places, now, box) {
  const labels = labelsFor(vectors, places, now, box);
  dots.forEach(({ dot, label }, index) => {
    setAttributes(dot, { visibility: isInside(places[index], box) ? "visible" : "hidden" });
    const spot = labels.get(index); // a hidden one would be laid out in every frame
    setAttributes(label, spot ? { x: spot.dx, y: spot.dy, "text-anchor": spot.anchor, display: "inline" }
      : { display: "none" });
  });
}

// Moves the words to their places, all at once or in one glide.
function glider(dots, lines) {
  let places = [];
  let frame = 0;
  let slowUntil = 0;
  const draw = ({ from, target, word, near }, share) => {
    const ease = share * share * (3 - 2 * share);
    places = target.map((to, index) => to.map((end, axis) =>
      from[index][axis] + ease * (end - from[index][axis])));
    places.forEach(([x, y], index) =>
      setAttributes(dots[index].dot, { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }));
    near.forEach((other, n) => {
      const [[x1, y1], [x2, y2]] = [places[word], places[other]];
      setAttributes(lines.children[n], { x1, y1, x2, y2 });
    });
  };
  const glide = (move) => {
    const began = performance.now();
    let before = began;
    const step = (now) => {
      if (now - before > SLOW_MS) slowUntil = now + SLOW_FOR_MS;
      before = now;
      const share = now < slowUntil ? 1 : within((now - began) / GLIDE_MS, 0, 1);
      draw(move, share);
      if (share < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  };
  const stop = () => cancelAnimationFrame(frame);
  return {
    stop,
    places: () => places,
    forget() { places = []; },
    to(target, { word, near }, isSudden) {
      stop();
      const move = { from: places.length ? places : target, target, word, near };
      if (isSudden || performance.now() < slowUntil) draw(move, 1);
      else glide(move);
    },
  };
}

function kindLegend({ kinds, allKinds }, onPick) {
  const buttons = SIGNS.slice(0, allKinds.length).map(([form, colour], index) => element("button", {
    type: "button", class: "tl-em-legend-kind", "aria-pressed": "false",
    on: { click: () => onPick(allKinds[index]) },
  }, svgElement("svg", {
    viewBox: "-7 -7 14 14", class: `tl-em-sign-${form}`, "aria-hidden": "true",
    style: `--tl-em-sign: var(--tl-${colour})`,
  }, svgElement("path", { d: FORMS[form] })), allKinds[index]));
  return {
    root: element("div", {
      class: "tl-em-legend", role: "group", "aria-label": "kinds; choose one to see it alone",
    }, ...buttons, allKinds.length > SIGNS.length || kinds.includes("")
      ? element("span", { class: "tl-quiet" }, "small dots: other words") : null),
    show: (kind) => buttons.forEach((one, index) =>
      setAttributes(one, { "aria-pressed": String(allKinds[index] === kind) })),
  };
}

// The words most like the chosen one, each a button.
function neighbourList({ words, kinds }, onPick) {
  const title = element("span");
  const rows = Array.from({ length: Math.min(N_NEAR, words.length - 1) }, () => {
    const row = { word: 0, ...bar("button", { attributes: {
      type: "button", class: "tl-em-near-word", on: { click: () => onPick(row.word) },
    } }) };
    return row;
  });
  return {
    title,
    root: element("ol", { class: "tl-em-near", "aria-label": "the words most like it" },
      ...rows.map((row) => element("li", {}, row.root))),
    show(cosines, { word, near }) {
      title.textContent = `Most like “${words[word]}”:`;
      rows.forEach((row, at) => {
        row.word = near[at];
        const [name, kind, cosine] = [words[row.word], kinds[row.word], cosines[row.word].toFixed(2)];
        row.show({ name, share: Math.max(0, cosines[row.word]), words: cosine });
        row.root.classList.toggle("tl-stranger", kind !== kinds[word]);
        setAttributes(row.root, { "aria-label": `${name}, ${cosine}${kind ? `, ${kind}` : ""}` });
      });
    },
  };
}

// A box for one word, with a list to choose from.
function wordBox({ words, value, onWord }) {
  const [id, list] = [uniqueId("word"), uniqueId("words")];
  const input = element("input", {
    type: "text", id, list, maxlength: 40, autocomplete: "off", spellcheck: "false",
  });
  const settle = debounce(() => onWord(input.value.trim()), 350);
  input.value = value;
  input.addEventListener("input", settle);
  const root = element("div", { class: "tl-control tl-em-ask" }, element("label", { for: id }, "Word"), input,
    element("datalist", { id: list }, ...words.map((word) => element("option", { value: word }))));
  return {
    root,
    set value(word) { if (document.activeElement !== input) input.value = word; },
  };
}

// One bar for each snapshot: how many words have found their own kind.
function scoreBars({ steps, scores, chance }) {
  const [width, height, bottom] = [320, 128, 22];
  const full = height - bottom - 16;
  const room = width / steps.length;
  const top = (score) => height - bottom - full * score;
  const text = (at, y, words) => svgElement("text", {
    x: (at + 0.5) * room, y, class: "tl-em-axis", "text-anchor": "middle",
  }, words);
  const percent = (share) => Math.round(100 * share);
  const bars = scores.map((score, at) => svgElement("rect", {
    x: at * room + 2, width: room - 4, y: top(score), height: Math.max(1, full * score), rx: 2,
  }));
  const names = steps.map((step, at) => text(at, height - 6, `${step}`));
  const root = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "tl-em-score", role: "img",
    "aria-label": `From ${percent(scores[0])} percent at step ${steps[0]} to ${percent(scores.at(-1))} `
      + `percent at step ${steps.at(-1)}; by chance ${percent(chance)} percent.`,
  }, ...bars, ...scores.map((score, at) => text(at, top(score) - 4, `${percent(score)}`)), ...names,
  svgElement("line", { x1: 0, x2: width, y1: top(chance), y2: top(chance), class: "tl-em-score-chance" }));
  return {
    root,
    mark: (step) => [bars, names].forEach((row) =>
      row.forEach((one, at) => one.classList.toggle("tl-now", at === step))),
  };
}

// A button that goes through the snapshots. Returns { root, stop }.
function player({ step, lastStep, onStep }) {
  let timer = 0;
  const root = button("Play ▸", () => (timer ? stop() : start()));
  const start = () => {
    if (step() === lastStep) onStep(0);
    root.textContent = "Pause";
    timer = setInterval(() => {
      onStep(step() + 1);
      if (step() === lastStep) stop();
    }, wantsLessMotion() ? 2 * PLAY_MS : PLAY_MS);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    root.textContent = "Play ▸";
  };
  return { root, stop, isPlaying: () => timer !== 0 };
}

// --- Wired ----------------------------------------------------------------------

function render(figure) {
  const { root, get, set, onChange, onEnd } = figure;
  const vectors = new WordVectors(get);
  const [lastStep, lastSide] = [vectors.steps.length - 1, vectors.directions.length / 2 - 1];
  const own = { kind: null, pointed: null, closer: false }; // of the state, what is no trait
  const state = () => {
    const step = Math.min(get("selected"), lastStep);
    const word = Math.max(0, vectors.words.indexOf(get("word")));
    const near = vectors.neighboursOf(step, word);
    return { ...own, step, word, near, side: Math.min(get("view"), lastSide) };
  };
  const onPick = (word) => set("word", vectors.words[word]);
  const onPoint = afterPaint((index) => {
    if (own.pointed === index) return;
    own.pointed = index;
    map.point(index);
    map.label(state());
  });
  const map = wordMap(vectors, { onPick, onPoint });
  const views = viewsOf(vectors, { map, onPick, onKind: (kind) => {
    own.kind = own.kind === kind ? null : kind;
    views.legend.show(own.kind);
    showSoon({ isSudden: true });
  } });
  const onCloser = (ticked) => {
    own.closer = ticked;
    showSoon();
  };
  const controls = controlsOf(figure, { vectors, lastStep, lastSide, announce: views.said.say, onCloser });
  const show = (options) => {
    const now = state();
    controls.ask.value = vectors.words[now.word];
    views.show(now, { ...options, isPlaying: controls.play.isPlaying() });
  };
  const showSoon = afterPaint(show);
  const fit = () => { if (map.fit()) show({ isSudden: true }); };
  const observer = new ResizeObserver(fit);
  observer.observe(map.root);
  onChange("selected word view", () => showSoon());
  root.append(stack(controls.root, ...views.roots));
  show({ isSudden: true });
  fit();
  onEnd(() => { controls.play.stop(); map.end(); observer.disconnect(); });
}

function controlsOf({ get, set, bind }, { vectors, lastStep, lastSide, announce, onCloser }) {
  const { words, steps } = vectors;
  const atMost = (most) => (value) => Math.min(value, most);
  const step = bind("selected", slider, {
    label: "Training step", min: 0, max: lastStep, shown: atMost(lastStep),
    format: (index) => `${steps[index]}`, onInput: () => play.stop(),
  });
  const play = player({
    lastStep, step: () => Math.min(get("selected"), lastStep), onStep: (index) => set("selected", index),
  });
  const side = bind("view", slider, {
    label: "Seen from", min: 0, max: lastSide, shown: atMost(lastSide),
    hint: "which two of the vectors' principal directions lie across and up",
    format: (index) => `${2 * index + 1} & ${2 * index + 2}`,
  });
  const closer = checkbox({ label: "Come closer to it", onInput: onCloser });
  const ask = wordBox({ words, value: get("word"), onWord: (text) => {
    const found = [text, text.toLowerCase()].map((wanted) =>
      words.findIndex((word) => word === wanted || word.toLowerCase() === wanted)).find((at) => at >= 0);
    if (found !== undefined) set("word", words[found]);
    else if (text) announce(`“${text}” is not one of the ${words.length} words on this map.`);
  } });
  return {
    play, ask,
    root: element("div", { class: "tl-em-controls" }, step.root, play.root, side.root, ask.root, closer.root),
  };
}

// All pictures and sentences: `show(now)` draws a state.
function viewsOf(vectors, { map, onPick, onKind }) {
  const [said, kept] = [statusLine(), statusLine()];
  const legend = kindLegend(vectors, onKind);
  const near = neighbourList(vectors, onPick);
  const curve = scoreBars({
    steps: vectors.steps, scores: vectors.steps.map((_, step) => vectors.ownKindShare(step)),
    chance: vectors.ownKindByChance(),
  });
  return {
    said, legend,
    roots: [said.root, map.root, legend.root, kept.root, columns(
      stack(heading(near.title, ` cosine, in all ${vectors.size} dimensions`), near.root),
      stack(heading("Next to its own kind ",
        "% of words whose nearest neighbour is of their kind; dashed: chance"), curve.root))],
    show(now, { isSudden = false, isPlaying }) {
      const cosines = vectors.cosinesOf(now.step, now.word);
      curve.mark(now.step);
      near.show(cosines, now);
      const delay = isPlaying ? 0 : 120;
      said.say(describeNeighbours(vectors, cosines, now), { delay });
      kept.say(describeMap(vectors, now), { delay }); // both in one frame
      map.show(now, { isSudden });
    },
  };
}

export default figure("EmbeddingMap", render, {
  anew: ["vectors", "steps", "words", "kinds", "directions"],
  ranges: { selected: [0, Infinity], view: [0, Infinity] },
});
