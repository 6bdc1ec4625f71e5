// The editor of a cell: CodeMirror 6 for Python, in the colours of the book's own code.
//
// Each kind of word gets the class that Pygments gives it, so that the book's stylesheet
// colours both, in a light page and in a dark one.
//
// Source: CodeMirror's reference, https://codemirror.net/docs/ref/.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const PYGMENTS = HighlightStyle.define([
  { tag: tags.comment, class: "c" },
  { tag: tags.keyword, class: "k" },
  { tag: [tags.bool, tags.null], class: "kc" },
  { tag: tags.number, class: "m" },
  { tag: tags.string, class: "s" },
  { tag: tags.operator, class: "o" },
  { tag: tags.definition(tags.className), class: "nc" },
  { tag: tags.function(tags.definition(tags.variableName)), class: "nf" },
  { tag: tags.meta, class: "nd" },
]);

const BOOK = EditorView.theme({
  "&.cm-focused": { outline: "none" }, // the frame around it has one
  ".cm-scroller": { fontFamily: "var(--pst-font-family-monospace)", fontSize: "0.8rem", lineHeight: "1.25" },
  ".cm-content": { padding: "1rem 0", caretColor: "currentColor" },
  ".cm-line": { padding: "0 1rem 0 0.6rem" },
  ".cm-gutters": { // text that is scrolled goes behind them
    border: "0", background: "var(--pst-color-background)", color: "var(--pst-color-text-muted)",
  },
});

// --- The line that an error speaks of, until the text is another

const mark = /** @type {import("@codemirror/state").StateEffectType<any>} */ (StateEffect.define());
const MARKED = Decoration.line({ class: "tl-failed-line" });
const markedLine = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) if (effect.is(mark)) return effect.value;
    return transaction.docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/**
 * An editor as the last child of `parent`.
 * @param {{ parent: Element, text: string, label: string, describedBy: string,
 *   onChange: (text: string) => void, onRun: () => void }} options
 */
export function makeEditor({ parent, text, label, describedBy, onChange, onRun }) {
  const run = () => {
    onRun();
    return true;
  };
  const view = new EditorView({
    parent,
    doc: text,
    extensions: [
      keymap.of([{ key: "Mod-Enter", run }, { key: "Shift-Enter", run }]),
      keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]), // Escape, then Tab leaves
      history(),
      lineNumbers(),
      pythonLanguage,
      syntaxHighlighting(PYGMENTS),
      indentUnit.of("    "),
      EditorState.tabSize.of(4),
      markedLine,
      BOOK,
      EditorView.contentAttributes.of({
        "aria-label": label, "aria-describedby": describedBy, tabindex: "0",
      }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) onChange(update.state.doc.toString());
      }),
    ],
  });
  return {
    text: () => view.state.doc.toString(),
    setText: (insert) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert } }),
    /** The keyboard goes in, to the character at a point of the window if one is given. */
    focus(point) {
      if (point) view.dispatch({ selection: { anchor: view.posAtCoords(point, false) } });
      view.focus();
    },
    /** Mark a line, counted from 1; null marks none. */
    markLine(number) {
      const { doc } = view.state;
      const exists = number >= 1 && number <= doc.lines;
      const marks = exists ? Decoration.set(MARKED.range(doc.line(number).from)) : Decoration.none;
      view.dispatch({ effects: mark.of(marks) });
    },
  };
}
