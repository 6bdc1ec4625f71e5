// Beyond text: models that read numbers where the others read words.
//
// As transformer_lab/beyond_text.py: a linear layer makes a vector of the numbers of a patch
// or a slice, and it stands where a word's vector would. The rest is as for text.
//
// Shapes: T patches, S slices, N numbers in each, D = d_model, C classes.
// Sources: Dosovitskiy et al. 2021; Radford et al. 2023. Taught in chapter 17.

import { Block, copying, finalNorm, under } from "./blocks.js";
import { refuseUnsupported } from "./config.js";
import { EncoderDecoder } from "./encoder_decoder.js";
import { Linear } from "./layers.js";
import { sinusoidalRow } from "./positions.js";
import { addInPlace, rowsOf } from "./tensor.js";

const PATCH_SIDE = 2; // pixels
const SLICE_SIZE = 96; // numbers

// Squares of `side` by `side` pixels, row by row, each as its numbers, one after the other.
// image (H * W) → (T * N)
export function cutIntoPatches(image, width, side) {
  const patches = [];
  for (let top = 0; top < image.length / width; top += side) {
    for (let left = 0; left < width; left += side) {
      for (let y = top; y < top + side; y++) {
        for (let x = left; x < left + side; x++) patches.push(image[y * width + x]);
      }
    }
  }
  return Float32Array.from(patches);
}

// A vector for each patch or slice: a linear layer on its numbers, and its position.
class PatchEmbeddings {
  constructor(tensors, nNumbers, { positions, max_len: maxLen, d_model: size }) {
    this.maxLen = maxLen;
    this.nNumbers = nNumbers;
    this.patch = new Linear(tensors.under("patch"), nNumbers, size);
    this.learned = positions === "learned" ? tensors.get("position.weight", [maxLen, size]) : null;
    this.hasWaves = positions === "sinusoidal";
    this.size = size;
  }

  // patches (T * N) → (T, D)
  forward(patches) {
    const nPatches = patches.length / this.nNumbers;
    if (nPatches > this.maxLen) {
      throw new RangeError(
        `there are ${nPatches} patches or slices; this model sees at most ${this.maxLen}`);
    }
    const x = this.patch.forward(patches);
    if (this.learned) addInPlace(x, this.learned.values.subarray(0, x.length));
    if (this.hasWaves) {
      rowsOf(x, this.size).forEach((row, place) => addInPlace(row, sinusoidalRow(place, this.size, 10_000)));
    }
    return x;
  }
}

// Says what is to be seen: a score for each class of pictures.
export class VisionTransformer {
  constructor(config, tensors) {
    refuseUnsupported(config, "vision-transformer", []);
    this.config = config;
    this.embeddings = new PatchEmbeddings(tensors.under("embeddings"), PATCH_SIDE ** 2, config);
    this.classToken = tensors.get("class_token", [config.d_model]);
    this.blocks = Array.from({ length: config.n_layers }, (_, layer) =>
      new Block(tensors.under(`blocks.${layer}`), config));
    this.finalNorm = finalNorm(tensors, "final_norm", config);
    this.head = new Linear(tensors.under("head"), config.d_model, config.vocab_size);
  }

  // image: the pixels (H * W), row by row; width: W.
  // Returns { logits (C), attention }: attention[layer][head][t] is 1 + T weights that add
  // up to 1; row and column 0 are the class token's.
  forward(image, width, { record = null } = {}) {
    const keep = copying(record);
    const patches = this.embeddings.forward(cutIntoPatches(image, width, PATCH_SIDE)); // (T, D)
    const size = this.config.d_model;
    const x = new Float32Array(size + patches.length); // (1 + T, D)
    x.set(this.classToken.values);
    x.set(patches, size);
    const attention = this.blocks.map((block, layer) =>
      block.forward(x, { record: under(keep, `blocks.${layer}`) }).weights);
    return { logits: this.head.forward(this.finalNorm.forward(x.subarray(0, size))), attention };
  }
}

// Hears a sound whole, and writes down what was sent: only what its encoder reads is new.
export class Listener extends EncoderDecoder {
  constructor(config, tensors) {
    super(config, tensors);
    const waves = { ...config, positions: "sinusoidal" };
    this.slices = new PatchEmbeddings(tensors.under("slices"), SLICE_SIZE, waves);
  }

  /**
   * Hears a sound: its slices (S * N). Returns { memory (S, D), attention }.
   * @override
   */
  encode(slices, { record = null } = {}) {
    const keep = copying(record);
    const x = this.slices.forward(slices); // (S, D)
    const attention = this.encoderBlocks.map((block, layer) =>
      block.forward(x, { record: under(keep, `encoder_blocks.${layer}`) }).weights);
    return { memory: this.encoderNorm.forward(x), attention };
  }
}
