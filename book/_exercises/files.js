// The exercises' files, beside the script that the page has loaded: as classic scripts, because
// a page that was opened from disk may load scripts but may not fetch files.

import { bytesOfLetters } from "../../transformer_lab/widgets/engine/letters.js";

const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);

/**
 * What book/_ext/live_exercises.py puts into the bundle: each script's version, and Python's
 * parts. `size` is in bytes over the line; that of a part is its own.
 * @type {{ versions: Record<string, string>, size: number, parts: { name: string, size: number }[] }}
 */
export const published = /** @type {any} */ (globalThis).PUBLISHED;

/** @param {string} name of a script, without its ending @returns {string} */
export function addressOf(name) {
  const version = published.versions[name];
  return new URL(`${name}.js${version ? `?v=${version}` : ""}`, src).href;
}

/**
 * What a script hands over (live_figure.py, `classic_script`): a text.
 * @param {string} name
 * @returns {Promise<any>}
 */
export async function broughtBy(name) {
  const script = Object.assign(document.createElement("script"), { src: addressOf(name) });
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`the file ${script.src} is missing`));
    document.head.append(script);
  }).finally(() => script.remove());
  const parts = /** @type {any} */ (globalThis).transformerLabParts;
  const value = parts?.[name];
  if (value === undefined) throw new Error(`the file ${script.src} is damaged`);
  delete parts[name];
  return value;
}

/**
 * Bytes that a script hands over (live_figure.py, `bytes_script`).
 * @param {string} name
 * @returns {Promise<Uint8Array>}
 */
export async function bytesOf(name) {
  return bytesOfLetters(String(await broughtBy(name))).catch(() => { // gzip's checksum is another
    throw new Error(`the file ${addressOf(name)} is damaged`);
  });
}
