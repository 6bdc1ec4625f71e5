// Parts of a page, made by hand: their text is always text, never HTML.

/** An element with properties (attributes, where a name has a dash) and children. */
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

export const button = (text, onclick, className = "tl-press") =>
  make("button", { type: "button", className, onclick }, text);

/** Bytes in words: megabytes with one digit. */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
