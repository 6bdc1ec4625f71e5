// Runs the live figures of a built page: no kernel, no server, no other host.
//
// Python leaves one <div data-live-figure="NAME"> per figure, with the name of
// the figure's JavaScript module and the figure's first state as JSON. This file
// gives the module the same `model` that anywidget gives it in a notebook, when the
// reader comes near. Modules and bytes come as classic scripts that hold text,
// because a page that was opened from disk may load scripts but may not fetch files. So is
// this file, once live_figures.py has joined it with what it imports.

import { broughtBy, bytesBroughtBy } from "../../transformer_lab/widgets/parts/classic_script.js";
import { turn } from "../../transformer_lab/widgets/parts/time.js";

(() => {
  const { src, dataset } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const versions = JSON.parse(dataset.versions); // of the modules: what changes with their content

  // --- Files

  const addressOf = (name) => new URL(`live/${name}.js`, src).href;

  // What `start` gives, once for each name; after an error the next try may be better.
  const loaded = new Map();
  const once = (name, start) => {
    if (!loaded.has(name)) {
      loaded.set(name, start());
      loaded.get(name).catch(() => loaded.delete(name));
    }
    return loaded.get(name);
  };

  const textOf = (file) => {
    const name = file.replace(/^.*\/|\.js$/g, "");
    return broughtBy(name, `${addressOf(name)}?v=${versions[file]}`);
  };
  const importModule = (file) => once(file, async () =>
    import(URL.createObjectURL(new Blob([await textOf(file)], { type: "text/javascript" }))));

  // A widget's bytes arrive in the page as a DataView, so they do here.
  const bytesOf = async ({ $asset: name }) =>
    new DataView((await bytesBroughtBy(name, addressOf(name))).buffer);

  // What stands for a file in a figure's state becomes what the figure gets: at once, and
  // then one copy is for all, or when it asks, and then nothing of it is kept here.
  const atOnce = (file) => once(file.$asset, () => bytesOf(file));
  const later = (file) => (file.$module ? { load: () => textOf(file.$module) }
    : { name: file.$asset, size: file.size, url: urlOf(file), load: () => bytesOf(file) });
  // Where a worker can fetch it by itself, without this thread; from disk it may not.
  const urlOf = ({ $asset: name }) => (location.protocol.startsWith("http") ? addressOf(name) : null);

  // A copy of `value` in which `make` has replaced what stands for a file.
  const withFiles = async (value, make) => {
    if (value === null || typeof value !== "object") return value;
    if (typeof (value.$asset ?? value.$module) === "string") return make(value);
    if (Array.isArray(value)) return Promise.all(value.map((item) => withFiles(item, make)));
    const entries = Object.entries(value).map(async ([key, item]) =>
      [key, await withFiles(item, make)]);
    return Object.fromEntries(await Promise.all(entries));
  };

  // The state with its bytes; those of a name in figure.later as { name, size, url, load }.
  const valuesOf = async (figure) => {
    const entries = Object.entries(figure.state).map(async ([name, value]) =>
      [name, await withFiles(value, figure.later.includes(name) ? later : atOnce)]);
    return Object.fromEntries(await Promise.all(entries));
  };

  // How many bytes come before a figure can start.
  const sizeOf = ({ state, later }) => Object.entries(state)
    .flatMap(([name, value]) => (later.includes(name) ? [] : sizesIn(value)))
    .reduce((sum, size) => sum + size, 0);
  const sizesIn = (value) => {
    if (value === null || typeof value !== "object") return [];
    return typeof value.$asset === "string" ? [value.size] : Object.values(value).flatMap(sizesIn);
  };

  // The part of the widget protocol that figures use, with nobody at the other end.
  const makeModel = (state) => {
    const events = new EventTarget();
    const wrappers = new Map();
    const names = (text) => text.split(/\s+/).filter(Boolean);
    return {
      get: (name) => state[name],
      set(name, value) {
        if (Object.is(state[name], value)) return;
        state[name] = value;
        for (const event of [`change:${name}`, "change"]) {
          events.dispatchEvent(new CustomEvent(event, { detail: value }));
        }
      },
      save_changes() {},
      send() {},
      on(text, callback) {
        const wrapper = wrappers.get(callback) ?? ((event) => callback(event.detail));
        wrappers.set(callback, wrapper);
        for (const name of names(text)) events.addEventListener(name, wrapper);
      },
      off(text, callback) {
        for (const name of names(text)) events.removeEventListener(name, wrappers.get(callback));
      },
    };
  };

  // --- A figure's place: waiting, loading, drawn

  const make = (tag, properties, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const read = (place) => JSON.parse(place.querySelector("script").textContent);
  const waiting = () => Array.from(document.querySelectorAll(".tl-live > script"),
    (script) => script.parentNode);

  // A figure that is not there yet is a button: the Tab key does not pass by it.
  const offer = (place) => {
    const size = sizeOf(read(place));
    place.querySelector("p").replaceWith(make("button", { type: "button", onfocus: () => want(place) },
      `Show this figure${size ? ` (${Math.max(0.1, size / 1e6).toFixed(1)} MB)` : ""}`));
    near.observe(place);
  };

  // One after the other, in the order in which the reader comes near them.
  const wanted = new Map();
  let last = Promise.resolve();
  const want = (place) => {
    if (!wanted.has(place)) {
      const button = place.querySelector("button");
      button.textContent = button.textContent.replace("Show", "Loading");
      button.after(" ", make("progress", { ariaLabel: "loading" }));
      last = last.then(() => start(place));
      wanted.set(place, last);
    }
    return wanted.get(place);
  };

  const start = async (place) => {
    const name = place.dataset.liveFigure;
    try {
      const figure = read(place);
      const [{ default: widget }, values] = await Promise.all(
        [importModule(figure.module), valuesOf(figure)]);
      await turn();
      const { initialize, render } = typeof widget === "function" ? await widget() : widget;
      const model = makeModel(values);
      const el = document.createElement("div");
      await initialize?.({ model });
      place.append(el);
      await turn();
      await render({ model, el });
      if (place.contains(document.activeElement)) Object.assign(place, { tabIndex: -1 }).focus();
      for (const node of [...place.children]) if (node !== el) node.remove();
      delete place.dataset.liveFigure; // the figure's own root carries the name from here on
    } catch (error) {
      console.error(`The figure ${name} could not start.`, error);
      place.replaceChildren(make("p", { className: "tl-error", role: "alert" },
        `The figure ${name} could not start: ${error.message}. Reload the page to try again.`));
    }
  };

  // --- The reader comes near, or prints

  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) want(target);
  }, { rootMargin: "100% 0px" }); // a screen above and a screen below what they see

  // Paper has all figures: printing waits for them where a page may ask it to.
  const wantAll = () => Promise.all(waiting().map(want));
  const print = window.print.bind(window);
  window.print = () => wantAll().then(print);
  window.addEventListener("beforeprint", wantAll);
  window.addEventListener("keydown", (event) => {
    if (event.key !== "p" || !(event.ctrlKey || event.metaKey) || !waiting().length) return;
    event.preventDefault();
    window.print();
  });

  waiting().forEach(offer);
  if (waiting().length) want(waiting()[0]); // a chapter opens with it
})();
