// Shares as bars: a name, a track that is filled, the share in words. What is compared
// has an outline too: what it was before.

import { element, write } from "./nodes.js";
import { formatPercent } from "./words.js";

/**
 * One bar. `show({ name, share, before, words })` takes shares from 0 to 1; `words` stand
 * for the share (in percent, if there are none); without `before` there is no outline.
 *
 * @param {string} tag
 * @param {{ compared?: boolean, attributes?: Record<string, any> }} [options]
 */
export function bar(tag, { compared = false, attributes = {} } = {}) {
  const part = (kind) => element("span", { class: kind });
  const [label, fill, number] = ["tl-token", "tl-bar-fill", "tl-bar-share"].map(part);
  const outline = compared ? part("tl-bar-own") : null;
  const root = element(tag, { class: "tl-bar", ...attributes },
    label, element("span", { class: "tl-bar-track" }, outline, fill), number);
  return {
    root,
    show({ name, share, before = null, words = formatPercent(share) }) {
      write(label, name);
      if (outline) outline.hidden = before === null;
      if (outline) outline.style.width = `${100 * before}%`;
      fill.style.width = `${100 * share}%`;
      write(number, words);
    },
  };
}

/**
 * A list of at most `length` bars. `show([{ name, share, … }, …])` hides those it has no
 * use for.
 *
 * @param {{ label: string, length: number, compared?: boolean, look?: string }} options
 */
export function barList({ label, length, compared = false, look = "tl-bars" }) {
  const bars = Array.from({ length }, () => bar("li", { compared }));
  return {
    root: element("ol", { class: look, "aria-label": label }, ...bars.map(({ root }) => root)),
    show(rows) {
      bars.forEach((one, at) => {
        one.root.hidden = at >= rows.length;
        if (at < rows.length) one.show(rows[at]);
      });
    },
  };
}
