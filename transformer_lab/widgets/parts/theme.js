// Light or dark, the colours of the stylesheet, and less movement.

import { element } from "./nodes.js";

// The colour of a weight from 0 to 1: one blue, from nothing to full strength.
// `strongest` below 1 leaves it light enough for text on top. For styles, not for
// canvases: it follows the theme by itself.
export function weightColour(weight, strongest = 1) {
  const share = Math.max(0, Math.min(1, weight)) * strongest;
  return `color-mix(in srgb, var(--tl-weight) ${(100 * share).toFixed(1)}%, transparent)`;
}

// A colour of the stylesheet as "rgb(…)", for canvases: themeColour("--tl-weight"). To ask
// makes the browser work out the page's style: each is asked for once, until the theme changes.
export function themeColour(name) {
  watch();
  if (!colours.has(name)) {
    const probe = element("span", { class: "tl-figure", hidden: true, style: `color: var(${name})` });
    document.body.append(probe);
    colours.set(name, getComputedStyle(probe).color);
    probe.remove();
  }
  return colours.get(name);
}

// Calls `redraw` when the page goes from light to dark or back: for canvases.
// Returns a function that ends it.
export function onThemeChange(redraw) {
  watch();
  redraws.add(redraw);
  return () => { redraws.delete(redraw); };
}

const colours = new Map();
const redraws = new Set();
let watches = false;

function watch() {
  if (watches) return;
  watches = true;
  const changed = () => {
    colours.clear();
    for (const redraw of redraws) redraw();
  };
  const observer = new MutationObserver(changed);
  const attributes = { attributeFilter: ["data-theme", "theme", "class", "data-jp-theme-light"] };
  for (const node of [document.documentElement, document.body]) observer.observe(node, attributes);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

// Whether the reader asked their system for less movement.
export function wantsLessMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
