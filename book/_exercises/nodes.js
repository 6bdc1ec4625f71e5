// Parts of a page, made by hand: their text is always text, never HTML.

/** An element with properties and children. */
export function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export const button = (text, onclick, className = "tl-press") =>
  make("button", { type: "button", className, onclick }, text);

/** Let an alert say a sentence, or nothing (null). What it says already is not read out again. */
export function say(alert, sentence) {
  if (alert.textContent !== (sentence ?? "")) alert.textContent = sentence ?? "";
}

/** Bytes in words: megabytes with one digit. */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
