import assert from "node:assert/strict";
import { test } from "node:test";

import { BPETokenizer } from "../../transformer_lab/widgets/engine/tokenizer.js";
import { bytesOf, realModelOf, sizeInWords } from "../../transformer_lab/widgets/parts/later.js";
import { tokenName, tokensOf } from "../../transformer_lab/widgets/parts/reader_text.js";
import {
  counted, formatPercent, grouped, raised, readable, spoken, within,
} from "../../transformer_lab/widgets/parts/words.js";
import { TOKENIZER } from "./files.js";

test("white space is seen, and heard where it is not the space before a word", () => {
  assert.equal(readable(" a\n\t"), "·a↵⇥");
  assert.equal(spoken("·ball"), "ball");
  assert.equal(spoken("·↵"), "space  new line");
});

test("a share is never 100% unless it is certain, nor 0% unless it is impossible", () => {
  const shares = [0, 1e-5, 0.0012, 0.0994, 0.1234, 0.9912, 0.9994, 0.99999, 1];
  assert.deepEqual(shares.map(formatPercent),
    ["0%", "<0.1%", "0.1%", "9.9%", "12%", "99.1%", ">99.9%", ">99.9%", "100%"]);
});

test("numbers are grouped, counted and raised", () => {
  assert.deepEqual([7, 999, 1000, 49152, 1234567].map(grouped),
    ["7", "999", "1,000", "49,152", "1,234,567"]);
  assert.deepEqual([counted(1, "token"), counted(2000, "token")], ["1 token", "2,000 tokens"]);
  assert.equal(raised(-12), "⁻¹²");
});

test("a number stays within its range, and what is none is the least", () => {
  assert.deepEqual([-1, 3, 9, NaN, Infinity].map((number) => within(number, 0, 5)), [0, 3, 5, 0, 5]);
});

test("tokens are shown by what they are", () => {
  const model = { tokenizer: new BPETokenizer(TOKENIZER), unseenTokens: new Set([2]) };
  assert.equal(tokenName(model, 5, 0), "·ab");
  assert.deepEqual(tokensOf(model, [6, 2]), [
    { id: 6, text: "<end>", special: true, unseen: false },
    { id: 2, text: "c", special: false, unseen: true },
  ]);
});

test("bytes are there, or come when they are asked for", async () => {
  const bytes = new Uint8Array(3);
  const later = { size: 260_000, load: () => Promise.resolve(bytes) };
  assert.deepEqual([await bytesOf(bytes), await bytesOf(later)], [bytes, bytes]);
  assert.deepEqual([sizeInWords(bytes), sizeInWords(later)], [null, "0.3 MB"]);
});

// A widget's model in a notebook, whose kernel answers with `answers[name]`.
function notebook(state, answers) {
  const listeners = new Set();
  return {
    get: (name) => state[name],
    on: (event, listener) => { assert.equal(event, "msg:custom"); listeners.add(listener); },
    off: (event, listener) => listeners.delete(listener),
    send({ file }) { for (const listener of [...listeners]) listener(...answers[file]); },
    listeners,
  };
}

test("a real model's files come from the kernel, or as the page gives them", async () => {
  const bytes = (text) => new DataView(new TextEncoder().encode(text).buffer);
  const part = { $asset: "part-0", size: 3 };
  const state = { name: "Small", size: 3, parts: [part], worker: { $module: "engine/worker.js" } };
  const model = notebook({ real_model: state }, {
    "part-0": [{ file: "part-0" }, [bytes("abc")]],
    "engine/worker.js": [{ file: "engine/worker.js" }, [bytes("onmessage = …")]],
  });
  const { name, size, parts, worker } = realModelOf(model);
  assert.deepEqual([name, size, parts[0].name, parts[0].size], ["Small", 3, "part-0", 3]);
  assert.deepEqual(await parts[0].load(), bytes("abc"));
  assert.equal(await worker.load(), "onmessage = …");
  const failing = notebook({ real_model: state }, { "part-0": [{ file: "part-0", error: "no network" }] });
  await assert.rejects(realModelOf(failing).parts[0].load(), /^Error: no network$/);
  assert.deepEqual([model.listeners.size, failing.listeners.size], [0, 0]);

  const inPage = { ...state, worker: { load: () => Promise.resolve("") } };
  assert.equal(realModelOf(notebook({ real_model: inPage })), inPage);
  assert.deepEqual([{}, { real_model: null }].map((none) => realModelOf(notebook(none))), [null, null]);
});
