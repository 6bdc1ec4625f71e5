// A real model of the page: one worker, shared by all figures that want it.
//
// Holds what state it is in, its loading part by part, and calls to its worker
// (engine/hosted_model.js). What a reader sees of it is in real_model.js; needs no page.

/** @typedef {"absent" | "loading" | "ready" | "failed"} State */

/**
 * The value of a figure's trait `real_model` (widgets/real_model.py). Parts are loaded when
 * they are asked for; one after the other they are the model's file. With a `url` the worker
 * can fetch a part by itself.
 * @typedef {{ name: string, size: number, worker: { load: () => Promise<string> },
 *   parts: { name: string, size: number, url: string | null,
 *     load: () => Promise<Uint8Array> }[] }} Source
 */

/** The page's one model of this file. @param {Source} source @returns {SharedModel} */
export function sharedModel(source) {
  // This module is joined into each figure's text; what all of them share belongs to the page.
  const models = (/** @type {any} */ (globalThis)).transformerLabModels ??= new Map();
  const file = source.parts.map(({ name }) => name).join();
  if (!models.has(file)) models.set(file, new SharedModel(source));
  return models.get(file);
}

export class SharedModel {
  /**
   * @param {Source} source
   * @param {(text: string) => Worker} startWorker
   */
  constructor(source, startWorker = workerOf) {
    this.source = source;
    this.startWorker = startWorker;
    this.listeners = new Set(); // called when anything of what follows changes
    this.nCalls = 0;
    this.forget();
  }

  forget() {
    this.worker?.terminate();
    this.worker = null;
    this.calls = new Map(); // by number: { resolve, reject, onToken, owner }
    /** @type {State} */
    this.state = "absent";
    this.nParts = 0; // how many are in the worker
    this.problem = ""; // a sentence
    this.isKept = true; // whether the next visit finds the parts in the browser's storage
    this.facts = null; // what the worker says of the model when it is ready
    this.attempt = (this.attempt ?? 0) + 1; // an attempt to load that is no longer the last one ends
  }

  get name() { return this.source.name; }

  get nBytes() {
    return this.source.parts.slice(0, this.nParts).reduce((sum, { size }) => sum + size, 0);
  }

  change(changes) {
    Object.assign(this, changes);
    for (const listener of [...this.listeners]) listener();
  }

  // --- Loading

  // Loads what is not there yet. Where loading broke off or was cancelled, it goes on.
  async load() {
    if (this.state === "loading" || this.state === "ready") return;
    this.attempt += 1;
    const { attempt } = this;
    const isLast = () => attempt === this.attempt;
    this.change({ state: "loading", problem: "" });
    try {
      if (!this.worker) await this.open(isLast);
      while (isLast() && this.nParts < this.source.parts.length) await this.loadPart(isLast);
      if (!isLast()) return;
      const facts = await this.call("start");
      if (isLast()) this.change({ state: "ready", facts });
    } catch (error) {
      if (isLast()) this.change({ state: "failed", problem: error.message });
    }
  }

  async open(isLast) {
    for (const name of ["Worker", "WebAssembly"]) {
      if (!(name in globalThis)) throw new Error(`this browser has no ${name}`);
    }
    const text = await this.source.worker.load();
    if (!isLast()) return;
    this.worker = this.startWorker(text);
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => this.fail(event.message || "the worker could not be started");
    const parts = this.source.parts.map(({ name, size, url }) => ({ name, size, url }));
    await this.call("open", { name: this.name, parts });
  }

  async loadPart(isLast) {
    const index = this.nParts;
    const part = this.source.parts[index];
    if (!await this.call("recall", { index })) {
      const isKept = await (part.url ? this.call("fetch", { index }) : this.handOver(index, isLast));
      this.isKept &&= isKept;
    }
    if (isLast()) this.change({ nParts: index + 1 });
  }

  async handOver(index, isLast) {
    const bytes = asBytes(await this.source.parts[index].load());
    return !isLast() || this.call("take", { index, bytes }, { transfer: [bytes.buffer] });
  }

  cancel() {
    if (this.state !== "loading") return;
    this.attempt += 1;
    this.change({ state: "absent" });
  }

  // Gives the memory back.
  unload() {
    this.endCalls();
    this.forget();
    this.change({});
  }

  fail(problem) {
    this.endCalls();
    this.forget();
    this.change({ state: "failed", problem });
  }

  // --- Calls

  /**
   * Asks the worker for something. Of what is given up, or ends with the worker, null comes.
   *
   * @param {string} method of HostedModel
   * @param {object} [args]
   * @param {{ owner?: object, signal?: AbortSignal, onToken?: (token: any) => void,
   *   transfer?: ArrayBufferLike[] }} [options] `owner`: who can give up all calls of its own
   */
  call(method, args = {}, { owner = null, signal, onToken = (_) => {}, transfer = [] } = {}) {
    if (!this.worker || signal?.aborted) return Promise.resolve(null);
    const id = this.nCalls++;
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject, onToken, owner });
      signal?.addEventListener("abort", () => this.giveUpCall(id));
      this.worker.postMessage({ id, method, args }, transfer);
    });
  }

  giveUp(owner) {
    for (const [id, call] of [...this.calls]) if (call.owner === owner) this.giveUpCall(id);
  }

  giveUpCall(id) {
    const call = this.calls.get(id);
    if (!call) return;
    this.calls.delete(id);
    this.worker.postMessage({ cancel: id });
    call.resolve(null);
  }

  hear({ id, token, result, error }) {
    const call = this.calls.get(id);
    if (!call) return;
    if (token) return call.onToken(token);
    this.calls.delete(id);
    if (error === undefined) call.resolve(result);
    else call.reject(new Error(error));
  }

  endCalls() {
    for (const { resolve } of this.calls.values()) resolve(null);
  }
}

// A module's bytes may come as DataView, as a widget's bytes do; they are given away whole.
function asBytes(value) {
  const { buffer = value, byteOffset = 0, byteLength } = value;
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength;
  return isWhole ? new Uint8Array(buffer) : new Uint8Array(buffer, byteOffset, byteLength).slice();
}

function workerOf(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  return worker;
}
