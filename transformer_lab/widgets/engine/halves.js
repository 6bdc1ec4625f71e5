// 16-bit floats, in which files keep their numbers small, as the numbers that they stand for.
//
// Source: IEEE 754-2019, binary16.

// 16-bit floats as 32-bit ones: the same sign and fraction, the exponent counted from 127
// instead of 15. What has no ordinary exponent is worked out.
export function fromHalves(halves) {
  const numbers = new Float32Array(halves.length);
  const bits = new Uint32Array(numbers.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const exponent = half & 0x7c00;
    if (exponent === 0 || exponent === 0x7c00) numbers[i] = fromHalf(half);
    else bits[i] = ((half & 0x8000) << 16) | (((half & 0x7fff) << 13) + ((127 - 15) << 23));
  }
  return numbers;
}

// A 16-bit float: 1 bit for the sign, 5 for the exponent, 10 for the fraction.
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24; // zero, and numbers near it
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
