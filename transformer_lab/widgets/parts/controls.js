// Native controls with their labels, and what makes a row of buttons one stop of the Tab key.
//
// Each control is { root, input, value }; setting `value` calls nobody.

import { element, setAttributes, uniqueId, write } from "./nodes.js";
import { debounce } from "./time.js";
import { spoken, within } from "./words.js";

/**
 * A slider with its label before it and its value, in words, behind it.
 *
 * @param {{ label: string, min: number, max: number, step?: number, value: number,
 *   format?: (value: number) => string, hint?: string, onInput: (value: number) => void }} options
 */
export function slider({ label, min, max, step = 1, value, format = String, hint = null, onInput }) {
  const id = uniqueId("slider");
  const input = element("input", { type: "range", id, min, max, step, title: hint });
  // Screen readers speak the slider's value already: its output need not be spoken too.
  const output = element("output", { for: id, "aria-live": "off" });
  const show = () => {
    const text = format(Number(input.value));
    write(output, text);
    input.setAttribute("aria-valuetext", spoken(text));
  };
  input.value = value;
  show();
  input.addEventListener("input", () => { show(); onInput(Number(input.value)); });
  const root = element("div", { class: "tl-control tl-slider" },
    element("label", { for: id, title: hint }, label), input, output);
  return {
    root, input,
    get value() { return Number(input.value); },
    set value(number) { input.value = number; show(); },
  };
}

/**
 * A box for text of `rows` lines. A reader can type `maxLength` letters: more than any
 * model here can see.
 *
 * @param {{ label: string, value?: string, rows?: number, placeholder?: string,
 *   maxLength?: number, onInput: (text: string) => void }} options
 */
export function textBox({ label, value = "", rows = 2, placeholder = null, maxLength = 2000, onInput }) {
  const id = uniqueId("text");
  const input = element("textarea", {
    id, rows, placeholder, maxlength: maxLength, spellcheck: "false", autocomplete: "off",
  });
  input.value = value;
  input.addEventListener("input", () => onInput(input.value));
  const root = element("div", { class: "tl-control tl-text" }, element("label", { for: id }, label), input);
  return {
    root, input,
    get value() { return input.value; },
    set value(text) { if (input.value !== text) input.value = text; },
  };
}

/**
 * A box for a whole number. What is none, or out of range, gives way to the last good one
 * when the reader goes on.
 *
 * @param {{ label: string, value?: number, min?: number, max?: number,
 *   onInput: (value: number) => void }} options
 */
export function numberBox({ label, value = 0, min = 0, max = 999999, onInput }) {
  const id = uniqueId("number");
  const input = element("input", { type: "number", id, min, max, step: 1 });
  let good = within(value, min, max);
  input.value = good;
  input.addEventListener("input", () => {
    if (!input.validity.valid || !input.value) return;
    good = Number(input.value);
    onInput(good);
  });
  input.addEventListener("change", () => { input.value = good; });
  const root = element("div", { class: "tl-control tl-number" }, element("label", { for: id }, label), input);
  return {
    root, input,
    get value() { return good; },
    set value(number) { input.value = good = within(number, min, max); },
  };
}

/**
 * A choice among options: [[value, text], …]. A value that is none of them is the first.
 *
 * @param {{ label: string, options: string[][], value: string,
 *   onInput: (value: string) => void }} options
 */
export function select({ label, options, value, onInput }) {
  const id = uniqueId("select");
  const input = element("select", { id },
    ...options.map(([option, text]) => element("option", { value: option }, text)));
  const choose = (option) => {
    input.value = option;
    if (input.selectedIndex < 0) input.selectedIndex = 0;
  };
  choose(value);
  input.addEventListener("change", () => onInput(input.value));
  const root = element("div", { class: "tl-control tl-select" }, element("label", { for: id }, label), input);
  return {
    root, input,
    get value() { return input.value; },
    set value(option) { choose(option); },
  };
}

/**
 * A box to tick.
 *
 * @param {{ label: string, value?: boolean, onInput: (ticked: boolean) => void }} options
 */
export function checkbox({ label, value = false, onInput }) {
  const input = element("input", { type: "checkbox" });
  input.checked = value;
  input.addEventListener("change", () => onInput(input.checked));
  const root = element("label", { class: "tl-control tl-checkbox" }, input, label);
  return {
    root, input,
    get value() { return input.checked; },
    set value(ticked) { input.checked = ticked; },
  };
}

/**
 * @param {string} label
 * @param {() => void} onClick
 * @param {{ primary?: boolean, title?: string }} [options]
 */
export function button(label, onClick, { primary = false, title = null } = {}) {
  return element("button", {
    type: "button", class: primary ? "tl-button tl-primary" : "tl-button", title, on: { click: onClick },
  }, label);
}

/** @param {string} label @param {...Node} buttons */
export function buttonRow(label, ...buttons) {
  return element("div", { class: "tl-buttons", role: "group", "aria-label": label }, ...buttons);
}

/**
 * What is folded away until the reader asks for it.
 *
 * @param {string} summary
 * @param {{ open?: boolean }} options
 * @param {...(Node | string)} children
 */
export function disclosure(summary, { open = false } = {}, ...children) {
  return element("details", { class: "tl-details", open }, element("summary", {}, summary), ...children);
}

/** A part that scrolls: the Tab key stops at it while it holds more than it shows. @param {any} node */
export function scroller(node) {
  const settle = debounce(() => {
    const scrolls = node.scrollHeight > node.clientHeight || node.scrollWidth > node.clientWidth;
    setAttributes(node, { tabindex: scrolls || node === document.activeElement ? 0 : null });
  }, 100);
  new ResizeObserver(settle).observe(node);
  new MutationObserver(settle).observe(node, { childList: true, subtree: true, characterData: true });
  return node;
}

/**
 * One stop of the Tab key for a whole row of things: the arrow keys move within. The things
 * may come and go; call what this returns after it, so that there is always exactly one stop.
 *
 * @param {any} container
 * @param {string} selector of the things
 * @param {() => number} nColumns how many stand side by side: so far a key goes up or down
 */
export function arrowKeysMoveWithin(container, selector, nColumns = () => 1) {
  const things = () => [...container.querySelectorAll(selector)];
  const makeStop = (stop) => {
    for (const thing of things()) {
      const tabIndex = thing === stop ? 0 : -1;
      if (thing.tabIndex !== tabIndex) thing.tabIndex = tabIndex;
    }
  };
  container.addEventListener("focusin", (event) => {
    const thing = event.target.closest(selector);
    if (thing) makeStop(thing);
  });
  container.addEventListener("keydown", (event) => {
    const all = things();
    const here = all.indexOf(event.target.closest(selector));
    if (here < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const there = {
      ArrowRight: here + 1, ArrowDown: here + nColumns(),
      ArrowLeft: here - 1, ArrowUp: here - nColumns(),
      Home: 0, End: all.length - 1,
    }[event.key];
    if (there === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, there))].focus();
  });
  return () => {
    const all = things();
    makeStop(all.find((thing) => thing === document.activeElement)
      ?? all.find((thing) => thing.tabIndex === 0) ?? all.at(-1));
  };
}

/**
 * A sentence that is seen, and that a screen reader speaks when it changes.
 *   say(text)               at once
 *   say(text, { delay })    only if nothing else is said for so many milliseconds
 *   say(text, { spoken })   with words that only a screen reader gets
 */
export function statusLine() {
  const root = element("p", { class: "tl-status", role: "status", "aria-live": "polite" });
  let timer = 0;
  let said = "";
  return {
    root,
    say(text, { delay = 0, spoken = "" } = {}) {
      clearTimeout(timer);
      const speak = () => {
        if (said === text + spoken) return;
        said = text + spoken;
        write(root, text);
        if (spoken) root.append(element("span", { class: "tl-spoken" }, spoken));
      };
      if (delay) timer = setTimeout(speak, delay);
      else speak();
    },
  };
}
