import assert from "node:assert/strict";
import { test } from "node:test";

import { loadModel, promptIds } from "../../transformer_lab/widgets/engine/model_file.js";
import { readSafetensors } from "../../transformer_lab/widgets/engine/safetensors.js";
import { safetensors } from "./files.js";

const ONE = { one: { shape: [2, 2], values: [1, 2, 3, 4] } };

test("tensors are found by name and shape, also in a view that begins in the middle", () => {
  const file = safetensors({ "a.b": ONE.one });
  const longer = new Uint8Array(file.length + 3);
  longer.set(file, 3);
  for (const bytes of [file, file.buffer, new DataView(longer.buffer, 3)]) {
    const { tensors } = readSafetensors(bytes);
    assert.deepEqual(tensors.under("a").get("b", [null, 2]).values, Float32Array.of(1, 2, 3, 4));
    assert.throws(() => tensors.get("a.b", [4]), /2 × 2, but 4 fits/);
    tensors.refuseOthers();
  }
});

test("a tensor that is not read is refused", () => {
  assert.throws(() => readSafetensors(safetensors(ONE)).tensors.refuseOthers(), /nothing here uses/);
});

test("what is damaged is refused in one sentence", () => {
  const changed = (fields) =>
    safetensors(ONE, {}, (header) => ({ ...header, one: { ...header.one, ...fields } }));
  const good = safetensors(ONE);
  for (const file of [
    new Uint8Array(0), good.slice(0, 5), good.slice(0, -4), new Uint8Array([...good, 0]),
    changed({ dtype: "F64" }), changed({ shape: [2, 3] }), changed({ shape: "22" }),
    changed({ data_offsets: [4, 20] }), changed({ data_offsets: null }), changed({ more: 1 }),
    safetensors(ONE, {}, () => null),
  ]) {
    assert.throws(() => readSafetensors(file), /^(Range)?Error: [^\n]+$/);
  }
});

test("a file that does not say what it is is no model", () => {
  assert.throws(() => loadModel(safetensors(ONE)), /does not say what it is/);
  for (const architecture of ["parser", "toString"]) {
    assert.throws(() => loadModel(safetensors(ONE, { architecture })), /does not run/);
  }
  assert.throws(() => loadModel(safetensors(ONE, { architecture: "decoder", config: "{" })), /damaged/);
});

test("a prompt begins with the start token, and each word with a space", () => {
  const encode = (text) => [text];
  const model = { tokenizer: { encode }, metadata: { start: "<s>" } };
  assert.deepEqual(promptIds(model, " a\u00a0b\x1cc\n"), ["<s> a b c"]);
});
