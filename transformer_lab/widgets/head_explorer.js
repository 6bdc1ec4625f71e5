// HeadExplorer: every attention head on the reader's text, and what it is good for.
//
// A grid of small matrices, one for each head; the chosen one large. Pointing at a
// token shades the tokens that it attends to and says it in words. A head that is
// switched off gathers nothing: the next-token prediction stands beside the one
// that the whole model makes.

import { loadModel } from "./engine/model_file.js";
import { PrefixCache } from "./engine/prefix_cache.js";
import { distribution, mostLikelyFirst } from "./engine/sampling.js";
import { attentionMatrix } from "./parts/attention_view.js";
import { barList } from "./parts/bars.js";
import {
  arrowKeysMoveWithin, button, buttonRow, checkbox, slider, statusLine,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, setAttributes, stack } from "./parts/nodes.js";
import { readerText } from "./parts/reader_text.js";
import { afterPaint } from "./parts/time.js";
import { tokenChips } from "./parts/tokens.js";
import { counted, formatPercent, within } from "./parts/words.js";

const N_BARS = 5; // tokens compared, with and without the heads that are off

const isSame = (one) => (other) => one[0] === other[0] && one[1] === other[1];

// The chosen head, one that there is: [layer, head].
const chosenHead = (get, { n_layers: nLayers, n_heads: nHeads }) =>
  [Math.min(get("layer"), nLayers - 1), Math.min(get("head"), nHeads - 1)];

// --- Drawn ----------------------------------------------------------------------

// All heads, each a button: `show(attention)`, `mark(chosen, off)`.
function headGrid({ n_layers: nLayers, n_heads: nHeads }, onPick) {
  const tiles = Array.from({ length: nLayers * nHeads }, (_, at) => {
    const place = [Math.floor(at / nHeads), at % nHeads];
    const matrix = attentionMatrix({ size: 96 });
    const row = element("button", {
      type: "button", class: "tl-head", tabindex: -1, on: { click: () => onPick(place) },
    }, matrix.root, element("span", {}, place.join(".")));
    return { place, matrix, row };
  });
  const root = element("div", {
    class: "tl-heads", role: "group", "aria-label": "all heads; arrow keys move, Enter chooses",
    style: `--tl-n-heads: ${nHeads}`,
  }, ...tiles.map(({ row }) => row));
  arrowKeysMoveWithin(root, ".tl-head");
  return {
    root,
    show(attention) {
      for (const { place: [layer, head], matrix } of tiles) matrix.show(attention[layer][head]);
    },
    mark(chosen, off) {
      for (const { place, row } of tiles) {
        const isChosen = isSame(place)(chosen);
        const isOff = off.some(isSame(place));
        row.classList.toggle("tl-chosen", isChosen);
        row.classList.toggle("tl-silent", isOff);
        setAttributes(row, {
          tabindex: isChosen ? 0 : -1, "aria-pressed": String(isChosen),
          "aria-label": `layer ${place[0]}, head ${place[1]}${isOff ? ", switched off" : ""}`,
        });
      }
    },
    end() { for (const { matrix } of tiles) matrix.end(); },
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

// What comes next, with all heads and with those that are on.
function effectView({ nextName }) {
  const effect = statusLine();
  const bars = barList({
    label: "most likely next tokens", length: N_BARS, compared: true, look: "tl-bars tl-compared",
  });
  return {
    bars: bars.root, words: effect.root,
    show(wholeLogits, nowLogits, nOff) {
      const [whole, now] = [wholeLogits, nowLogits].map((logits) => distribution(logits));
      const order = mostLikelyFirst(whole);
      // The likeliest of either, so that nothing that rose or fell is missing.
      const ids = new Set([...order.slice(0, 3), ...mostLikelyFirst(now).slice(0, N_BARS)]);
      bars.show([...ids].slice(0, N_BARS).map((id) =>
        ({ name: nextName(id), share: now[id], before: whole[id] })));
      effect.say(describeEffect(nextName(order[0]), whole[order[0]], now[order[0]], nOff));
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

// --- Wired ----------------------------------------------------------------------

function render(figure) {
  const { root, get, set, onChange, onEnd } = figure;
  const lm = loadModel(get("model_file"));
  const cache = new PrefixCache(lm.decoder);
  const view = { whole: null, now: null, pinned: null };
  const chosen = () => chosenHead(get, lm.config);
  const text = readerText(figure, lm, { label: "A story, for the heads to read" });
  const grid = headGrid(lm.config, ([layer, head]) => { set("layer", layer); set("head", head); });
  const large = headView(text, {
    onLook: (index) => look(index ?? view.pinned),
    onPin(index, isToggle = false) {
      view.pinned = isToggle && view.pinned === index ? null : index;
      look(index);
    },
  });
  const effect = effectView(text);
  const switches = headSwitches(figure, lm.config, chosen);
  root.append(stack(text.root, text.note, columns(stack(
    heading("Every head ", "layer.head; each row is a token that looks"), grid.root,
    heading("What comes next ", "outlined: with all heads on"), effect.bars,
    switches.buttons, switches.off.root, effect.words), large.root)));

  const read = () => {
    text.read();
    Object.assign(view, { pinned: null, whole: cache.forward(text.ids) });
    large.read();
    compute();
  };
  const compute = () => {
    const disabledHeads = get("disabled_heads");
    view.now = !disabledHeads.length ? view.whole
      : lm.decoder.forward(text.ids, { disabledHeads, lastOnly: true });
    grid.show(view.now.attention);
    effect.show(view.whole.logits.at(-1), view.now.logits.at(-1), disabledHeads.length);
    choose();
  };
  const choose = () => {
    grid.mark(chosen(), get("disabled_heads"));
    switches.show();
    large.show(chosen(), view.now.attention);
    look(view.pinned);
  };
  // Shows where one token looks; without one, the last: it decides what comes next.
  const look = afterPaint((index) =>
    large.mark(Math.min(index ?? Infinity, text.ids.length - 1), chosen(), view.now.attention));
  onChange("text", read);
  onChange("disabled_heads", afterPaint(compute));
  onChange("layer head", choose);
  read();
  onEnd(() => { grid.end(); large.end(); });
}

// Heads on and off. Their number: whoever changes the trait `disabled_heads`.
function headSwitches({ get, set }, { n_layers: nLayers, n_heads: nHeads }, chosen) {
  const switchHeads = (heads) => set("disabled_heads", heads);
  const others = (heads) => heads.filter((place) => !isSame(place)(chosen()));
  const every = Array.from({ length: nLayers * nHeads }, (_, at) => [Math.floor(at / nHeads), at % nHeads]);
  const off = checkbox({
    label: "Switch this head off",
    onInput: (ticked) => switchHeads(others(get("disabled_heads")).concat(ticked ? [chosen()] : [])),
  });
  const allButton = button("All heads on", () => switchHeads([]));
  return {
    off,
    buttons: buttonRow("heads on and off",
      button("Only this head on", () => switchHeads(others(every))), allButton),
    show() {
      off.value = get("disabled_heads").some(isSame(chosen()));
      allButton.disabled = get("disabled_heads").length === 0;
    },
  };
}

export default figure("HeadExplorer", render, {
  anew: ["model_file"],
  ranges: { layer: [0, Infinity], head: [0, Infinity] },
});
