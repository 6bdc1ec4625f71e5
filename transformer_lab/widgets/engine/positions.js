// Where a token stands, as numbers: the same as transformer_lab/embeddings.py.

// One row of waves: numbers 2i and 2i + 1 are the sine and the cosine of the
// position times base^(-2i / size).
export function sinusoidalRow(position, size, base) {
  return angles(position, size, base).flatMap((angle) => [Math.sin(angle), Math.cos(angle)]);
}

// The vector with number i and number i + size/2 turned together, further for later
// positions.
export function rotated(vector, position, base) {
  const half = vector.length / 2;
  const turns = angles(position, vector.length, base);
  const first = turns.map((angle, i) => vector[i] * Math.cos(angle) - vector[i + half] * Math.sin(angle));
  const second = turns.map((angle, i) => vector[i + half] * Math.cos(angle) + vector[i] * Math.sin(angle));
  return [...first, ...second];
}

// How far each of the size/2 clock hands has turned, in radians.
export function angles(position, size, base) {
  return Array.from({ length: size / 2 }, (_, i) => position * base ** ((-2 * i) / size));
}

// Turns vectors of `nHeads` heads (T, nHeads * headSize); the first row stands at `start`.
export function rotateInPlace(vectors, { nHeads, headSize, start, base }) {
  const half = headSize / 2;
  for (let from = 0, position = start; from < vectors.length; position++) {
    const turns = angles(position, headSize, base); // the same for every head
    const cosines = turns.map(Math.cos), sines = turns.map(Math.sin);
    for (let head = 0; head < nHeads; head++, from += headSize) {
      for (let i = 0; i < half; i++) {
        const first = vectors[from + i], second = vectors[from + i + half];
        vectors[from + i] = first * cosines[i] - second * sines[i];
        vectors[from + i + half] = second * cosines[i] + first * sines[i];
      }
    }
  }
}
