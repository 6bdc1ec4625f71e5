// Products by the kernels of kernels.wat, on the page's arrays.
//
// A WebAssembly program sees nothing but its own memory. Ours is made once and never grows:
// first a room for the packed weights of a real model, then a workspace, into which what is
// multiplied is copied, and out of which the result comes. Weights in plain arrays are copied
// there too: even with a single row this is several times as fast as multiplying by them in
// JavaScript. A product is null where no kernel does it: tensor.js then takes the plain one
// (products.js).

import { KERNELS } from "./kernels_bytes.js";
import { BLOCK } from "./packed.js";

const PAGE = 65536; // memory is counted in pages of so many bytes
const WORKSPACE = 64 * PAGE;
const FEWEST_EXPONENTS = 16; // with fewer, copying them takes longer than JavaScript does
const rooms = new WeakMap(); // from the buffer of a memory to the kernels that work on it
const shared = once(() => newKernels(0)); // for weights in plain arrays

// `nBytes` bytes for a model file whose packed weights the kernels shall find: in a memory
// of their own, or, where there are no kernels, in an ordinary array.
export function roomFor(nBytes) {
  const kernels = newKernels(nBytes);
  if (!kernels) return new Uint8Array(nBytes);
  const { buffer } = kernels.memory;
  rooms.set(buffer, kernels);
  return new Uint8Array(buffer, 0, nBytes);
}

// As in tensor.js.
export function linear(x, weight, bias) {
  if (weight.packed) return rooms.get(weight.packed.buffer)?.packedLinear(x, weight, bias) ?? null;
  return kernelsFor(weight.shape[1], x)?.linear(x, weight, bias) ?? null;
}

// As in tensor.js.
export function headScores(queries, keys, heads) {
  return kernelsFor(heads.headSize, queries, keys)?.headScores(queries, keys, heads) ?? null;
}

// As in tensor.js.
export function mixHeads(weights, values, heads) {
  return kernelsFor(heads.headSize, weights, values)?.mixHeads(weights, values, heads) ?? null;
}

// e to the power of each number of x, in place; false, and nothing done, if no kernel does it.
export function exp(x) {
  const kernels = x instanceof Float32Array && x.length >= FEWEST_EXPONENTS ? shared() : null;
  return kernels?.exp(x) ?? false;
}

// They take four columns at a time, and at least one row.
function kernelsFor(nColumns, ...factors) {
  return nColumns % 4 === 0 && factors.every(({ length }) => length > 0) ? shared() : null;
}

// The kernels, and their memory with a room of `nBytes` bytes. Places in it are counted in
// floats here, and in bytes by the kernels.
class Kernels {
  constructor(nBytes) {
    const nPages = Math.ceil((nBytes + WORKSPACE) / PAGE);
    this.memory = new WebAssembly.Memory({ initial: nPages, maximum: nPages });
    const { exports } = new WebAssembly.Instance(program(), { page: { memory: this.memory } });
    this.run = /** @type {Record<string, Function>} */ (exports);
    this.floats = new Float32Array(this.memory.buffer);
    this.start = roundedUp(Math.ceil(nBytes / 4)); // of the workspace
  }

  linear(x, { shape: [nOut, nIn], values }, bias) {
    const width = roundedUp(nOut);
    const nRows = x.length / nIn;
    const places = this.places(x.length, width * nIn, width, nRows * width);
    if (!places) return null;
    const [from, w, b, to] = places;
    this.floats.set(x, from);
    this.floats.set(values, w);
    this.setBias(b, width, bias);
    this.run.linear(4 * from, 4 * nIn, 4 * w, 4 * nIn, 4 * b, 4 * to, 4 * width, nRows, nIn, nOut);
    const y = new Float32Array(nRows * nOut);
    this.copyRows(to, width, y, nOut);
    return y;
  }

  // As many rows of x at a time as there is room for.
  packedLinear(x, { shape: [nOut, nIn], packed, format }, bias) {
    const nBlocks = nIn / BLOCK;
    const perRow = nIn + nIn / 2 + 2 * nBlocks + nOut; // of x, rounded, and of y
    const [unpacked, scales, b, from] = this.places(nIn / 2, 2 * nBlocks, nOut, 0);
    const nAtOnce = Math.floor((this.floats.length - from) / perRow);
    if (nAtOnce < 1) return null;
    const [numbers, factors, to] = [nIn, nIn + nIn / 2, nIn + nIn / 2 + 2 * nBlocks]
      .map((size) => from + nAtOnce * size);
    const y = new Float32Array((x.length / nIn) * nOut);
    this.setBias(b, nOut, bias);
    for (let row = 0; row * nIn < x.length; row += nAtOnce) {
      const some = x.subarray(row * nIn, (row + nAtOnce) * nIn);
      const n = some.length / nIn;
      this.floats.set(some, from);
      this.run.round(4 * from, 4 * numbers, 4 * factors, n * nBlocks);
      const places = [4 * numbers, 4 * factors, packed.byteOffset, 4 * b, 4 * to];
      this.run.packed_linear(format === "q4_1", ...places, n, nIn, nOut, 4 * unpacked, 4 * scales);
      y.set(this.floats.subarray(to, to + n * nOut), row * nOut);
    }
    return y;
  }

  headScores(queries, keys, { nHeads, nKvHeads, headSize }) {
    const [size, kvSize] = [nHeads * headSize, nKvHeads * headSize];
    const [nQueries, nKeys] = [queries.length / size, keys.length / kvSize];
    const width = roundedUp(nKeys);
    const places = this.places(queries.length, width * kvSize, width, nQueries * width);
    if (!places) return null;
    const [from, k, zeros, to] = places;
    this.floats.set(queries, from);
    this.floats.set(keys, k);
    this.setBias(zeros, width);
    const scores = new Float32Array(nHeads * nQueries * nKeys);
    for (let head = 0; head < nHeads; head++) {
      const kvHead = Math.floor((head * nKvHeads) / nHeads);
      this.run.linear(4 * (from + head * headSize), 4 * size, 4 * (k + kvHead * headSize), 4 * kvSize,
        4 * zeros, 4 * to, 4 * width, nQueries, headSize, nKeys);
      this.copyRows(to, width, scores.subarray(head * nQueries * nKeys), nKeys, nQueries);
    }
    return scores;
  }

  mixHeads(weights, values, { nHeads, nKvHeads, headSize }) {
    const [size, kvSize] = [nHeads * headSize, nKvHeads * headSize];
    const nKeys = values.length / kvSize;
    const nShares = weights.length / nHeads; // of one head
    const nQueries = nShares / nKeys;
    const places = this.places(nShares, values.length, nQueries * size);
    if (!places) return null;
    const [from, v, to] = places;
    this.floats.set(values, v);
    for (let head = 0; head < nHeads; head++) {
      const kvHead = Math.floor((head * nKvHeads) / nHeads);
      this.floats.set(weights.subarray(head * nShares, (head + 1) * nShares), from);
      this.run.mix(4 * from, 4 * nKeys, 4 * (v + kvHead * headSize), 4 * kvSize,
        4 * (to + head * headSize), 4 * size, nQueries, nKeys, headSize);
    }
    return this.floats.slice(to, to + nQueries * size);
  }

  exp(x) {
    const places = this.places(x.length);
    if (!places) return false;
    const [at] = places;
    this.floats.set(x, at);
    this.run.exp(4 * at, roundedUp(x.length));
    x.set(this.floats.subarray(at, at + x.length));
    return true;
  }

  // Places in the workspace for so many floats each, or null if it is too small.
  places(...sizes) {
    const places = [];
    let end = this.start;
    for (const size of sizes) {
      places.push(end);
      end += roundedUp(size);
    }
    return end <= this.floats.length ? places : null;
  }

  // Zeros, where there is no bias.
  setBias(place, width, bias = null) {
    this.floats.fill(0, place, place + width);
    if (bias) this.floats.set(bias.values, place);
  }

  // The first `size` of each `width` floats from `place` on, to y.
  copyRows(place, width, y, size, nRows = y.length / size) {
    for (let row = 0; row < nRows; row++) {
      const start = place + row * width;
      y.set(this.floats.subarray(start, start + size), row * size);
    }
  }
}

// The compiled kernels.
const program = once(() =>
  new WebAssembly.Module(Uint8Array.from(atob(KERNELS), (character) => character.charCodeAt(0))));

// None where the browser has no WebAssembly, no instructions for vectors or no memory left,
// or where the page does not allow it.
function newKernels(nBytes) {
  try {
    return new Kernels(nBytes);
  } catch {
    return null;
  }
}

function roundedUp(n) {
  return 4 * Math.ceil(n / 4);
}

// The same function, worked out when it is first asked for.
function once(make) {
  let made;
  return () => (made === undefined ? (made = make()) : made);
}
