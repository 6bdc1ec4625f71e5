// Random numbers, the same in each run, and random packed weights.

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
