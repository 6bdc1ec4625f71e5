// TrainingReplay: a training run, stopped at any moment and looked into.
//
// A slider moves over snapshots of the weights. Each snapshot is a whole model: its
// prediction, its heads and its story are computed here, when it is first shown; in a
// built page it comes only then.

import { stream } from "./engine/generation.js";
import { loadModel } from "./engine/model_file.js";
import { distribution, mostLikelyFirst, seededRandom } from "./engine/sampling.js";
import { attentionMatrix } from "./parts/attention_view.js";
import { barList } from "./parts/bars.js";
import { button, scroller, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { bytesOf, sizeInWords } from "./parts/later.js";
import { columns, element, heading, setAttributes, stack, svgElement } from "./parts/nodes.js";
import { readerText } from "./parts/reader_text.js";
import { wantsLessMotion } from "./parts/theme.js";
import { painted, pause } from "./parts/time.js";
import { formatPercent } from "./parts/words.js";

const N_BARS = 6;
const PLAY_MS = 900; // how long each snapshot is shown while playing
const SETTLED_MS = 120; // a hand on the slider only passes what it leaves sooner
const TEMPERATURE = 0.8; // of the sample story

// The models of the snapshots, each read when it is first asked for.
function snapshotsOf(files) {
  const read = new Map();
  return {
    async get(index) {
      if (!read.has(index)) read.set(index, loadModel(await bytesOf(files[index])));
      return read.get(index);
    },
    // How much has to come first; null: nothing.
    sizeOf: (index) => (read.has(index) ? null : sizeInWords(files[index])),
    any: () => read.size > 0,
  };
}

// --- Drawn ----------------------------------------------------------------------

// All that a snapshot is shown by.
function picturesOf({ losses, floor, steps }, text) {
  const curve = lossCurve({ losses, floor, steps });
  const bars = barList({ label: "most likely next tokens", length: N_BARS, look: "tl-bars tl-compared" });
  const heads = headGrid();
  const story = scroller(element("div", {
    class: "tl-sample", role: "group", "aria-label": "how the story goes on",
  }));
  const root = columns(
    stack(
      heading("The loss", " nats per token; pale: each step, strong: the mean of the steps around it"),
      curve.root,
      heading("How it goes on at this step",
        ` temperature ${TEMPERATURE}, the same draws at every step`), story),
    stack(text.root, text.note,
      heading("What comes next", " the likeliest tokens at this step"), bars.root,
      heading("Every head", " layer.head; each row of a square: the attention weights of one token"),
      heads.root));
  const setBusy = (isBusy) => setAttributes(root, { "aria-busy": String(isBusy) });
  return {
    root,
    end: heads.end,
    wait(index) {
      curve.mark(index);
      setBusy(true);
    },
    show(best, attention) {
      bars.show(best);
      heads.show(attention);
    },
    tell(end) {
      story.textContent = `… ${end}`;
      setBusy(false);
    },
  };
}

// Goes on with the text to the end of the story, as long as somebody waits for it.
async function goOn(lm, ids, seed, isWanted) {
  const written = [];
  await painted(); // the pictures first
  if (!isWanted()) return null;
  for (const token of stream(lm, ids, { temperature: TEMPERATURE, random: seededRandom(seed) })) {
    await painted();
    if (!isWanted()) return null;
    if (token === lm.startId) return lm.tokenizer.decode(written).trim() || "(It ends the story here.)";
    written.push(token);
  }
  return `${lm.tokenizer.decode(written).trim()} …`;
}

// The loss after so many steps: a mean over the steps around it, since each batch
// is easier or harder than the next.
function lossAt(losses, step, reach = 4) {
  const from = Math.max(0, Math.min(step, losses.length - 1) - (step ? reach : 0));
  const near = losses.slice(from, step ? step + reach + 1 : 1);
  return near.reduce((sum, loss) => sum + loss, 0) / near.length;
}

// A small matrix for each head, made when the first weights say how many there are.
function headGrid() {
  const root = element("div", {
    class: "tl-heads", role: "img", "aria-label": "the attention matrix of every head at this step",
  });
  const matrices = [];
  return {
    root,
    show(attention) {
      root.style.setProperty("--tl-n-heads", attention[0].length);
      attention.forEach((heads, layer) => heads.forEach((weights, head) => {
        const at = layer * heads.length + head;
        if (!matrices[at]) {
          matrices[at] = attentionMatrix({ size: 96 });
          root.append(element("div", { class: "tl-named-head" }, matrices[at].root,
            element("span", {}, `${layer}.${head}`)));
        }
        matrices[at].show(weights);
      }));
    },
    end() { for (const matrix of matrices) matrix.end(); },
  };
}

// The loss of every step as a line, the floor dashed, a dot at the chosen snapshot.
// Across: the square root of the step, because most happens at the start.
function lossCurve({ losses, floor, steps }) {
  const [width, height, left, top, bottom] = [400, 226, 34, 8, 42];
  const highest = Math.max(...losses);
  const x = (step) => left + (width - left - 8) * Math.sqrt(step / steps.at(-1));
  const y = (loss) => top + (height - top - bottom) * (1 - loss / highest);
  const path = (values, kind) => svgElement("path", {
    d: `M${values.map((loss, step) => `${x(step).toFixed(1)} ${y(loss).toFixed(1)}`).join("L")}`, class: kind,
  });
  const level = (loss, kind) =>
    svgElement("line", { x1: left, x2: width, y1: y(loss), y2: y(loss), class: kind });
  const label = (at, down, text, anchor = "middle") =>
    svgElement("text", { x: at, y: down, "text-anchor": anchor, class: "tl-axis" }, text);
  const dot = svgElement("circle", { r: 6, class: "tl-curve-dot" });
  const levels = Array.from({ length: Math.floor(highest / 2) + 1 }, (_, n) => 2 * n);
  const last = lossAt(losses, losses.length - 1).toFixed(2);
  const root = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "tl-curve", role: "img",
    "aria-label": `The training loss falls from ${losses[0].toFixed(1)} to ${last} nats per token; `
      + `the floor is ${floor.toFixed(2)}.`,
  },
  ...levels.map((loss) => level(loss, "tl-curve-grid")),
  ...levels.map((loss) => label(left - 6, y(loss) + 4, String(loss), "end")),
  ...ticks(steps.at(-1)).map((step) => label(x(step), height - 24, String(step))),
  label(width, height - 6, "training step (stretched at the start)", "end"),
  path(losses, "tl-curve-raw"),
  path(losses.map((_, step) => lossAt(losses, step)), "tl-curve-line"),
  level(floor, "tl-curve-floor"),
  label(width - 2, top + 14, "dashed: the floor; no model is better on average", "end"),
  dot);
  return {
    root,
    mark: (index) => setAttributes(dot, { cx: x(steps[index]), cy: y(lossAt(losses, steps[index])) }),
  };
}

// Where to name a step: round numbers at about an eighth and a half of the run.
function ticks(last) {
  const round = (number) => Number(number.toPrecision(1));
  return [...new Set([0, round(last / 8), round(last / 2), last])];
}

// --- Wired ----------------------------------------------------------------------

class Session {
  constructor(figure) {
    const { get, bind } = figure;
    this.figure = figure;
    this.facts = { steps: get("steps"), losses: get("losses"), floor: get("floor") };
    this.lastIndex = this.facts.steps.length - 1;
    this.snapshots = snapshotsOf(get("snapshots"));
    this.playing = null; // one object for each time that the run is played
    this.latest = 0; // the number of the last call of `show`
    this.lm = null; // of the snapshot that is shown
    const { steps } = this.facts;
    this.step = bind("selected", slider, {
      label: "Training step", min: 0, max: this.lastIndex, shown: (value) => Math.min(value, this.lastIndex),
      format: (index) => `${steps[index]} of ${steps.at(-1)}`, onInput: () => this.stop(),
    });
    this.play = button("Play ▸", () => (this.playing ? this.stop() : this.start()));
    this.text = readerText(figure, () => this.lm, { label: "A story for it to go on with" });
    this.words = statusLine();
    this.pictures = picturesOf(this.facts, this.text);
    figure.root.append(stack(
      element("div", { class: "tl-replay-controls" }, this.step.root, this.play),
      this.words.root, this.pictures.root));
  }

  get chosen() { return Math.min(this.figure.get("selected"), this.lastIndex); }

  async show() {
    const call = ++this.latest;
    const index = this.chosen;
    this.pictures.wait(index);
    const lm = await this.fetched(index, call);
    if (!lm) return;
    await painted();
    if (call !== this.latest) return;
    this.lm = lm;
    this.text.read();
    const { logits, attention } = lm.decoder.forward(this.text.ids, { lastOnly: true });
    const probabilities = distribution(logits.at(-1));
    const best = mostLikelyFirst(probabilities).slice(0, N_BARS)
      .map((id) => ({ name: this.text.nextName(id), share: probabilities[id] }));
    this.pictures.show(best, attention);
    const likeliest = `${best[0].name}, ${formatPercent(best[0].share)}`;
    this.words.say(`${this.describe(index)} Most likely next: ${likeliest}.`);
    goOn(lm, this.text.ids, this.figure.get("seed"), () => call === this.latest).then((end) => {
      if (end !== null) this.pictures.tell(end);
    });
  }

  // The model of a snapshot; null if the reader has moved on, or if it does not come.
  async fetched(index, call) {
    const step = this.facts.steps[index];
    const size = this.snapshots.sizeOf(index);
    if (size) {
      const note = this.snapshots.any() ? "; the pictures are still of the step before" : "";
      this.words.say(`The weights of step ${step} are loading (${size})${note}.`);
      await pause(SETTLED_MS);
      if (call !== this.latest) return null;
    }
    try {
      const lm = await this.snapshots.get(index);
      return call === this.latest ? lm : null;
    } catch (error) {
      const problem = `The weights of step ${step} did not come: ${error.message}. Choose the step again.`;
      if (call === this.latest) this.words.say(problem);
      return null;
    }
  }

  describe(index) {
    const { steps, losses, floor } = this.facts;
    const loss = lossAt(losses, steps[index]).toFixed(2);
    return `Step ${steps[index]} of ${steps.at(-1)}: loss about ${loss} nats per token, `
      + `the floor is ${floor.toFixed(2)}.`;
  }

  // The next snapshot loads while this one is looked at.
  async start() {
    const { set } = this.figure;
    if (this.chosen === this.lastIndex) set("selected", 0);
    this.play.textContent = "Pause";
    const run = this.playing = {};
    while (this.playing === run && this.chosen < this.lastIndex) {
      const next = this.snapshots.get(this.chosen + 1).catch(() => this.stop());
      await Promise.all([next, pause(wantsLessMotion() ? 2 * PLAY_MS : PLAY_MS)]);
      if (this.playing === run) set("selected", this.chosen + 1);
    }
    if (this.playing === run) this.stop();
  }

  stop() {
    this.playing = null;
    this.play.textContent = "Play ▸";
  }
}

function render(figure) {
  const session = new Session(figure);
  figure.onChange("text selected seed", () => session.show());
  figure.waitFor(session.show());
  figure.onEnd(() => { session.stop(); session.pictures.end(); });
}

export default figure("TrainingReplay", render, {
  anew: ["snapshots", "steps", "losses", "floor"],
  ranges: { selected: [0, Infinity], floor: [0, 1000] },
});
