// Bytes in a script of letters, as a worker gets it that fetches the script as a file.
//
// A book's large files are classic scripts, so that a page from disk can load them
// (live_figure.py, `bytes_script`). Over http a worker can fetch and read them by itself,
// which spares the page's own thread the work and its memory the text. Each letter from
// U+4E00 on is 15 bits of bytes that are compressed by gzip. What a page loads as a script
// is read in book/_static/live_host.js.

const FIRST = 0x4e00;

/**
 * Rejects if the script is damaged: gzip's checksum tells.
 * @param {ArrayBuffer} script
 * @returns {Promise<Uint8Array>}
 */
export async function bytesOfScript(script) {
  const units = new Uint16Array(script, 0, Math.floor(script.byteLength / 2));
  const start = units.findIndex((unit) => unit >= FIRST && unit < FIRST + 2 ** 15);
  const before = String.fromCharCode(...units.subarray(0, Math.max(start, 0)));
  const nBytes = Number(/\[(\d+), "$/.exec(before)?.[1]);
  if (!(nBytes <= script.byteLength)) throw new Error("this is no script of letters");
  return bytesOfLetters(nBytes, units.subarray(start, start + Math.ceil((8 * nBytes) / 15)));
}

/**
 * What `nBytes` compressed bytes were, from the code units of their letters.
 * @param {number} nBytes
 * @param {ArrayLike<number>} letters
 * @returns {Promise<Uint8Array>}
 */
export async function bytesOfLetters(nBytes, letters) {
  const packed = fromLetters(nBytes, letters);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The lowest bits of a letter come first.
function fromLetters(nBytes, letters) {
  const bytes = new Uint8Array(nBytes);
  let bits = 0; // those that no byte has yet
  let nBits = 0;
  let at = 0;
  for (let i = 0; i < letters.length; i++) {
    bits |= (letters[i] - FIRST) << nBits;
    for (nBits += 15; nBits >= 8; nBits -= 8, bits >>= 8) bytes[at++] = bits;
  }
  return bytes;
}
