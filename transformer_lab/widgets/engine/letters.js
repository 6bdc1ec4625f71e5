// Bytes in a script of letters: compressed by gzip, 15 bits in each letter from U+4E00 on.
//
// A book's large files are classic scripts, so that a page from disk can load them
// (live_figure.py, `bytes_script`). Over http a worker can fetch and read them by itself,
// which spares the page's own thread the work and its memory the text.

const FIRST = 0x4e00;

/**
 * Rejects if the script is damaged: gzip's checksum tells.
 * @param {ArrayBuffer} script the file, in UTF-16
 * @returns {Promise<Uint8Array>}
 */
export async function bytesOfScript(script) {
  return bytesOfLetters(new TextDecoder("utf-16le").decode(script));
}

/**
 * What the bytes were before they were compressed.
 * @param {string} text with the comment in which stand how many they are, and their letters
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytesOfLetters(text) {
  const start = /\/\*(\d+) /.exec(text);
  const nBytes = Number(start?.[1]);
  if (!(nBytes <= 2 * text.length)) throw new Error("this is no script of letters");
  const letters = text.slice(start.index + start[0].length, text.lastIndexOf("*/"));
  const stream = new Blob([fromLetters(nBytes, letters)]).stream();
  const unpacked = stream.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

// The lowest bits of a letter come first.
function fromLetters(nBytes, letters) {
  const bytes = new Uint8Array(nBytes);
  let bits = 0; // those that no byte has yet
  let nBits = 0;
  let at = 0;
  for (let i = 0; i < letters.length; i++) {
    bits |= (letters.charCodeAt(i) - FIRST) << nBits;
    for (nBits += 15; nBits >= 8; nBits -= 8, bits >>= 8) bytes[at++] = bits;
  }
  return bytes;
}
