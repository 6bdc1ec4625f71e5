// The page's Python: one worker, started when it is first asked for.
//
// Loading in parts and calls to the worker are those of a real model (parts/shared_model.js);
// the worker is python_worker.js. Leaves out what a reader sees.

import { SharedModel } from "../../transformer_lab/widgets/parts/shared_model.js";
import { addressOf, bytesOf, published, textOf } from "./files.js";

/**
 * What came of a cell. Without an error and a verdict it has run, and nothing was checked.
 * Lines are the reader's own, from 1.
 * @typedef {{ output: string, stopped: boolean,
 *   error: { sentence: string, line: number | null } | null,
 *   verdict: { name: string, right: boolean, message: string, line: number | null } | null }} Result
 */

const BROKEN = "Python broke down: perhaps it had too little memory, or a function called itself too "
  + "often; the next run starts it anew.";

let pythonOfThePage = null;

/** @returns {Interpreter} the page's one */
export function interpreter() {
  pythonOfThePage ??= new Interpreter(new SharedModel(source()), {
    size: published.size,
    files: async () => new TextDecoder().decode(await bytesOf("python_files")),
  });
  return pythonOfThePage;
}

function source() {
  const isOverHTTP = location.protocol.startsWith("http"); // there the worker fetches by itself
  const parts = published.parts.map(({ name, size }) => (
    { name, size, url: isOverHTTP ? addressOf(name) : null, load: () => bytesOf(name) }));
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return { name: "Python", size, parts, worker: { load: () => textOf("python_worker") } };
}

export class Interpreter {
  /**
   * @param {SharedModel} worker
   * @param {{ size: number, files: () => Promise<string> }} options `size`: bytes over the line;
   *   `files`: gives the book's own Python, { path: text } as JSON
   */
  constructor(worker, { size, files }) {
    this.worker = worker;
    this.size = size;
    this.files = files;
    this.starting = null; // the promise of `boot`
    this.last = Promise.resolve(null); // one cell runs after the other
  }

  /** @returns {"absent" | "loading" | "ready" | "failed"} */
  get state() { return this.worker.state; }

  /**
   * Loads and starts Python, once. Rejects with one sentence.
   * @param {{ onProgress?: (progress: { loaded: number, size: number }) => void }} [options]
   * @returns {Promise<boolean>} whether it is there: `stop` may have been called meanwhile
   */
  async start({ onProgress = (_) => {} } = {}) {
    const { worker, size } = this;
    const tell = () => onProgress({ loaded: Math.round(size * worker.nBytes / worker.source.size), size });
    worker.listeners.add(tell);
    try {
      this.starting ??= this.boot();
      return await this.starting;
    } catch (error) {
      this.stop();
      const sentence = `Python could not start: ${error.message}; the next Run tries again.`;
      throw new Error(sentence, { cause: error });
    } finally {
      worker.listeners.delete(tell);
    }
  }

  async boot() {
    const { worker } = this;
    await worker.load();
    if (worker.state === "failed") throw new Error(worker.problem);
    if (worker.state !== "ready") return false;
    const files = JSON.parse(await this.files());
    return worker.call("give", { files });
  }

  /**
   * Runs a cell, after the cells that it needs, in a namespace of its own. Never rejects.
   * @param {{ before?: string[], source: string, onOutput?: (text: string) => void }} cell
   * @returns {Promise<Result>}
   */
  run(cell) {
    this.last = this.last.then(() => this.runNow(cell));
    return this.last;
  }

  async runNow({ before = [], source, onOutput = (_) => {} }) {
    const result = { output: "", stopped: false, error: null, verdict: null };
    const onToken = ({ text }) => {
      result.output += text;
      onOutput(text);
    };
    const withError = (sentence) => ({ ...result, error: { sentence, line: null } });
    try {
      if (!await this.start()) return { ...result, stopped: true };
    } catch (error) {
      return withError(error.message);
    }
    const { worker } = this;
    const found = await worker.call("run", { before, source }, { onToken }).catch(() => worker.fail(BROKEN));
    if (worker.state !== "failed") return found ? { ...result, ...found } : { ...result, stopped: true };
    this.stop();
    return withError(BROKEN);
  }

  /** Ends what runs, and Python with it: the next run starts another. */
  stop() {
    this.worker.unload();
    this.starting = null;
  }
}
