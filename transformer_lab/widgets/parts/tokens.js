// The tokens of a text as a row of buttons.

import { arrowKeysMoveWithin } from "./controls.js";
import { element, setAttributes, write } from "./nodes.js";
import { weightColour } from "./theme.js";
import { readable, specialName, spoken } from "./words.js";

/**
 * The tokens of a text in a row, as the model sees them. Each is a button: the
 * arrow keys move, hovering or focusing calls onLook(index), leaving onLook(null),
 * a click (Enter, Space) onPick(index).
 *
 * Returns { root, show, shade }:
 *   show([{ text, id, special, unseen, outside, fresh }, …])
 *     special: such as the start token; unseen: never met in training; outside:
 *     beyond what the model can see; fresh: written by the model
 *   shade(weights, index): a blue for each token, an outline for the one that looks
 *
 * @param {{ label: string, onLook?: (index: number | null) => void,
 *   onPick?: (index: number) => void }} options
 */
export function tokenChips({ label, onLook = (_) => {}, onPick = (_) => {} }) {
  const root = element("div", { class: "tl-chips", role: "group", "aria-label": label });
  const chips = [];
  const settleStops = arrowKeysMoveWithin(root, ".tl-chip");
  const setNumber = (n) => {
    while (chips.length > n) chips.pop().remove();
    while (chips.length < n) {
      const chip = makeChip(chips.length, { onLook, onPick });
      if (chips.length) chips.at(-1).after(chip);
      else root.prepend(chip);
      chips.push(chip);
    }
  };
  return {
    root,
    show(tokens) {
      setNumber(tokens.length);
      tokens.forEach((token, index) => showToken(chips[index], token, index));
      settleStops();
    },
    shade(weights, looking = null) {
      chips.forEach((chip, index) => {
        // The square root keeps small weights visible: 0.04 gets a fifth of the ink of 1.
        chip.style.backgroundColor = weightColour(Math.sqrt(weights?.[index] ?? 0), 0.62);
        chip.classList.toggle("tl-looking", index === looking);
      });
    },
  };
}

function makeChip(index, { onLook, onPick }) {
  return element("button", {
    type: "button", class: "tl-chip", tabindex: -1,
    on: {
      pointerenter: (event) => { if (event.pointerType === "mouse") onLook(index); },
      pointerleave: (event) => { if (event.pointerType === "mouse") onLook(null); },
      focus: () => onLook(index),
      blur: () => onLook(null),
      click: () => onPick(index),
    },
  });
}

function showToken(chip, token, index) {
  const shown = token.special ? specialName(token.text, index) : readable(token.text);
  write(chip, shown);
  const notes = [
    token.special && "special token", token.unseen && "never met in training",
    token.outside && "beyond what the model can see",
    !token.special && /^ \S/.test(token.text) && "begins with a space",
  ].filter(Boolean);
  const name = `token ${index + 1}: ${spoken(shown)}, ID ${token.id}`;
  setAttributes(chip, { "aria-label": [name, ...notes].join(", ") });
  for (const kind of ["special", "unseen", "outside", "fresh"]) {
    chip.classList.toggle(`tl-${kind}`, Boolean(token[kind]));
  }
}
