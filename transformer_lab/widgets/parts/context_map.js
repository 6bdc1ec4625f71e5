// A map of one word's vectors in several sentences, and a list of what each of them says.
//
// With sentences of known meaning, across stands how far a vector lies from the one sense to
// the other; up, the direction in which the vectors differ most besides. Without them, both
// are directions in which the vectors differ most (principal component analysis).

import { centred, dot, principalDirections } from "../engine/vectors.js";
import { element, stack, svgElement } from "./nodes.js";

const [WIDTH, HEIGHT, EDGE] = [420, 260, 24];

// --- Computed -------------------------------------------------------------------

/** Both senses. @param {{ sense: string }[]} known */
export function sensesOf(known) {
  return [...new Set(known.map(({ sense }) => sense))];
}

/**
 * Whether there is a vector of each sense to compare with.
 * @param {{ sense: string }[]} known
 * @param {string[]} kinds both senses
 */
export function hasBoth(known, kinds) {
  return kinds.every((kind) => known.some(({ sense }) => sense === kind));
}

/**
 * How to place a vector among those of known sense: `place(vector)` gives { across, up,
 * nearer: the sense whose middle is nearer (null: neither), share: how far it lies from the
 * other sense's middle to this one's }. A vector that is one of the known itself is given
 * with its `sense`, and is left out of that middle.
 *
 * @param {{ sense: string, vector: any }[]} known some of each sense
 * @param {string[]} kinds both senses
 */
export function placing(known, kinds) {
  const [first, second] = kinds.map((kind) =>
    known.filter(({ sense }) => sense === kind).map(({ vector }) => vector));
  const [from, to] = [mean(first), mean(second)];
  const between = to.map((value, i) => value - from[i]);
  const length = Math.sqrt(dot(between, between));
  const apart = length > 1e-6;
  const axis = apart ? between.map((value) => value / length) : between;
  const middle = from.map((value, i) => (value + to[i]) / 2);
  const rest = centred(known.map(({ vector }) => vector)).map((row) => {
    const along = dot(row, axis);
    return row.map((value, i) => value - along * axis[i]);
  });
  const [main] = principalDirections(rest);
  const place = (vector, sense = null) => {
    const shifted = vector.map((value, i) => value - middle[i]);
    const [near, far] = [
      distance(vector, leaveOut(from, vector, sense === kinds[0] ? first.length : 0)),
      distance(vector, leaveOut(to, vector, sense === kinds[1] ? second.length : 0)),
    ];
    const along = apart ? dot(shifted, axis) / length : 0; // −0.5 at the first middle, 0.5 at the second
    return {
      across: dot(shifted, axis), up: dot(shifted, main), nearer: apart ? kinds[near < far ? 0 : 1] : null,
      share: Math.max(0, Math.min(1, near < far ? 0.5 - along : 0.5 + along)),
    };
  };
  place.apart = apart;
  return place;
}

function mean(rows) {
  return rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
}

// The mean of n rows, without one of them.
function leaveOut(average, row, n) {
  return n < 2 ? average : average.map((value, i) => (n * value - row[i]) / (n - 1));
}

function distance(a, b) {
  return Math.hypot(...a.map((value, i) => value - b[i]));
}

/** How to place vectors where nothing is known: { across, up }. @param {any[]} vectors */
export function spreading(vectors) {
  const middle = mean(vectors);
  const [first, second] = principalDirections(centred(vectors));
  return (vector) => {
    const shifted = vector.map((value, i) => value - middle[i]);
    return { across: dot(shifted, first), up: second ? dot(shifted, second) : 0 };
  };
}

// --- Drawn ----------------------------------------------------------------------

/**
 * The map: `show(own, place, known)` draws the reader's places { name, vector, line } and, if there
 * are any, those of known sense.
 * @param {string[]} kinds both senses
 */
export function contextMap(kinds) {
  const drawing = svgElement("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "tl-context-map", role: "img",
  });
  const legend = element("p", { class: "tl-caption" });
  const list = element("ol", {
    class: "tl-context-list", "aria-label": "your sentences and what the vector says",
  });
  return {
    root: stack(drawing, legend), list,
    show(own, place, known = []) {
      const placed = own.map((item) => ({ ...item, ...place(item.vector) }));
      const among = known.map(({ sense, vector }) => ({ sense, ...place(vector) }));
      const [words, legendWords] = known.length ? withSenses(kinds) : WITHOUT_SENSES;
      drawing.setAttribute("aria-label", words);
      legend.textContent = legendWords;
      drawing.replaceChildren(...signs(among, placed, kinds), ...(known.length ? sides(kinds) : []));
      list.replaceChildren(...placed.map(sentenceItem));
    },
  };
}

/** @param {string[]} kinds */
const withSenses = ([left, right]) => [
  `a map of the vectors: ${left} on the left, ${right} on the right`,
  `● ${left}, ▲ ${right}: sentences of known meaning. Numbers: yours. `
    + "Across: from one meaning to the other; up: what differs most besides.",
];
const WITHOUT_SENSES = [
  "a map of the vectors", "Numbers: the places of the word. Across and up: what differs most between them.",
];

// The vectors of known sense and the reader's, as far apart as the drawing allows.
function signs(known, own, kinds) {
  const all = [...known, ...own];
  const scale = (axis) => {
    const values = all.map((point) => point[axis]);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return (point) => (point[axis] - (least + most) / 2) / (most - least || 1);
  };
  const [across, up] = [scale("across"), scale("up")];
  const at = (point) => [
    WIDTH / 2 + (WIDTH - 2 * EDGE) * across(point), HEIGHT / 2 - (HEIGHT - 2 * EDGE - 16) * up(point),
  ];
  return [
    ...known.map((point) => senseSign(...at(point), kinds.indexOf(point.sense))),
    ...own.flatMap((point) => ownSign(...at(point), point.name)),
  ];
}

/** @param {string[]} kinds */
function sides([left, right]) {
  const side = (x, anchor, words) =>
    svgElement("text", { x, y: HEIGHT - 4, "text-anchor": anchor, class: "tl-axis" }, words);
  return [side(4, "start", `← ${left}`), side(WIDTH - 4, "end", `${right} →`)];
}

function senseSign(x, y, sense) {
  return sense === 0 ? svgElement("circle", { cx: x, cy: y, r: 4.5, class: "tl-sense-0" })
    : svgElement("path", { d: `M${x} ${y - 5.5}l5 8.6h-10z`, class: "tl-sense-1" });
}

function ownSign(x, y, name) {
  return [
    svgElement("circle", { cx: x, cy: y, r: 10, class: "tl-own-place" }),
    svgElement("text", { x, y: y + 4, "text-anchor": "middle", class: "tl-own-name" }, name),
  ];
}

// With `nearer`, what the vector says of the meaning.
function sentenceItem({ name, line, nearer, share }) {
  const says = nearer === undefined ? "" : nearer === null ? "→ cannot be told"
    : `→ ${nearer} (${Math.round(100 * share)}% of the way)`;
  return element("li", {}, element("strong", {}, `${name} `), `${line} `,
    element("span", { class: "tl-quiet" }, says));
}

/** How many of known sense the vectors tell. */
export function describeSenses(known, place) {
  if (!place.apart) return "every sentence has the same vector: the meanings cannot be told apart.";
  const nRight = known.filter(({ sense, vector }) => place(vector, sense).nearer === sense).length;
  return `${nRight} of ${known.length} sentences of known meaning lie nearer to the middle of the `
    + "others with their meaning.";
}
