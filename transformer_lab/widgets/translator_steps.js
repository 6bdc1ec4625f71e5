// TranslatorSteps: English goes in, Hindi comes out word by word, and where it looks.
//
// Left the English words, right the Hindi ones so far; lines show where the decoder
// looked when it wrote the word of this step. Below, all steps as a matrix, and the
// candidates of this step.

import { loadModel } from "./engine/model_file.js";
import { splitSentence, translate } from "./engine/translating.js";
import {
  button, buttonRow, disclosure, select, slider, statusLine, textBox,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, setAttributes, stack, svgElement } from "./parts/nodes.js";
import { weightColour } from "./parts/theme.js";
import { debounce } from "./parts/time.js";
import { counted, formatPercent, within } from "./parts/words.js";

const N_CANDIDATES = 4;
const ROW = 34; // pixels from one word to the next
const WIDTH = 120; // of the space between the two columns, in the drawing's own units
const END = "⟨end⟩";

// --- Computed, and in words -----------------------------------------------------

// The words of a translator, in both languages and in Latin letters.
function languagesOf({ tokenizer, metadata }, romanised) {
  const stopId = tokenizer.special.get(metadata.stop);
  const english = [...tokenizer.vocab.keys()]
    .filter((word) => !tokenizer.special.has(word) && (word === "?" || !(word in romanised)));
  const latin = (word) => (word === END ? "" : romanised[word] ?? "");
  return {
    stopId, english, latin,
    known: new Set(english),
    wordOf: (id) => (id === stopId ? END : tokenizer.piece(id)),
    withLatin: (word) => (latin(word) && latin(word) !== word ? `${word} (${latin(word)})` : word),
  };
}

// What is wrong with a sentence; "" if nothing is.
function problemWith(sentence, { known, english }, maxLen) {
  const unknown = sentence.filter((word) => !known.has(word));
  if (unknown.length) {
    return `This translator does not know: ${unknown.join(", ")}. `
      + `Its ${english.length} words are listed below.`;
  }
  if (sentence.length >= maxLen) {
    return `The sentence has ${counted(sentence.length, "word")}; `
      + `this translator reads at most ${maxLen - 1}.`;
  }
  return sentence.length ? "" : "Type a sentence, such as: we are friends";
}

// The weights of a step over the English words: of one head ("layer head") or "mean".
function weightsOf({ attention }, look) {
  if (look !== "mean") {
    const [layer, head] = look.split(" ").map(Number);
    return attention[layer][head];
  }
  const heads = attention.at(-1);
  return heads[0].map((_, s) => heads.reduce((sum, row) => sum + row[s], 0) / heads.length);
}

function describe({ shown, weights, words }, { stopId, wordOf, withLatin, latin }) {
  const now = shown.at(-1);
  const strongest = weights.indexOf(Math.max(...weights));
  const written = shown.filter(({ id }) => id !== stopId).map(({ id }) => wordOf(id));
  const joined = (list) => list.join(" ").replace(" ?", "?");
  const what = now.id === stopId ? "The translation is over"
    : `Word ${shown.length} is ${withLatin(wordOf(now.id))}`;
  return `${what}, ${formatPercent(now.probabilities[now.id])} sure; it looked most at “${words[strongest]}” `
    + `(${formatPercent(weights[strongest])}). So far: ${joined(written)} (${joined(written.map(latin))}).`;
}

// --- Drawn ----------------------------------------------------------------------

// Two columns of words, and lines between them.
function alignment({ wordOf, latin }) {
  const lines = svgElement("svg", {
    class: "tl-translator-lines", preserveAspectRatio: "none", "aria-hidden": "true",
  });
  const source = element("ol", {
    class: "tl-translator-words tl-translator-source", "aria-label": "the English words",
  });
  const target = element("ol", {
    class: "tl-translator-words", lang: "hi", "aria-label": "the Hindi words so far",
  });
  const middle = (row) => (row + 0.5) * ROW;
  return {
    root: element("div", { class: "tl-translator-columns" }, source, lines, target),
    show({ words, shown, weights }) {
      const last = shown.length - 1;
      source.replaceChildren(...words.map((word, s) =>
        element("li", { style: `background: ${weightColour(weights[s], 0.6)}` }, word)));
      target.replaceChildren(...shown.map(({ id }, t) => element("li", {
        class: t === last ? "tl-now" : null,
      }, wordOf(id), element("span", { class: "tl-quiet", lang: "hi-Latn" }, ` ${latin(wordOf(id))}`))));
      const height = ROW * Math.max(words.length, shown.length);
      setAttributes(lines, { viewBox: `0 0 ${WIDTH} ${height}` });
      lines.style.height = `${height}px`;
      lines.replaceChildren(...Array.from(weights, (weight, s) => svgElement("path", {
        d: `M0 ${middle(s)} C${WIDTH / 2} ${middle(s)} ${WIDTH / 2} ${middle(last)} ${WIDTH} ${middle(last)}`,
        "stroke-width": 1 + 9 * weight, "stroke-opacity": Math.sqrt(weight),
      })));
    },
  };
}

function candidateItem({ probabilities }, id, { wordOf, withLatin }) {
  return element("li", {},
    element("span", { lang: "hi" }, withLatin(wordOf(id))),
    element("span", { class: "tl-translator-track" },
      element("span", { style: `width: ${100 * probabilities[id]}%` })),
    element("span", { class: "tl-translator-share" }, formatPercent(probabilities[id])));
}

// All steps so far: a row for each, with its weights.
function showMatrix(table, { words, shown, look }, { wordOf }) {
  const cell = (weight) => element("td", {
    style: `background: ${weightColour(Math.sqrt(weight))}`, title: formatPercent(weight),
  }, element("span", { class: "tl-spoken" }, formatPercent(weight)));
  table.replaceChildren(
    element("thead", {}, element("tr", {}, element("td"),
      ...words.map((word) => element("th", { scope: "col" }, element("span", {}, word))))),
    element("tbody", {}, ...shown.map((step, t) => element("tr", {
      class: t === shown.length - 1 ? "tl-now" : null,
    }, element("th", { scope: "row", lang: "hi" }, wordOf(step.id)),
    ...Array.from(weightsOf(step, look), cell)))));
}

// All that a step is shown by.
function picturesOf(languages) {
  const columnsOfWords = alignment(languages);
  const status = statusLine();
  const candidates = element("ol", {
    class: "tl-translator-candidates", "aria-label": "the likeliest words at this step",
  });
  const matrix = element("table", { class: "tl-translator-matrix" });
  return {
    status: status.root,
    root: columns(
      stack(heading("Where it looks ", "to write this word"), columnsOfWords.root),
      stack(heading("What it could write here"), candidates,
        heading("All steps so far ", "rows: Hindi; columns: English"), matrix)),
    show(now) {
      const step = now.shown.at(-1);
      columnsOfWords.show(now);
      showMatrix(matrix, now, languages);
      candidates.replaceChildren(...step.order.slice(0, N_CANDIDATES).map((id) =>
        candidateItem(step, id, languages)));
      status.say(describe(now, languages));
    },
  };
}

// --- Wired ----------------------------------------------------------------------

class Session {
  constructor({ get, set, bind }) {
    this.lm = loadModel(get("model_file"));
    this.get = get;
    this.set = set;
    this.languages = languagesOf(this.lm, get("romanised"));
    this.words = []; // English
    this.steps = []; // of the translation
    this.text = textBox({
      label: "An English sentence", value: get("text"), rows: 1,
      onInput: debounce(() => this.translate(this.text.value), 150),
    });
    this.examples = select({
      label: "Or one of these", value: "",
      options: [["", "choose …"], ...get("examples").map((example) => [example, example])],
      onInput: (sentence) => {
        if (!sentence) return;
        this.text.value = sentence;
        this.translate(sentence);
      },
    });
    this.step = slider({
      label: "Word", min: 1, max: 1, value: 1,
      format: (number) => `${number} of ${this.steps.length}`, onInput: (number) => this.goTo(number),
    });
    this.back = button("Back", () => this.goTo(this.step.value - 1));
    this.next = button("Next word", () => this.goTo(this.step.value + 1), { primary: true });
    this.whole = button("Whole sentence", () => this.goTo(this.steps.length));
    this.look = bind("look", select, { label: "Drawn", options: headOptions(this.lm.config) });
    this.problem = element("p", { class: "tl-translator-problem", role: "alert" });
    this.pictures = picturesOf(this.languages);
    this.picture = stack(this.step.root, buttonRow("steps", this.back, this.next, this.whole),
      this.pictures.status, this.pictures.root, this.look.root);
  }

  layout() {
    const { english } = this.languages;
    return stack(columns(this.text.root, this.examples.root), this.problem, this.picture,
      disclosure(`All ${english.length} words that it knows`, {},
        element("p", { class: "tl-caption" }, english.join(", "))));
  }

  translate(text) {
    this.set("text", text);
    this.read();
  }

  // From which step on: 0 for the last one.
  read(from = 1) {
    const { lm, languages } = this;
    const sentence = splitSentence(this.text.value);
    this.problem.textContent = problemWith(sentence, languages, lm.config.max_len);
    this.problem.hidden = !this.problem.textContent;
    this.picture.hidden = !this.problem.hidden;
    if (this.picture.hidden) return;
    const ids = [...sentence.map((word) => lm.tokenizer.vocab.get(word)), languages.stopId];
    this.words = [...sentence, END];
    this.steps = translate(lm, ids, { startId: lm.startId, stopId: languages.stopId });
    this.step.input.max = this.steps.length;
    this.goTo(from || this.steps.length);
  }

  goTo(number) {
    this.step.value = within(number, 1, this.steps.length);
    if (this.get("step") !== this.step.value) this.set("step", this.step.value);
    this.show();
  }

  show() {
    if (!this.steps.length) return;
    const look = this.look.value;
    const shown = this.steps.slice(0, this.step.value);
    this.back.disabled = this.step.value === 1;
    this.next.disabled = this.whole.disabled = this.step.value === this.steps.length;
    this.pictures.show({ words: this.words, shown, look, weights: weightsOf(shown.at(-1), look) });
  }

  // Somebody else, such as Python, has changed the text or the step.
  onText() {
    if (this.text.value === this.get("text")) return;
    this.text.value = this.get("text");
    this.read();
  }

  onStep() {
    const step = this.get("step");
    if (step !== this.step.value && this.steps.length) this.goTo(step || this.steps.length);
  }
}

function headOptions({ n_layers: nLayers, n_heads: nHeads }) {
  return [["mean", "mean of all heads of the last layer"],
    ...Array.from({ length: nLayers * nHeads }, (_, i) => {
      const [layer, head] = [Math.floor(i / nHeads), i % nHeads];
      return [`${layer} ${head}`, `layer ${layer + 1}, head ${head + 1}`];
    })];
}

function render(figure) {
  const session = new Session(figure);
  figure.root.append(session.layout());
  figure.onChange("text", () => session.onText());
  figure.onChange("step", () => session.onStep());
  figure.onChange("look", () => session.show());
  session.read(figure.get("step"));
}

export default figure("TranslatorSteps", render, {
  anew: ["model_file", "romanised", "examples"],
  ranges: { step: [0, Infinity] },
});
