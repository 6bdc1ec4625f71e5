// Reads a safetensors file: named tensors, and a little text about them.
//
// The format is as plain as can be: 8 bytes that give the length of a header,
// the header (JSON: name → type, shape, place), then the numbers, nothing else.
// Both F32 and F16 come out as Float32Array. A matrix of fewer bits stays packed: its
// bytes are a U8 tensor, and `packed` among the metadata says what they mean
// (transformer_lab/pretrained/page_file.py writes that). It leaves out the other number
// types, and writing. Nothing in a file is passed over: its header must account for
// every byte, and `refuseOthers` finds tensors that were not read.
//
// Source: https://huggingface.co/docs/safetensors (the format).

import { accountFor, ANY, parseJSON } from "./fields.js";
import { fromHalves } from "./halves.js";
import { BLOCK, FORMATS, rowBytes } from "./packed.js";

const WHOSE = "this safetensors file";
const PACKING = `the list of packed tensors of ${WHOSE}`;
const BYTES = { F32: 4, F16: 2, U8: 1 }; // of one number
const PLACE = { dtype: Object.keys(BYTES), shape: ANY, data_offsets: ANY };

// The tensors of a file, by name: `{ shape: [rows, columns], values: Float32Array }`,
// rows one after the other, or packed, `{ shape: [rows, columns], packed: Uint8Array, format }`.
// `under("blocks.0")` is the same with a prefix, so that a layer asks for
// "attention.query.weight" wherever it stands in the model.
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

// From bytes (Uint8Array, DataView or ArrayBuffer) to { metadata, tensors }. What is packed
// is a view of these bytes: it is most of a large file, and is not to be there twice.
export function readSafetensors(bytes) {
  const file = new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength);
  const { metadata, places, numbers } = cutOff(file);
  const packed = new Map(Object.entries(readNames(metadata?.packed ?? "{}", PACKING)));
  const byName = new Map();
  let end = 0; // up to where they are accounted for
  const byPlace = Object.entries(places).map(([name, place]) => checked(name, place))
    .sort((one, other) => one.from - other.from || one.to - other.to);
  for (const { name, dtype, shape, from, to } of byPlace) {
    if (from !== end) throw new Error(`the tensor ${name} does not begin where the one before it ends`);
    end = to;
    const own = numbers.subarray(from, to);
    if (dtype === "U8") byName.set(name, packedMatrix(name, shape, own, packed.get(name)));
    else byName.set(name, { shape, values: toFloat32(own, dtype) });
  }
  if (end !== numbers.length) {
    throw new Error(`${WHOSE} holds ${numbers.length} bytes of numbers, but speaks of ${end}`);
  }
  const missing = Array.from(packed.keys()).find((name) => !byName.get(name)?.packed);
  if (missing) throw new Error(`${PACKING} names ${missing}, which is no packed tensor of it`);
  return { metadata, tensors: new Tensors(byName) };
}

// The header of a file, metadata and places of tensors, and the bytes of all numbers.
function cutOff(file) {
  if (file.length < 8) throw new Error("this is no safetensors file: it is too short");
  const end = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  if (end > file.length) throw new Error("this is no safetensors file, or its end is missing");
  const text = new TextDecoder().decode(file.subarray(8, end));
  const { __metadata__: metadata = {}, ...places } = readNames(text, WHOSE);
  return { metadata, places, numbers: file.subarray(end) };
}

// Names, whatever they are, and values.
function readNames(text, whose) {
  const found = parseJSON(text, whose);
  accountFor(found, Object.fromEntries(Object.keys(found ?? {}).map((name) => [name, ANY])), whose);
  return found;
}

// What the header says of a tensor, if the bytes that it takes are those of its shape.
function checked(name, place) {
  const whose = `the tensor ${name}`;
  accountFor(place, PLACE, whose);
  const { dtype, shape, data_offsets: offsets } = place;
  const [from, to] = Array.isArray(offsets) ? offsets : [];
  const isSize = (n) => Number.isSafeInteger(n) && n >= 0;
  const nNumbers = Array.isArray(shape) && shape.every(isSize) ? shape.reduce((n, size) => n * size, 1) : NaN;
  if (!dtype || offsets?.length !== 2 || !isSize(from) || to - from !== BYTES[dtype] * nNumbers) {
    throw new Error(`${whose} has bytes and a shape that do not fit each other`);
  }
  return { name, dtype, shape, from, to };
}

// A matrix whose numbers stay packed; `meaning` is what the metadata say of its bytes.
function packedMatrix(name, bytesShape, packed, meaning) {
  const whose = `the packed tensor ${name}`;
  accountFor(meaning, { format: Object.keys(FORMATS), shape: ANY }, whose);
  const { format, shape } = meaning;
  const isMatrix = Array.isArray(shape) && shape.length === 2 && shape.every(Number.isSafeInteger);
  const [rows, columns] = isMatrix && format ? shape : [NaN, NaN];
  if (columns % BLOCK !== 0 || `${[rows, rowBytes(format, columns)]}` !== `${bytesShape}`) {
    throw new Error(`${whose} has bytes and a shape that do not fit each other`);
  }
  return { shape, packed, format };
}

function toFloat32(bytes, dtype) {
  const { buffer } = bytes.slice(); // a copy, because the numbers need not start at a multiple of 4
  return dtype === "F32" ? new Float32Array(buffer) : fromHalves(new Uint16Array(buffer));
}
