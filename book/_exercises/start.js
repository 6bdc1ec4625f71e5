// Where the live exercises of a page begin: the one script that comes with every page.
//
// Its own element says how many bytes the first Run loads, and the version of the workbench,
// which comes when the reader goes into a cell. A page with cells to run says, as JSON, what
// they find imported (book/_ext/live_exercises.py).

import { liveCell } from "./cell.js";
import { make } from "./nodes.js";
import { countInSidebar, namesOn, summary } from "./progress.js";
import { openRecord } from "./storage.js";

const { src, dataset } = /** @type {HTMLScriptElement} */ (document.currentScript);
const { version, size } = dataset;
const record = openRecord(() => localStorage);

// A page that was opened from disk may load a style and a classic script, but no module.
const addressOf = (file) => new URL(`${file}?v=${version}`, src).href;
const arrived = (node) => new Promise((resolve, reject) => {
  node.onload = resolve;
  node.onerror = () => {
    node.remove();
    reject(new Error(`the file ${node.src || node.href} is missing`));
  };
  document.head.append(node);
});
let coming = null;
const bring = () => {
  coming ??= Promise.all([
    arrived(make("link", { rel: "stylesheet", href: addressOf("workbench.css") })),
    arrived(make("script", { src: addressOf("workbench.js") })),
  ]).then(() => globalThis.transformerLabWorkbench);
  coming.catch(() => { coming = null; }); // the next try may be better
  return coming;
};

// A cell has run before it what it may need: the page's imports, and the short cells to try
// out that stand above it, as the reader has them now.
function liveCells() {
  const above = [];
  const waiting = [...names];
  const roots = /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll(".cell:is(.tag_exercise, .tag_live-cell)"));
  return Array.from(roots, (root, number) => {
    const name = root.matches(".tag_exercise") ? waiting.shift() : null;
    const short = [...above];
    const before = () => [...imports, ...short.map((cell) => cell.text())];
    const cell = liveCell(root, { number, name, before, elsewhere: elsewhere[name] },
      { record, bring, onChange: refresh });
    if (!name) above.push(cell);
    return cell;
  });
}

function refresh() {
  countInSidebar(record);
  for (const cell of cells) cell.refresh();
  shown?.refresh();
}

const { imports = [], elsewhere = {} } =
  JSON.parse(document.getElementById("live-exercises")?.textContent ?? "{}");
const names = namesOn(location);
const cells = liveCells();
const first = document.querySelector(".cell.tag_exercise");
const shown = first && summary(first, { names, size: Number(size), record, bring, onChange: refresh });
refresh();
for (const event of ["storage", "pageshow"]) { // another page of the book may have written
  addEventListener(event, () => {
    record.refresh();
    refresh();
  });
}
