// What tools/benchmark_engine.py measures in a page: milliseconds, the medians of several goes.

import { roomFor } from "../transformer_lab/widgets/engine/kernels.js";
import { loadModel } from "../transformer_lab/widgets/engine/model_file.js";
import { rowBytes } from "../transformer_lab/widgets/engine/packed.js";
import { linear } from "../transformer_lab/widgets/engine/tensor.js";

// One block of SmolLM2-135M and its head: rows × columns of each matrix.
const BLOCK = [[576, 576], [192, 576], [192, 576], [576, 576], [1536, 576], [1536, 576], [576, 1536]];
const N_BLOCKS = 30;
const HEAD = [49_152, 576];

function median(work, nTimes = 5) {
  const times = Array.from({ length: nTimes }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(nTimes / 2)];
}

function numbers(length) {
  return Float32Array.from({ length }, (_, i) => Math.sin(i * i));
}

// Matrices of these shapes, in one room if they are packed. Their numbers do not matter,
// but no scale may be so small that a processor takes its time over it.
function matrices(format, shapes) {
  if (!format) return shapes.map((shape) => ({ shape, values: numbers(shape[0] * shape[1]) }));
  const sizes = shapes.map(([nOut, nIn]) => nOut * rowBytes(format, nIn));
  const room = roomFor(sizes.reduce((sum, size) => sum + size)).fill(0x23);
  let end = 0;
  return shapes.map((shape, i) => ({ shape, format, packed: room.subarray(end, end += sizes[i]) }));
}

export default {
  // A pass of the model in this file (bytes) through so many tokens.
  forward(bytes, nTokens) {
    const { decoder, config } = loadModel(bytes);
    const ids = Array.from({ length: nTokens }, (_, t) => (7 * t) % config.vocab_size);
    return median(() => decoder.forward(ids), 101);
  },

  // So many rows times one matrix (rows × columns), packed or (null) in 32-bit floats.
  product(format, nRows, shape) {
    const [matrix] = matrices(format, [shape]);
    const x = numbers(nRows * shape[1]);
    return median(() => linear(x, matrix));
  },

  // All of SmolLM2's products for one token.
  smollm2() {
    const blocks = matrices("q4_1", Array.from({ length: N_BLOCKS }, () => BLOCK).flat());
    const [head] = matrices("q8_0", [HEAD]);
    const x = { 576: numbers(576), 1536: numbers(1536) };
    return median(() => [...blocks, head].forEach((matrix) => linear(x[matrix.shape[1]], matrix)));
  },
};
