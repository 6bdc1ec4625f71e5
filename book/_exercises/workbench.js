// The workbench of a cell: its editor, a Run in the page's one Python, and what came of it.
//
// Comes when a reader first goes into a cell. Python itself (interpreter.js) is loaded at
// the first Run.

import { makeEditor } from "./editor.js";
import { interpreter } from "./interpreter.js";
import { read, save, startOver } from "./keeping.js";
import { button, make, megabytes } from "./nodes.js";
import { told } from "./told.js";

const KEYS = "Tab indents. Escape, then Tab leaves the editor. Ctrl (or ⌘) + Enter runs.";
const NOTICED = 150; // milliseconds of loading that a reader notices
const PATIENCE = 1000; // milliseconds until a Run can be stopped
const MOST_READ_OUT = 500; // characters of output that a screen reader reads by itself
const python = interpreter();
let running = null; // the cell that has the interpreter
const waiting = new Set(); // where others are told so
let wasLoaded = false;

/** Open the workbench of a cell (cell.js); gives what the cell's buttons do from now on. */
function openBench(cell) {
  const { root, frame, place, row, number, name, title, before, source, text, keep, save, solve } = cell;
  const keys = make("p", { className: "tl-keys", id: `tl-keys-${number}` }, KEYS);
  const status = make("div", { className: "tl-at-work", role: "status" });
  const result = make("div", { className: "tl-outcome", ariaLive: "polite" });
  const parent = make("div", { className: "tl-editor highlight" });
  const runButton = row.firstElementChild;
  const run = async () => {
    if (running?.root === root) return;
    if (running) {
      status.textContent = `Python is busy with ${running.title}: wait for it, or stop it there.`;
      waiting.add(status);
      return;
    }
    save();
    root.classList.add("tl-ran"); // what the book itself shows is of another text
    await runCell({ root, name, title, before: before(), source: editor.text(), status, result, runButton,
      solve, markLine: editor.markLine });
  };
  const reset = button("Reset", () => {
    editor.setText(source); // one step, which Undo takes back
    editor.focus();
  });

  frame.append(parent);
  const editor = makeEditor({ parent, text: text(), label: `Python editor, ${title}`, describedBy: keys.id,
    onChange: keep, onRun: run });
  runButton.after(reset);
  place.append(keys, status, result);
  root.classList.add("tl-open");
  if (text() !== source) root.classList.add("tl-ran");
  return { run, text: editor.text, focus: editor.focus, setText: editor.setText };
}

// --- A Run

async function runCell(cell) {
  const { root, result, runButton } = cell;
  running = cell;
  delete root.dataset.verdict;
  cell.markLine(null);
  result.replaceChildren();
  result.ariaBusy = "true"; // read out when all is there
  runButton.ariaDisabled = "true";
  try {
    if (await loaded(cell)) show(cell, await outcome(cell));
    else result.append(make("p", { className: "tl-told" }, "Not loaded."));
  } catch (error) {
    show(cell, { output: "", error: { sentence: error.message, line: null } });
  }
  clear(cell);
  result.ariaBusy = "false";
  runButton.ariaDisabled = "false";
  running = null;
  for (const status of waiting) status.replaceChildren();
  waiting.clear();
}

// Whether Python is there; false if the reader did not wait for it.
async function loaded(cell) {
  const bar = make("progress", { ariaLabel: "Python loaded" }); // that it goes on, not how far
  const onProgress = ({ loaded, size }) => {
    if (loaded < size) bar.value = loaded / size;
    else bar.removeAttribute("value");
  };
  let cancel;
  const cancelled = new Promise((resolve) => { cancel = () => resolve(false); });
  const sentence = wasLoaded ? "Starting Python anew"
    : `Loading Python, ${megabytes(python.size)}, once for this page`;
  const tell = () => cell.status.replaceChildren(sentence, bar, button("Cancel", cancel));
  const timer = setTimeout(tell, NOTICED);
  const started = python.start({ onProgress });
  try {
    const isThere = await Promise.race([started, cancelled]);
    wasLoaded ||= isThere;
    if (!isThere) {
      started.catch(() => {}); // it says that it was stopped
      python.stop();
    }
    return isThere;
  } finally {
    clearTimeout(timer);
    clear(cell);
  }
}

// Whoever has just pressed a button that goes is at Run again.
function clear({ status, runButton }) {
  if (status.contains(document.activeElement)) runButton.focus();
  status.replaceChildren();
}

async function outcome({ before, source, status, result }) {
  const output = outputNode("");
  const onOutput = (text) => {
    output.append(text);
    if (!output.isConnected) result.append(output);
  };
  const start = performance.now();
  const offer = () => status.replaceChildren("Running …", button("Stop", () => python.stop()));
  const timer = setTimeout(offer, PATIENCE);
  try {
    const given = await python.run({ before, source, onOutput });
    return { ...given, seconds: Math.round((performance.now() - start) / 1000) };
  } finally {
    clearTimeout(timer);
  }
}

function show({ root, name, result, markLine, solve }, outcome) {
  const { kind, sentence } = told(name, outcome);
  result.replaceChildren();
  if (outcome.output) result.append(outputNode(outcome.output));
  if (sentence) result.append(make("p", { className: `tl-told tl-${kind}` }, sentence));
  markLine(outcome.error?.line ?? outcome.verdict?.line);
  if (!name) return;
  root.dataset.verdict = kind;
  if (kind === "right") solve();
}

const outputNode = (text) => make("pre", {
  className: "tl-output", ariaLabel: "output", tabIndex: 0, role: "group",
  ariaLive: text.length > MOST_READ_OUT ? "off" : "polite",
}, text);

globalThis.transformerLabWorkbench = { openBench, save, read, startOver, python };
