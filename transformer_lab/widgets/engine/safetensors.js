// Reads a safetensors file: named tensors, and a little text about them.
//
// The format is as plain as can be: 8 bytes that give the length of a header,
// the header (JSON: name → type, shape, place), then the numbers, nothing else.
// Both F32 and F16 come out as Float32Array. It leaves out the other number
// types, and writing.
//
// Source: https://huggingface.co/docs/safetensors (the format).

// The tensors of a file, by name: `{ shape: [rows, columns], values: Float32Array }`,
// rows one after the other. `under("blocks.0")` is the same with a prefix, so that
// a layer asks for "attention.query.weight" and need not know where it stands.
export class Tensors {
  constructor(byName, prefix = "") {
    this.byName = byName;
    this.prefix = prefix;
  }

  under(name) {
    return new Tensors(this.byName, `${this.prefix}${name}.`);
  }

  get(name) {
    const tensor = this.byName.get(this.prefix + name);
    if (!tensor) throw new Error(`the model file has no tensor ${this.prefix}${name}`);
    return tensor;
  }
}

// From bytes (Uint8Array, DataView or ArrayBuffer) to { metadata, tensors }.
export function readSafetensors(bytes) {
  const buffer = bytes.buffer ?? bytes;
  const start = bytes.byteOffset ?? 0;
  const view = new DataView(buffer, start, bytes.byteLength);
  if (view.byteLength < 8) throw new Error("this is no safetensors file: it is too short");
  const headerLength = Number(view.getBigUint64(0, true));
  if (8 + headerLength > view.byteLength) {
    throw new Error("this is no safetensors file, or its end is missing");
  }
  const headerBytes = new Uint8Array(buffer, start + 8, headerLength);
  const { __metadata__: metadata = {}, ...places } = JSON.parse(new TextDecoder().decode(headerBytes));
  const first = start + 8 + headerLength; // where the numbers begin
  const byName = new Map();
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(places)) {
    // A copy, because the numbers in the file need not start at a multiple of 4.
    byName.set(name, { shape, values: toFloat32(buffer.slice(first + from, first + to), dtype, name) });
  }
  return { metadata, tensors: new Tensors(byName) };
}

function toFloat32(buffer, dtype, name) {
  if (dtype === "F32") return new Float32Array(buffer);
  if (dtype === "F16") return fromHalves(new Uint16Array(buffer));
  throw new Error(`tensor ${name} holds ${dtype}; this reader knows F32 and F16`);
}

// 16-bit floats as 32-bit ones: the same sign and fraction, the exponent counted from 127
// instead of 15. What has no ordinary exponent is worked out.
export function fromHalves(halves) {
  const numbers = new Float32Array(halves.length);
  const bits = new Uint32Array(numbers.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const exponent = half & 0x7c00;
    if (exponent === 0 || exponent === 0x7c00) numbers[i] = halfToNumber(half);
    else bits[i] = ((half & 0x8000) << 16) | (((half & 0x7fff) << 13) + ((127 - 15) << 23));
  }
  return numbers;
}

// A 16-bit float: 1 bit for the sign, 5 for the exponent, 10 for the fraction.
function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24; // zero, and numbers near it
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
