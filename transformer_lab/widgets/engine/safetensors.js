// Reads a safetensors file: named tensors, and a little text about them.
//
// The format is as plain as can be: 8 bytes that give the length of a header,
// the header (JSON: name → type, shape, place), then the numbers, nothing else.
// Both F32 and F16 come out as Float32Array. It leaves out the other number
// types, and writing. Nothing in a file is passed over: its header must account for
// every byte, and `refuseOthers` finds tensors that were not read.
//
// Source: https://huggingface.co/docs/safetensors (the format).

import { accountFor, ANY, parseJSON } from "./fields.js";
import { fromHalves } from "./halves.js";

const WHOSE = "this safetensors file";
const PLACE = { dtype: ["F32", "F16"], shape: ANY, data_offsets: ANY };

// The tensors of a file, by name: `{ shape: [rows, columns], values: Float32Array }`,
// rows one after the other. `under("blocks.0")` is the same with a prefix, so that
// a layer asks for "attention.query.weight" wherever it stands in the model.
export class Tensors {
  constructor(byName, prefix = "", used = new Set()) {
    this.byName = byName;
    this.prefix = prefix;
    this.used = used;
  }

  under(name) {
    return new Tensors(this.byName, `${this.prefix}${name}.`, this.used);
  }

  // The tensor of this name, and of this shape (null: any number of rows).
  get(name, shape) {
    const whole = this.prefix + name;
    const tensor = this.byName.get(whole);
    if (!tensor) throw new Error(`the model file has no tensor ${whole}`);
    const fits = tensor.shape.length === shape.length && tensor.shape.every((n, i) => n === (shape[i] ?? n));
    if (!fits) {
      const [its, right] = [tensor.shape, shape].map((sizes) => sizes.join(" × "));
      throw new Error(`the tensor ${whole} has the shape ${its}, but ${right} fits`);
    }
    this.used.add(whole);
    return tensor;
  }

  // Refuse a tensor that was not read: it would have changed the numbers.
  refuseOthers() {
    for (const name of this.byName.keys()) {
      if (!this.used.has(name)) throw new Error(`nothing here uses the tensor ${name} of the model file`);
    }
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
  const header = parseJSON(new TextDecoder().decode(new Uint8Array(buffer, start + 8, headerLength)), WHOSE);
  accountFor(header, Object.fromEntries(Object.keys(header ?? {}).map((name) => [name, ANY])), WHOSE);
  const { __metadata__: metadata = {}, ...places } = header;
  const first = start + 8 + headerLength; // where the numbers begin
  const byName = new Map();
  let end = 0; // up to where they are accounted for
  const byPlace = Object.entries(places).map(([name, place]) => checked(name, place))
    .sort((one, other) => one.from - other.from || one.to - other.to);
  for (const { name, dtype, shape, from, to } of byPlace) {
    if (from !== end) throw new Error(`the tensor ${name} does not begin where the one before it ends`);
    end = to;
    // A copy, because the numbers in the file need not start at a multiple of 4.
    byName.set(name, { shape, values: toFloat32(buffer.slice(first + from, first + to), dtype) });
  }
  if (8 + headerLength + end !== view.byteLength) {
    const nBytes = view.byteLength - 8 - headerLength;
    throw new Error(`${WHOSE} holds ${nBytes} bytes of numbers, but speaks of ${end}`);
  }
  return { metadata, tensors: new Tensors(byName) };
}

// What the header says of a tensor, if the bytes that it takes are those of its shape.
function checked(name, place) {
  const whose = `the tensor ${name}`;
  accountFor(place, PLACE, whose);
  const { dtype, shape, data_offsets: offsets } = place;
  const [from, to] = Array.isArray(offsets) ? offsets : [];
  const isSize = (n) => Number.isSafeInteger(n) && n >= 0;
  const nNumbers = Array.isArray(shape) && shape.every(isSize) ? shape.reduce((n, size) => n * size, 1) : NaN;
  const nBytes = (dtype === "F32" ? 4 : 2) * nNumbers;
  if (!dtype || offsets?.length !== 2 || !isSize(from) || to - from !== nBytes) {
    throw new Error(`${whose} has bytes and a shape that do not fit each other`);
  }
  return { name, dtype, shape, from, to };
}

function toFloat32(buffer, dtype) {
  return dtype === "F32" ? new Float32Array(buffer) : fromHalves(new Uint16Array(buffer));
}
