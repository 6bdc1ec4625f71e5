// The page's Python, with a worker that only says what it was asked.

import assert from "node:assert/strict";
import { test } from "node:test";

import { SharedModel } from "../../transformer_lab/widgets/parts/shared_model.js";

/** @type {any} */ (globalThis).document = { currentScript: { src: "https://book/workbench.js" } };
/** @type {any} */ (globalThis).Worker ??= class {};
const { Interpreter } = await import("../../book/_exercises/interpreter.js");

const DONE = { error: null, verdict: null };
const LATER = Symbol("no answer");

// `answer(method, args, tell)` is what the worker gives; it may throw, or give LATER.
function page(answer = (_method, _args, _tell) => true, files = async () => "{}") {
  const asked = [];
  const startWorker = () => {
    asked.push("worker");
    const worker = /** @type {any} */ ({ onmessage: null, terminate() { worker.onmessage = () => {}; } });
    worker.postMessage = ({ id, method, args }) => setImmediate(() => {
      asked.push(method);
      const tell = (text) => worker.onmessage({ data: { id, token: { text } } });
      try {
        const result = method === "recall" ? true : answer(method, args, tell);
        if (result !== LATER) worker.onmessage({ data: { id, result } });
      } catch (error) {
        worker.onmessage({ data: { id, error: error.message } });
      }
    });
    return worker;
  };
  const parts = [10, 30].map((size) => ({ name: `part-${size}`, size, url: null, load: null }));
  const source = { name: "Python", size: 40, parts, worker: { load: async () => "the text" } };
  return { asked, python: new Interpreter(new SharedModel(source, startWorker), { size: 20, files }) };
}

test("Python is started at the first run, once, and says how much has come", async () => {
  const { asked, python } = page((method) => (method === "run" ? DONE : true));
  assert.deepEqual([python.size, python.state, asked], [20, "absent", []]);
  const told = [];
  const [isThere, result] = await Promise.all([
    python.start({ onProgress: (progress) => told.push(progress) }), python.run({ source: "1" })]);
  assert.equal(isThere, true);
  assert.deepEqual(result, { ...DONE, output: "", stopped: false });
  assert.deepEqual(told.at(1), { loaded: 5, size: 20 });
  assert.deepEqual(told.at(-1), { loaded: 20, size: 20 });
  assert.deepEqual(asked, ["worker", "open", "recall", "recall", "start", "give", "run"]);
});

test("one cell runs after the other, each with what it needs and its own output", async () => {
  const { python } = page((method, { source, before }, tell) => {
    if (method !== "run") return true;
    tell(`${before.length} `);
    tell(source);
    return DONE;
  });
  const heard = [];
  const onOutput = (text) => heard.push(text);
  const results = await Promise.all([
    python.run({ before: ["x = 1"], source: "a", onOutput }), python.run({ source: "b", onOutput })]);
  assert.deepEqual(results.map(({ output }) => output), ["1 a", "0 b"]);
  assert.deepEqual(heard, ["1 ", "a", "0 ", "b"]);
});

test("what is stopped says so, keeps its output, and leaves the next run a new worker", async () => {
  let isEndless = true;
  const { asked, python } = page((method, _, tell) => {
    if (method !== "run") return true;
    if (!isEndless) return DONE;
    tell("here");
    return LATER;
  });
  const stopped = await python.run({ source: "while True: pass", onOutput: () => python.stop() });
  assert.deepEqual(stopped, { ...DONE, output: "here", stopped: true });
  isEndless = false;
  assert.equal((await python.run({ source: "1" })).stopped, false);
  assert.equal(asked.filter((one) => one === "worker").length, 2);
});

test("stopping while it loads ends the start", async () => {
  const { python } = page((method) => (method === "start" ? LATER : true));
  const started = python.start();
  const result = python.run({ source: "1" });
  setTimeout(() => python.stop(), 20);
  assert.equal(await started, false);
  assert.equal((await result).stopped, true);
});

test("a Python that breaks down is one sentence, and the next run starts it anew", async () => {
  let isBroken = true;
  const { python } = page((method) => {
    if (method === "run" && isBroken) throw new Error("memory access out of bounds");
    return method === "run" ? DONE : true;
  });
  const { error } = await python.run({ source: "1" });
  assert.match(error.sentence, /^Python broke down: .*; the next run starts it anew\.$/);
  isBroken = false;
  assert.equal((await python.run({ source: "1" })).error, null);
});

test("what cannot be loaded is one sentence, and is tried again", async () => {
  let isMissing = true;
  const files = async () => {
    if (isMissing) throw new Error("the file python_files.js is missing");
    return "{}";
  };
  const { python } = page((method) => (method === "run" ? DONE : true), files);
  const message = "Python could not start: the file python_files.js is missing; the next Run tries again.";
  await assert.rejects(python.start(), { message });
  const { error } = await python.run({ source: "1" });
  assert.deepEqual(error, { sentence: message, line: null });
  isMissing = false;
  assert.equal((await python.run({ source: "1" })).error, null);
});
