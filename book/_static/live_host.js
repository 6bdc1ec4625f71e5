// Runs the live figures of a built page: no kernel, no server, no other host.
//
// Python leaves one <div data-live-figure="NAME"> per figure, with the name of
// the figure's JavaScript module and the figure's first state as JSON. This file
// gives the module the same `model` that anywidget gives it in a notebook.
// Modules and bytes come as classic scripts that hold text, because a page that
// was opened from disk may load scripts but may not fetch files.
(() => {
  const folder = new URL("live/", document.currentScript.src);
  const { version } = document.currentScript.dataset;
  const loading = new Map();

  // The text that live/NAME.js hands over; each file is loaded once.
  const part = (name) => {
    if (!loading.has(name)) {
      loading.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(`${name}.js?v=${version}`, folder);
        script.onload = () => resolve(globalThis.transformerLabParts[name]);
        script.onerror = () => reject(new Error(`the file ${script.src} is missing`));
        document.head.append(script);
      }));
    }
    return loading.get(name);
  };

  const modules = new Map();
  const importModule = (name) => {
    if (!modules.has(name)) {
      modules.set(name, part(name).then((text) =>
        import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })))));
    }
    return modules.get(name);
  };

  // A widget's bytes arrive in the page as a DataView, so they do here.
  const decode = (base64) => {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return new DataView(bytes.buffer);
  };

  const withAssets = async (value) => {
    if (value === null || typeof value !== "object") return value;
    if (typeof value.$asset === "string") return decode(await part(value.$asset));
    if (Array.isArray(value)) return Promise.all(value.map(withAssets));
    const entries = Object.entries(value).map(async ([key, item]) => [key, await withAssets(item)]);
    return Object.fromEntries(await Promise.all(entries));
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

  const start = async (place) => {
    const name = place.dataset.liveFigure;
    try {
      const { module, state } = JSON.parse(place.querySelector("script").textContent);
      const [{ default: widget }, values] = await Promise.all([
        importModule(module.replace(/\.js$/, "")), withAssets(state)]);
      const { initialize, render } = typeof widget === "function" ? await widget() : widget;
      const model = makeModel(values);
      const el = document.createElement("div");
      await initialize?.({ model });
      place.replaceChildren(el);
      delete place.dataset.liveFigure;  // the figure's own root carries the name from here on
      await render({ model, el });
    } catch (error) {
      console.error(`The figure ${name} could not start.`, error);
      place.dataset.liveFigure = name;
      const sentence = document.createElement("p");
      sentence.className = "tl-error";
      sentence.setAttribute("role", "alert");
      sentence.textContent = `The figure ${name} could not start: ${error.message}. Reload the page to try again.`;
      place.replaceChildren(sentence);
    }
  };

  // One after the other, in reading order: the figure at the top is ready first.
  const startAll = async () => {
    for (const place of document.querySelectorAll(".tl-live[data-live-figure]")) await start(place);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
  else startAll();
})();
