// The exercises' files: classic scripts, beside the one that the page has loaded.

import { broughtBy, bytesBroughtBy } from "../../transformer_lab/widgets/parts/classic_script.js";

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

/** @param {string} name of a script that hands over a text (live_figure.py, `classic_script`) */
export const textOf = (name) => broughtBy(name, addressOf(name));

/** @param {string} name of a script that hands over bytes (live_figure.py, `bytes_script`) */
export const bytesOf = (name) => bytesBroughtBy(name, addressOf(name));
