// A large file that comes in parts, into memory of its size that is taken once.
//
// What has come over http is kept in the browser's Cache Storage for the next visit, one
// entry a part, under the part's name, which tells its content. From disk nothing is kept.
//
// Source: https://www.w3.org/TR/service-workers/#cache-objects.

import { roomFor } from "./kernels.js";
import { bytesOfScript } from "./letters.js";

export class FileInParts {
  // parts: [{ name, size, url }, …], url for `fetch`; surroundings: the page's `origin`, the
  // browser's `storage` and its `fetch`.
  constructor({ name, parts }, surroundings) {
    this.name = name;
    this.parts = parts;
    this.starts = parts.map((_, index) => parts.slice(0, index).reduce((sum, { size }) => sum + size, 0));
    this.bytes = roomOf(parts.reduce((sum, { size }) => sum + size, 0));
    this.surroundings = surroundings;
    this.isOverHTTP = surroundings.origin.startsWith("http");
    this.cache = this.isOverHTTP ? this.openCache() : Promise.resolve(null);
  }

  // The key of a part in the storage; nothing is ever fetched from there.
  addressOf(part) {
    return `${this.surroundings.origin}/transformer-lab/${part.name}`;
  }

  // This model's parts from an earlier visit; those of an older version are thrown away.
  async openCache() {
    try {
      const cache = await this.surroundings.storage.open(`transformer-lab ${this.name}`);
      const known = new Set(this.parts.map((part) => this.addressOf(part)));
      for (const request of await cache.keys()) if (!known.has(request.url)) await cache.delete(request);
      return cache;
    } catch {
      return null; // forbidden, or missing, as over http from a host without a certificate
    }
  }

  // Puts a part into its place that an earlier visit has kept. Returns whether there was one.
  async recall(index) {
    const cache = await this.cache;
    const kept = await cache?.match(this.addressOf(this.parts[index])).catch(() => null);
    const bytes = kept && new Uint8Array(await kept.arrayBuffer());
    if (bytes?.length !== this.parts[index].size) return false;
    this.bytes.set(bytes, this.starts[index]);
    return true;
  }

  // Brings a part from its address, without the page's help. Returns what `take` does.
  async fetch(index) {
    const { url } = this.parts[index];
    const response = await this.surroundings.fetch(url).catch(() => null);
    if (!response?.ok) throw new Error(`the file ${url} is missing`);
    const bytes = await response.arrayBuffer().then(bytesOfScript)
      .catch(() => { throw new Error(`the file ${url} is damaged`); });
    return this.take(index, bytes);
  }

  // Puts a part into its place, and keeps it. Returns false if the browser refuses to keep it.
  async take(index, bytes) {
    const part = this.parts[index];
    if (bytes.length !== part.size) {
      throw new Error(`part ${index + 1} has ${bytes.length} bytes, but it should have ${part.size}`);
    }
    this.bytes.set(bytes, this.starts[index]);
    try {
      const cache = await this.cache;
      await cache?.put(this.addressOf(part), new Response(bytes));
      return cache !== null || !this.isOverHTTP;
    } catch {
      return false; // the storage is full
    }
  }
}

function roomOf(nBytes) {
  try {
    return roomFor(nBytes);
  } catch {
    throw new Error(`there is no room in memory for its ${Math.round(nBytes / 1e6)} MB`);
  }
}
