// Morse code as sound, and the spectrogram that a model reads: as transformer_lab/languages/morse.py.
//
// It makes a sound of strokes of a key. Whose strokes they are, a reader's or a text's, is
// not its business.

import { normal, seededRandom } from "./sampling.js";

export const RATE = 2000; // samples a second
export const WINDOW = 64; // samples of a spectrum
export const HOP = 32; // samples from one to the next
export const FIRST_BAND = 10; // 312 Hz; they are 31 Hz apart
export const N_BANDS = 16; // up to 781 Hz
export const SPECTRA = 6; // in a slice
export const SILENT_SLICES = 5; // behind each sound
export const SLICES_A_LETTER = 2; // that a letter takes at least
const TONE = 12; // what a tone of amplitude 1 gives in its band
const EDGE = 0.005; // seconds in which a tone comes and goes

export const CODE = {
  a: ".-", b: "-...", c: "-.-.", d: "-..", e: ".", f: "..-.", g: "--.", h: "....", i: "..", j: ".---",
  k: "-.-", l: ".-..", m: "--", n: "-.", o: "---", p: ".--.", q: "--.-", r: ".-.", s: "...", t: "-",
  u: "..-", v: "...-", w: ".--", x: "-..-", y: "-.--", z: "--..",
};

// An even hand: the marks of each letter of a text, each { start, end } in units of time. What
// is not in the code is left out.
export function lettersOf(text) {
  let place = 0;
  return codedIn(text).map((letter) => {
    const marks = [...CODE[letter]].map((mark) => {
      const start = place, end = start + (mark === "." ? 1 : 3);
      place = end + 1;
      return { start, end };
    });
    place += 2;
    return marks;
  });
}

const codedIn = (text) => [...text].map((sign) => sign.toLowerCase()).filter((letter) => CODE[letter]);

// The signs of a text that are not in the code.
export function leftOutOf(text) {
  return [...text].filter((sign) => !CODE[sign.toLowerCase()]).join("");
}

// The unit of time of a hand that keeps no length exactly, from at least two marks: the lower
// quartile of the lengths of marks and gaps, as nearly always more of them are one unit long.
export function unitOf(marks) {
  const lengths = marks.map(({ start, end }) => end - start).concat(gapsOf(marks)).sort((a, b) => a - b);
  return lengths[Math.floor(lengths.length / 4)];
}

// The lengths of the gaps between marks.
export function gapsOf(marks) {
  return marks.slice(1).map(({ start }, at) => start - marks[at].end);
}

/**
 * What is heard: RATE samples a second.
 *
 * @param {{ start: number, end: number }[]} marks in seconds
 * @param {{ seconds: number, pitch?: number, noise?: number, seed?: number }} options
 *   noise: its standard deviation; the tone's amplitude is 1
 */
export function sound(marks, { seconds, pitch = 550, noise = 0, seed = 1 }) {
  const white = normal(seededRandom(seed));
  const samples = Float64Array.from({ length: Math.floor(seconds * RATE) }, () => noise && noise * white());
  for (const { start, end } of marks) {
    const last = Math.min(samples.length - 1, Math.ceil((end + EDGE) * RATE));
    for (let i = Math.max(0, Math.floor((start - EDGE) * RATE)); i <= last; i++) {
      const inside = Math.min(i / RATE - start, end - i / RATE) / EDGE + 0.5;
      const level = Math.max(0, Math.min(1, inside));
      samples[i] += level * Math.sin((2 * Math.PI * pitch * i) / RATE);
    }
  }
  return samples;
}

// The power of each of the kept frequencies, every 16 ms: as many rows as fill whole slices,
// of N_BANDS numbers, one after the other.
export function spectrogram(samples) {
  const nSpectra = SPECTRA * Math.ceil(samples.length / (HOP * SPECTRA));
  const powers = new Float32Array(nSpectra * N_BANDS);
  for (let t = 0; t < nSpectra; t++) {
    for (let band = 0; band < N_BANDS; band++) {
      powers[t * N_BANDS + band] = power(samples, t * HOP - WINDOW / 2, FIRST_BAND + band);
    }
  }
  return powers;
}

// What a model reads: the spectrogram, then silence; SPECTRA spectra make a slice.
export function slicesOf(samples) {
  const powers = spectrogram(samples);
  const slices = new Float32Array(powers.length + SILENT_SLICES * SPECTRA * N_BANDS);
  slices.set(powers);
  return slices;
}

// One frequency of one spectrum, by the definition of Fourier's sum.
function power(samples, start, frequency) {
  let real = 0, imaginary = 0;
  for (let i = Math.max(0, -start); i < WINDOW && start + i < samples.length; i++) {
    const turn = (frequency * i) % WINDOW;
    const weighed = samples[start + i] * HANN[i];
    real += weighed * COSINES[turn];
    imaginary -= weighed * COSINES[(turn + (3 * WINDOW) / 4) % WINDOW];
  }
  const scale = 2 / (WINDOW / 2); // the window's sum is half its length
  return TONE * scale ** 2 * (real ** 2 + imaginary ** 2);
}

const COSINES = Float64Array.from({ length: WINDOW }, (_, i) => Math.cos((2 * Math.PI * i) / WINDOW));
const HANN = COSINES.map((cosine) => (1 - cosine) / 2);
