// A distribution over the vocabulary, drawn: as bars, and as a line to draw from.
//
// Both show the same `picture`: { order: token IDs by falling probability, before
// and after: probabilities by ID (the model's own; reshaped and cut), nameOf(id) }.

import { arrowKeysMoveWithin, element, formatPercent, spoken, write } from "./ui.js";

const N_BARS = 10;

// The most likely tokens as bars: filled, what they are drawn with; dashed, what
// the model itself gave them. Clicking a bar appends its token.
export function barList(onPick) {
  const root = element("ol", {
    class: "tl-bars", "aria-label": "most likely next tokens; arrow keys move, Enter appends",
  });
  const bars = Array.from({ length: N_BARS }, (_, rank) => {
    const [name, own, fill, share] = ["tl-token", "tl-bar-own", "tl-bar-fill", "tl-bar-share"]
      .map((kind) => element("span", { class: kind }));
    const track = element("span", { class: "tl-bar-track" }, own, fill);
    const row = element("button", { type: "button", class: "tl-bar", tabindex: rank ? -1 : 0 },
      name, track, share);
    const item = element("li", {}, row);
    const bar = { item, row, name, own, fill, share, id: null };
    row.addEventListener("click", () => onPick(bar.id));
    root.append(item);
    return bar;
  });
  const settleStops = arrowKeysMoveWithin(root, ".tl-bar");
  return {
    root,
    show({ order, before, after, nameOf, canAppend }) {
      bars.forEach((bar, rank) => {
        const id = order[rank];
        bar.item.hidden = id === undefined;
        if (bar.item.hidden) return;
        const cut = after[id] === 0;
        bar.id = id;
        write(bar.name, nameOf(id));
        bar.own.style.width = `${100 * before[id]}%`;
        bar.fill.style.width = `${100 * after[id]}%`;
        bar.share.textContent = cut ? "cut" : formatPercent(after[id]);
        bar.row.classList.toggle("tl-cut", cut);
        bar.row.setAttribute("aria-disabled", String(!canAppend));
        const inWords = cut ? `cut, was ${formatPercent(before[id])}` : formatPercent(after[id]);
        bar.row.setAttribute("aria-label", `${spoken(nameOf(id))}, ${inWords}`);
      });
      settleStops();
    },
    mark(id) {
      for (const bar of bars) bar.row.classList.toggle("tl-drawn", id !== null && bar.id === id);
    },
  };
}

// All probabilities end to end on a line from 0 to 1, on which a draw falls.
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
