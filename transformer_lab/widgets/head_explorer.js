// HeadExplorer: every attention head on the reader's text, and what it is good for.
//
// A grid of small matrices, one for each head; the chosen one large. Pointing at a
// token shades the tokens that it attends to and says it in words. A head that is
// switched off gathers nothing: the next-token prediction stands beside the one
// that the whole model makes.
//
// Computed: by a tiny model in the page or a real one in its worker. Drawn: `headGrid`,
// `headView`, `effectView`. `Session` wires them: it alone knows whose heads they are, and
// shows an answer only when all of it is there.

import { loadModel, promptIds } from "./engine/model_file.js";
import { PrefixCache } from "./engine/prefix_cache.js";
import { distribution, mostLikelyFirst } from "./engine/sampling.js";
import { rowsOf } from "./engine/tensor.js";
import { attentionMatrix } from "./parts/attention_view.js";
import { barList } from "./parts/bars.js";
import {
  arrowKeysMoveWithin, button, buttonRow, checkbox, select, slider, statusLine,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, setAttributes, stack } from "./parts/nodes.js";
import { readerText } from "./parts/reader_text.js";
import { realModel } from "./parts/real_model.js";
import { afterPaint } from "./parts/time.js";
import { tokenChips } from "./parts/tokens.js";
import { counted, formatPercent, within } from "./parts/words.js";

const N_BARS = 5; // tokens compared, with and without the heads that are off
const MOST_TOKENS = 128; // of a real model's text
const MOST_LAYERS = 8; // whose heads have room for their names when all are in sight

const isSame = (one) => (other) => one[0] === other[0] && one[1] === other[1];
const everyHead = ({ n_layers: nLayers, n_heads: nHeads }) =>
  Array.from({ length: nLayers * nHeads }, (_, at) => [Math.floor(at / nHeads), at % nHeads]);

// The chosen head, one that there is: [layer, head].
const chosenHead = (get, { n_layers: nLayers, n_heads: nHeads }) =>
  [Math.min(get("layer"), nLayers - 1), Math.min(get("head"), nHeads - 1)];

// --- Computed -------------------------------------------------------------------

// Both kinds of models answer the same questions, and a promise of an answer will do.
// `run` gives { shares: the probability of each token to come next, order: token IDs, the
// most likely first, attention: for each layer and head T rows of weights }, or null if
// nobody waits for it any more.

function tinyHeads(lm) {
  const cache = new PrefixCache(lm.decoder);
  return {
    ...lm,
    encode: (text) => promptIds(lm, text),
    run(ids, disabledHeads) {
      const { logits, attention } = disabledHeads.length
        ? lm.decoder.forward(ids, { disabledHeads, lastOnly: true }) : cache.forward(ids);
      const order = mostLikelyFirst(logits.at(-1));
      return { shares: distribution(logits.at(-1), { order }), order, attention };
    },
  };
}

function realHeads(model) {
  const { name, tokenizer, unseenTokens } = model;
  return {
    name, tokenizer, unseenTokens, config: { ...model.config, max_len: MOST_TOKENS },
    encode: (text) => model.encode(text),
    async run(ids, disabledHeads) {
      const ran = await model.forward(ids, { attention: true, order: true, disabledHeads });
      if (!ran) return null;
      const { logits, order, attention } = ran;
      return {
        shares: distribution(logits, { order }), order,
        attention: attention.map((heads) => heads.map((weights) => rowsOf(weights, ids.length))),
      };
    },
  };
}

// --- Drawn ----------------------------------------------------------------------

// All heads, or those of one layer, each a button: `show(attention)`, `mark(chosen, off)`.
function headGrid(config, onPick) {
  const { n_layers: nLayers, n_heads: nHeads } = config;
  const tiles = everyHead(config).map((place) => headTile(place, () => onPick(place)));
  const sight = select({
    label: "In sight", value: "all",
    options: [["all", "all layers"], ...Array.from({ length: nLayers }, (_, n) => [`${n}`, `layer ${n}`])],
    onInput(value) {
      if (value !== "all") state.chosen = [Number(value), state.chosen[1]];
      settle();
      onPick(state.chosen);
    },
  });
  const caption = element("span", { class: "tl-quiet" }, "a row for each layer");
  const sights = element("div", { class: "tl-sights", hidden: nLayers <= MOST_LAYERS }, sight.root, caption);
  const state = { chosen: [0, 0], off: [] };
  const showsAll = () => sight.value === "all";
  const nColumns = () => (showsAll() ? nHeads : Math.ceil(Math.sqrt(nHeads)));
  const group = element("div", {
    class: "tl-heads", role: "group", "aria-label": "heads; arrow keys move, Enter chooses",
  }, ...tiles.map(({ row }) => row));
  arrowKeysMoveWithin(group, ".tl-head:not([hidden])", nColumns);
  const settle = () => {
    const { chosen, off } = state;
    if (!showsAll()) sight.value = String(chosen[0]);
    caption.hidden = !showsAll();
    group.classList.toggle("tl-dense", showsAll() && nLayers > MOST_LAYERS);
    group.style.setProperty("--tl-n-heads", String(nColumns()));
    for (const tile of tiles) {
      tile.row.hidden = !showsAll() && tile.place[0] !== chosen[0];
      tile.mark({ isChosen: isSame(tile.place)(chosen), isOff: off.some(isSame(tile.place)) });
    }
  };
  return {
    root: stack(sights, group), config,
    show(attention) {
      for (const { place: [layer, head], matrix } of tiles) matrix.show(attention[layer][head]);
    },
    mark(chosen, off) {
      Object.assign(state, { chosen, off });
      settle();
    },
    end() { for (const { matrix } of tiles) matrix.end(); },
  };
}

function headTile(place, click) {
  const name = place.join(".");
  const matrix = attentionMatrix({ size: 96 });
  const row = element("button", { type: "button", class: "tl-head", title: name, on: { click } },
    matrix.root, element("span", {}, name));
  return {
    place, matrix, row,
    mark({ isChosen, isOff }) {
      row.classList.toggle("tl-chosen", isChosen);
      row.classList.toggle("tl-silent", isOff);
      setAttributes(row, {
        tabindex: isChosen ? 0 : -1, "aria-pressed": String(isChosen),
        "aria-label": `layer ${place[0]}, head ${place[1]}${isOff ? ", switched off" : ""}`,
      });
    },
  };
}

// The chosen head: its matrix, the tokens of the text and a slider over them.
// `onLook(index)`: for a moment, null for none; `onPin(index)`: until the next.
function headView(text, { onLook, onPin }) {
  const title = element("div", { class: "tl-heading" });
  const matrix = attentionMatrix({ size: 480 });
  const large = element("div", { class: "tl-large-matrix" }, matrix.root);
  const rowAt = ({ clientY }) => {
    const { top, height } = matrix.root.getBoundingClientRect();
    const row = Math.floor(((clientY - top) / height) * text.ids.length);
    return within(row, 0, text.ids.length - 1);
  };
  large.addEventListener("pointermove", (event) => onLook(rowAt(event)));
  large.addEventListener("pointerleave", () => onLook(null));
  large.addEventListener("click", (event) => onPin(rowAt(event)));
  const chips = tokenChips({
    label: "tokens; hover or focus one to see where it looks", onLook, onPick: (index) => onPin(index, true),
  });
  const position = slider({
    label: "Token that looks", min: 1, max: 1, value: 1,
    format: (number) => (text.ids.length ? text.nameOf(number - 1) : ""),
    onInput: (number) => onPin(number - 1),
  });
  const words = statusLine();
  return {
    root: stack(title, large, chips.root, position.root, words.root),
    end: matrix.end,
    read() {
      position.input.max = text.ids.length;
      chips.show(text.tokens());
    },
    show(place, attention) {
      title.textContent = `Layer ${place[0]}, head ${place[1]}`;
      matrix.show(attention[place[0]][place[1]]);
    },
    mark(token, place, attention) {
      const weights = attention[place[0]][place[1]][token];
      matrix.mark(token);
      chips.shade(weights, token);
      position.value = token + 1;
      words.say(whereItLooks(text, token, weights), { delay: 120 });
    },
  };
}

function whereItLooks({ nameOf }, token, weights) {
  const best = mostLikelyFirst(weights).slice(0, 2).filter((at) => weights[at] >= 0.05);
  const places = best.map((at) => `${nameOf(at)} (${formatPercent(weights[at])})`);
  const where = places.length ? `most at ${places.join(" and ")}` : "at nothing in particular";
  return `From ${nameOf(token)} this head looks ${where}.`;
}

// What comes next, with all heads and with those that are on; between them the `switches`.
function effectView({ nextName }, switches) {
  const effect = statusLine();
  const bars = barList({
    label: "most likely next tokens", length: N_BARS, compared: true, look: "tl-bars tl-compared",
  });
  return {
    root: stack(heading("What comes next ", "outlined: with all heads on"), bars.root, switches, effect.root),
    say: effect.say,
    show(ranWhole, ranNow, nOff) {
      const [whole, now] = [ranWhole.shares, ranNow.shares];
      const [best] = ranWhole.order;
      // The likeliest of either, so that nothing that rose or fell is missing.
      const ids = new Set([...ranWhole.order.slice(0, 3), ...ranNow.order.slice(0, N_BARS)]);
      bars.show([...ids].slice(0, N_BARS).map((id) =>
        ({ name: nextName(id), share: now[id], before: whole[id] })));
      effect.say(describeEffect(nextName(best), whole[best], now[best], nOff));
    },
  };
}

function describeEffect(name, whole, now, nOff) {
  const [before, after] = [whole, now].map(formatPercent);
  if (!nOff) return `With all heads, ${name} is most likely: ${before}.`;
  const change = before === after ? `stays at ${after}`
    : `${now < whole ? "falls" : "rises"} from ${before} to ${after}`;
  return `With ${counted(nOff, "head")} off, ${name} ${change}.`;
}

// Heads on and off. `follow(config)` fits them to a model.
function headSwitches({ get, set }) {
  let config = null;
  const switchHeads = (heads) => set("disabled_heads", heads);
  const chosen = () => chosenHead(get, config);
  const others = (heads) => heads.filter((place) => !isSame(place)(chosen()));
  const off = checkbox({
    label: "Switch this head off",
    onInput: (ticked) => switchHeads(others(get("disabled_heads")).concat(ticked ? [chosen()] : [])),
  });
  const allButton = button("All heads on", () => switchHeads([]));
  return {
    root: stack(buttonRow("heads on and off",
      button("Only this head on", () => switchHeads(others(everyHead(config)))), allButton), off.root),
    follow(ofModel) { config = ofModel; },
    show() {
      off.value = get("disabled_heads").some(isSame(chosen()));
      allButton.disabled = get("disabled_heads").length === 0;
    },
  };
}

// --- Wired ----------------------------------------------------------------------

class Session {
  constructor(figure) {
    this.figure = figure;
    this.reader = null; // whose heads are wanted: `tinyHeads` or `realHeads`
    this.shown = null; // in the page: { reader, ids, whole, now }: with all heads, and with those on
    this.newest = null; // the reading that is waited for
    this.pinned = null; // a token that the reader has clicked
    this.grid = null;
    this.text = readerText(figure, () => this.shown.reader, {
      label: "A story, for the heads to read",
      tooLong: (n) => `This figure shows ${this.shown.reader.config.max_len} tokens; `
        + `the last ${counted(n, "token")} of your text are left out.`,
    });
    // Shows where one token looks; without one, the last: it decides what comes next.
    this.look = afterPaint((index) => {
      const { ids, now } = this.shown;
      const token = Math.min(index ?? Infinity, ids.length - 1);
      if (now) this.large.mark(token, this.chosen, now.attention);
    });
    this.large = headView(this.text, {
      onLook: (index) => this.look(index ?? this.pinned),
      onPin: (index, isToggle = false) => {
        this.pinned = isToggle && this.pinned === index ? null : index;
        this.look(index);
      },
    });
    this.switches = headSwitches(figure);
    this.effect = effectView(this.text, this.switches.root);
    this.gridPlace = element("div");
    this.heads = stack(
      heading("Every head ", "layer.head; each row is a token that looks"), this.gridPlace);
    this.view = columns(this.heads, this.large.root);
  }

  get chosen() { return chosenHead(this.figure.get, this.shown.reader.config); }

  // From here on these are the heads. Those that were off are another model's.
  begin(reader) {
    if (this.reader) this.figure.set("disabled_heads", []);
    this.reader = reader;
    return this.read();
  }

  // Reads the text as it is now, with the heads that are on.
  read() {
    const reading = this.newest = {};
    const isNewest = () => reading === this.newest;
    return this.run(isNewest).catch((error) => {
      if (isNewest()) this.note(`The model could not read this text: ${error.message}.`);
    });
  }

  async run(isNewest) {
    const { reader } = this;
    const all = await reader.encode(this.figure.get("text"));
    if (!isNewest() || !all) return;
    const ids = all.slice(0, reader.config.max_len);
    if (reader.name) this.effect.say(`${reader.name} is reading …`, { delay: 300 });
    const answer = ids.length ? await this.ask(reader, ids) : null;
    if (!isNewest()) return;
    if (!ids.length) this.showNothing(reader);
    else if (answer) this.show({ reader, ids, ...answer }, all);
  }

  // What the model says with all heads, and with those that are on; null if nobody waits.
  async ask(reader, ids) {
    const { shown, figure: { get } } = this;
    const off = get("disabled_heads");
    const isKnown = shown?.reader === reader && String(shown.ids) === String(ids);
    const whole = isKnown ? shown.whole : await reader.run(ids, []);
    const now = whole && off.length ? await reader.run(ids, off) : whole;
    return now && { whole, now, isKnown };
  }

  show({ isKnown, ...shown }, all) {
    const { reader, whole, now } = this.shown = shown;
    if (!isKnown) this.pinned = null;
    this.text.take(all);
    this.view.hidden = false;
    if (this.grid?.config !== reader.config) this.makeGrid(reader.config);
    this.large.read();
    this.effect.show(whole, now, this.figure.get("disabled_heads").length);
    this.choose();
    this.grid.show(now.attention);
  }

  showNothing(reader) {
    this.shown = { reader, ids: [], whole: null, now: null };
    this.text.take([]);
    this.view.hidden = true;
    this.note(`${reader.name} has no start token: without a text, its heads have nothing to look at.`);
  }

  note(sentence) {
    this.text.note.hidden = false;
    this.text.note.textContent = sentence;
  }

  makeGrid(config) {
    this.grid?.end();
    this.grid = headGrid(config, ([layer, head]) => {
      this.figure.set("layer", layer);
      this.figure.set("head", head);
    });
    this.gridPlace.replaceChildren(this.grid.root);
    // A grid of many layers fills its column, and the rest goes beside it.
    const isDeep = config.n_layers > MOST_LAYERS;
    this.view.classList.toggle("tl-deep", isDeep);
    (isDeep ? this.large.root : this.heads).append(this.effect.root);
    this.switches.follow(config);
  }

  choose() {
    if (!this.shown?.now) return;
    this.grid.mark(this.chosen, this.figure.get("disabled_heads"));
    this.switches.show();
    this.large.show(this.chosen, this.shown.now.attention);
    this.look(this.pinned);
  }
}

function render(figure) {
  const { root, get, onChange, onEnd, waitFor } = figure;
  const tiny = tinyHeads(loadModel(get("model_file")));
  const session = new Session(figure);
  onChange("text", () => session.read());
  onChange("disabled_heads", afterPaint(() => session.read()));
  onChange("layer head", () => session.choose());
  onEnd(() => { session.grid?.end(); session.large.end(); });
  waitFor(session.begin(tiny));
  const real = realModel(figure, {
    onReady: (model) => session.begin(realHeads(model)), onGone: () => session.begin(tiny),
  });
  root.append(stack(session.text.root, session.text.note, session.view, real.root));
}

export default figure("HeadExplorer", render, {
  anew: ["model_file", "real_model"],
  ranges: { layer: [0, Infinity], head: [0, Infinity] },
});
