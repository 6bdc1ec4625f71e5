// EmbeddingMap: word vectors through training, and what is truly near to what.
//
// A flat map of all words, seen along two of the vectors' principal directions. The
// directions are those of the last snapshot, so that the map keeps still while the
// words move. Who is whose neighbour is measured in all dimensions; the figure says
// how much of that a flat map can show.

import { centred, dot, nearest, principalDirections, rowsFromHalf, unit } from "./engine/vectors.js";
import {
  afterPaint, arrowKeysMoveWithin, button, checkbox, debounce, element, figure, formatPercent,
  setAttribute, slider, statusLine, svgElement, uniqueId, wantsLessMotion,
} from "./parts/ui.js";

const N_NEAR = 5; // neighbours shown
const N_VIEWS = 4; // flat views to choose from
const PLAY_MS = 1000; // how long each snapshot is shown while playing
const GLIDE_MS = 450; // how long the words take to their next place
const SLOW_MS = 60; // a frame that takes longer makes them go there at once
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

function render({ model, root, remember }) {
  const [words, kinds, steps] = ["words", "kinds", "steps"].map((name) => model.get(name));
  const lastStep = steps.length - 1;
  const size = model.get("vectors").byteLength / (2 * steps.length * words.length);
  const tables = chunks(rowsFromHalf(model.get("vectors"), size), words.length);
  const means = tables.map(centred);
  const directions = principalDirections(means[lastStep]);
  const nViews = Math.min(N_VIEWS, Math.floor(size / 2));
  const allKinds = [...new Set(kinds)].filter(Boolean);
  const signOf = (index) => SIGNS[allKinds.indexOf(kinds[index])] ?? ["dot", "quiet"];
  const nearness = tables.map(() => []); // cosines, made when they are first asked for
  const units = tables.map((table) => table.map(unit));
  const cosinesOf = (step, word) => (nearness[step][word]
    ??= units[step].map((vector) => dot(units[step][word], vector)));
  const neighboursOf = (step, word, n) => nearest(cosinesOf(step, word), word, n);

  const allPlaces = Array.from({ length: nViews }, () => []); // made when they are first asked for
  const allRanges = []; // of the places, across and up, in each view
  const chosenStep = () => Math.min(model.get("selected"), lastStep);
  const chosenView = () => Math.min(model.get("view"), nViews - 1);
  const chosenWord = () => Math.max(0, words.indexOf(model.get("word")));
  const view = { playing: 0, pointed: null, kind: null, closer: false, width: 0, height: 0, places: [], frame: 0 };

  // --- Controls
  const step = slider({
    label: "Training step", min: 0, max: lastStep, value: chosenStep(),
    format: (index) => `${steps[index]}`, onInput: (index) => { stop(); remember("selected", index); },
  });
  const play = button("Play ▸", () => (view.playing ? stop() : start()));
  const side = slider({
    label: "Seen from", min: 0, max: nViews - 1, value: chosenView(),
    hint: "which two of the vectors' principal directions lie across and up",
    format: (index) => `${2 * index + 1} & ${2 * index + 2}`, onInput: (index) => remember("view", index),
  });
  const closer = checkbox({
    label: "Come closer to it", onInput: (ticked) => { view.closer = ticked; showSoon(); },
  });
  const ask = wordBox({ words, value: model.get("word"), onWord: (text) => {
    const found = [text, text.toLowerCase()].map((wanted) =>
      words.findIndex((word) => word === wanted || word.toLowerCase() === wanted)).find((at) => at >= 0);
    if (found !== undefined) remember("word", words[found]);
    else if (text) said.say(`“${text}” is not one of the ${words.length} words on this map.`);
  } });

  // --- The map
  const lines = svgElement("g", { class: "tl-em-lines" },
    ...Array.from({ length: Math.min(N_NEAR, words.length - 1) }, () => svgElement("line")));
  const trail = svgElement("polyline", { class: "tl-em-trail" });
  const dots = words.map((word, index) => {
    const [form, colour] = signOf(index);
    const label = svgElement("text", { class: "tl-em-label" }, word);
    const dot = svgElement("g", {
      class: `tl-em-word tl-em-sign-${form}`, role: "button", tabindex: index ? -1 : 0,
      "aria-label": kinds[index] ? `${word} (${kinds[index]})` : word, style: `--tl-em-sign: var(--tl-${colour})`,
      on: {
        keydown: (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          remember("word", word);
        },
        focus: () => point(index), blur: () => point(null),
      },
    }, svgElement("circle", { r: 12, class: "tl-em-around" }), svgElement("path", { d: FORMS[form] }), label);
    return { dot, label };
  });
  const map = svgElement("svg", {
    class: "tl-em-map", role: "group", "aria-label": "the map of words; arrow keys move, Enter chooses",
  }, trail, lines, ...dots.map(({ dot }) => dot));
  arrowKeysMoveWithin(map, ".tl-em-word");
  // Words lie close together: a hand means the nearest one.
  const underHand = (event) => {
    const box = map.getBoundingClientRect();
    const distances = view.places.map(([x, y]) => Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y));
    const best = distances.indexOf(Math.min(...distances));
    return distances[best] <= REACH ? best : null;
  };
  map.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") point(underHand(event)); });
  map.addEventListener("pointerleave", () => point(null));
  map.addEventListener("click", (event) => {
    // A screen reader's click has no place: it means the word that it is on.
    const called = dots.findIndex(({ dot }) => dot.contains(event.target));
    const index = event.detail ? underHand(event) : called;
    if (index !== null && index >= 0) remember("word", words[index]);
  });
  const legend = element("div", { class: "tl-em-legend", role: "group", "aria-label": "kinds; choose one to see it alone" },
    ...SIGNS.slice(0, allKinds.length).map(([form, colour], index) => element("button", {
      type: "button", class: "tl-em-legend-kind", "aria-pressed": "false",
      on: { click: () => pickKind(allKinds[index]) },
    }, svgElement("svg", {
      viewBox: "-7 -7 14 14", class: `tl-em-sign-${form}`, "aria-hidden": "true", style: `--tl-em-sign: var(--tl-${colour})`,
    }, svgElement("path", { d: FORMS[form] })), allKinds[index])),
    allKinds.length > SIGNS.length || kinds.includes("")
      ? element("span", { class: "tl-quiet" }, "small dots: other words") : null);

  // --- What is measured
  const said = statusLine();
  const kept = statusLine();
  const near = element("ol", { class: "tl-em-near", "aria-label": "the words most like it" });
  const rows = Array.from({ length: Math.min(N_NEAR, words.length - 1) }, () => {
    const [name, fill, share] = ["tl-token", "tl-bar-fill", "tl-bar-share"].map((kind) => element("span", { class: kind }));
    const go = element("button", { type: "button", class: "tl-em-near-word", on: { click: () => remember("word", name.textContent) } },
      name, element("span", { class: "tl-bar-track" }, fill), share);
    near.append(element("li", {}, go));
    return { go, name, fill, share };
  });
  const nearTitle = element("span");
  const curve = scoreBars({
    steps, scores: tables.map((_, at) => ownKindShare(at)), chance: ownKindByChance(kinds),
  });

  root.append(element("div", { class: "tl-stack" },
    element("div", { class: "tl-em-controls" }, step.root, play, side.root, ask.root, closer.root),
    said.root, map, legend, kept.root,
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" },
        element("div", { class: "tl-heading" }, nearTitle, element("span", { class: "tl-quiet" }, ` cosine, in all ${size} dimensions`)), near),
      element("div", { class: "tl-stack" },
        element("div", { class: "tl-heading" }, "Next to its own kind ",
          element("span", { class: "tl-quiet" }, "% of words whose nearest neighbour is of their kind; dashed: chance")),
        curve.root))));

  // --- What happens
  function ownKindShare(at) {
    const known = words.map((_, index) => index).filter((index) => kinds[index]);
    const own = known.filter((index) => kinds[nearestOf(at, index)] === kinds[index]);
    return own.length / known.length;
  }

  // The same as neighboursOf(at, word, 1), without putting all words in order.
  function nearestOf(at, word) {
    const cosines = cosinesOf(at, word);
    return cosines.reduce((best, value, other) =>
      (other !== word && (best < 0 || value > cosines[best]) ? other : best), -1);
  }

  // Places of all words, seen from one side: across and up.
  function placesAt(at, seenFrom) {
    const [across, up] = directions.slice(2 * seenFrom, 2 * seenFrom + 2);
    return (allPlaces[seenFrom][at] ??= means[at].map((vector) => [dot(vector, across), dot(vector, up)]));
  }

  // Pixels of the map for places of one view. The scale is the same at every step, and
  // the same across and up: a distance on the map is the distance in that view.
  function makeScale() {
    const [[left, right], [low, high]] = (allRanges[chosenView()] ??= [0, 1].map((axis) => {
      const values = tables.flatMap((_, at) => placesAt(at, chosenView()).map((place) => place[axis]));
      return [Math.min(...values), Math.max(...values)];
    }));
    const factor = Math.min((view.width - 2 * EDGE) / (right - left || 1), (view.height - 2 * EDGE) / (high - low || 1));
    const word = placesAt(chosenStep(), chosenView())[chosenWord()];
    const [middle, grown] = view.closer ? [word, CLOSER * factor] : [[(left + right) / 2, (low + high) / 2], factor];
    return ([x, y]) => [view.width / 2 + grown * (x - middle[0]), view.height / 2 - grown * (y - middle[1])];
  }

  function show({ glide = true } = {}) {
    const [at, word] = [chosenStep(), chosenWord()];
    const places = placesAt(at, chosenView());
    const close = neighboursOf(at, word, rows.length);
    step.value = at;
    side.value = chosenView();
    ask.value = words[word];
    dots.forEach(({ dot: mark }, index) => {
      mark.classList.toggle("tl-chosen", index === word);
      mark.classList.toggle("tl-neighbour", close.includes(index));
      mark.classList.toggle("tl-faded", view.kind !== null && kinds[index] !== view.kind && index !== word);
      mark.setAttribute("aria-pressed", String(index === word));
    });
    curve.mark(at);
    sayNeighbours(at, word, close);
    sayWhatIsKept(at, word, close, places);
    if (!view.width) return;
    const scale = makeScale();
    trail.setAttribute("points", tables.slice(0, at + 1)
      .map((_, earlier) => scale(placesAt(earlier, chosenView())[word]).map((n) => n.toFixed(1)).join(",")).join(" "));
    moveTo(places.map(scale), { glide: glide && !wantsLessMotion(), word, close });
  }

  const showSoon = afterPaint(show);

  // Moves the words to their places, all at once or in one glide.
  function moveTo(target, { glide, word, close }) {
    cancelAnimationFrame(view.frame);
    placeLabels(target, word, close);
    const from = view.places.length ? view.places : target;
    const began = performance.now();
    const draw = (share) => {
      const ease = share * share * (3 - 2 * share);
      view.places = target.map(([x, y], index) =>
        [from[index][0] + ease * (x - from[index][0]), from[index][1] + ease * (y - from[index][1])]);
      view.places.forEach(([x, y], index) => dots[index].dot.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`));
      close.forEach((other, n) => {
        const [[x1, y1], [x2, y2]] = [view.places[word], view.places[other]];
        for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) setAttribute(lines.children[n], name, value);
      });
    };
    let before = began;
    const frame = (now) => {
      const share = now - before > SLOW_MS ? 1 : Math.max(0, Math.min(1, (now - began) / GLIDE_MS));
      before = now;
      draw(share);
      if (share < 1) view.frame = requestAnimationFrame(frame);
    };
    if (glide) view.frame = requestAnimationFrame(frame);
    else draw(1);
  }

  // Names as many words as there is room for: the chosen one, its neighbours and the
  // one pointed at always, the others where no name or sign is in the way.
  function placeLabels(places, word, close) {
    const always = new Set([word, ...(view.pointed === null ? [] : [view.pointed]), ...close]);
    const marked = (index) => signOf(index)[0] !== "dot";
    const wanted = words.map((_, index) => index).filter((index) => !always.has(index)
      && (view.kind === null ? marked(index) : kinds[index] === view.kind));
    const crowded = view.width < NARROW && view.kind === null && !view.closer;
    const named = new Set(crowded ? [...always].map((index) => kinds[index]) : []);
    const taken = places.map(([x, y]) => [x - 5, y - 5, x + 5, y + 5]);
    const boxes = [];
    const inMap = ([x, y]) => x >= 0 && x <= view.width && y >= 0 && y <= view.height;
    dots.forEach(({ dot: mark, label }, index) => {
      mark.setAttribute("visibility", inMap(places[index]) ? "visible" : "hidden");
      label.setAttribute("display", "none"); // a hidden one would be laid out in every frame
    });
    for (const index of [...always, ...wanted]) {
      if (!always.has(index) && named.has(kinds[index])) continue;
      const [x, y] = places[index];
      const width = 7.1 * words[index].length + 2;
      const tries = [[8, 4, "start"], [-8, 4, "end"], [0, -8, "middle"], [0, 17, "middle"]].map(([dx, dy, anchor]) => {
        const left = x + dx - { start: 0, end: width, middle: width / 2 }[anchor];
        return { dx, dy, anchor, box: [left, y + dy - 11, left + width, y + dy + 3] };
      });
      const inside = ({ box }) => box[0] >= 0 && box[2] <= view.width && box[1] >= 0 && box[3] <= view.height;
      const free = tries.find((one) => inside(one) && !boxes.some((box) => overlap(box, one.box))
        && !taken.some((box, other) => other !== index && overlap(box, one.box)));
      const pick = free ?? (always.has(index)
        ? tries.find((one) => inside(one) && !boxes.some((box) => overlap(box, one.box)))
          ?? (index === word || index === view.pointed ? tries.find(inside) : null)
        : null);
      if (!pick || !inMap(places[index])) continue;
      boxes.push(pick.box);
      if (crowded) named.add(kinds[index]);
      const { label } = dots[index];
      for (const [name, value] of [["x", pick.dx], ["y", pick.dy], ["text-anchor", pick.anchor], ["display", "inline"]]) {
        label.setAttribute(name, value);
      }
    }
  }

  function sayNeighbours(at, word, close) {
    const cosines = cosinesOf(at, word);
    rows.forEach(({ go, name, fill, share }, row) => {
      const other = close[row];
      name.textContent = words[other];
      fill.style.width = `${100 * Math.max(0, cosines[other])}%`;
      share.textContent = cosines[other].toFixed(2);
      go.classList.toggle("tl-stranger", kinds[other] !== kinds[word]);
      go.setAttribute("aria-label", `${words[other]}, ${cosines[other].toFixed(2)}${kinds[other] ? `, ${kinds[other]}` : ""}`);
    });
    nearTitle.textContent = `Most like “${words[word]}”:`;
    const own = close.filter((other) => kinds[other] === kinds[word]).length;
    const kind = kinds[word] ? ` ${inWords(own, close.length)} of its own kind, ${kinds[word]}.` : "";
    said.say(`Step ${steps[at]} of ${steps[lastStep]}: most like “${words[word]}” are ${listed(close.slice(0, 3).map((other) => `${words[other]} (${cosines[other].toFixed(2)})`))}.${kind}`, { delay: view.playing ? 0 : 120 });
  }

  function sayWhatIsKept(at, word, close, places) {
    const spread = (vectors) => vectors.reduce((sum, vector) => sum + dot(vector, vector), 0);
    const share = spread(places) / (spread(means[at]) || 1);
    const byMap = places.map(([x, y]) => -Math.hypot(x - places[word][0], y - places[word][1]));
    const both = nearest(byMap, word, close.length).filter((other) => close.includes(other)).length;
    kept.say(`This flat view keeps ${formatPercent(share)} of how the vectors differ. Of the ${close.length} words that lie nearest to “${words[word]}” on it, ${both || "none"} truly ${both > 1 ? "are" : "is"} among the ${close.length} most like it (thin lines).`, { delay: 200 });
  }

  const point = afterPaint((index) => {
    if (view.pointed === index) return;
    view.pointed = index;
    dots.forEach(({ dot: mark }, at) => mark.classList.toggle("tl-pointed", at === index));
    if (!view.width) return;
    placeLabels(placesAt(chosenStep(), chosenView()).map(makeScale()), chosenWord(),
      neighboursOf(chosenStep(), chosenWord(), rows.length));
  });

  function pickKind(kind) {
    view.kind = view.kind === kind ? null : kind;
    [...legend.querySelectorAll("button")].forEach((one, index) =>
      one.setAttribute("aria-pressed", String(allKinds[index] === view.kind)));
    showSoon({ glide: false });
  }

  function start() {
    if (chosenStep() === lastStep) remember("selected", 0);
    play.textContent = "Pause";
    view.playing = setInterval(() => {
      remember("selected", chosenStep() + 1);
      if (chosenStep() === lastStep) stop();
    }, wantsLessMotion() ? 2 * PLAY_MS : PLAY_MS);
  }

  function stop() {
    clearInterval(view.playing);
    view.playing = 0;
    play.textContent = "Play ▸";
  }

  // The map is drawn for the width that it has: its words keep their size.
  const resize = () => {
    const width = Math.floor(map.getBoundingClientRect().width);
    if (!width || width === view.width) return;
    Object.assign(view, { width, height: width < NARROW ? 360 : 520, places: [] });
    map.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`);
    map.style.height = `${view.height}px`;
    show({ glide: false });
  };
  const observer = new ResizeObserver(resize);
  observer.observe(map);
  const hear = () => {
    step.value = chosenStep();
    showSoon();
  };
  model.on("change:selected change:word", hear);
  const hearView = () => showSoon();
  model.on("change:view", hearView);

  show({ glide: false });
  resize();
  return () => { // when the figure is taken away
    stop();
    cancelAnimationFrame(view.frame);
    observer.disconnect();
    model.off("change:selected change:word", hear);
    model.off("change:view", hearView);
  };
}

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const listed = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

// "All 5", "3 of the 5", "None of the 5", with the verb.
function inWords(own, all) {
  if (own === all) return `All ${all} nearest are`;
  return own ? `${own} of the ${all} nearest ${own === 1 ? "is" : "are"}` : `None of the ${all} nearest is`;
}

function chunks(rows, size) {
  return Array.from({ length: rows.length / size }, (_, n) => rows.slice(n * size, (n + 1) * size));
}

// How often another word drawn blindly is of the same kind.
function ownKindByChance(kinds) {
  const known = kinds.filter(Boolean);
  const same = known.reduce((sum, kind) => sum + known.filter((other) => other === kind).length - 1, 0);
  return same / (known.length * (kinds.length - 1) || 1);
}

// A box for one word, with a list to choose from. Returns { root, value }.
function wordBox({ words, value, onWord }) {
  const [id, list] = [uniqueId("word"), uniqueId("words")];
  const input = element("input", { type: "text", id, list, maxlength: 40, autocomplete: "off", spellcheck: "false" });
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
  const bars = scores.map((score, at) => svgElement("rect", {
    x: at * room + 2, width: room - 4, y: height - bottom - full * score, height: Math.max(1, full * score), rx: 2,
  }));
  const numbers = scores.map((score, at) => svgElement("text", {
    x: (at + 0.5) * room, y: height - bottom - full * score - 4, class: "tl-em-axis", "text-anchor": "middle",
  }, `${Math.round(100 * score)}`));
  const names = steps.map((step, at) => svgElement("text", {
    x: (at + 0.5) * room, y: height - 6, class: "tl-em-axis", "text-anchor": "middle",
  }, `${step}`));
  const line = height - bottom - full * chance;
  const root = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "tl-em-score", role: "img",
    "aria-label": `From ${Math.round(100 * scores[0])} percent at step ${steps[0]} to ${Math.round(100 * scores.at(-1))} percent at step ${steps.at(-1)}; by chance ${Math.round(100 * chance)} percent.`,
  }, ...bars, ...numbers, ...names, svgElement("line", { x1: 0, x2: width, y1: line, y2: line, class: "tl-em-score-chance" }));
  return {
    root,
    mark: (index) => [bars, names].forEach((row) => row.forEach((one, at) => one.classList.toggle("tl-now", at === index))),
  };
}

export default figure("EmbeddingMap", render, {
  anew: ["vectors", "steps", "words", "kinds"],
  ranges: { selected: [0, Infinity], view: [0, Infinity] },
});
