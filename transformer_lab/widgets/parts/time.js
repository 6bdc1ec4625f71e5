// When something happens: once, later, after the page has been painted.

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

// A turn for the browser, to draw and to answer the reader, between two steps of work.
export function turn() {
  return /** @type {any} */ (globalThis).scheduler?.yield?.() ?? pause(0);
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
