// TokenizerPlayground: one text, several tokenizers, piece by piece.

import { BPETokenizer } from "./engine/tokenizer.js";
import { WordPieceTokenizer } from "./engine/wordpiece.js";
import { bytesOf, sizeInWords } from "./parts/later.js";
import { button, buttonRow, checkbox, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element } from "./parts/nodes.js";
import { debounce, painted } from "./parts/time.js";
import { tokenChips } from "./parts/tokens.js";
import { counted, grouped, readable } from "./parts/words.js";

const EXAMPLES = [
  ["lower", "low lower lowest"], ["playing", "She is playing."], ["unbelievable", "unbelievable"],
  ["misspelt", "unbeleivable"], ["Hindi", "हम दोस्त हैं"], ["emoji", "👩‍🚀 🙂"], ["number", "3.14159 and 2017"],
  ["spaces", "a  b\n\tc"],
];
const MAX_LETTERS = 600;
const MUCH = 400_000; // bytes that a reader is asked about first

function render({ get, root, onChange, set, waitFor }) {
  const text = textBox({
    label: "Any text", value: get("text"), rows: 2, maxLength: MAX_LETTERS,
    onInput: debounce(() => { set("text", text.value); show(); }, 120),
  });
  const examples = buttonRow("examples", ...EXAMPLES.map(([name, example]) =>
    button(name, () => { text.value = example; set("text", example); show(); })));
  const ids = checkbox({
    label: "Show what the model gets: the IDs", value: get("show_ids"),
    onInput: (ticked) => { set("show_ids", ticked); show(); },
  });
  const facts = element("p", { class: "tl-quiet" });
  const words = statusLine();
  const rows = get("names").map((name, at) => row(name, get("files")[at]));
  root.append(element("div", { class: "tl-stack" },
    text.root, examples, facts, ids.root, ...rows.map(({ root: part }) => part), words.root));

  function row(name, file) {
    let tokenizer = null; // until it is there
    const size = sizeInWords(file);
    const summary = element("span", { class: "tl-quiet" },
      size ? button(`Load it (${size})`, () => load()) : "");
    const back = element("p", { class: "tl-caption" });
    const chips = tokenChips({
      label: `tokens of ${name}; arrow keys move`, onLook: (index) => { if (index !== null) look(index); },
      onPick: (index) => look(index),
    });
    let shown = [];
    const look = (index) => {
      const id = shown[index];
      const bytes = tokenizer.bytes?.(id);
      const parts = [`${name}, token ${index + 1} of ${shown.length}: ${readable(tokenizer.piece(id))}, ID ${id} of ${grouped(tokenizer.size)}.`];
      if (tokenizer.isSpecial(id)) parts.push(tokenizer.piece(id) === "[UNK]" ? "The word could not be cut: all that it said is lost." : "A special token.");
      else if (bytes) parts.push(`Its bytes: ${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}.`);
      if (tokenizer.piece(id).includes("\uFFFD") && bytes) parts.push("Only part of a character.");
      words.say(parts.join(" "), { delay: 100 });
    };
    async function load() {
      if (size) summary.replaceChildren(`loading ${size} `, element("progress", { "aria-label": `loading ${name}` }));
      try {
        tokenizer = await readTokenizer(await bytesOf(file));
        show();
      } catch (error) {
        summary.textContent = `It cannot be shown: ${error.message}.`;
      }
    }
    return {
      root: element("div", { class: "tl-tokenizer" },
        element("div", { class: "tl-heading" }, `${name} `, summary), chips.root, back),
      load,
      comesUnasked: !(file.size > MUCH),
      get isThere() { return tokenizer !== null; },
      show(typed) {
        if (!tokenizer) return;
        shown = tokenizer.encode(typed);
        const letters = Array.from(typed).length;
        const rate = shown.length ? `, ${(letters / shown.length).toFixed(1)} characters each` : "";
        summary.textContent = `${counted(shown.length, "token")}${rate}; ${grouped(tokenizer.size)} in its vocabulary`;
        chips.show(shown.map((id) => ({
          text: get("show_ids") ? String(id) : tokenizer.piece(id), id, special: tokenizer.isSpecial(id),
        })));
        const decoded = tokenizer.decode(shown);
        back.textContent = decoded === typed ? "Put together again: the same text."
          : `Put together again: ${decoded ? `“${decoded}”` : "nothing"}. That is not what was typed.`;
      },
    };
  }

  function show() {
    const typed = text.value;
    const points = Array.from(typed).length;
    facts.textContent = `${counted(points, "character")} for Unicode, ${counted(new TextEncoder().encode(typed).length, "byte")} in UTF-8. At most ${MAX_LETTERS} characters can be typed.`;
    for (const part of rows) part.show(typed);
    const there = get("names").map((name, at) => [name, rows[at]]).filter(([, part]) => part.isThere);
    if (there.length) words.say(there.map(([name, part]) => `${name}: ${part.root.querySelectorAll(".tl-chip").length}`).join(", ").concat(" tokens. Look at a token for its ID."));
  }

  const hear = () => {
    text.value = get("text");
    ids.value = get("show_ids");
    show();
  };
  onChange("text show_ids", hear);
  show();
  // The figure is there with the first; the others join it, one after the other.
  const [first, ...others] = rows.filter((part) => part.comesUnasked);
  const start = first?.load();
  waitFor(start);
  start?.then(async () => { for (const part of others) await part.load(); });
}

async function readTokenizer(file) {
  const json = JSON.parse(new TextDecoder().decode(file));
  await painted();
  return json.model?.type === "WordPiece" ? new WordPieceTokenizer(json) : new BPETokenizer(json);
}

export default figure("TokenizerPlayground", render, { anew: ["names", "files"] });
