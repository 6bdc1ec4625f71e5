// TrainingReplay: a training run, stopped at any moment and looked into.
//
// A slider moves over snapshots of the weights. Each snapshot is a whole model: its
// prediction, its heads and its story are computed here, when it is first shown; in a
// built page it comes only then.

import { stream } from "./engine/generation.js";
import { loadModel, promptIds } from "./engine/model_file.js";
import { distribution, mostLikelyFirst, seededRandom } from "./engine/sampling.js";
import { attentionMatrix } from "./parts/attention_view.js";
import { bytesOf, sizeInWords } from "./parts/later.js";
import { button, scroller, slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, svgElement, write } from "./parts/nodes.js";
import { wantsLessMotion } from "./parts/theme.js";
import { debounce, painted, pause } from "./parts/time.js";
import { counted, formatPercent, readable, specialName } from "./parts/words.js";

const N_BARS = 6;
const PLAY_MS = 900; // how long each snapshot is shown while playing
const SETTLED_MS = 120; // a hand on the slider only passes what it leaves sooner
const TEMPERATURE = 0.8; // of the sample story

function render({ get, root, onChange, onEnd, set, waitFor }) {
  const [steps, losses, floor] = [get("steps"), get("losses"), get("floor")];
  const lastIndex = steps.length - 1;
  const chosen = () => Math.min(get("selected"), lastIndex);
  const read = new Map(); // the models of the snapshots that were shown
  const snapshot = async (index) => {
    if (!read.has(index)) read.set(index, loadModel(await bytesOf(get("snapshots")[index])));
    return read.get(index);
  };
  let playing = null; // one object for each time that the run is played
  let latest = 0; // the number of the last call of `show`

  // --- Controls
  const step = slider({
    label: "Training step", min: 0, max: lastIndex, value: chosen(),
    format: (index) => `${steps[index]} of ${steps[lastIndex]}`, onInput: (index) => { stop(); choose(index); },
  });
  const play = button("Play ▸", () => (playing ? stop() : start()));
  const text = textBox({
    label: "A story for it to go on with", value: get("text"), rows: 2,
    onInput: debounce(() => { set("text", text.value); show(); }, 120),
  });

  const note = element("p", { class: "tl-quiet" });

  // --- Pictures
  const curve = lossCurve({ losses, floor, steps });
  const bars = predictionBars();
  const heads = headGrid();
  const story = scroller(element("div", { class: "tl-sample", role: "group", "aria-label": "how the story goes on" }));
  const words = statusLine();
  const heading = (title, quiet) => element("div", { class: "tl-heading" }, title,
    element("span", { class: "tl-quiet" }, ` ${quiet}`));

  const pictures = element("div", { class: "tl-columns" },
    element("div", { class: "tl-stack" },
      heading("The loss", "nats per token; pale: each step, strong: the mean of the steps around it"), curve.root,
      heading("How it goes on at this step", `temperature ${TEMPERATURE}, the same draws at every step`), story),
    element("div", { class: "tl-stack" },
      text.root, note, heading("What comes next", "the likeliest tokens at this step"), bars.root,
      heading("Every head", "layer.head; each row of a square: the attention weights of one token"), heads.root));
  root.append(element("div", { class: "tl-stack" },
    element("div", { class: "tl-replay-controls" }, step.root, play), words.root, pictures));

  // --- What happens
  function choose(index) {
    set("selected", index);
  }

  async function show() {
    const call = ++latest;
    const index = chosen();
    curve.mark(index);
    step.value = index;
    pictures.setAttribute("aria-busy", "true");
    const lm = await fetched(index, call);
    if (!lm) return;
    await painted();
    if (call !== latest) return;
    const whole = promptIds(lm, text.value);
    const maxLen = lm.config.max_len;
    const ids = whole.slice(0, maxLen);
    note.hidden = whole.length <= maxLen;
    note.textContent = `This model sees ${maxLen} tokens; the last ${counted(whole.length - maxLen, "token")} of your text are left out.`;
    const { logits, attention } = lm.decoder.forward(ids, { lastOnly: true });
    const probabilities = distribution(logits.at(-1), {});
    const best = mostLikelyFirst(probabilities).slice(0, N_BARS);
    const nameOf = (id) => {
      const piece = lm.tokenizer.piece(id);
      return lm.tokenizer.isSpecial(id) ? specialName(piece, ids.length) : readable(piece);
    };
    bars.show(best.map((id) => ({ name: nameOf(id), share: probabilities[id] })));
    heads.show(attention);
    words.say(`Step ${steps[index]} of ${steps[lastIndex]}: ${lossInWords(index)} Most likely next: ${nameOf(best[0])}, ${formatPercent(probabilities[best[0]])}.`);
    goOn(lm, ids, get("seed"), () => call === latest).then((end) => {
      if (end === null) return;
      story.textContent = `… ${end}`;
      pictures.setAttribute("aria-busy", "false");
    });
  }

  // The model of a snapshot; null if the reader has moved on, or if it does not come.
  async function fetched(index, call) {
    const size = sizeInWords(get("snapshots")[index]);
    if (size && !read.has(index)) {
      words.say(`The weights of step ${steps[index]} are loading (${size})${read.size ? "; the pictures are still of the step before" : ""}.`);
      await pause(SETTLED_MS);
      if (call !== latest) return null;
    }
    try {
      await snapshot(index);
    } catch (error) {
      if (call === latest) words.say(`The weights of step ${steps[index]} did not come: ${error.message}. Choose the step again.`);
      return null;
    }
    return call === latest ? read.get(index) : null;
  }

  function lossInWords(index) {
    const now = lossAt(losses, steps[index]);
    return `loss about ${now.toFixed(2)} nats per token, the floor is ${floor.toFixed(2)}.`;
  }

  // The next snapshot loads while this one is looked at.
  async function start() {
    if (chosen() === lastIndex) choose(0);
    play.textContent = "Pause";
    const run = playing = {};
    while (playing === run && chosen() < lastIndex) {
      const next = snapshot(chosen() + 1).catch(() => stop());
      await Promise.all([next, pause(wantsLessMotion() ? 2 * PLAY_MS : PLAY_MS)]);
      if (playing === run) choose(chosen() + 1);
    }
    if (playing === run) stop();
  }

  function stop() {
    playing = null;
    play.textContent = "Play ▸";
  }

  const hearText = () => {
    if (get("text") !== text.value) { text.value = get("text"); show(); }
  };
  onChange("text", hearText);
  onChange("selected seed", show);

  waitFor(show());
  onEnd(() => {
    stop();
    heads.end();
  });
}

// Goes on with the text to the end of the story, as long as somebody waits for it.
async function goOn(lm, ids, seed, isWanted) {
  const written = [];
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

// The next tokens as bars.
function predictionBars() {
  const root = element("ol", { class: "tl-bars tl-compared", "aria-label": "most likely next tokens" });
  const rows = Array.from({ length: N_BARS }, () => {
    const [name, fill, share] = ["tl-token", "tl-bar-fill", "tl-bar-share"]
      .map((kind) => element("span", { class: kind }));
    root.append(element("li", { class: "tl-bar" }, name,
      element("span", { class: "tl-bar-track" }, fill), share));
    return { name, fill, share };
  });
  return {
    root,
    show(tokens) {
      rows.forEach((row, index) => {
        write(row.name, tokens[index].name);
        row.fill.style.width = `${100 * tokens[index].share}%`;
        row.share.textContent = formatPercent(tokens[index].share);
      });
    },
  };
}

// The loss of every step as a line, the floor dashed, a dot at the chosen snapshot.
// Across: the square root of the step, because most happens at the start.
function lossCurve({ losses, floor, steps }) {
  const [width, height, left, top, bottom] = [400, 226, 34, 8, 42];
  const highest = Math.max(...losses);
  const x = (step) => left + (width - left - 8) * Math.sqrt(step / steps.at(-1));
  const y = (loss) => top + (height - top - bottom) * (1 - loss / highest);
  const path = (values) => values.map(([step, loss], n) => `${n ? "L" : "M"}${x(step).toFixed(1)} ${y(loss).toFixed(1)}`).join("");
  const label = (at, down, text, anchor = "middle") =>
    svgElement("text", { x: at, y: down, "text-anchor": anchor, class: "tl-axis" }, text);
  const smooth = losses.map((_, step) => [step, lossAt(losses, step)]);
  const dot = svgElement("circle", { r: 6, class: "tl-curve-dot" });
  const levels = Array.from({ length: Math.floor(highest / 2) + 1 }, (_, n) => 2 * n);
  const root = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "tl-curve", role: "img",
    "aria-label": `The training loss falls from ${losses[0].toFixed(1)} to ${lossAt(losses, losses.length - 1).toFixed(2)} nats per token; the floor is ${floor.toFixed(2)}.`,
  },
  ...levels.map((level) => svgElement("line", { x1: left, x2: width, y1: y(level), y2: y(level), class: "tl-curve-grid" })),
  ...levels.map((level) => label(left - 6, y(level) + 4, String(level), "end")),
  ...ticks(steps.at(-1)).map((step) => label(x(step), height - 24, String(step))),
  label(width, height - 6, "training step (stretched at the start)", "end"),
  svgElement("path", { d: path(losses.map((loss, step) => [step, loss])), class: "tl-curve-raw" }),
  svgElement("path", { d: path(smooth), class: "tl-curve-line" }),
  svgElement("line", { x1: left, x2: width, y1: y(floor), y2: y(floor), class: "tl-curve-floor" }),
  label(width - 2, top + 14, "dashed: the floor; no model is better on average", "end"),
  dot);
  return {
    root,
    mark(index) {
      dot.setAttribute("cx", x(steps[index]));
      dot.setAttribute("cy", y(lossAt(losses, steps[index])));
    },
  };
}

// Where to name a step: round numbers at about an eighth and a half of the run.
function ticks(last) {
  const round = (number) => Number(number.toPrecision(1));
  return [...new Set([0, round(last / 8), round(last / 2), last])];
}

export default figure("TrainingReplay", render, {
  anew: ["snapshots", "steps", "losses", "floor"],
  ranges: { selected: [0, Infinity], floor: [0, 1000] },
});
