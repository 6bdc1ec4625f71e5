// The book's files as classic scripts, which live_figure.py writes (`classic_script`,
// `bytes_script`): a page that was opened from disk may load scripts but may not fetch files.

import { bytesOfLetters } from "../engine/letters.js";
import { turn } from "./time.js";

/**
 * What the script at an address hands over under a name; it is not kept here.
 * Rejects if the script is missing or hands over nothing.
 * @param {string} name
 * @param {string} address
 * @returns {Promise<any>}
 */
export async function broughtBy(name, address) {
  const script = Object.assign(document.createElement("script"), { src: address });
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`the file ${address} is missing`));
    document.head.append(script);
  });
  const parts = /** @type {any} */ (globalThis).transformerLabParts;
  const value = parts?.[name];
  if (value === undefined) throw new Error(`the file ${address} is damaged`);
  delete parts[name];
  return value;
}

/**
 * The bytes that it hands over: in the text of a function, as letters.
 * @param {string} name
 * @param {string} address
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytesBroughtBy(name, address) {
  const letters = await broughtBy(name, address);
  await turn();
  return bytesOfLetters(String(letters)).catch(() => { // gzip's checksum is another
    throw new Error(`the file ${address} is damaged`);
  });
}
