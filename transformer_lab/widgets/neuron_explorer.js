// NeuronExplorer: one neuron over all tokens of a text, and all neurons over one token.

import { loadModel } from "./engine/model_file.js";
import { mostLikelyFirst } from "./engine/sampling.js";
import { button, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack, write } from "./parts/nodes.js";
import { readerText } from "./parts/reader_text.js";
import { tokenChips } from "./parts/tokens.js";

const N_STRONGEST = 6;
const ACTIVE = 0.05; // from here on a neuron counts as active

function describeNeuron({ nameOf }, values, { neuron, layer }) {
  const order = mostLikelyFirst(values).filter((index) => values[index] > ACTIVE).slice(0, 3);
  const where = order.length
    ? `is most active at ${order.map((index) => `${nameOf(index)} (${values[index].toFixed(1)})`).join(", ")}`
    : "is active nowhere in this text";
  return `Neuron ${neuron} of block ${layer} ${where}.`;
}

function render(figure) {
  const { root, get, set, bind, onChange } = figure;
  const lm = loadModel(get("model_file"));
  const { n_layers: nLayers, d_ff: nNeurons } = lm.config;
  const view = { active: [], token: 0 };
  const upTo = (n) => (value) => Math.min(value, n - 1);
  const chosen = () => ({ layer: upTo(nLayers)(get("layer")), neuron: upTo(nNeurons)(get("neuron")) });

  const text = readerText(figure, lm, { label: "A story, for the neurons to read" });
  const layers = bind("layer", slider, { label: "Block", min: 0, max: nLayers - 1, shown: upTo(nLayers) });
  const neurons = bind("neuron", slider, {
    label: "Neuron", min: 0, max: nNeurons - 1, shown: upTo(nNeurons),
  });
  const chips = tokenChips({
    label: "tokens; choose one to see its strongest neurons",
    onPick: (index) => { view.token = index; show(); },
  });
  const title = element("div", { class: "tl-heading" });
  const strongest = element("div", {
    class: "tl-buttons", role: "group", "aria-label": "strongest neurons of the chosen token",
  });
  const words = statusLine();
  root.append(stack(text.root, text.note, columns(layers.root, neurons.root),
    heading("How active this neuron is ", "the darker, the stronger"), chips.root, words.root,
    title, strongest));

  const read = () => {
    text.read();
    const name = `blocks.${chosen().layer}.feed_forward.activation`;
    lm.decoder.forward(text.ids, {
      record: (part, values) => { if (part === name) view.active = values; },
    });
    view.token = text.ids.length - 1;
    chips.show(text.tokens());
    show();
  };
  const show = () => {
    const values = text.ids.map((_, index) => view.active[index * nNeurons + chosen().neuron]);
    const largest = Math.max(...values, 1);
    chips.shade(values.map((value) => Math.max(0, value) / largest), view.token);
    words.say(describeNeuron(text, values, chosen()), { delay: 100 });
    const here = Array.from(view.active.slice(view.token * nNeurons, (view.token + 1) * nNeurons));
    const nActive = here.filter((value) => value > ACTIVE).length;
    write(title,
      `At ${text.nameOf(view.token)}, ${nActive} of ${nNeurons} neurons are active. The strongest:`);
    strongest.replaceChildren(...mostLikelyFirst(here).slice(0, N_STRONGEST).map((number) =>
      button(`${number} (${here[number].toFixed(1)})`, () => set("neuron", number))));
  };
  onChange("text layer", read);
  onChange("neuron", show);
  read();
}

export default figure("NeuronExplorer", render, {
  anew: ["model_file"],
  ranges: { layer: [0, Infinity], neuron: [0, Infinity] },
});
