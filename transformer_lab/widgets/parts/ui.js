// The small parts that all figures are built from: native controls with labels,
// token chips, a colour for a weight, a sentence for screen readers.
//
// Everything a reader types goes into the page as text, never as HTML: nodes are
// made by `element`, and its strings become text nodes. What the parts look like
// stands in live_figure.css. It holds no knowledge of models.

// --- Nodes ------------------------------------------------------------------------

// Makes a node. Attributes that are false, null or undefined are left out;
// `on` holds event listeners. Children are nodes or strings.
//   element("p", { class: "tl-caption", on: { click } }, "Hello ", strong)
export function element(tag, { on = {}, ...attributes } = {}, ...children) {
  return furnish(document.createElement(tag), on, attributes, children);
}

// The same for drawings.
export function svgElement(tag, { on = {}, ...attributes } = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), on, attributes, children);
}

function furnish(node, on, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Sets, or with false, null or undefined removes, one attribute.
export function setAttribute(node, name, value) {
  if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}

// --- A figure -----------------------------------------------------------------------

// What the module of a figure exports: `export default figure("NextToken", render, …)`.
//
// `render({ model, root, remember })` draws into `root` and returns what ends it. It hears
// of changes by `model.on`, and keeps the reader's own by `remember(trait, value)`. When
// somebody else, such as Python, changes one of the traits that `anew` names, the whole
// figure is drawn anew. `ranges` are those of numbers: `model.get` stays within, whatever
// comes from outside, as from a slider that is linked to the trait.
//
// The figure is ready when it is drawn, or when the promise that it gave to `waitFor` is
// kept: what comes later (later.js) has come.
//
// Nothing is drawn before the figure is in the page: until then it has no width and no
// colours, and nothing in it can scroll.
export function figure(name, render, { anew = [], ranges = {} } = {}) {
  function renderInto({ model, el }) {
    const root = figureRoot(el, name);
    const publish = debounce(() => model.save_changes(), 250);
    let isOwn = false;
    const remember = (trait, value) => {
      const before = isOwn;
      isOwn = true;
      try { model.set(trait, value); } finally { isOwn = before; }
      publish();
    };

    const checked = {
      get: (trait) => (ranges[trait] ? within(model.get(trait), ...ranges[trait]) : model.get(trait)),
      set: (trait, value) => model.set(trait, value),
      on: (events, listener) => model.on(events, listener),
      off: (events, listener) => model.off(events, listener),
    };

    let end = null;
    const draw = () => {
      end?.();
      end = null;
      root.replaceChildren();
      let awaited = null;
      end = render({ model: checked, root, remember, waitFor: (promise) => { awaited = promise; } });
      const ready = () => { root.dataset.ready = "true"; };
      if (awaited) awaited.finally(ready);
      else ready();
    };
    const tryToDraw = () => {
      try {
        draw();
      } catch (error) {
        console.error(`The figure ${name} could not be drawn.`, error);
        root.replaceChildren(element("p", { role: "alert" },
          `The figure ${name} could not be drawn with what it was given: ${error.message}.`));
      }
    };

    // Traits that change together are drawn once; out of the page, not before it is back.
    let timer = 0;
    const drawSoon = () => {
      clearTimeout(timer);
      if (root.isConnected) timer = setTimeout(tryToDraw);
      else arrival.observe(root);
    };
    const arrival = new ResizeObserver(() => {
      if (!root.isConnected) return;
      arrival.disconnect();
      drawSoon();
    });
    const hear = () => { if (!isOwn) drawSoon(); };
    const heard = anew.map((trait) => `change:${trait}`).join(" ");
    model.on(heard, hear);
    if (root.isConnected) draw();
    else drawSoon();
    return () => {
      clearTimeout(timer);
      arrival.disconnect();
      model.off(heard, hear);
      end?.();
    };
  }
  return { render: renderInto };
}

// The frame of a figure in the place that the host gives it. Its keys are its own:
// JupyterLab would take a plain "x" for the command that cuts the cell. Those with Ctrl or
// Cmd are left to the host.
function figureRoot(el, name) {
  const root = element("div", {
    class: "tl-figure", "data-live-figure": name, role: "group",
    "aria-label": `live figure: ${name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase()}`,
    on: { keydown: (event) => { if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); } },
  });
  el.append(root);
  return root;
}

// An id that no other figure of the page has.
export function uniqueId(name) {
  return `tl-${name}-${Math.random().toString(36).slice(2, 10)}`;
}

// --- Controls -----------------------------------------------------------------------

// A slider with its label before it and its value, in words, behind it.
// Returns { root, input, value }; setting `value` calls nobody.
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

// A box for text of `rows` lines. Returns { root, input, value }.
// A reader can type `maxLength` letters: more than any model here can see.
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

// A box for a whole number. Returns { root, input, value }. What is none, or out of range,
// gives way to the last good one when the reader goes on.
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

// A choice among options: [[value, text], …]. Returns { root, input, value }. A value that is
// none of them is the first.
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

// A box to tick. Returns { root, input, value }.
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

export function button(label, onClick, { primary = false, title = null } = {}) {
  return element("button", {
    type: "button", class: primary ? "tl-button tl-primary" : "tl-button", title, on: { click: onClick },
  }, label);
}

export function buttonRow(label, ...buttons) {
  return element("div", { class: "tl-buttons", role: "group", "aria-label": label }, ...buttons);
}

// What is folded away until the reader asks for it.
export function disclosure(summary, { open = false } = {}, ...children) {
  return element("details", { class: "tl-details", open }, element("summary", {}, summary), ...children);
}

// A part that scrolls: the Tab key stops at it while it holds more than it shows.
export function scroller(node) {
  const settle = debounce(() => {
    const scrolls = node.scrollHeight > node.clientHeight || node.scrollWidth > node.clientWidth;
    setAttribute(node, "tabindex", scrolls || node === document.activeElement ? 0 : null);
  }, 100);
  new ResizeObserver(settle).observe(node);
  new MutationObserver(settle).observe(node, { childList: true, subtree: true, characterData: true });
  return node;
}

// One stop of the Tab key for a whole row of things: the arrow keys move within.
// `selector` names the things, which may come and go.
export function arrowKeysMoveWithin(container, selector) {
  const things = () => [...container.querySelectorAll(selector)];
  const makeStop = (stop) => things().forEach((thing) => { thing.tabIndex = thing === stop ? 0 : -1; });
  container.addEventListener("focusin", (event) => {
    const thing = event.target.closest(selector);
    if (thing) makeStop(thing);
  });
  container.addEventListener("keydown", (event) => {
    const all = things();
    const here = all.indexOf(event.target.closest(selector));
    if (here < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const there = {
      ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1,
      Home: 0, End: all.length - 1,
    }[event.key];
    if (there === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, there))].focus();
  });
  // Call this after things came or went: there is always exactly one stop.
  return () => {
    const all = things();
    makeStop(all.find((thing) => thing === document.activeElement)
      ?? all.find((thing) => thing.tabIndex === 0) ?? all.at(-1));
  };
}

// --- Words and numbers --------------------------------------------------------------

// A sentence that is seen, and that a screen reader speaks when it changes.
//   say(text)               at once
//   say(text, { delay })    only if nothing else is said for so many milliseconds
//   say(text, { spoken })   with words that only a screen reader gets
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

// A token's text with its white space made visible: " ball" → "·ball".
export function readable(text) {
  return text.replaceAll(" ", "·").replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll("\r", "␍");
}

// The same for the ear. A mark before a word is not said: nearly every word has one.
const SPACE_BEFORE_A_WORD_OR_MARK = /·(?=[\p{L}\p{N}])|([·↵⇥␍])/u;
const MARKS_IN_WORDS = { "·": "space", "↵": "new line", "⇥": "tab", "␍": "carriage return" };

// For labels: "·ball" → "ball", "↵" → "new line".
export function spoken(text) {
  return text.split(SPACE_BEFORE_A_WORD_OR_MARK)
    .map((part, at) => (at % 2 && part ? ` ${MARKS_IN_WORDS[part]} ` : part ?? "")).join("").trim();
}

// Writes a text into a node so that its marks are seen, and heard as in `spoken`.
export function write(node, text) {
  node.replaceChildren(...text.split(SPACE_BEFORE_A_WORD_OR_MARK).map((part, at) => {
    if (at % 2 === 0) return part;
    const heard = part ? { role: "img", "aria-label": MARKS_IN_WORDS[part] } : { "aria-hidden": "true" };
    return element("span", heard, part ?? "·");
  }));
}

// A node with such a text.
export function written(tag, attributes, text) {
  const node = element(tag, attributes);
  write(node, text);
  return node;
}

// A number as it is, or the end of its range that it is beyond. What is none is the least.
export function within(number, low, high) {
  return number > low ? Math.min(number, high) : low;
}

// 0.1234 → "12%", 0.012 → "1.2%", 0.00001 → "<0.1%". Never "100%" for less than certain.
export function formatPercent(share) {
  const percent = 100 * share;
  if (percent === 0) return "0%";
  if (percent < 0.1) return "<0.1%";
  if (percent > 99.9 && percent < 99.9999) return ">99.9%";
  return `${percent < 9.95 || (percent > 99 && percent < 99.95) ? percent.toFixed(1) : Math.round(percent)}%`;
}

// -12 → "⁻¹²", for powers of ten.
export function raised(number) {
  return String(number).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
}

// 49152 → "49,152". `toLocaleString` costs a slow machine 60 ms when it is first called.
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

// 1 → "1 token", 3 → "3 tokens".
export function counted(number, noun) {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

// --- Colour ----------------------------------------------------------------------

// The colour of a weight from 0 to 1: one blue, from nothing to full strength.
// `strongest` below 1 leaves it light enough for text on top. For styles, not for
// canvases: it follows the theme by itself.
export function weightColour(weight, strongest = 1) {
  const share = Math.max(0, Math.min(1, weight)) * strongest;
  return `color-mix(in srgb, var(--tl-weight) ${(100 * share).toFixed(1)}%, transparent)`;
}

// A colour of the stylesheet as "rgb(…)", for canvases: themeColour(root, "--tl-weight").
// What is out of the page has no style: then a figure would have this colour in the page.
export function themeColour(root, name) {
  const probe = element("span", { class: "tl-figure", hidden: true, style: `color: var(${name})` });
  (root.isConnected ? root : document.body).append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

// Calls `redraw` when the page goes from light to dark or back: for canvases.
// Returns a function that ends it.
export function onThemeChange(redraw) {
  const observer = new MutationObserver(redraw);
  const attributes = { attributeFilter: ["data-theme", "theme", "class", "data-jp-theme-light"] };
  observer.observe(document.documentElement, attributes);
  observer.observe(document.body, attributes);
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", redraw);
  return () => { observer.disconnect(); system.removeEventListener("change", redraw); };
}

// --- Tokens -----------------------------------------------------------------------

// The tokens of a text in a row, as the model sees them. Each is a button: the
// arrow keys move, hovering or focusing calls onLook(index), leaving onLook(null),
// a click (Enter, Space) onPick(index).
//
// Returns { root, show, shade }:
//   show([{ text, id, special, unseen, outside, fresh }, …])
//     special: such as the start token; unseen: never met in training; outside:
//     beyond what the model can see; fresh: written by the model
//   shade(weights, index): a blue for each token, an outline for the one that looks
export function tokenChips({ label, onLook = () => {}, onPick = () => {} }) {
  const root = element("div", { class: "tl-chips", role: "group", "aria-label": label });
  const chips = [];
  const settleStops = arrowKeysMoveWithin(root, ".tl-chip");
  const makeChip = (index) => element("button", {
    type: "button", class: "tl-chip", tabindex: -1,
    on: {
      pointerenter: (event) => { if (event.pointerType === "mouse") onLook(index); },
      pointerleave: (event) => { if (event.pointerType === "mouse") onLook(null); },
      focus: () => onLook(index),
      blur: () => onLook(null),
      click: () => onPick(index),
    },
  });
  return {
    root,
    show(tokens) {
      while (chips.length > tokens.length) chips.pop().remove();
      while (chips.length < tokens.length) {
        const chip = makeChip(chips.length);
        if (chips.length) chips.at(-1).after(chip);
        else root.prepend(chip);
        chips.push(chip);
      }
      tokens.forEach((token, index) => {
        const chip = chips[index];
        const shown = token.special ? specialName(token.text, index) : readable(token.text);
        if (chip.textContent !== shown) write(chip, shown);
        const notes = [
          token.special && "special token", token.unseen && "never met in training",
          token.outside && "beyond what the model can see",
          !token.special && /^ \S/.test(token.text) && "begins with a space",
        ].filter(Boolean);
        const name = `token ${index + 1}: ${spoken(shown)}, ID ${token.id}`;
        chip.setAttribute("aria-label", [name, ...notes].join(", "));
        for (const kind of ["special", "unseen", "outside", "fresh"]) {
          chip.classList.toggle(`tl-${kind}`, Boolean(token[kind]));
        }
      });
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

// A special token by a name that a newcomer can read. One and the same token
// opens the first story and closes each.
export function specialName(text, index = 0) {
  if (text !== "<|endoftext|>") return text;
  return index === 0 ? "⟨start⟩" : "⟨end⟩";
}

// --- Time --------------------------------------------------------------------------

// Calls `action` once, when there was no further call for `delay` milliseconds.
export function debounce(action, delay) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), delay);
  };
}

export function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

// Until the page has been painted: long work waits for it, so that a key is answered first.
export function painted() {
  return new Promise((resolve) => { requestAnimationFrame(() => { setTimeout(resolve); }); });
}

// `action` with the latest values, once, after the next paint: for what takes long and
// what many keys in a row ask for.
export function afterPaint(action) {
  let latest = null;
  return async (...values) => {
    const isWaiting = latest !== null;
    latest = values;
    if (isWaiting) return;
    await painted();
    const now = latest;
    latest = null;
    action(...now);
  };
}

// Whether the reader asked their system for less movement.
export function wantsLessMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
