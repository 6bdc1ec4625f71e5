// TokenizerPlayground: one text, several tokenizers, piece by piece.

import { SentencePieceTokenizer, TiktokenTokenizer } from "./engine/ranked.js";
import { BPETokenizer } from "./engine/tokenizer.js";
import { WordPieceTokenizer } from "./engine/wordpiece.js";
import { button, buttonRow, checkbox, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { bytesOf, sizeInWords } from "./parts/later.js";
import { element, stack } from "./parts/nodes.js";
import { painted } from "./parts/time.js";
import { tokenChips } from "./parts/tokens.js";
import { counted, grouped, readable } from "./parts/words.js";

const EXAMPLES = [
  ["lower", "low lower lowest"], ["playing", "She is playing."], ["unbelievable", "unbelievable"],
  ["misspelt", "unbeleivable"], ["Hindi", "हम दोस्त हैं"], ["emoji", "👩‍🚀 🙂"],
  ["number", "3.14159 and 2017"], ["spaces", "a  b\n\tc"],
];
const MAX_LETTERS = 600;
const KINDS = {
  WordPiece: WordPieceTokenizer, tiktoken: TiktokenTokenizer, sentencepiece: SentencePieceTokenizer,
};
const MUCH = 400_000; // bytes that a reader is asked about first

async function readTokenizer(file) {
  const json = JSON.parse(new TextDecoder().decode(file));
  await painted();
  const kind = json.type ?? json.model?.type; // a file of ranks names its kind at the top
  return new (KINDS[kind] ?? BPETokenizer)(json);
}

// --- In words -------------------------------------------------------------------

function describeToken(name, tokenizer, ids, index) {
  const id = ids[index];
  const piece = tokenizer.piece(id);
  const bytes = tokenizer.bytes?.(id);
  const parts = [`${name}, token ${index + 1} of ${ids.length}: ${readable(piece)}, `
    + `ID ${id} of ${grouped(tokenizer.size)}.`];
  if (tokenizer.isSpecial(id)) {
    parts.push(piece === "[UNK]" ? "The word could not be cut: all that it said is lost."
      : "A special token.");
  } else if (bytes) {
    parts.push(`Its bytes: ${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}.`);
  }
  if (piece.includes("\uFFFD") && bytes) parts.push("Only part of a character.");
  return parts.join(" ");
}

function describeText(text) {
  const nBytes = new TextEncoder().encode(text).length;
  return `${counted(Array.from(text).length, "character")} for Unicode, ${counted(nBytes, "byte")} in UTF-8. `
    + `At most ${MAX_LETTERS} characters can be typed.`;
}

// --- One tokenizer --------------------------------------------------------------

class Row {
  constructor(name, file, { onThere, announce }) {
    this.name = name;
    this.file = file;
    this.onThere = onThere;
    this.tokenizer = null; // until it is there
    this.ids = [];
    this.size = sizeInWords(file);
    this.loadButton = this.size && button(`Load it (${this.size})`, () => this.load());
    this.summary = element("span", { class: "tl-quiet" }, this.loadButton);
    this.back = element("p", { class: "tl-caption" });
    const look = (index) => {
      if (index !== null) announce(describeToken(name, this.tokenizer, this.ids, index), { delay: 100 });
    };
    this.chips = tokenChips({ label: `tokens of ${name}; arrow keys move`, onLook: look, onPick: look });
    this.root = element("div", { class: "tl-tokenizer" },
      element("div", { class: "tl-heading" }, `${name} `, this.summary), this.chips.root, this.back);
  }

  async load() {
    const hadFocus = this.loadButton?.matches(":focus");
    if (this.size) {
      this.summary.replaceChildren(`loading ${this.size} `,
        element("progress", { "aria-label": `loading ${this.name}` }));
    }
    try {
      this.tokenizer = await readTokenizer(await bytesOf(this.file));
      this.onThere();
      if (hadFocus) this.chips.root.querySelector("[tabindex='0']")?.focus();
    } catch (error) {
      this.summary.textContent = `It cannot be shown because ${error.message}. `;
      if (this.loadButton) this.summary.append(this.loadButton);
    }
  }

  show(text, showIds) {
    const { tokenizer } = this;
    if (!tokenizer) return;
    this.ids = tokenizer.encode(text);
    const rate = (Array.from(text).length / this.ids.length).toFixed(1);
    this.summary.textContent = `${counted(this.ids.length, "token")}`
      + `${this.ids.length ? `, ${rate} characters each` : ""}; ${grouped(tokenizer.size)} in its vocabulary`;
    this.chips.show(this.ids.map((id) => ({
      text: showIds ? String(id) : tokenizer.piece(id), id, special: tokenizer.isSpecial(id),
    })));
    const decoded = tokenizer.decode(this.ids);
    this.back.textContent = decoded === text ? "Put together again: the same text."
      : `Put together again: ${decoded ? `“${decoded}”` : "nothing"}. That is not what was typed.`;
  }
}

// --- Wired ----------------------------------------------------------------------

function render({ root, get, set, bind, onChange, waitFor }) {
  const text = bind("text", textBox, { label: "Any text", rows: 2, maxLength: MAX_LETTERS, delay: 120 });
  const examples = buttonRow("examples", ...EXAMPLES.map(([name, example]) =>
    button(name, () => set("text", example))));
  const ids = bind("show_ids", checkbox, { label: "Show what the model gets: the IDs" });
  const facts = element("p", { class: "tl-quiet" });
  const words = statusLine();
  const rows = get("names").map((name, at) =>
    new Row(name, get("files")[at], { onThere: () => show(), announce: words.say }));
  root.append(stack(text.root, examples, facts, ids.root, ...rows.map((row) => row.root), words.root));

  const show = () => {
    facts.textContent = describeText(text.value);
    for (const row of rows) row.show(text.value, get("show_ids"));
    const there = rows.filter(({ tokenizer }) => tokenizer).map((row) => `${row.name}: ${row.ids.length}`);
    if (there.length) words.say(`${there.join(", ")} tokens. Look at a token for its ID.`);
  };
  onChange("text show_ids", show);
  show();
  // The figure is there with the first; the others join it, one after the other.
  const [first, ...others] = rows.filter(({ file }) => !(file.size > MUCH));
  const start = first?.load();
  waitFor(start);
  start?.then(async () => { for (const row of others) await row.load(); });
}

export default figure("TokenizerPlayground", render, { anew: ["names", "files"] });
