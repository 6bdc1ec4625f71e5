// NeuronExplorer: one neuron over all tokens of a text, and all neurons over one token.

import { loadModel, promptIds } from "./engine/model_file.js";
import { mostLikelyFirst } from "./engine/sampling.js";
import {
  button, counted, debounce, element, figure, readable, slider, specialName, statusLine, textBox,
  tokenChips, write,
} from "./parts/ui.js";

const N_STRONGEST = 6;

function render({ model, root, remember }) {
  const lm = loadModel(model.get("model_file"));
  const { n_layers: nLayers, d_ff: nNeurons, max_len: maxLen } = lm.config;
  const view = { ids: [], active: [], looking: 0 };
  const layer = () => Math.min(model.get("layer"), nLayers - 1);
  const neuron = () => Math.min(model.get("neuron"), nNeurons - 1);
  const nameOf = (index) => {
    const piece = lm.tokenizer.piece(view.ids[index]);
    return lm.tokenizer.isSpecial(view.ids[index]) ? specialName(piece, index) : readable(piece);
  };
  const valueAt = (index, number) => view.active[index * nNeurons + number];

  const text = textBox({
    label: "A story, for the neurons to read", value: model.get("text"), rows: 2,
    onInput: debounce(() => { remember("text", text.value); read(); }, 120),
  });
  const note = element("p", { class: "tl-quiet" });
  const layers = slider({ label: "Block", min: 0, max: nLayers - 1, value: layer(), onInput: (value) => { remember("layer", value); read(); } });
  const neurons = slider({ label: "Neuron", min: 0, max: nNeurons - 1, value: neuron(), onInput: (value) => choose(value) });
  const chips = tokenChips({
    label: "tokens; choose one to see its strongest neurons",
    onPick: (index) => { view.looking = index; show(); },
  });
  const heading = element("div", { class: "tl-heading" });
  const strongest = element("div", { class: "tl-buttons", role: "group", "aria-label": "strongest neurons of the chosen token" });
  const words = statusLine();
  root.append(element("div", { class: "tl-stack" },
    text.root, note, element("div", { class: "tl-columns" }, layers.root, neurons.root),
    element("div", { class: "tl-heading" }, "How active this neuron is ", element("span", { class: "tl-quiet" }, "the darker, the stronger")),
    chips.root, words.root, heading, strongest));

  function read() {
    const ids = promptIds(lm, text.value);
    const tooLong = ids.length - maxLen;
    view.ids = ids.slice(0, maxLen);
    note.hidden = tooLong <= 0;
    note.textContent = `This model sees ${maxLen} tokens; the last ${counted(tooLong, "token")} of your text are left out.`;
    lm.decoder.forward(view.ids, {
      record: (name, values) => { if (name === `blocks.${layer()}.feed_forward.activation`) view.active = values; },
    });
    view.looking = view.ids.length - 1;
    chips.show(view.ids.map((id, index) => ({
      text: lm.tokenizer.piece(id), id, special: lm.tokenizer.isSpecial(id), unseen: lm.unseenTokens.has(id),
    })));
    show();
  }

  function choose(number) {
    remember("neuron", number);
    show();
  }

  function show() {
    layers.value = layer();
    neurons.value = neuron();
    const values = view.ids.map((_, index) => valueAt(index, neuron()));
    const largest = Math.max(...values, 1e-9);
    chips.shade(values.map((value) => Math.max(0, value) / Math.max(largest, 1)), view.looking);
    const order = mostLikelyFirst(values).filter((index) => values[index] > 0.05).slice(0, 3);
    const where = order.length
      ? `is most active at ${order.map((index) => `${nameOf(index)} (${values[index].toFixed(1)})`).join(", ")}`
      : "is active nowhere in this text";
    words.say(`Neuron ${neuron()} of block ${layer()} ${where}.`, { delay: 100 });
    const here = Array.from({ length: nNeurons }, (_, number) => valueAt(view.looking, number));
    const nActive = here.filter((value) => value > 0.05).length;
    write(heading, `At ${nameOf(view.looking)}, ${nActive} of ${nNeurons} neurons are active. The strongest:`);
    strongest.replaceChildren(...mostLikelyFirst(here).slice(0, N_STRONGEST).map((number) =>
      button(`${number} (${here[number].toFixed(1)})`, () => choose(number))));
  }

  const hearText = () => { text.value = model.get("text"); read(); };
  model.on("change:text change:layer", hearText);
  model.on("change:neuron", show);
  read();
  return () => {
    model.off("change:text change:layer", hearText);
    model.off("change:neuron", show);
  };
}

export default figure("NeuronExplorer", render, {
  anew: ["model_file"],
  ranges: { layer: [0, Infinity], neuron: [0, Infinity] },
});
