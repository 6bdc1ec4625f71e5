// A cell of the page that a reader can change and run: what stands there from the start.
//
// The cell keeps the book's look, with buttons under it. The editor and all that a Run needs
// come when the reader goes in (workbench.js). What the book shows stays in the page behind
// the editor: it is what is printed.

import { button, make, say } from "./nodes.js";

const PAUSE = 400; // milliseconds without a key until what was typed is stored

/**
 * @param {HTMLElement} root the cell in the page
 * @param {{ number: number, name: string | null, before: () => string[], elsewhere?: string }} row
 *   `number`: which cell of the page it is; `name`: of the exercise, null for a cell that is
 *   none; `before`: cells to run before it; `elsewhere`: why an exercise cannot run in the
 *   page, and where it can
 * @param {{ record, bring: () => Promise<any>, onChange: () => void }} page the reader's
 *   record (storage.js), what loads the workbench, and who hears of what was stored or solved
 */
export function liveCell(root, { number, name, before, elsewhere }, { record, bring, onChange }) {
  const frame = root.querySelector(".cell_input");
  const code = frame.querySelector("pre");
  const source = code.textContent.trimEnd();
  const row = make("div", { className: "tl-row" });
  const failure = make("div", { role: "alert" });
  const trouble = make("div", { className: "tl-wrong", role: "alert" }); // under Run, which does not move
  const title = name ? `exercise ${name}` : "a cell to try out";
  const place = group(title, row, failure, trouble);
  const solved = make("strong", { className: "tl-right", hidden: true }, "solved ✓");
  const typed = name ? keptText(name, source, record, onChange) : unkeptText(source);

  let bench = null; // once the reader has gone in
  const withBench = (action) => async (...given) => {
    failure.textContent = "";
    try {
      const { openBench } = await bring();
      bench ??= openBench({ root, frame, place, row, number, name, title, before, source, ...typed });
    } catch (error) {
      failure.textContent = `The editor could not start: ${error.message}.`;
      return;
    }
    write.remove();
    await action(...given);
  };
  const run = button("Run", withBench(() => bench.run()), "tl-press tl-main");
  const enter = withBench((point) => bench.focus(point));
  const write = button("Write", () => enter());
  const near = onceNear(withBench(() => {}));

  frame.after(place);
  if (elsewhere) {
    row.append(elsewhere, ...solutionButtons(root));
  } else {
    row.append(run, write, ...solutionButtons(root), solved);
    root.classList.add("tl-live-cell");
    if (name) root.dataset.liveExercise = name;
    root.addEventListener("focusout", typed.save);
    code.addEventListener("click", ({ clientX: x, clientY: y }) => {
      if (!bench && getSelection().isCollapsed) enter({ x, y }); // else they mark what they read
    });
  }
  return {
    text: () => bench?.text() ?? source,
    /** Show what the record says now: that it is solved, and a text that is not from here. */
    refresh() {
      solved.hidden = !(name && record.get(name).solved);
      say(trouble, record.troubleOf(name));
      if (typed.isNew()) bench?.setText(typed.text());
      if (!elsewhere && !bench && typed.text() !== source) near.observe(root); // the reader's own
    },
  };
}

const group = (title, ...children) =>
  make("div", { className: "tl-exercise", role: "group", ariaLabel: title }, ...children);

// Of a cell that is no exercise nothing is kept.
const unkeptText = (source) =>
  ({ text: () => source, isNew: () => false, keep() {}, save() {}, solve() {} });

// What the reader has typed into an exercise, and whether it is solved, in the record.
function keptText(name, source, record, onChange) {
  const stored = () => record.get(name).text ?? source;
  let known = stored(); // what the record had when it was last looked at
  let unsaved = null;
  let timer;
  const save = () => {
    clearTimeout(timer);
    if (unsaved === null) return;
    record.set(name, { text: unsaved === source ? null : unsaved });
    unsaved = null;
    known = stored();
    onChange();
  };
  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", save);
  return {
    save,
    text: stored,
    /** Whether another page of the book, a file, or a new start has changed the text. */
    isNew() {
      if (unsaved !== null || stored() === known) return false;
      known = stored();
      return true;
    },
    keep(text) {
      unsaved = text === known ? null : text;
      clearTimeout(timer);
      timer = setTimeout(save, PAUSE);
    },
    solve() {
      record.set(name, { solved: true });
      onChange();
    },
  };
}

// An observer that acts once, when what it observes comes into the window.
function onceNear(action) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    action();
  });
  return observer;
}

// The button for the folded cell that follows; while it is folded, only the button stands there.
function solutionButtons(root) {
  const folded = root.nextElementSibling;
  const details = folded?.matches(".tag_hide-cell") && folded.querySelector("details");
  if (!details) return [];
  const show = button("", () => { details.open = !details.open; });
  const tell = () => {
    show.textContent = details.open ? "Hide the solution" : "Show a solution";
    show.ariaExpanded = String(details.open);
  };
  details.addEventListener("toggle", tell);
  folded.classList.add("tl-solution");
  tell();
  return [show];
}
