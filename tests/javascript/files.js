// Small model files, for the tests: a header, then the numbers.

// tensors: { name: { shape, values } } → the bytes of a safetensors file in 32-bit floats.
// Of a packed matrix: { shape: that of its bytes, bytes: Uint8Array }.
export function safetensors(tensors, metadata = {}, change = (header) => header) {
  const header = { __metadata__: metadata };
  const numbers = [];
  for (const [name, { shape, values, bytes }] of Object.entries(tensors)) {
    const own = bytes ?? new Uint8Array(Float32Array.from(values).buffer);
    const dtype = bytes ? "U8" : "F32";
    header[name] = { dtype, shape, data_offsets: [numbers.length, numbers.push(...own)] };
  }
  const text = new TextEncoder().encode(JSON.stringify(change(header)));
  const file = new Uint8Array(8 + text.length + numbers.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(numbers, 8 + text.length);
  return file;
}

// A byte-level BPE tokenizer that knows three letters, a space before them, and two merges.
export const TOKENIZER = {
  added_tokens: [{ id: 6, content: "<end>", special: true }],
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
  decoder: { type: "ByteLevel" },
  model: {
    type: "BPE", vocab: { a: 0, b: 1, c: 2, "Ġ": 3, ab: 4, "Ġab": 5 }, merges: [["a", "b"], ["Ġ", "ab"]],
  },
};
