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

// Two rows of 64 numbers in blocks of 4 bits, 20 bytes each.
const BYTES = { table: { shape: [2, 40], bytes: Uint8Array.from({ length: 80 }, (_, i) => i) } };
const packedFile = (packed) => safetensors({ ...ONE, ...BYTES }, { packed: JSON.stringify(packed) });

test("packed tensors stay as they are, a view of the file, and have the shape of their numbers", () => {
  const file = packedFile({ table: { format: "q4_1", shape: [2, 64] } });
  const table = readSafetensors(file).tensors.get("table", [null, 64]);
  assert.deepEqual(table, { shape: [2, 64], packed: BYTES.table.bytes, format: "q4_1" });
  assert.equal(table.packed.buffer, file.buffer);
});

test("what does not say how it is packed, or says it wrongly, is refused in one sentence", () => {
  const table = { format: "q4_1", shape: [2, 64] };
  for (const packed of [
    {}, null, [], "table", { table: null }, { table, one: table }, { table, gone: table },
    { table: { format: "q4_1" } }, { table: { ...table, more: 1 } }, { table: { shape: [2, 64] } },
    ...["q8_0", "q2_k", "toString"].map((format) => ({ table: { ...table, format } })),
    ...[[1, 64], [2, 32], [128], [2, 64, 1], ["2", 64], "2,64", null].map((shape) => (
      { table: { ...table, shape } })),
  ]) {
    assert.throws(() => readSafetensors(packedFile(packed)), /^Error: [^\n]+$/);
  }
  const narrow = { table: { shape: [1, 5], bytes: new Uint8Array(5) } };
  const said = { packed: JSON.stringify({ table: { format: "q4_1", shape: [1, 8] } }) };
  assert.throws(() => readSafetensors(safetensors(narrow, said)), /do not fit each other/);
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
