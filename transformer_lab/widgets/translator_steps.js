// TranslatorSteps: English goes in, Hindi comes out word by word, and where it looks.
//
// Left the English words, right the Hindi ones so far; lines show where the decoder
// looked when it wrote the word of this step. Below, all steps as a matrix, and the
// candidates of this step.

import { loadModel } from "./engine/model_file.js";
import { splitSentence, translate } from "./engine/translating.js";
import { button, buttonRow, disclosure, select, slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, svgElement } from "./parts/nodes.js";
import { weightColour } from "./parts/theme.js";
import { debounce } from "./parts/time.js";
import { counted, formatPercent } from "./parts/words.js";

const N_CANDIDATES = 4;
const ROW = 34; // pixels from one word to the next
const WIDTH = 120; // of the space between the two columns, in the drawing's own units

function render({ get, root, onChange, set }) {
  const lm = loadModel(get("model_file"));
  const { tokenizer, config } = lm;
  const romanised = get("romanised");
  const stopId = tokenizer.special.get(lm.metadata.stop);
  const english = [...tokenizer.vocab.keys()]
    .filter((word) => !tokenizer.special.has(word) && (word === "?" || !(word in romanised)));
  const known = new Set(english);
  const view = { words: [], steps: [] };
  const wordOf = (id) => (id === stopId ? "⟨end⟩" : tokenizer.piece(id));
  const latin = (word) => (word === "⟨end⟩" ? "" : romanised[word] ?? "");
  const withLatin = (word) => (latin(word) && latin(word) !== word ? `${word} (${latin(word)})` : word);

  // --- Controls
  const text = textBox({
    label: "An English sentence", value: get("text"), rows: 1,
    onInput: debounce(() => { set("text", text.value); read(); }, 150),
  });
  const examples = select({
    label: "Or one of these", value: "", options: [["", "choose …"], ...get("examples").map((e) => [e, e])],
    onInput: (sentence) => {
      if (!sentence) return;
      text.value = sentence;
      set("text", sentence);
      read({ from: 1 });
    },
  });
  const words = disclosure(`All ${english.length} words that it knows`, {},
    element("p", { class: "tl-caption" }, english.join(", ")));
  const step = slider({
    label: "Word", min: 1, max: 1, value: 1,
    format: (number) => `${number} of ${view.steps.length}`, onInput: (number) => goTo(number),
  });
  const back = button("Back", () => goTo(step.value - 1));
  const next = button("Next word", () => goTo(step.value + 1), { primary: true });
  const whole = button("Whole sentence", () => goTo(view.steps.length));
  const look = select({
    label: "Drawn", value: get("look"),
    options: [["mean", "mean of all heads of the last layer"],
      ...Array.from({ length: config.n_layers * config.n_heads }, (_, i) => {
        const [layer, head] = [Math.floor(i / config.n_heads), i % config.n_heads];
        return [`${layer} ${head}`, `layer ${layer + 1}, head ${head + 1}`];
      })],
    onInput: (value) => { set("look", value); show(); },
  });
  const problem = element("p", { class: "tl-translator-problem", role: "alert" });

  // --- The picture
  const lines = svgElement("svg", { class: "tl-translator-lines", preserveAspectRatio: "none", "aria-hidden": "true" });
  const source = element("ol", { class: "tl-translator-words tl-translator-source", "aria-label": "the English words" });
  const target = element("ol", { class: "tl-translator-words", lang: "hi", "aria-label": "the Hindi words so far" });
  const columns = element("div", { class: "tl-translator-columns" }, source, lines, target);
  const status = statusLine();
  const candidates = element("ol", { class: "tl-translator-candidates", "aria-label": "the likeliest words at this step" });
  const matrix = element("table", { class: "tl-translator-matrix" });
  const picture = element("div", { class: "tl-stack" },
    step.root, buttonRow("steps", back, next, whole), status.root,
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" },
        element("div", { class: "tl-heading" }, "Where it looks ", element("span", { class: "tl-quiet" }, "to write this word")),
        columns),
      element("div", { class: "tl-stack" },
        element("div", { class: "tl-heading" }, "What it could write here"), candidates,
        element("div", { class: "tl-heading" }, "All steps so far ", element("span", { class: "tl-quiet" }, "rows: Hindi; columns: English")),
        matrix)),
    look.root);
  root.append(element("div", { class: "tl-stack" },
    element("div", { class: "tl-columns" }, text.root, examples.root), problem, picture, words));

  // --- What happens
  function read({ from = 1 } = {}) {
    const sentence = splitSentence(text.value);
    const unknown = sentence.filter((word) => !known.has(word));
    const tooLong = sentence.length >= config.max_len;
    problem.textContent = unknown.length
      ? `This translator does not know: ${unknown.join(", ")}. Its ${english.length} words are listed below.`
      : tooLong ? `The sentence has ${counted(sentence.length, "word")}; this translator reads at most ${config.max_len - 1}.`
        : sentence.length ? "" : "Type a sentence, such as: we are friends";
    problem.hidden = !problem.textContent;
    picture.hidden = !problem.hidden;
    if (picture.hidden) return;
    const ids = [...sentence.map((word) => tokenizer.vocab.get(word)), stopId];
    view.words = [...sentence, "⟨end⟩"];
    view.steps = translate(lm, ids, { startId: lm.startId, stopId });
    step.input.max = view.steps.length;
    goTo(Math.min(from || view.steps.length, view.steps.length));
  }

  function goTo(number) {
    step.value = Math.max(1, Math.min(view.steps.length, number));
    if (get("step") !== step.value) set("step", step.value);
    show();
  }

  // The weights of a step, over the English words.
  function weightsOf({ attention }) {
    if (look.value !== "mean") {
      const [layer, head] = look.value.split(" ").map(Number);
      return attention[layer][head];
    }
    const heads = attention.at(-1);
    return heads[0].map((_, s) => heads.reduce((sum, row) => sum + row[s], 0) / heads.length);
  }

  function show() {
    const shown = view.steps.slice(0, step.value);
    const now = shown.at(-1);
    const weights = weightsOf(now);
    back.disabled = step.value === 1;
    next.disabled = whole.disabled = step.value === view.steps.length;
    source.replaceChildren(...view.words.map((word, s) =>
      element("li", { style: `background: ${weightColour(weights[s], 0.6)}` }, word)));
    target.replaceChildren(...shown.map(({ id }, t) => element("li", { class: t === shown.length - 1 ? "tl-now" : null },
      wordOf(id), element("span", { class: "tl-quiet", lang: "hi-Latn" }, ` ${latin(wordOf(id))}`))));
    drawLines(weights, shown.length - 1);
    showMatrix(shown);
    candidates.replaceChildren(...now.order.slice(0, N_CANDIDATES).map((id) => element("li", {},
      element("span", { lang: "hi" }, withLatin(wordOf(id))),
      element("span", { class: "tl-translator-track" },
        element("span", { style: `width: ${100 * now.probabilities[id]}%` })),
      element("span", { class: "tl-translator-share" }, formatPercent(now.probabilities[id])))));
    status.say(sentence(now, weights));
  }

  function sentence(now, weights) {
    const strongest = weights.indexOf(Math.max(...weights));
    const done = now.id === stopId;
    const written = view.steps.slice(0, step.value).filter(({ id }) => id !== stopId).map(({ id }) => wordOf(id));
    const what = done ? "The translation is over" : `Word ${step.value} is ${withLatin(wordOf(now.id))}`;
    return `${what}, ${formatPercent(now.probabilities[now.id])} sure; it looked most at “${view.words[strongest]}” `
      + `(${formatPercent(weights[strongest])}). So far: ${written.join(" ").replace(" ?", "?")} `
      + `(${written.map(latin).join(" ").replace(" ?", "?")}).`;
  }

  function drawLines(weights, t) {
    const height = ROW * Math.max(view.words.length, t + 1);
    lines.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    lines.style.height = `${height}px`;
    const middle = (row) => (row + 0.5) * ROW;
    lines.replaceChildren(...Array.from(weights, (weight, s) => svgElement("path", {
      d: `M0 ${middle(s)} C${WIDTH / 2} ${middle(s)} ${WIDTH / 2} ${middle(t)} ${WIDTH} ${middle(t)}`,
      "stroke-width": 1 + 9 * weight, "stroke-opacity": Math.sqrt(weight),
    })));
  }

  function showMatrix(shown) {
    matrix.replaceChildren(
      element("thead", {}, element("tr", {}, element("td"),
        ...view.words.map((word) => element("th", { scope: "col" }, element("span", {}, word))))),
      element("tbody", {}, ...shown.map((one, t) => element("tr", { class: t === shown.length - 1 ? "tl-now" : null },
        element("th", { scope: "row", lang: "hi" }, wordOf(one.id)),
        ...Array.from(weightsOf(one), (weight) => element("td", {
          style: `background: ${weightColour(Math.sqrt(weight))}`, title: formatPercent(weight),
        }, element("span", { class: "tl-spoken" }, formatPercent(weight))))))));
  }

  // --- When Python changes something
  const hearText = () => { if (text.value !== get("text")) { text.value = get("text"); read(); } };
  const hearStep = () => { if (get("step") !== step.value && view.steps.length) goTo(get("step") || view.steps.length); };
  const hearLook = () => { look.value = get("look"); show(); };
  onChange("text", hearText);
  onChange("step", hearStep);
  onChange("look", hearLook);
  read({ from: get("step") });
}

export default figure("TranslatorSteps", render, {
  anew: ["model_file", "romanised", "examples"],
  ranges: { step: [0, Infinity] },
});
