// Vectors as arrows: how alike two are, which are nearest, and the directions in
// which many of them differ most (principal component analysis).
//
// A vector is an array of numbers. Holds nothing about words or pictures.

import { fromHalves } from "./halves.js";

// An array of 16-bit floats (bytes: DataView, Uint8Array or ArrayBuffer) as rows of
// `size` numbers.
export function rowsFromHalf(bytes, size) {
  const start = bytes.byteOffset ?? 0;
  const values = fromHalves(new Uint16Array((bytes.buffer ?? bytes).slice(start, start + bytes.byteLength)));
  const rows = [];
  for (let from = 0; from + size <= values.length; from += size) {
    rows.push(Array.from(values.subarray(from, from + size)));
  }
  return rows;
}

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

// The same direction with length 1: the dot product of two such is their cosine.
export function unit(a) {
  const length = Math.sqrt(dot(a, a)) || 1;
  return a.map((value) => value / length);
}

// The cosine of the angle between two arrows: 1 if they point the same way, 0 if
// they stand at a right angle. A vector of nothing but 0 is like nothing: 0.
export function cosine(a, b) {
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  return lengths ? dot(a, b) / lengths : 0;
}

// The `n` numbers of `nearness` that are greatest, as indices, without `own`.
export function nearest(nearness, own, n) {
  return Array.from(nearness, (_, index) => index).filter((index) => index !== own)
    .sort((a, b) => nearness[b] - nearness[a]).slice(0, n);
}

// The same rows with their mean at 0.
export function centred(rows) {
  const mean = rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
  return rows.map((row) => row.map((value, i) => value - mean[i]));
}

// The principal directions of centred rows, the one with the greatest spread first: as many as
// there are rows or numbers in a row, whichever is fewer. Each has length 1 (0 where nothing
// is spread) and a positive greatest number, so that a picture never flips.
export function principalDirections(rows) {
  const columns = transposed(rows);
  const isWide = rows.length < columns.length;
  // The products of few long rows say the same as those of many columns, and are fewer.
  const { values, vectors } = eigen(productsOf(isWide ? rows : columns));
  const least = 1e-12 * Math.max(...values); // of what is not spread, only rounding is left
  const directions = !isWide ? vectors : vectors.map((shares, i) =>
    columns.map((column) => (values[i] > least ? dot(shares, column) / Math.sqrt(values[i]) : 0)));
  return values.map((value, i) => [value, directions[i]]).sort(([a], [b]) => b - a).map(([, vector]) => {
    const greatest = vector.reduce((best, number) => (Math.abs(number) > Math.abs(best) ? number : best), 0);
    return greatest < 0 ? vector.map((number) => -number) : vector;
  });
}

const transposed = (rows) => Array.from(rows[0], (_, i) => rows.map((row) => row[i]));
const productsOf = (vectors) => vectors.map((a) => vectors.map((b) => dot(a, b)));

// The eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's method: turn
// two axes at a time until nothing is left outside of the diagonal.
// Source: Golub and Van Loan, "Matrix Computations", section 8.5.
function eigen(symmetric) {
  const a = symmetric.map((row) => [...row]);
  const size = a.length;
  const vectors = a.map((_, i) => a.map((_, j) => (i === j ? 1 : 0))); // rows
  const total = a.flat().reduce((sum, value) => sum + value * value, 0);
  for (let sweep = 0; sweep < 30; sweep++) {
    let outside = 0;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) outside += a[p][q] ** 2;
    if (outside <= 1e-18 * total) break;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) if (a[p][q] !== 0) turn(a, vectors, p, q);
    }
  }
  return { values: a.map((row, i) => row[i]), vectors };
}

// Turns axes p and q so that a[p][q] becomes 0.
function turn(a, vectors, p, q) {
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cos = 1 / Math.hypot(t, 1);
  const sin = t * cos;
  for (const row of a) [row[p], row[q]] = [cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]];
  for (const matrix of [a, vectors]) {
    const [first, second] = [matrix[p], matrix[q]];
    matrix[p] = first.map((value, k) => cos * value - sin * second[k]);
    matrix[q] = first.map((value, k) => sin * value + cos * second[k]);
  }
}
