// The frame of a figure: its place in the page, its state, and what ends with it.
//
// A figure's module exports `figure("NextToken", render, …)`. Its `render` gets what
// stands in `Figure` below and wires three things: the state, what is computed from it,
// and what draws that.

import { realModelOf } from "./later.js";
import { element } from "./nodes.js";
import { debounce } from "./time.js";
import { within } from "./words.js";

/**
 * @typedef {object} Figure what `render` gets
 * @property {any} root where to draw
 * @property {(trait: string) => any} get a trait's value; numbers within their range
 * @property {(trait: string, value: any) => void} set keeps what the reader has done
 * @property {(traits: string, listener: () => void) => void} onChange
 *   calls `listener` when one of the traits changes, from the page or from Python
 * @property {(trait: string, make: (options: any) => any, options: any) => any} bind
 *   a control that shows a trait and sets it
 * @property {(action: () => void) => void} onEnd what to do when the figure is taken away
 * @property {(promise: any) => void} waitFor the figure is ready when this has come
 */

/**
 * What the module of a figure exports.
 *
 * When somebody else, such as Python, changes one of the traits that `anew` names, the
 * whole figure is drawn anew. `ranges` are those of numbers: `get` stays within, whatever
 * comes from outside, as from a slider that is linked to the trait.
 *
 * @param {string} name
 * @param {(figure: Figure) => void} render
 * @param {{ anew?: string[], ranges?: Record<string, number[]> }} [options]
 */
export function figure(name, render, { anew = [], ranges = {} } = {}) {
  return {
    render({ model, el }) {
      const root = figureRoot(el, name);
      const state = stateOf(model, ranges);
      const drawing = drawingOf({ name, render, root, state });
      const drawSoon = oncePlaced(root, drawing.tryToDraw);
      const onAnew = () => { if (!state.isSetting()) drawSoon(); };
      const heard = anew.map((trait) => `change:${trait}`).join(" ");
      model.on(heard, onAnew);
      if (root.isConnected) drawing.draw();
      else drawSoon();
      return () => {
        drawSoon.cancel();
        model.off(heard, onAnew);
        drawing.end();
      };
    },
  };
}

// The traits of a figure, as its `render` sees them.
function stateOf(model, ranges) {
  const publish = debounce(() => model.save_changes(), 250);
  let nSetting = 0; // listeners may set further traits
  const get = (trait) => {
    if (trait === "real_model") return realModelOf(model);
    return ranges[trait] ? within(model.get(trait), ...ranges[trait]) : model.get(trait);
  };
  return {
    get,
    isSetting: () => nSetting > 0,
    set(trait, value) {
      nSetting += 1;
      try { model.set(trait, value); } finally { nSetting -= 1; }
      publish();
    },
    // Returns what ends it.
    listen(traits, listener) {
      const events = traits.split(" ").map((trait) => `change:${trait}`).join(" ");
      const call = () => listener();
      model.on(events, call);
      return () => model.off(events, call);
    },
  };
}

// Draws the figure and ends what was drawn before.
function drawingOf({ name, render, root, state }) {
  const ends = [];
  const end = () => { for (const action of ends.splice(0)) action(); };
  const draw = () => {
    end();
    root.replaceChildren();
    let awaited = null;
    const onChange = (traits, listener) => { ends.push(state.listen(traits, listener)); };
    render({
      root, onChange,
      get: state.get,
      set: state.set,
      bind: (trait, make, options) => bound({ ...state, onChange }, trait, make, options),
      onEnd: (action) => { ends.push(action); },
      waitFor: (promise) => { awaited = promise; },
    });
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
  return { draw, tryToDraw, end };
}

// A control that shows a trait and sets it. Options beside those of the control:
//   shown    what the control shows for a value; the value itself, if there is none
//   kept     the reverse
//   delay    milliseconds to wait for further input
//   onInput  what else to do before the reader's input is kept
function bound({ get, set, onChange }, trait, make, options) {
  const { shown = (value) => value, kept = (value) => value, delay = 0, onInput, ...others } = options;
  const keep = (value) => set(trait, kept(value));
  const keepSoon = delay ? debounce(keep, delay) : keep;
  const control = make({
    ...others, value: shown(get(trait)),
    onInput: (value) => { onInput?.(value); keepSoon(value); },
  });
  onChange(trait, () => {
    const value = shown(get(trait));
    if (control.value !== value) control.value = value;
  });
  return control;
}

// Nothing is drawn before the figure is in the page: until then it has no width and no
// colours, and nothing in it can scroll. Traits that change together are drawn once; out
// of the page, not before it is back.
function oncePlaced(root, draw) {
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    if (root.isConnected) timer = setTimeout(draw);
    else arrival.observe(root);
  };
  const arrival = new ResizeObserver(() => {
    if (!root.isConnected) return;
    arrival.disconnect();
    soon();
  });
  soon.cancel = () => { clearTimeout(timer); arrival.disconnect(); };
  return soon;
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
