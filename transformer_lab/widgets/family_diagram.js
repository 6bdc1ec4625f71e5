// FamilyDiagram: one block diagram for the whole family, and what each member changed.
//
// Left the parts of the chosen model, with what differs from another one marked; right
// what its choices cost: parameters, memory and work for each token.

import { costs, countParameters, differences, partsOf, reasonOf } from "./engine/family.js";
import { select, slider, statusLine } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, stack, uniqueId } from "./parts/nodes.js";
import { counted, grouped } from "./parts/words.js";

const LONGEST = 17; // the slider ends at 2 ** 17 tokens
const STACK_NAMES = { encoder: "encoder blocks", decoder: "decoder blocks" };

// --- State, computed and in words -----------------------------------------------

// The chosen model, the one that it is compared with (null: none), and its parts with the
// phrases that differ.
function comparison(rows, name, otherName) {
  const row = rows.find((one) => one.name === name) ?? rows[0];
  const found = rows.find((one) => one.name === otherName);
  const other = found && found !== row ? found : null;
  const marked = other ? differences(row, other) : new Map(partsOf(row).map((part) => [part, []]));
  return { row, other, marked };
}

function describe({ row, other, marked }) {
  const what = `${row.name} (${row.year}): ${counted(countParameters(row), "parameter")}.`;
  if (!other) return what;
  const n = [...marked.values()].filter((phrases) => phrases.length).length;
  if (!n) return `${what} It makes the same choices as ${other.name}; only the sizes differ.`;
  return `${what} ${counted(n, "part")} of it ${n === 1 ? "differs" : "differ"} from ${other.name}.`;
}

// --- Drawn ----------------------------------------------------------------------

function showDiagram(diagram, { row, marked }) {
  const nodes = [];
  let frame = null;
  for (const [part, phrases] of marked) {
    const node = partItem(part, phrases);
    if (!STACK_NAMES[part.stack]) {
      nodes.push(node);
      continue;
    }
    if (frame?.name !== part.stack) {
      frame = { name: part.stack, list: element("ol") };
      const title = `${row.config.n_layers} ${STACK_NAMES[part.stack]}, one after another`;
      nodes.push(element("li", { class: "tl-family-stack" },
        element("div", { class: "tl-quiet" }, title), frame.list));
    }
    frame.list.append(node);
  }
  diagram.replaceChildren(...nodes);
}

function partItem({ kind, label, phrases }, different) {
  return element("li", { class: `tl-family-part tl-part-${kind}${different.length ? " tl-differs" : ""}` },
    element("strong", {}, label), ...phrases.map((phrase) =>
      element("span", {}, different.includes(phrase) ? element("mark", {}, phrase) : phrase)));
}

function reasonsView() {
  const title = element("div", { class: "tl-heading" });
  const list = element("ul", { class: "tl-family-reasons" });
  return {
    roots: [title, list],
    show({ marked, other }) {
      const texts = new Set([...marked.values()].flat().map(reasonOf).filter(Boolean));
      title.textContent = other ? `Why it is not as in ${other.name}` : "";
      title.hidden = list.hidden = !other || !texts.size;
      list.replaceChildren(...Array.from(texts, (text) => element("li", {}, text)));
    },
  };
}

function showCounts(list, total, { row }) {
  const groups = new Map();
  for (const { key, kind, nParameters } of partsOf(row)) {
    const name = groupOf(key, kind);
    const group = groups.get(name) ?? { kind, n: 0 };
    groups.set(name, { ...group, n: group.n + nParameters });
  }
  const all = countParameters(row);
  total.textContent = grouped(all);
  list.replaceChildren(...Array.from(groups).filter(([, { n }]) => n).map(([name, { kind, n }]) =>
    element("li", {}, element("span", {}, name),
      element("span", { class: `tl-family-track tl-part-${kind}` },
        element("span", { style: `width: ${(100 * n) / all}%` })),
      element("span", { class: "tl-family-number" }, grouped(n)))));
}

function showCosts(list, row, nTokens) {
  const used = Math.min(nTokens, row.config.max_len);
  const { cachePerToken, cache, flops } = costs(row, used);
  const bytes = (number) => inUnits(number, 1024, BYTE_UNITS);
  const facts = [
    ["Work", `${inUnits(flops, 1000, ["", "k", "M", "G", "T"])}FLOPs for this token`],
    ["Cache", cachePerToken ? `${bytes(cachePerToken)} are added by each token`
      : "none: an encoder reads all at once"],
    ...(cachePerToken ? [["Together", `${bytes(cache)} at ${counted(used, "token")}`]] : []),
    ["Weights", `${bytes(2 * countParameters(row))}, at 16 bits a number`],
    ...(used < nTokens ? [["Note", `it was made for at most ${counted(row.config.max_len, "token")}`]] : []),
  ];
  list.replaceChildren(...facts.flatMap(([name, text]) =>
    [element("dt", {}, name), element("dd", {}, text)]));
}

// --- Wired ----------------------------------------------------------------------

function render({ root, get, set, bind, onChange }) {
  const rows = get("rows");
  if (!rows.length) throw new Error("FamilyDiagram needs rows: the models to choose from");
  const now = () => comparison(rows, get("name"), get("compare"));

  const family = radios("Family", [...new Set(rows.map((row) => row.family))], now().row.family, (value) =>
    set("name", rows.find((row) => row.family === value).name));
  const size = select({ label: "Model", options: [], value: "", onInput: (name) => set("name", name) });
  const compare = bind("compare", select, {
    label: "What differs from", options: [["", "nothing"], ...rows.map(({ name }) => [name, name])],
  });
  const context = bind("context", slider, {
    label: "Tokens in the window", min: 4, max: LONGEST, format: (power) => grouped(2 ** power),
    shown: Math.log2, kept: (power) => Math.round(2 ** power),
  });
  const diagram = element("ol", {
    class: "tl-family", "aria-label": "the parts of the model, in the order in which a token meets them",
  });
  const reasons = reasonsView();
  const facts = element("dl", { class: "tl-facts" });
  const total = element("span", { class: "tl-quiet" });
  const counts = element("ul", { class: "tl-family-counts" });
  const status = statusLine();
  const title = (...parts) => element("div", { class: "tl-heading" }, ...parts);
  root.append(stack(family.root, columns(size.root, compare.root),
    columns(stack(diagram), stack(status.root, ...reasons.roots, title("Parameters ", total), counts,
      title("What one more token costs"), context.root, facts))));

  const show = () => {
    const shown = now();
    const { row } = shown;
    family.value = row.family;
    const names = rows.filter((one) => one.family === row.family).map(({ name }) => name);
    size.input.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    size.value = row.name;
    showDiagram(diagram, shown);
    reasons.show(shown);
    showCounts(counts, total, shown);
    status.say(describe(shown));
  };
  const showContext = () => showCosts(facts, now().row, Math.round(2 ** context.value));
  onChange("name compare", () => { show(); showContext(); });
  onChange("context", showContext);
  show();
  showContext();
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
