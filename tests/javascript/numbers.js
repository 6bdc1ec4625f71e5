// Numbers for tests: random ones, the same in each run, random packed weights, plain products.

import { normal, seededRandom } from "../../transformer_lab/widgets/engine/sampling.js";
import { rowBytes } from "../../transformer_lab/widgets/engine/packed.js";

export function randomNumbers(length, seed = 1) {
  return Float32Array.from({ length }, normal(seededRandom(seed)));
}

// Any bytes are blocks, but for their scales and minimums: small numbers of either sign.
export function randomPacked(format, nOut, nIn, seed = 1) {
  const random = seededRandom(seed);
  const packed = Uint8Array.from({ length: nOut * rowBytes(format, nIn) }, () => 256 * random());
  const halves = format === "q4_1" ? [1, 3] : [1]; // where their signs and exponents are
  for (let block = 0; block < packed.length; block += rowBytes(format, 32)) {
    for (const place of halves) packed[block + place] = (packed[block + place] & 0x83) | 0x20;
  }
  return { shape: [nOut, nIn], packed, format };
}

// What heads are held to: matrices, and rows mixed by their shares.

// y = x W: each row of x mixes the rows of W.  x (T, S), W (S, K) → (T, K)
export function mixRows(x, rows) {
  const [nRows, size] = rows.shape;
  const y = new Float32Array((x.length / nRows) * size);
  for (let t = 0; t < x.length / nRows; t++) {
    for (let s = 0; s < nRows; s++) {
      const share = x[t * nRows + s];
      for (let i = 0; i < size; i++) y[t * size + i] += share * rows.values[s * size + i];
    }
  }
  return y;
}

// Rows of `size` numbers as a matrix that x can be multiplied by.
export function matrix(values, size) {
  return { shape: [values.length / size, size], values };
}
