// A distribution over the vocabulary, drawn: as bars, and as a line to draw from.
//
// Both show the same `picture`: { order: token IDs by falling probability, before
// and after: probabilities by ID (the model's own; reshaped and cut), nameOf(id) }.

import { bar } from "./bars.js";
import { arrowKeysMoveWithin } from "./controls.js";
import { element } from "./nodes.js";
import { formatPercent, spoken } from "./words.js";

const N_BARS = 10;

/**
 * The most likely tokens as bars: filled, what they are drawn with; dashed, what the
 * model itself gave them. Clicking a bar appends its token.
 *
 * @param {(id: number) => void} onPick
 */
export function pickList(onPick) {
  const bars = Array.from({ length: N_BARS }, (_, rank) => {
    const one = bar("button", { compared: true, attributes: { type: "button", tabindex: rank ? -1 : 0 } });
    const row = { ...one, id: null, item: element("li", {}, one.root) };
    one.root.addEventListener("click", () => onPick(row.id));
    return row;
  });
  const root = element("ol", {
    class: "tl-bars", "aria-label": "most likely next tokens; arrow keys move, Enter appends",
  }, ...bars.map(({ item }) => item));
  const settleStops = arrowKeysMoveWithin(root, ".tl-bar");
  return {
    root,
    show({ order, before, after, nameOf, canAppend }) {
      bars.forEach((row, rank) => {
        const id = order[rank];
        row.item.hidden = id === undefined;
        if (row.item.hidden) return;
        const cut = after[id] === 0;
        row.id = id;
        const words = cut ? "cut" : formatPercent(after[id]);
        row.show({ name: nameOf(id), share: after[id], before: before[id], words });
        row.root.classList.toggle("tl-cut", cut);
        row.root.setAttribute("aria-disabled", String(!canAppend));
        const heard = cut ? `cut, was ${formatPercent(before[id])}` : words;
        row.root.setAttribute("aria-label", `${spoken(nameOf(id))}, ${heard}`);
      });
      settleStops();
    },
    mark(id) {
      for (const row of bars) row.root.classList.toggle("tl-drawn", id !== null && row.id === id);
    },
  };
}

/** All probabilities end to end on a line from 0 to 1, on which a draw falls. */
export function drawLine() {
  const parts = Array.from({ length: N_BARS + 1 }, () => element("span", { class: "tl-line-part" }));
  const marker = element("span", { class: "tl-line-marker", hidden: true });
  const root = element("div", { class: "tl-line", "aria-hidden": "true" }, ...parts, marker);
  return {
    root,
    show({ order, after, nameOf }) {
      let covered = 0;
      parts.forEach((part, rank) => {
        const isRest = rank === N_BARS;
        const share = isRest ? Math.max(0, 1 - covered) : after[order[rank]] ?? 0;
        covered += share;
        part.style.width = `${100 * share}%`;
        part.classList.toggle("tl-rest", isRest);
        part.textContent = share < 0.08 ? "" : isRest ? "others" : nameOf(order[rank]);
      });
    },
    mark(point) {
      marker.hidden = point === null;
      if (point !== null) marker.style.left = `${100 * point}%`;
    },
  };
}
