// What runs in a worker and has its file from the page: calls, and the parts of the file.
//
// Messages in: { id, method, args } asks for something, { cancel: id } gives it up.
// Out: { id, token } for each new piece of what is made, then { id, result } or { id, error };
// of what was given up the result is null. The page's side is parts/shared_model.js.

import { FileInParts } from "./file_in_parts.js";

/**
 * What a method is told of the call that it answers.
 * @typedef {{ isWanted: () => boolean, tell: (token: object) => void }} Call
 */

export class Hosted {
  // What the page may call: of loading, `open`, then each part by `recall`, `fetch` or `take`,
  // then `start`.
  static methods = ["open", "recall", "fetch", "take", "start"];

  /**
   * @param {object} surroundings
   * @param {(message: object, transfer?: ArrayBuffer[]) => void} surroundings.post sends to the page
   * @param {() => Promise<void>} surroundings.turn until the messages that wait have been read
   * @param {string} surroundings.origin of the page
   * @param {CacheStorage} surroundings.storage of the browser; not looked at from disk
   * @param {(address: string) => Promise<Response>} surroundings.fetch brings a file
   */
  constructor(surroundings) {
    this.post = surroundings.post;
    this.turn = surroundings.turn;
    this.surroundings = surroundings;
    this.wanted = new Set(); // the calls whose results somebody waits for
    this.last = Promise.resolve(); // one call is answered after the other
  }

  receive({ id, method, args, cancel }) {
    if (cancel !== undefined) return this.wanted.delete(cancel);
    this.wanted.add(id);
    this.last = this.last.then(() => this.answer(id, method, args));
    return true;
  }

  async answer(id, method, args) {
    const call = { isWanted: () => this.wanted.has(id), tell: (token) => this.post({ id, token }) };
    const { methods } = /** @type {typeof Hosted} */ (this.constructor);
    try {
      if (!methods.includes(method)) throw new Error(`there is no method ${method}`);
      const result = call.isWanted() ? await this[method](args, call) : null;
      this.post({ id, result }, buffersIn(result));
    } catch (error) {
      this.post({ id, error: error.message });
    }
    this.wanted.delete(id);
  }

  open(file) {
    this.file = new FileInParts(file, this.surroundings);
  }

  recall({ index }) {
    return this.file.recall(index);
  }

  fetch({ index }) {
    return this.file.fetch(index);
  }

  take({ index, bytes }) {
    return this.file.take(index, bytes);
  }
}

// The memory of the numbers in a result, which goes to the page instead of being copied.
function buffersIn(value) {
  if (value === null || typeof value !== "object") return [];
  if (ArrayBuffer.isView(value)) return [value.buffer];
  return Object.values(value).flatMap(buffersIn);
}
