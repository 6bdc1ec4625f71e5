// Nodes of the page, made in one expression.
//
// Everything a reader types goes into the page as text, never as HTML: nodes are
// made by `element`, and its strings become text nodes.

import { MARKS_IN_WORDS, SPACE_BEFORE_A_WORD_OR_MARK } from "./words.js";

/**
 * Makes a node. Attributes that are false, null or undefined are left out; `on` holds
 * event listeners. Children are nodes or strings; null and undefined are left out.
 *
 *   element("p", { class: "tl-caption", on: { click } }, "Hello ", strong)
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {any} a node of the kind that `tag` names
 */
export function element(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/**
 * The same for drawings.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {any}
 */
export function svgElement(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function furnish(node, { on = {}, ...attributes }, children) {
  setAttributes(node, attributes);
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * Sets, or with false, null or undefined removes, attributes.
 *
 * @param {Element} node
 * @param {Record<string, any>} attributes
 */
export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = value === true ? "" : value;
    if (text === false || text === null || text === undefined) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(text)) node.setAttribute(name, text);
  }
}

/**
 * Writes a text into a node so that its marks for white space are seen, and heard as
 * in `spoken`.
 *
 * @param {Element} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent === text) return;
  node.replaceChildren(...text.split(SPACE_BEFORE_A_WORD_OR_MARK).map((part, at) => {
    if (at % 2 === 0) return part;
    const heard = part ? { role: "img", "aria-label": MARKS_IN_WORDS[part] } : { "aria-hidden": "true" };
    return element("span", heard, part ?? "·");
  }));
}

/**
 * A node with such a text.
 *
 * @param {string} tag
 * @param {Record<string, any>} attributes
 * @param {string} text
 * @returns {any}
 */
export function written(tag, attributes, text) {
  const node = element(tag, attributes);
  write(node, text);
  return node;
}

/** An id that no other figure of the page has. @param {string} name */
export function uniqueId(name) {
  return `tl-${name}-${Math.random().toString(36).slice(2, 10)}`;
}

/**
 * A heading, and behind it in quiet what explains it.
 *
 * @param {Node | string} title
 * @param {Node | string | null} [quiet]
 */
export function heading(title, quiet = null) {
  return element("div", { class: "tl-heading" }, title,
    quiet && element("span", { class: "tl-quiet" }, quiet));
}

/** What stands one below the other. @param {...(Node | string | null | undefined)} parts @returns {any} */
export function stack(...parts) {
  return element("div", { class: "tl-stack" }, ...parts);
}

/** What stands side by side where there is room. @param {...(Node | null)} parts @returns {any} */
export function columns(...parts) {
  return element("div", { class: "tl-columns" }, ...parts);
}
