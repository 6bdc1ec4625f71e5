// Weights of 4 or 8 bits: whole numbers in blocks of 32, and a scale for each block.
//
// The blocks are those of llama.cpp's files, byte for byte, and stay as they are: a
// product rounds what they are multiplied by to 16 bits, so that whole numbers meet whole
// numbers, and only their sum over a block is scaled. (With 8 bits, as llama.cpp has it, the
// kernel would be no quicker, since it multiplies numbers of 16 bits, and SmolLM2's first
// choice was another one for 18 of 300 tokens: tools/benchmark_real_model.py.) Holds the
// formats, the rounding, and the products in plain JavaScript: kernels.wat does the same, faster.
//
// Source: llama.cpp, ggml-common.h (block_q4_1, block_q8_0) and ggml-quants.c.

import { fromHalf } from "./halves.js";

export const BLOCK = 32; // numbers in a block

/**
 * What a block is: its bytes, and how `read` gets 32 whole numbers out of those at `at`.
 * `minimum` is what is added to each number after scaling, as a 16-bit float at byte 2.
 * @type {Record<string, { nBytes: number, hasMinimum: boolean,
 *   read: (bytes: Uint8Array, at: number, numbers: Int32Array) => void }>}
 */
export const FORMATS = {
  // scale, minimum, 16 bytes: the low halves are numbers 0 to 15, the high ones 16 to 31.
  q4_1: {
    nBytes: 20,
    hasMinimum: true,
    read(bytes, at, numbers) {
      for (let i = 0; i < 16; i++) {
        numbers[i] = bytes[at + 4 + i] & 15;
        numbers[i + 16] = bytes[at + 4 + i] >> 4;
      }
    },
  },
  // scale, 32 bytes, each a number from -128 to 127.
  q8_0: {
    nBytes: 34,
    hasMinimum: false,
    read(bytes, at, numbers) {
      for (let i = 0; i < 32; i++) numbers[i] = (bytes[at + 2 + i] << 24) >> 24;
    },
  },
};

// The bytes that a row of this many numbers takes.
export function rowBytes(format, nNumbers) {
  return (nNumbers / BLOCK) * FORMATS[format].nBytes;
}

const LARGEST = 2 ** 15 - 1;

/**
 * x, rounded to whole numbers of 16 bits in blocks of 32: the largest becomes ±LARGEST.
 * `numbers` are as many as x. `factors` are two for each block: the scale, and the scale
 * times the block's sum, which a minimum is multiplied by.
 * @param {Float32Array} x
 * @param {Int16Array} numbers
 * @param {Float32Array} factors
 */
export function roundTo16Bits(x, numbers, factors) {
  for (let start = 0; start < x.length; start += BLOCK) {
    let largest = 0;
    for (let i = start; i < start + BLOCK; i++) largest = Math.max(largest, Math.abs(x[i]));
    const scale = largest / LARGEST;
    let sum = 0;
    for (let i = start; i < start + BLOCK; i++) {
      numbers[i] = scale ? Math.round(x[i] / scale) : 0;
      sum += numbers[i];
    }
    factors[(2 * start) / BLOCK] = scale;
    factors[(2 * start) / BLOCK + 1] = scale * sum;
  }
}

/**
 * Adds x Wᵀ to y, for packed W and each row of x.  x (T, I), W (O, I), y (T, O)
 * @param {Float32Array} x
 * @param {import("./tensor.js").Matrix} weight
 * @param {Float32Array} y
 */
export function addPackedProduct(x, { shape: [nOut, nIn], packed, format }, y) {
  const { nBytes } = FORMATS[format];
  const numbers = new Int16Array(x.length);
  const factors = new Float32Array((2 * x.length) / BLOCK);
  roundTo16Bits(x, numbers, factors);
  const block = new Int32Array(BLOCK);
  for (let out = 0, at = 0; out < nOut; out++) {
    for (let column = 0; column < nIn; column += BLOCK, at += nBytes) {
      const { scale, minimum } = readBlock(packed, format, at, block);
      for (let start = column, to = out; start < x.length; start += nIn, to += nOut) {
        let sum = 0;
        for (let i = 0; i < BLOCK; i++) sum += block[i] * numbers[start + i];
        const factor = (2 * start) / BLOCK;
        y[to] += scale * factors[factor] * sum + minimum * factors[factor + 1];
      }
    }
  }
}

// Row `number` of a packed matrix, as the numbers that it stands for.
export function unpackRow({ shape: [, size], packed, format }, number) {
  const row = new Float32Array(size);
  const block = new Int32Array(BLOCK);
  let at = number * rowBytes(format, size);
  for (let start = 0; start < size; start += BLOCK, at += FORMATS[format].nBytes) {
    const { scale, minimum } = readBlock(packed, format, at, block);
    for (let i = 0; i < BLOCK; i++) row[start + i] = scale * block[i] + minimum;
  }
  return row;
}

// The block at byte `at`: its whole numbers into `numbers`, its scale and minimum returned.
function readBlock(packed, format, at, numbers) {
  const { hasMinimum, read } = FORMATS[format];
  const half = (place) => fromHalf(packed[place] | (packed[place + 1] << 8));
  read(packed, at, numbers);
  return { scale: half(at), minimum: hasMinimum ? half(at + 2) : 0 };
}
