// HeadExplorer: every attention head on the reader's text, and what it is good for.
//
// A grid of small matrices, one for each head; the chosen one large. Looking at a
// token shades the tokens that it looks at and says it in words. A head that is
// switched off gathers nothing: the next-token prediction stands beside the one
// that the whole model makes.

import { loadModel, promptIds } from "./engine/model_file.js";
import { distribution, mostLikelyFirst } from "./engine/sampling.js";
import { attentionMatrix } from "./parts/attention_view.js";
import {
  afterPaint, arrowKeysMoveWithin, button, buttonRow, checkbox, counted, debounce, element, figure,
  formatPercent, readable, slider, specialName, statusLine, textBox, tokenChips, write,
} from "./parts/ui.js";

const N_BARS = 5; // tokens compared, with and without the heads that are off

function render({ model, root, remember }) {
  const lm = loadModel(model.get("model_file"));
  const { n_layers: nLayers, n_heads: nHeads, max_len: maxLen } = lm.config;
  const view = { ids: [], whole: null, now: null, looking: null, pinned: null };

  const chosen = () => [
    Math.min(model.get("layer"), nLayers - 1), Math.min(model.get("head"), nHeads - 1),
  ];
  const isOff = (layer, head) => model.get("disabled_heads").some(([l, h]) => l === layer && h === head);
  const nameOf = (index) => {
    const piece = lm.tokenizer.piece(view.ids[index]);
    return lm.tokenizer.isSpecial(view.ids[index]) ? specialName(piece, index) : readable(piece);
  };
  const nextName = (id) => {
    const piece = lm.tokenizer.piece(id);
    return lm.tokenizer.isSpecial(id) ? specialName(piece, view.ids.length) : readable(piece);
  };

  // --- The text
  const text = textBox({
    label: "A story, for the heads to read", value: model.get("text"), rows: 2,
    onInput: debounce(() => { remember("text", text.value); read(); }, 120),
  });
  const note = element("p", { class: "tl-quiet" });

  // --- All heads
  const grid = element("div", {
    class: "tl-heads", role: "group", "aria-label": "all heads; arrow keys move, Enter chooses",
    style: `--tl-n-heads: ${nHeads}`,
  });
  const tiles = [];
  for (let layer = 0; layer < nLayers; layer++) {
    for (let head = 0; head < nHeads; head++) {
      const matrix = attentionMatrix({ size: 96 });
      const row = element("button", {
        type: "button", class: "tl-head", tabindex: -1, on: { click: () => choose(layer, head) },
      }, matrix.root, element("span", {}, `${layer}.${head}`));
      tiles.push({ layer, head, matrix, row });
      grid.append(row);
    }
  }
  arrowKeysMoveWithin(grid, ".tl-head");

  // --- The chosen head
  const title = element("div", { class: "tl-heading" });
  const matrix = attentionMatrix({ size: 480 });
  const large = element("div", { class: "tl-large-matrix" }, matrix.root);
  const chips = tokenChips({
    label: "tokens; hover or focus one to see where it looks",
    onLook: (index) => look(index ?? view.pinned),
    onPick: (index) => { view.pinned = view.pinned === index ? null : index; look(index); },
  });
  const lookSlider = slider({
    label: "Token that looks", min: 1, max: 1, value: 1,
    format: (number) => (view.ids.length ? nameOf(number - 1) : ""),
    onInput: (number) => { view.pinned = number - 1; look(number - 1); },
  });
  const words = statusLine();
  large.addEventListener("pointermove", (event) => look(rowAt(event)));
  large.addEventListener("pointerleave", () => look(view.pinned));
  large.addEventListener("click", (event) => { view.pinned = rowAt(event); look(view.pinned); });
  const rowAt = (event) => {
    const box = matrix.root.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * view.ids.length);
    return Math.max(0, Math.min(view.ids.length - 1, row));
  };

  // --- Heads on and off
  const off = checkbox({
    label: "Switch this head off",
    onInput: (ticked) => switchHeads(without(...chosen()).concat(ticked ? [chosen()] : [])),
  });
  const onlyButton = button("Only this head on", () => switchHeads(
    tiles.filter(({ layer, head }) => layer !== chosen()[0] || head !== chosen()[1])
      .map(({ layer, head }) => [layer, head])));
  const allButton = button("All heads on", () => switchHeads([]));
  const without = (layer, head) => model.get("disabled_heads")
    .filter(([l, h]) => l !== layer || h !== head);
  const effect = statusLine();
  const bars = comparedBars();

  root.append(element("div", { class: "tl-stack" },
    text.root, note,
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" },
        element("div", { class: "tl-heading" }, "Every head ",
          element("span", { class: "tl-quiet" }, "layer.head; each row is a token that looks")),
        grid,
        element("div", { class: "tl-heading" }, "What comes next ",
          element("span", { class: "tl-quiet" }, "outlined: with all heads on")),
        bars.root, buttonRow("heads on and off", onlyButton, allButton), off.root, effect.root),
      element("div", { class: "tl-stack" },
        title, large, chips.root, lookSlider.root, words.root))));

  // --- What happens
  function read() {
    const ids = promptIds(lm, text.value);
    const tooLong = ids.length - maxLen;
    view.ids = ids.slice(0, maxLen);
    note.hidden = tooLong <= 0;
    note.textContent = `This model sees ${maxLen} tokens; the last ${counted(tooLong, "token")} of your text are left out.`;
    view.pinned = null;
    view.whole = lm.decoder.forward(view.ids, { lastOnly: true });
    lookSlider.input.max = view.ids.length;
    chips.show(view.ids.map((id, index) => ({
      text: lm.tokenizer.piece(id), id, special: lm.tokenizer.isSpecial(id),
      unseen: lm.unseenTokens.has(id),
    })));
    compute();
  }

  function compute() {
    const disabledHeads = model.get("disabled_heads");
    view.now = disabledHeads.length ? lm.decoder.forward(view.ids, { disabledHeads, lastOnly: true }) : view.whole;
    for (const tile of tiles) tile.matrix.show(view.now.attention[tile.layer][tile.head]);
    showPrediction();
    choose(...chosen());
  }

  function choose(layer, head) {
    if (layer !== model.get("layer") || head !== model.get("head")) {
      model.set("layer", layer);
      remember("head", head);
    }
    for (const tile of tiles) {
      const isChosen = tile.layer === layer && tile.head === head;
      const isSilent = isOff(tile.layer, tile.head);
      tile.row.classList.toggle("tl-chosen", isChosen);
      tile.row.classList.toggle("tl-silent", isSilent);
      tile.row.tabIndex = isChosen ? 0 : -1;
      tile.row.setAttribute("aria-pressed", String(isChosen));
      tile.row.setAttribute("aria-label",
        `layer ${tile.layer}, head ${tile.head}${isSilent ? ", switched off" : ""}`);
    }
    title.textContent = `Layer ${layer}, head ${head}`;
    off.value = isOff(layer, head);
    matrix.show(view.now.attention[layer][head]);
    look(view.pinned);
  }

  // Shows where one token looks; without one, the last: its look decides what comes next.
  const look = afterPaint((index) => {
    const [layer, head] = chosen();
    const looking = Math.min(index ?? view.ids.length - 1, view.ids.length - 1);
    const weights = view.now.attention[layer][head][looking];
    view.looking = looking;
    matrix.mark(looking);
    chips.shade(weights, looking);
    lookSlider.value = looking + 1;
    const best = mostLikelyFirst(weights).slice(0, 2).filter((at) => weights[at] >= 0.05);
    const places = best.map((at) => `${nameOf(at)} (${formatPercent(weights[at])})`);
    const where = places.length ? `most at ${places.join(" and ")}` : "at nothing in particular";
    words.say(`From ${nameOf(looking)} this head looks ${where}.`, { delay: 120 });
  });

  // `compute` hears of the change, as it does when Python makes it.
  function switchHeads(heads) {
    remember("disabled_heads", heads);
  }

  function showPrediction() {
    const whole = distribution(view.whole.logits.at(-1), {});
    const now = distribution(view.now.logits.at(-1), {});
    const top = mostLikelyFirst(whole)[0];
    // The likeliest of either, so that nothing that rose or fell is missing.
    const ids = [...new Set([...mostLikelyFirst(whole).slice(0, 3), ...mostLikelyFirst(now).slice(0, N_BARS)])];
    bars.show(ids.slice(0, N_BARS).map((id) => ({ name: nextName(id), whole: whole[id], now: now[id] })));
    const nOff = model.get("disabled_heads").length;
    allButton.disabled = nOff === 0;
    if (!nOff) return effect.say(`With all heads, ${nextName(top)} is most likely: ${formatPercent(whole[top])}.`);
    const [before, after] = [whole[top], now[top]].map(formatPercent);
    const change = before === after ? `stays at ${after}`
      : `${now[top] < whole[top] ? "falls" : "rises"} from ${before} to ${after}`;
    effect.say(`With ${counted(nOff, "head")} off, ${nextName(top)} ${change}.`);
  }

  const hearText = () => {
    if (model.get("text") !== text.value) { text.value = model.get("text"); read(); }
  };
  const hearChoice = () => choose(...chosen());
  const hearHeads = afterPaint(compute);
  model.on("change:text", hearText);
  model.on("change:disabled_heads", hearHeads);
  model.on("change:layer change:head", hearChoice);

  read();
  return () => { // when the figure is taken away
    for (const { end } of [matrix, ...tiles.map((tile) => tile.matrix)]) end();
    model.off("change:text", hearText);
    model.off("change:disabled_heads", hearHeads);
    model.off("change:layer change:head", hearChoice);
  };
}

// A bar for each token: filled, with the heads as they are; outlined, with all on.
function comparedBars() {
  const root = element("ol", { class: "tl-bars tl-compared", "aria-label": "most likely next tokens" });
  const rows = Array.from({ length: N_BARS }, () => {
    const [name, own, fill, share] = ["tl-token", "tl-bar-own", "tl-bar-fill", "tl-bar-share"]
      .map((kind) => element("span", { class: kind }));
    const item = element("li", { class: "tl-bar" }, name,
      element("span", { class: "tl-bar-track" }, own, fill), share);
    root.append(item);
    return { item, name, own, fill, share };
  });
  return {
    root,
    show(tokens) {
      rows.forEach(({ item, name, own, fill, share }, index) => {
        const token = tokens[index];
        item.hidden = !token;
        if (!token) return;
        write(name, token.name);
        own.style.width = `${100 * token.whole}%`;
        fill.style.width = `${100 * token.now}%`;
        share.textContent = formatPercent(token.now);
      });
    },
  };
}

export default figure("HeadExplorer", render, {
  anew: ["model_file"],
  ranges: { layer: [0, Infinity], head: [0, Infinity] },
});
