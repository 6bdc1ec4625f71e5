// NextToken: what could come next, how the choice is made, a story that grows.
//
// The model gives every token of its vocabulary a probability; temperature, top-k
// and top-p reshape and cut; a random point on a line of length 1 picks one; it is
// appended, and the question is asked again. Shading shows the attention weights.
//
// Ties together the engine (model_file.js, sampling.js), the text with its undo
// (story.js) and the picture (distribution_view.js, ui.js).

import { loadModel } from "./engine/model_file.js";
import { distribution, mostLikelyFirst, sample } from "./engine/sampling.js";
import { Story, drawNumber } from "./parts/story.js";
import { barList, drawLine } from "./parts/distribution_view.js";
import {
  afterPaint, button, buttonRow, checkbox, counted, debounce, disclosure, element, figure, formatPercent,
  numberBox, readable, select, slider, specialName, statusLine, textBox, tokenChips, uniqueId,
  wantsLessMotion, write,
} from "./parts/ui.js";

const TOP_K_STOPS = [1, 2, 3, 5, 10, 20, 50, 100];
const DRAW_MS = 450; // how long a draw is shown before its token is appended
const WRITE_MS = 160; // the same while the model writes on

// --- The figure -----------------------------------------------------------------

function render({ model, root, remember }) {
  const lm = loadModel(model.get("model_file"));
  const story = new Story(lm, model.get("text"));
  const view = { looking: null, pinned: null }; // what is shown; `refresh` adds to it
  let pending = null; // a draw that is shown but not yet appended
  let writing = false;

  // The name of a token, at this place in the text (by default: as the next one).
  const nameOf = (id, index = view.ids.length) => {
    const piece = lm.tokenizer.piece(id);
    return lm.tokenizer.isSpecial(id) ? specialName(piece, index) : readable(piece);
  };
  const settings = () => ({
    temperature: model.get("temperature"), topK: model.get("top_k"), topP: model.get("top_p"),
  });

  // --- Controls
  const text = textBox({
    label: "Type the start of a story", value: story.text, rows: model.get("compact") ? 2 : 3,
    placeholder: "Empty: the model begins by itself", onInput: () => { stop({ finish: false }); readSoon(); },
  });
  const read = () => {
    if (text.value === story.text) return;
    story.type(text.value);
    refresh();
  };
  const readSoon = debounce(read, 60);
  const sampleButton = button("Sample a token", () => act(() => draw()), {
    primary: true, title: "Draw one token at random, by these probabilities",
  });
  const bestButton = button("Take the top", () => act(() => choose(view.order[0])), {
    title: "Append the most likely token (greedy)",
  });
  const writeButton = button("Write on ▸", () => (writing ? stop() : act(() => startWriting())), {
    title: "Sample until the story ends",
  });
  const undoButton = button("Undo", () => act(() => undo()));
  const againButton = button("Start again", () => act(() => startAgain()), {
    title: "Take away what the model wrote",
  });

  const temperature = slider({
    label: "Temperature", min: 0, max: 2, step: 0.1, value: model.get("temperature"),
    format: (value) => (value === 0 ? "0 (top)" : value.toFixed(1)),
    hint: "Below 1 sharpens, above 1 flattens; 0 always takes the most likely",
    onInput: (value) => reshape("temperature", value),
  });
  let stops = [];
  const topK = slider({
    label: "Top-k", min: 0, max: 0, value: 0,
    format: (index) => (stops[index] === 0 ? "all" : String(stops[index])),
    hint: "Only the k most likely tokens may be drawn", onInput: (index) => reshape("top_k", stops[index]),
  });
  const showTopK = () => {
    const k = settings().topK;
    stops = [...new Set([...TOP_K_STOPS, k])].filter((stop) => stop > 0 && stop < lm.config.vocab_size)
      .sort((a, b) => a - b).concat(0); // the far end of the slider: no limit
    topK.input.max = stops.length - 1;
    topK.value = stops.includes(k) ? stops.indexOf(k) : stops.length - 1;
  };
  const topP = slider({
    label: "Top-p", min: 0.05, max: 1, step: 0.05, value: model.get("top_p"),
    format: (value) => (value === 1 ? "all" : value.toFixed(2)),
    hint: "Only the fewest tokens that together reach this probability may be drawn",
    onInput: (value) => reshape("top_p", value),
  });
  const seed = numberBox({ label: "Seed", value: model.get("seed"), onInput: (value) => reseed(value) });
  const newSeed = button("New seed", () => {
    seed.value = Math.floor(Math.random() * 1000);
    reseed(seed.value);
  });
  const layer = select({
    label: "Shading", value: String(lm.config.n_layers - 1), onInput: () => shade(),
    options: lm.decoder.blocks.map((_, index) => [String(index), `layer ${index + 1}, attention weights (mean of its heads)`]),
  });
  const guessing = checkbox({
    label: "Let me guess before I see the bars",
    onInput: () => {
      view.revealed = false;
      showBars();
      status.say(describe());
    },
  });

  // --- The picture
  const chips = tokenChips({ label: "tokens; arrow keys move", onLook: look, onPick: pin });
  chips.root.append(element("span", { class: "tl-next", "aria-hidden": "true" }, "?"));
  const nTokens = element("span", { class: "tl-quiet" });
  const caption = element("p", { class: "tl-caption tl-where" });
  const bars = barList((id) => act(() => choose(id)));
  const line = drawLine();
  const question = element("span");
  const nDrawable = element("span", { class: "tl-quiet" });
  const legend = element("p", { class: "tl-caption tl-legend" });
  const status = statusLine();
  const cover = guessCover();
  const picture = element("div", { class: "tl-picture" }, bars.root, legend, line.root);
  const content = element("div", { class: "tl-next-token" },
    element("div", { class: "tl-stack tl-story" },
      text.root,
      element("div", {},
        element("p", { class: "tl-heading" }, "What the model sees ", nTokens), chips.root, caption),
      buttonRow("choose the next token", sampleButton, bestButton, writeButton, undoButton, againButton)),
    element("div", { class: "tl-stack tl-choice" },
      element("p", { class: "tl-heading" }, question, nDrawable), cover.root, picture, status.root),
    element("div", { class: "tl-stack tl-settings" },
      temperature.root,
      disclosure("More ways to choose", { open: !model.get("compact") },
        element("div", { class: "tl-stack" }, topK.root, topP.root,
          element("div", { class: "tl-seed" }, seed.root, newSeed), layer.root, guessing.root))));

  // --- What happens

  // Every action first ends what is still going on, and takes in what was typed.
  function act(action) {
    stop();
    read();
    action();
  }

  function undo() {
    story.undo();
    refresh({ rewrite: true });
    status.say("Taken back, and the draw with it.");
  }

  function startAgain() {
    story.restart();
    refresh({ rewrite: true });
    status.say("Back to what you typed. The next draws are new ones.");
  }

  function choose(id) {
    if (id === undefined || !canAppend()) return;
    const share = view.after[id];
    story.append(id);
    refresh({ rewrite: true });
    const chance = share ? `which had ${formatPercent(share)}` : "which would never have been drawn";
    status.say(`Appended ${nameOf(id)}, ${chance}. ${ending()}`);
  }

  // Draw: the point falls on the line, is seen for a moment, and the token follows.
  function draw(delay = DRAW_MS, then = () => {}) {
    if (!canAppend()) return then();
    const point = drawNumber(model.get("seed"), story.state.nDraws);
    const id = sample(view.after, () => point);
    const share = view.after[id];
    const finish = () => {
      pending = null;
      story.append(id, { drawn: true });
      refresh({ rewrite: true });
      if (!writing) {
        status.say(`The number ${point.toFixed(3)} was drawn. It fell on ${nameOf(id)}, `
          + `which had ${formatPercent(share)}. ${ending()}`);
      }
      then();
    };
    if (wantsLessMotion()) return finish();
    markDraw(id, point);
    pending = { finish, timer: setTimeout(finish, delay) };
  }

  function startWriting() {
    if (!canAppend()) return;
    writing = true;
    writeButton.textContent = "Stop ■";
    status.say("Writing …");
    const before = story.text.length;
    const next = () => {
      if (!writing) return;
      if (canAppend()) draw(WRITE_MS, next);
      else {
        endWriting();
        status.say(ending(), { spoken: ` The model wrote: ${story.text.slice(before).trim()}` });
      }
    };
    next();
  }

  function endWriting() {
    writing = false;
    writeButton.textContent = "Write on ▸";
  }

  // Ends writing. A draw that is on its way is carried out at once, or given up.
  function stop({ finish = true } = {}) {
    if (writing) status.say("Stopped.");
    endWriting();
    if (!pending) return;
    clearTimeout(pending.timer);
    if (finish) pending.finish();
    else {
      pending = null;
      markDraw(null, null);
    }
  }

  function markDraw(id, point) {
    bars.mark(id);
    line.mark(point);
  }

  function reshape(name, value) {
    stop();
    remember(name, value);
  }

  function reseed(value) {
    stop();
    remember("seed", value);
    status.say(`Seed ${value}: from here on other numbers are drawn.`);
  }

  const canAppend = () => !story.ended && story.room > 0;

  function ending() {
    if (story.ended) return "The story ends here: ⟨end⟩ was chosen. Start again for another one.";
    if (story.room === 0) return `That is token ${lm.config.max_len}, and this model sees no more than that.`;
    return "";
  }

  // Run the model on the text as it is now, and show everything.
  function refresh({ rewrite = false } = {}) {
    const ids = story.ids;
    // The model never reads the token that ended the story: the last choice stays in view.
    const seen = (story.ended ? ids.slice(0, -1) : ids).slice(0, lm.config.max_len);
    const { logits, attention } = lm.decoder.forward(seen, { lastOnly: true });
    Object.assign(view, {
      logits: logits.at(-1), attention, ids, nSeen: seen.length, pinned: null, looking: null, revealed: false,
      order: mostLikelyFirst(logits.at(-1)), before: distribution(logits.at(-1)),
    });
    if (rewrite) {
      text.value = story.text;
      text.input.scrollTop = text.input.scrollHeight;
    }
    remember("text", story.text);
    showTokens();
    showBars();
    for (const control of [sampleButton, bestButton, writeButton]) control.disabled = !canAppend();
    undoButton.disabled = story.past.length === 0;
    againButton.disabled = story.state.chosen.length === 0;
    if (!rewrite) status.say(describe(), { delay: 900 });
  }

  function showTokens() {
    const { ids } = view;
    const nTyped = ids.length - story.state.chosen.length;
    chips.show(ids.map((id, index) => ({
      id, text: lm.tokenizer.piece(id), special: lm.tokenizer.isSpecial(id),
      unseen: lm.unseenTokens.has(id), outside: index >= lm.config.max_len, fresh: index >= nTyped,
    })));
    nTokens.textContent = counted(ids.length, "token");
    root.classList.toggle("tl-ended", !canAppend());
    if (story.state.chosen.length) chips.root.scrollTop = chips.root.scrollHeight;
    shade();
  }

  function showBars() {
    view.after = distribution(view.logits, settings());
    const nKept = view.after.reduce((count, share) => count + (share > 0), 0);
    const all = lm.config.vocab_size;
    nDrawable.textContent = nKept === all
      ? `each of ${all} tokens has a chance` : `${nKept} of ${all} tokens can be drawn`;
    const shown = { ...view, nameOf, canAppend: canAppend() };
    bars.show(shown);
    line.show(shown);
    markDraw(story.ended ? lm.startId : null, null);
    question.textContent = story.ended ? "The last choice " : "What could come next ";
    const { temperature: heat, topK: k, topP: p } = settings();
    const isReshaped = heat !== 1 || k !== 0 || p !== 1;
    bars.root.classList.toggle("tl-reshaped", isReshaped);
    legend.textContent = isReshaped
      ? "Dashed: what the model said. Filled: what is drawn:"
      : "All bars, end to end. A random number picks one:";
    cover.show(guessing.value && canAppend() && !view.revealed);
  }

  function describe() {
    if (story.ended) return ending();
    if (story.room < 0) {
      return `This model sees ${lm.config.max_len} tokens at most; your text has ${view.ids.length}. `
        + `The prediction is for the place after token ${view.nSeen}.`;
    }
    return guessing.value && canAppend() && !view.revealed ? "" : sentence();
  }

  function sentence() {
    const [first, second] = view.order.filter((id) => view.after[id] > 0);
    const unknown = view.ids.some((id) => lm.unseenTokens.has(id))
      ? " Wavy pieces never occurred in training: the model can only guess there." : "";
    const runnerUp = second === undefined
      ? "" : `, then ${nameOf(second)}, ${formatPercent(view.after[second])}`;
    return `Most likely next: ${nameOf(first)}, ${formatPercent(view.after[first])}${runnerUp}.${unknown}`;
  }

  // --- Where the model looks

  function look(index) {
    view.looking = index;
    shadeSoon();
  }

  function pin(index) {
    view.pinned = view.pinned === index ? null : index;
    shadeSoon();
  }

  const shadeSoon = afterPaint(shade);

  function shade() {
    const last = view.nSeen - 1;
    const from = Math.min(view.looking ?? view.pinned ?? last, last);
    const heads = view.attention[Number(layer.value)];
    const weights = new Float32Array(view.nSeen);
    for (const rows of heads) rows[from].forEach((weight, s) => { weights[s] += weight / heads.length; });
    chips.shade(weights, from);
    const most = mostLikelyFirst(weights.subarray(0, from + 1)).slice(0, 2)
      .map((s) => `${nameOf(view.ids[s], s)} ${formatPercent(weights[s])}`);
    const id = view.ids[from];
    const who = view.looking === null && view.pinned === null
      ? "To predict what comes next, the model attends most to"
      : `${nameOf(id, from)} (ID ${id}) attends most to`;
    const unseen = lm.unseenTokens.has(id) ? " This piece never occurred in training." : "";
    // Spoken only while the reader moves from token to token by keyboard.
    const byKeyboard = view.looking !== null && chips.root.contains(document.activeElement);
    caption.setAttribute("aria-live", byKeyboard ? "polite" : "off");
    write(caption, `${who} ${most.join(" and ")}.${unseen}`);
  }

  // A cover over the bars: guess first, then look. The guess gets its probability.
  function guessCover() {
    const id = uniqueId("guess");
    const input = element("input", { id, type: "text", autocomplete: "off", spellcheck: "false" });
    const reveal = element("button", { type: "submit", class: "tl-button tl-primary" }, "Show");
    const form = element("form", { class: "tl-guess" },
      element("label", { for: id }, "What comes next?"), input, reveal);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const guess = input.value.trim();
      input.value = "";
      view.revealed = true; // until the next token is to be guessed
      showBars();
      bars.root.querySelector("button").focus();
      const [token] = lm.tokenizer.encode(/^\p{L}|^\p{N}/u.test(guess) ? ` ${guess}` : guess);
      const place = `number ${view.order.indexOf(token) + 1} of ${view.order.length}`;
      status.say(token === undefined ? sentence()
        : `Your guess ${nameOf(token)} has ${formatPercent(view.before[token])}: ${place}. ${sentence()}`);
    });
    return {
      root: form,
      show(covered) {
        form.hidden = !covered;
        picture.hidden = covered;
      },
    };
  }

  // --- When Python changes something
  const hearText = () => {
    if (model.get("text") === story.text) return;
    stop();
    Object.assign(story, new Story(lm, model.get("text")));
    refresh({ rewrite: true });
    status.say(describe());
  };
  const hearSettings = afterPaint(() => {
    temperature.value = model.get("temperature");
    showTopK();
    topP.value = model.get("top_p");
    showBars();
    status.say(describe(), { delay: 500 });
  });
  const hearSeed = () => { seed.value = model.get("seed"); };
  const SETTINGS = "change:temperature change:top_k change:top_p";
  model.on("change:text", hearText);
  model.on("change:seed", hearSeed);
  model.on(SETTINGS, hearSettings);

  showTopK();
  refresh();
  status.say(describe()); // there before the page is, so that nobody is interrupted by it
  root.append(content);
  return () => { // when the figure is taken away
    stop({ finish: false });
    model.off("change:text", hearText);
    model.off("change:seed", hearSeed);
    model.off(SETTINGS, hearSettings);
  };
}

export default figure("NextToken", render, {
  anew: ["model_file", "compact"],
  ranges: { temperature: [0, 2], top_k: [0, Infinity], top_p: [0.01, 1], seed: [0, 999_999] },
});
