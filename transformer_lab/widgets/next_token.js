// NextToken: what could come next, how the choice is made, a story that grows.
//
// The model gives every token of its vocabulary a probability; temperature, top-k
// and top-p reshape and cut; a random point on a line of length 1 picks one; it is
// appended, and the question is asked again. Shading shows the attention weights.
//
// State: the story with its undo (story.js) and the figure's traits. Computed from it:
// `predict`. Drawn: `seenView`, `choiceView`. `Session` wires them and holds what happens.
// The tiny model answers at once, a real one as soon as it can: who is asked, and when the
// answer comes, `Session` alone knows.

import { loadModel } from "./engine/model_file.js";
import { distribution, mostLikelyFirst, sample } from "./engine/sampling.js";
import {
  button, buttonRow, checkbox, disclosure, numberBox, select, slider, statusLine, textBox,
} from "./parts/controls.js";
import { drawLine, pickList } from "./parts/distribution_view.js";
import { figure } from "./parts/figure.js";
import { element, stack, uniqueId, write } from "./parts/nodes.js";
import { tokenName, tokensOf } from "./parts/reader_text.js";
import { realModel } from "./parts/real_model.js";
import { Story, drawNumber } from "./parts/story.js";
import { realTeller, tinyTeller } from "./parts/storytellers.js";
import { wantsLessMotion } from "./parts/theme.js";
import { afterPaint, debounce, painted } from "./parts/time.js";
import { tokenChips } from "./parts/tokens.js";
import { counted, formatPercent, grouped } from "./parts/words.js";

const TOP_K_STOPS = [1, 2, 3, 5, 10, 20, 50, 100];
const DRAW_MS = 450; // how long a draw is shown before its token is appended

// --- Computed -------------------------------------------------------------------

// What the model says of a story; null if nobody waits for it any more. It never reads the
// token that ended the story: the last choice stays in view.
async function predict(story) {
  const { ids, teller: lm } = story;
  const seen = (story.ended ? ids.slice(0, -1) : ids).slice(0, lm.config.max_len);
  const said = await lm.predict(seen);
  if (!said) return null;
  const before = distribution(said.scores, { order: said.order });
  return { ...said, story, lm, ids, nSeen: seen.length, before };
}

// Where a token looks: the mean of a layer's heads; null if nobody knows.
function meanWeights({ weights: weightsOf, nSeen }, layer, from) {
  const heads = weightsOf(layer, from);
  if (!heads) return null;
  const mean = new Float32Array(nSeen);
  for (const row of heads) row.forEach((weight, s) => { mean[s] += weight / heads.length; });
  return mean;
}

// --- In words -------------------------------------------------------------------

function ending({ ended, room, ids, teller: lm }) {
  if (ended) {
    const name = tokenName(lm, ids.at(-1), ids.length);
    return `The story ends here: ${name} was chosen. Start again for another one.`;
  }
  return room === 0 ? `That is token ${lm.config.max_len}, and this model sees no more than that.` : "";
}

// The name of a token as the next one.
const nextName = ({ lm, ids }, id) => tokenName(lm, id, ids.length);

function mostLikely(now) {
  const { order, after, ids, lm } = now;
  const [first, second] = order.slice(0, 2).filter((id) => after[id] > 0);
  const unknown = ids.some((id) => lm.unseenTokens.has(id))
    ? " Wavy pieces never occurred in training: the model can only guess there." : "";
  const runnerUp = second === undefined
    ? "" : `, then ${nextName(now, second)}, ${formatPercent(after[second])}`;
  return `Most likely next: ${nextName(now, first)}, ${formatPercent(after[first])}${runnerUp}.${unknown}`;
}

function describe(now) {
  const { story, lm, ids, nSeen } = now;
  if (story.ended) return ending(story);
  if (story.room < 0) {
    return `This model sees ${lm.config.max_len} tokens at most; your text has ${ids.length}. `
      + `The prediction is for the place after token ${nSeen}.`;
  }
  return now.covered ? "" : mostLikely(now);
}

function whereItLooks({ lm, ids }, weights, { from, isNext }) {
  const name = (index) => tokenName(lm, ids[index], index);
  const most = mostLikelyFirst(weights.subarray(0, from + 1)).slice(0, 2)
    .map((s) => `${name(s)} ${formatPercent(weights[s])}`);
  const who = isNext ? "To predict what comes next, the model attends most to"
    : `${name(from)} (ID ${ids[from]}) attends most to`;
  const unseen = lm.unseenTokens.has(ids[from]) ? " This piece never occurred in training." : "";
  return `${who} ${most.join(" and ")}.${unseen}`;
}

// --- Drawn ----------------------------------------------------------------------

// The tokens that the model sees, shaded by where one of them looks.
function seenView({ onLook, onPin }) {
  const chips = tokenChips({ label: "tokens; arrow keys move", onLook, onPick: onPin });
  chips.root.append(element("span", { class: "tl-next", "aria-hidden": "true" }, "?"));
  const nTokens = element("span", { class: "tl-quiet" });
  const caption = element("p", { class: "tl-caption tl-where" });
  return {
    root: element("div", {},
      element("p", { class: "tl-heading" }, "What the model sees ", nTokens), chips.root, caption),
    show({ story, lm, ids }) {
      const nChosen = story.state.chosen.length;
      chips.show(tokensOf(lm, ids).map((token, index) => ({
        ...token, outside: index >= lm.config.max_len, fresh: index >= ids.length - nChosen,
      })));
      nTokens.textContent = counted(ids.length, "token");
    },
    scrollToEnd: () => { chips.root.scrollTop = chips.root.scrollHeight; },
    shade(now, layer, { looking, pinned }) {
      const from = Math.min(looking ?? pinned ?? now.nSeen - 1, now.nSeen - 1);
      const weights = meanWeights(now, layer, from);
      chips.shade(weights, from);
      if (!weights) return write(caption, "In a text as long as this, it is not shown who attends to whom.");
      // Spoken only while the reader moves from token to token by keyboard.
      const byKeyboard = looking !== null && chips.root.contains(document.activeElement);
      caption.setAttribute("aria-live", byKeyboard ? "polite" : "off");
      write(caption, whereItLooks(now, weights, { from, isNext: looking === null && pinned === null }));
    },
  };
}

// The distribution as bars and as a line, or the cover over it.
function choiceView({ onPick, onGuess, status }) {
  const bars = pickList(onPick);
  const line = drawLine();
  const question = element("span");
  const nDrawable = element("span", { class: "tl-quiet" });
  const legend = element("p", { class: "tl-caption tl-legend" });
  const cover = guessCover(onGuess);
  const picture = element("div", { class: "tl-picture" }, bars.root, legend, line.root);
  const mark = (id, point) => { bars.mark(id); line.mark(point); };
  return {
    mark,
    root: element("div", { class: "tl-stack tl-choice" },
      element("p", { class: "tl-heading" }, question, nDrawable), cover, picture, status.root),
    focus: () => bars.root.querySelector("button").focus(),
    show(now) {
      const { story, lm, after, isReshaped, covered } = now;
      const nKept = after.reduce((count, share) => count + (share > 0), 0);
      const all = lm.config.vocab_size;
      nDrawable.textContent = nKept === all
        ? `each of ${grouped(all)} tokens has a chance`
        : `${grouped(nKept)} of ${grouped(all)} tokens can be drawn`;
      const shown = { ...now, nameOf: (id) => nextName(now, id), canAppend: story.canGrow };
      bars.show(shown);
      line.show(shown);
      mark(story.ended ? story.state.chosen.at(-1) : null, null);
      question.textContent = story.ended ? "The last choice " : "What could come next ";
      bars.root.classList.toggle("tl-reshaped", isReshaped);
      legend.textContent = isReshaped
        ? "Dashed: what the model said. Filled: what is drawn:"
        : "All bars, end to end. A random number picks one:";
      cover.hidden = !covered;
      picture.hidden = covered;
    },
  };
}

// A cover over the bars: guess first, then look.
function guessCover(onGuess) {
  const id = uniqueId("guess");
  const input = element("input", { id, type: "text", autocomplete: "off", spellcheck: "false" });
  const reveal = element("button", { type: "submit", class: "tl-button tl-primary" }, "Show");
  const submit = (event) => {
    event.preventDefault();
    const guess = input.value.trim();
    input.value = "";
    onGuess(guess);
  };
  return element("form", { class: "tl-guess", on: { submit } },
    element("label", { for: id }, "What comes next?"), input, reveal);
}

// --- The settings ---------------------------------------------------------------

// `change` is called before a setting changes, the others after it. `follow` fits them to a model.
function settingsView({ get, set, bind, onChange }, { change, onSeed, onLayer, onGuessing }) {
  const temperature = bind("temperature", slider, {
    label: "Temperature", min: 0, max: 2, step: 0.1,
    format: (value) => (value === 0 ? "0 (top)" : value.toFixed(1)),
    hint: "Below 1 sharpens, above 1 flattens; 0 always takes the most likely", onInput: change,
  });
  const topK = topKSlider({ get, set, onChange }, change);
  const topP = bind("top_p", slider, {
    label: "Top-p", min: 0.05, max: 1, step: 0.05,
    format: (value) => (value === 1 ? "all" : value.toFixed(2)),
    hint: "Only the fewest tokens that together reach this probability may be drawn", onInput: change,
  });
  const seed = bind("seed", numberBox, { label: "Seed", onInput: onSeed });
  const newSeed = button("New seed", () => {
    const value = Math.floor(Math.random() * 1000);
    onSeed(value);
    set("seed", value);
  });
  const layerPlace = element("div");
  let layer = null;
  const guessing = checkbox({ label: "Let me guess before I see the bars", onInput: onGuessing });
  return {
    root: element("div", { class: "tl-stack tl-settings" }, temperature.root,
      disclosure("More ways to choose", { open: !get("compact") },
        stack(topK.root, topP.root, element("div", { class: "tl-seed" }, seed.root, newSeed),
          layerPlace, guessing.root))),
    follow({ config }) {
      topK.follow(config.vocab_size);
      layer = layerSelect(config.n_layers, onLayer);
      layerPlace.replaceChildren(layer.root);
    },
    layer: () => Number(layer.value),
    guessing: () => guessing.value,
  };
}

function layerSelect(nLayers, onInput) {
  return select({
    label: "Shading", value: String(nLayers - 1), onInput,
    options: Array.from({ length: nLayers }, (_, index) =>
      [String(index), `layer ${index + 1}, attention weights (mean of its heads)`]),
  });
}

// A slider over some numbers of tokens and the one that is set; its far end: no limit.
function topKSlider({ get, set, onChange }, change) {
  let stops = [];
  let vocabSize = 1;
  const control = slider({
    label: "Top-k", min: 0, max: 0, value: 0,
    format: (index) => (stops[index] === 0 ? "all" : String(stops[index])),
    hint: "Only the k most likely tokens may be drawn",
    onInput: (index) => { change(); set("top_k", stops[index]); },
  });
  const show = () => {
    const k = get("top_k");
    stops = [...new Set([...TOP_K_STOPS, k])].filter((stop) => stop > 0 && stop < vocabSize)
      .sort((a, b) => a - b).concat(0);
    control.input.max = stops.length - 1;
    control.value = stops.includes(k) ? stops.indexOf(k) : stops.length - 1;
  };
  onChange("top_k", show);
  return { root: control.root, follow: (size) => { vocabSize = size; show(); } };
}

// --- What happens ---------------------------------------------------------------

class Session {
  constructor(figure) {
    this.figure = figure;
    this.real = null; // `realModel`
    this.teller = null; // who goes on with the text
    this.story = null;
    this.view = { looking: null, pinned: null, revealed: false };
    this.now = null; // what is shown: `predict`, and what the settings make of it
    this.shown = null; // the promise of the newest `show`
    this.pending = null; // a draw that is shown but not yet appended
    this.isWriting = false;
    this.status = statusLine();
    this.shadeSoon = afterPaint(() => this.shade());
    this.seen = seenView({
      onLook: (index) => { this.view.looking = index; this.shadeSoon(); },
      onPin: (index) => {
        this.view.pinned = this.view.pinned === index ? null : index;
        this.shadeSoon();
      },
    });
    this.choice = choiceView({
      onPick: (id) => this.act(() => this.choose(id)), onGuess: (guess) => this.reveal(guess),
      status: this.status,
    });
    this.settings = settingsView(figure, {
      change: () => this.stop(), onSeed: (value) => this.sayNewSeed(value),
      onLayer: () => this.shade(), onGuessing: () => this.cover(),
    });
    this.makeButtons();
    this.makeText();
  }

  // From here on `teller` goes on with the text.
  async begin(teller) {
    this.stop({ finish: false });
    this.teller = teller;
    const text = this.figure.get("text");
    const ids = await teller.encode(text);
    if (teller !== this.teller || text !== this.figure.get("text")) return; // there is a newer one
    const story = new Story(teller, text, ids);
    this.story = story;
    this.settings.follow(teller);
    await this.refresh({ rewrite: true });
    if (this.now?.story === story) this.status.say(describe(this.now));
  }

  makeButtons() {
    const make = (label, action, options) => button(label, () => this.act(action), options);
    const sampleButton = make("Sample a token", () => this.draw(), {
      primary: true, title: "Draw one token at random, by these probabilities",
    });
    const bestButton = make("Take the top", () => this.choose(this.now.order[0]), {
      title: "Append the most likely token (greedy)",
    });
    const onWrite = () => (this.isWriting ? this.stop() : this.act(() => this.write()));
    this.writeButton = button("Write on ▸", onWrite, { title: "Sample until the story ends" });
    this.appending = [sampleButton, bestButton, this.writeButton];
    this.undoButton = make("Undo", async () => {
      this.story.undo();
      await this.refresh({ rewrite: true });
      this.status.say("Taken back, and the draw with it.");
    });
    this.againButton = make("Start again", async () => {
      this.story.restart();
      await this.refresh({ rewrite: true });
      this.status.say("Back to what you typed. The next draws are new ones.");
    }, { title: "Take away what the model wrote" });
  }

  makeText() {
    const readSoon = debounce(() => this.read(), 60);
    this.text = textBox({
      label: "Type the start of a story", value: this.figure.get("text"),
      rows: this.figure.get("compact") ? 2 : 3, placeholder: "Empty: the model begins by itself",
      onInput: () => { this.stop({ finish: false }); readSoon(); },
    });
  }

  layout() {
    return element("div", { class: "tl-next-token" },
      element("div", { class: "tl-stack tl-story" }, this.text.root, this.seen.root,
        buttonRow("choose the next token", ...this.appending, this.undoButton, this.againButton)),
      this.choice.root, this.settings.root);
  }

  // Every action first ends what is still going on, and takes in what was typed.
  async act(action) {
    await painted();
    this.stop();
    await this.read();
    await this.shown;
    action();
  }

  async read() {
    const { story, text: { value: text } } = this;
    if (text === story.text) return;
    const ids = await story.teller.encode(text);
    if (story !== this.story || text !== this.text.value) return; // there is a newer one
    story.type(text, ids);
    await this.refresh();
  }

  async choose(id) {
    if (id === undefined || !this.story.canGrow) return;
    const { now } = this;
    const share = now.after[id];
    this.story.append(id);
    await this.refresh({ rewrite: true });
    const chance = share ? `which had ${formatPercent(share)}` : "which would never have been drawn";
    this.status.say(`Appended ${nextName(this.now, id)}, ${chance}. ${ending(this.story)}`);
  }

  // The point falls on the line, is seen for a moment, and the token follows.
  draw(delay = DRAW_MS, then = () => {}) {
    if (!this.story.canGrow) return;
    const { after, order } = this.now;
    const point = drawNumber(this.figure.get("seed"), this.story.state.nDraws);
    const id = sample(after, () => point, order);
    const finish = async () => {
      this.pending = null;
      this.story.append(id, { drawn: true });
      await this.refresh({ rewrite: true });
      if (!this.isWriting) {
        this.status.say(`The number ${point.toFixed(3)} was drawn. It fell on ${nextName(this.now, id)}, `
          + `which had ${formatPercent(after[id])}. ${ending(this.story)}`);
      }
      then();
    };
    if (wantsLessMotion()) {
      finish();
      return;
    }
    this.choice.mark(id, point);
    this.pending = { finish, timer: setTimeout(finish, delay) };
  }

  write() {
    if (!this.story.canGrow) return;
    this.setWriting(true);
    this.status.say("Writing …");
    const before = this.story.text.length;
    const count = this.real.model?.speedometer();
    const next = () => {
      if (!this.isWriting) return;
      count?.();
      if (this.story.canGrow) return this.draw(this.story.teller.pauseMs, next);
      this.setWriting(false);
      const written = this.story.text.slice(before).trim();
      this.status.say(ending(this.story), { spoken: ` The model wrote: ${written}` });
    };
    next();
  }

  setWriting(isWriting) {
    if (this.isWriting === isWriting) return; // every slider asks for this: no layout for nothing
    this.isWriting = isWriting;
    this.writeButton.textContent = isWriting ? "Stop ■" : "Write on ▸";
  }

  // Ends writing. A draw that is on its way is carried out at once, or given up.
  stop({ finish = true } = {}) {
    if (this.isWriting) this.status.say("Stopped.");
    this.setWriting(false);
    if (!this.pending) return;
    clearTimeout(this.pending.timer);
    if (finish) {
      this.pending.finish();
      return;
    }
    this.pending = null;
    this.choice.mark(null, null);
  }

  sayNewSeed(value) {
    this.stop();
    this.status.say(`Seed ${value}: from here on other numbers are drawn.`);
  }

  // The guess gets its probability.
  async reveal(guess) {
    this.view.revealed = true; // until the next token is to be guessed
    this.showChoice();
    this.choice.focus();
    const { now } = this;
    const [token] = await now.lm.encodePlain(/^\p{L}|^\p{N}/u.test(guess) ? ` ${guess}` : guess);
    const place = `number ${now.order.indexOf(token) + 1} of ${now.order.length}`;
    const share = formatPercent(now.before[token]);
    this.status.say(token === undefined ? mostLikely(now)
      : `Your guess ${nextName(now, token)} has ${share}: ${place}. ${mostLikely(now)}`);
  }

  cover() {
    this.view.revealed = false;
    this.showChoice();
    this.status.say(describe(this.now));
  }

  // Runs the model on the text as it is now, and shows everything.
  refresh(options) {
    this.shown = this.show(options)
      .catch((error) => this.status.say(`The model cannot go on from here: ${error.message}.`));
    return this.shown;
  }

  async show({ rewrite = false } = {}) {
    const { story, text } = this;
    if (rewrite) text.value = story.text;
    this.figure.set("text", story.text);
    const now = await predict(story);
    if (!now || story !== this.story || now.ids.join() !== story.ids.join()) return; // there is a newer one
    this.now = now;
    Object.assign(this.view, { pinned: null, looking: null, revealed: false });
    this.figure.root.classList.toggle("tl-ended", !story.canGrow);
    this.seen.show(this.now);
    requestAnimationFrame(() => this.scrollToEnd(rewrite)); // the next token need not wait for it
    this.shade();
    this.showChoice();
    for (const control of this.appending) control.disabled = !story.canGrow;
    this.undoButton.disabled = story.past.length === 0;
    this.againButton.disabled = story.state.chosen.length === 0;
    if (!rewrite) this.status.say(describe(this.now), { delay: 900 });
  }

  // To what was written last. For it the browser has to lay out the page.
  scrollToEnd(rewrite) {
    const { text, story } = this;
    if (rewrite) text.input.scrollTop = text.input.scrollHeight;
    if (story.state.chosen.length) this.seen.scrollToEnd();
  }

  shade() {
    this.seen.shade(this.now, this.settings.layer(), this.view);
  }

  showChoice() {
    const [temperature, topK, topP] = ["temperature", "top_k", "top_p"].map(this.figure.get);
    const isReshaped = temperature !== 1 || topK !== 0 || topP !== 1;
    const { scores, order, before } = this.now;
    const after = isReshaped ? distribution(scores, { temperature, topK, topP, order }) : before;
    const covered = this.settings.guessing() && this.story.canGrow && !this.view.revealed;
    Object.assign(this.now, { after, isReshaped, covered });
    this.choice.show(this.now);
  }

  // Somebody else, such as Python, has changed the text.
  onText() {
    if (this.figure.get("text") !== this.story?.text) this.begin(this.teller);
  }
}

function render(figure) {
  const { root, get, onChange, onEnd, waitFor } = figure;
  const tiny = tinyTeller(loadModel(get("model_file")));
  const session = new Session(figure);
  onChange("text", () => session.onText());
  onChange("temperature top_k top_p", afterPaint(() => {
    session.showChoice();
    session.status.say(describe(session.now), { delay: 500 });
  }));
  onEnd(() => session.stop({ finish: false }));
  waitFor(session.begin(tiny));
  session.real = realModel(figure, {
    onReady: (model) => session.begin(realTeller(model)),
    onGone: () => session.begin(tiny),
  });
  root.append(session.layout(), ...[session.real.root].filter(Boolean));
}

export default figure("NextToken", render, {
  anew: ["model_file", "real_model", "compact"],
  ranges: { temperature: [0, 2], top_k: [0, Infinity], top_p: [0.01, 1], seed: [0, 999_999] },
});
