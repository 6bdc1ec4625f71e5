// FamilyDiagram: one block diagram for the whole family, and what each member changed.
//
// Left the parts of the chosen model, with what differs from another one marked; right
// what its choices cost: parameters, memory and work for each token.

import { costs, countParameters, differences, partsOf, reasonOf } from "./engine/family.js";
import { select, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, uniqueId } from "./parts/nodes.js";
import { counted, grouped } from "./parts/words.js";

const LONGEST = 17; // the slider ends at 2 ** 17 tokens
const STACK_NAMES = { encoder: "encoder blocks", decoder: "decoder blocks" };

function render({ get, root, onChange, set }) {
  const rows = get("rows");
  if (!rows.length) throw new Error("FamilyDiagram needs rows: the models to choose from");
  const families = [...new Set(rows.map(({ family }) => family))];
  const rowOf = (name) => rows.find((row) => row.name === name);
  const chosen = () => rowOf(get("name")) ?? rows[0];

  // --- Controls
  const family = radios("Family", families, chosen().family, (value) => {
    set("name", rows.find((row) => row.family === value).name);
    show({ speak: true });
  });
  const size = select({ label: "Model", options: [], value: "", onInput: (name) => { set("name", name); show({ speak: true }); } });
  const compare = select({
    label: "What differs from", value: get("compare"),
    options: [["", "nothing"], ...rows.map(({ name }) => [name, name])],
    onInput: (name) => { set("compare", name); show({ speak: true }); },
  });
  const context = slider({
    label: "Tokens in the window", min: 4, max: LONGEST, value: Math.log2(get("context")),
    format: (power) => grouped(2 ** power),
    onInput: (power) => { set("context", Math.round(2 ** power)); show(); },
  });

  // --- The picture
  const diagram = element("ol", { class: "tl-family", "aria-label": "the parts of the model, in the order in which a token meets them" });
  const reasons = element("ul", { class: "tl-family-reasons" });
  const reasonsHeading = element("div", { class: "tl-heading" });
  const facts = element("dl", { class: "tl-facts" });
  const total = element("span", { class: "tl-quiet" });
  const counts = element("ul", { class: "tl-family-counts" });
  const status = statusLine();
  root.append(element("div", { class: "tl-stack" },
    family.root, element("div", { class: "tl-columns" }, size.root, compare.root),
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" }, diagram),
      element("div", { class: "tl-stack" },
        status.root, reasonsHeading, reasons,
        element("div", { class: "tl-heading" }, "Parameters ", total), counts,
        element("div", { class: "tl-heading" }, "What one more token costs"), context.root, facts))));

  // --- What happens
  function show({ speak = false } = {}) {
    const row = chosen();
    const other = rowOf(get("compare"));
    family.value = row.family;
    const names = rows.filter(({ family: of }) => of === row.family).map(({ name }) => name);
    size.input.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    size.value = row.name;
    compare.value = get("compare");
    const marked = other && other !== row ? differences(row, other) : new Map(partsOf(row).map((part) => [part, []]));
    showDiagram(row, marked);
    showReasons(marked, other !== row ? other : null);
    showCounts(row);
    showCosts(row);
    if (speak || !status.root.textContent) status.say(sentence(row, marked, other !== row ? other : null));
  }

  function sentence(row, marked, other) {
    const what = `${row.name} (${row.year}): ${counted(countParameters(row), "parameter")}.`;
    if (!other) return what;
    const n = [...marked.values()].filter((phrases) => phrases.length).length;
    return `${what} ${n ? `${counted(n, "part")} of it ${n === 1 ? "differs" : "differ"} from ${other.name}.`
      : `It makes the same choices as ${other.name}; only the sizes differ.`}`;
  }

  function showDiagram(row, marked) {
    const nodes = [];
    let stack = null;
    for (const [part, phrases] of marked) {
      const node = element("li", { class: `tl-family-part tl-part-${part.kind}${phrases.length ? " tl-differs" : ""}` },
        element("strong", {}, part.label),
        ...part.phrases.map((phrase) => element("span", {}, phrases.includes(phrase) ? element("mark", {}, phrase) : phrase)));
      if (!STACK_NAMES[part.stack]) {
        nodes.push(node);
        continue;
      }
      if (stack?.name !== part.stack) {
        stack = { name: part.stack, list: element("ol") };
        nodes.push(element("li", { class: "tl-family-stack" },
          element("div", { class: "tl-quiet" }, `${row.config.n_layers} ${STACK_NAMES[part.stack]}, one after another`), stack.list));
      }
      stack.list.append(node);
    }
    diagram.replaceChildren(...nodes);
  }

  function showReasons(marked, other) {
    const seen = new Set([...marked.values()].flat().filter(reasonOf));
    const texts = new Set([...seen].map(reasonOf));
    reasonsHeading.textContent = other ? `Why it is not as in ${other.name}` : "";
    reasonsHeading.hidden = reasons.hidden = !other || !texts.size;
    reasons.replaceChildren(...Array.from(texts, (text) => element("li", {}, text)));
  }

  function showCounts(row) {
    const groups = new Map();
    for (const { key, kind, nParameters } of partsOf(row)) {
      const name = groupOf(key, kind);
      const group = groups.get(name) ?? { kind, n: 0 };
      groups.set(name, { ...group, n: group.n + nParameters });
    }
    const all = countParameters(row);
    total.textContent = grouped(all);
    counts.replaceChildren(...Array.from(groups).filter(([, { n }]) => n).map(([name, { kind, n }]) =>
      element("li", {}, element("span", {}, name),
        element("span", { class: `tl-family-track tl-part-${kind}` }, element("span", { style: `width: ${(100 * n) / all}%` })),
        element("span", { class: "tl-family-number" }, grouped(n)))));
  }

  function showCosts(row) {
    const asked = Math.round(2 ** context.value);
    const used = Math.min(asked, row.config.max_len);
    const { cachePerToken, cache, flops } = costs(row, used);
    const lines = [
      ["Work", `${inUnits(flops, 1000, ["", "k", "M", "G", "T"])}FLOPs for this token`],
      ["Cache", cachePerToken ? `${inUnits(cachePerToken, 1024, BYTE_UNITS)} are added by each token` : "none: an encoder reads all at once"],
      ...(cachePerToken ? [["Together", `${inUnits(cache, 1024, BYTE_UNITS)} at ${counted(used, "token")}`]] : []),
      ["Weights", `${inUnits(2 * countParameters(row), 1024, BYTE_UNITS)}, at 16 bits a number`],
      ...(used < asked ? [["Note", `it was made for at most ${counted(row.config.max_len, "token")}`]] : []),
    ];
    facts.replaceChildren(...lines.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]));
  }

  // --- When Python changes something
  const hear = () => { context.value = Math.log2(get("context")); show({ speak: true }); };
  onChange("name compare context", hear);
  show();
}

// Native radio buttons in one row.
function radios(label, options, value, onInput) {
  const name = uniqueId("radio");
  const inputs = options.map((option) => element("input", {
    type: "radio", name, value: option, on: { change: () => onInput(option) },
  }));
  const root = element("fieldset", { class: "tl-radios" }, element("legend", {}, label),
    ...inputs.map((input) => element("label", {}, input, input.value)));
  const set = (chosen) => { for (const input of inputs) input.checked = input.value === chosen; };
  set(value);
  return { root, set value(chosen) { set(chosen); } };
}

// The parts of the parameter count: all norms are one, and so is what is looked up.
function groupOf(key, kind) {
  if (kind === "norm") return "norms";
  return {
    token: "token embeddings", position: "positions", token_type: "token types", attention: "attention",
    cross_attention: "cross-attention", feed_forward: "feed-forward", head: "head",
  }[key];
}

const BYTE_UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

// 36864, 1024 → "36 KiB".
function inUnits(number, step, units) {
  let power = 0;
  while (number >= step && power < units.length - 1) {
    number /= step;
    power += 1;
  }
  const digits = number >= 100 || Number.isInteger(number) ? 0 : 1;
  return `${number.toLocaleString("en-GB", { maximumFractionDigits: digits })} ${units[power]}`;
}

export default figure("FamilyDiagram", render, {
  anew: ["rows"],
  ranges: { context: [1, Infinity] },
});
