import assert from "node:assert/strict";
import { test } from "node:test";

import { ChatTemplate } from "../../transformer_lab/widgets/engine/chatting.js";
import { HostedModel } from "../../transformer_lab/widgets/engine/hosted_model.js";
import { stream } from "../../transformer_lab/widgets/engine/generation.js";
import { loadModel } from "../../transformer_lab/widgets/engine/model_file.js";
import { TextPair } from "../../transformer_lab/widgets/engine/patching.js";
import { seededRandom } from "../../transformer_lab/widgets/engine/sampling.js";
import { RealModel } from "../../transformer_lab/widgets/parts/real_model.js";
import { SharedModel } from "../../transformer_lab/widgets/parts/shared_model.js";
import { scriptOfLetters, tinyDecoder } from "./files.js";

globalThis.Worker ??= class {};
const TEMPLATE = { opening: { system: "<end>", user: "<end>", assistant: "<end>" }, closing: "<end>" };
const FILE = tinyDecoder({ template: JSON.stringify(TEMPLATE) });
const PART = 1000;
const N_PARTS = Math.ceil(FILE.length / PART);

// A browser's Cache Storage of one site; `refuses` names what it does not allow.
function fakeStorage({ refuses = "" } = {}) {
  const kept = new Map();
  const cache = {
    keys: async () => [...kept.keys()].map((url) => ({ url })),
    delete: async ({ url }) => kept.delete(url),
    match: async (url) => kept.get(url)?.clone(),
    async put(url, response) {
      if (refuses === "put") throw new DOMException("the quota is used up", "QuotaExceededError");
      kept.set(url, response);
    },
  };
  return {
    kept,
    async open() {
      if (refuses === "open") throw new DOMException("not here", "SecurityError");
      return cache;
    },
  };
}

// A page with one model. `change(index, bytes)` is what becomes of a part on its way.
// With `fetch` the worker brings the parts by itself.
function page({
  change = (_, bytes) => bytes, storage = fakeStorage(), origin = "https://book", fetch,
} = {}) {
  const asked = [];
  const parts = Array.from({ length: N_PARTS }, (_, index) => {
    const bytes = FILE.slice(index * PART, (index + 1) * PART);
    return {
      name: `part-${index}`, size: bytes.length, url: fetch ? `https://book/part-${index}.js` : null,
      load: async () => { asked.push(index); return change(index, bytes.slice()); },
    };
  });
  const source = { name: "Tiny", size: FILE.length, parts, worker: { load: async () => "the text" } };
  const startWorker = () => {
    const worker = { onmessage: null, terminate() { worker.onmessage = () => {}; } };
    const model = new HostedModel({
      post: (message, transfer) => {
        const data = structuredClone(message, { transfer });
        setImmediate(() => worker.onmessage({ data }));
      },
      turn: () => new Promise(setImmediate), storage, origin, fetch,
    });
    worker.postMessage = (message, transfer) => {
      const data = structuredClone(message, { transfer });
      setImmediate(() => model.receive(data));
    };
    return worker;
  };
  return { asked, shared: new SharedModel(source, startWorker) };
}

const ALL = Array.from({ length: N_PARTS }, (_, index) => index);
const IDS = [0, 1, 5, 3, 2, 4, 0, 1, 5, 3, 2, 4, 0, 1, 5, 3, 2, 4, 0, 1]; // more than one piece

test("a model comes part by part, and computes what it computes in the page", async () => {
  const { asked, shared } = page();
  const states = [];
  shared.listeners.add(() => states.push(shared.state));
  await shared.load();
  assert.deepEqual([shared.state, shared.problem, shared.isKept], ["ready", "", true]);
  assert.deepEqual(asked, ALL);
  assert.equal(states[0], "loading");
  assert.deepEqual(shared.facts.special, [6]);
  const { tokenizer } = new RealModel(shared, { dataset: {} });
  assert.deepEqual([tokenizer.piece(5), tokenizer.decode([0, 5, 6]), tokenizer.special.get("<end>")],
    [" ab", "a ab<end>", 6]);
  const tiny = loadModel(FILE);
  const expected = tiny.decoder.forward(IDS, { record: (name, values) => {
    if (name === "blocks.0.attention.key") tiny.keys = values;
  } });
  const record = ["blocks.0.attention.key"];
  const found = await shared.call("forward", { ids: IDS, attention: true, record });
  assertClose(found.logits, expected.logits.at(-1));
  assertClose(found.recorded["blocks.0.attention.key"], tiny.keys);
  expected.attention[0].forEach((rows, head) =>
    rows.forEach((row, t) => assertClose(found.attention[0][head].slice(20 * t, 20 * t + 20), row)));
  const { attention: [[mean]] } = await shared.call("forward", { ids: IDS, attention: "mean" });
  assertClose(mean, found.attention[0][0].map((weight, i) => (weight + found.attention[0][1][i]) / 2));
  const withoutHead = tiny.decoder.forward(IDS, { disabledHeads: [[0, 1]] }).logits.at(-1);
  for (const [disabledHeads, logits] of [[[[0, 1]], withoutHead], [[], expected.logits.at(-1)]]) {
    assertClose((await shared.call("forward", { ids: IDS, disabledHeads })).logits, logits);
  }
});

function assertClose(found, expected) {
  assert.equal(found.length, expected.length);
  found.forEach((number, i) => assert.ok(Math.abs(number - expected[i]) < 1e-5, `${number} ${expected[i]}`));
}

test("it writes what the page's own engine writes, token by token", async () => {
  const { shared } = page();
  await shared.load();
  const lm = loadModel(FILE);
  for (const temperature of [0, 1.5]) {
    const random = seededRandom(3);
    const expected = [...stream(lm, [0, 1], { temperature, random })].slice(0, 9);
    const tokens = [];
    const onToken = (token) => tokens.push(token);
    await shared.call("generate", { ids: [0, 1], temperature, seed: 3, maxTokens: 9 }, { onToken });
    assert.deepEqual(tokens.map(({ id }) => id), expected);
    assert.equal(tokens.at(-1).text, lm.tokenizer.decode(expected.filter((id) => id !== 6)));
  }
});

test("two texts side by side are answered as in the page, and only the newest question", async () => {
  const { shared } = page();
  await shared.load();
  const model = new RealModel(shared, { dataset: {} });
  const [ids, otherIds] = [[0, 1, 5, 3], [0, 2, 5, 3]];
  const pair = new TextPair(loadModel(FILE).decoder, ids, otherIds);
  for (const cells of [[], [[0, 1]], [[1, 3]]]) {
    assert.deepEqual(await model.patch({ ids, otherIds }, cells), pair.patch(cells));
    assert.deepEqual(await model.lens({ ids, otherIds }, cells, 1), pair.lens(cells, 1));
  }
  const older = model.patch({ ids, otherIds }, [[1, 1]]);
  const newer = model.lens({ ids: otherIds, otherIds: ids }, [], 0);
  assert.equal(await older, null);
  assert.equal((await newer).ours.length, 4);
  for (const length of [0, 25]) {
    const texts = { ids, otherIds: new Array(length).fill(0) };
    await assert.rejects(model.patch(texts, []), /^Error: [^\n]+$/);
  }
});

test("a conversation is written with the model's own template, and a default system message", async () => {
  const { shared } = page();
  await shared.load();
  const given = await shared.call("turns", { messages: [{ role: "user", content: "ab" }] });
  assert.deepEqual([given.turns[0].ids, given.opened, given.fits], [[6, 4, 6], [6], true]);
  const template = new ChatTemplate({ ...TEMPLATE, default_system: "a" }, loadModel(FILE).tokenizer);
  assert.deepEqual(template.withSystem([]), [{ role: "system", content: "a" }]);
});

test("a load that breaks off says why, and goes on where it broke off", async () => {
  for (const [damage, why] of [
    [() => { throw new Error("the file part-2.js is missing"); }, /part-2.js is missing/],
    [(bytes) => bytes.slice(0, 10), /part 3 has 10 bytes, but it should have 1000/],
  ]) {
    let isBroken = true;
    const { asked, shared } = page({ change: (i, bytes) => (isBroken && i === 2 ? damage(bytes) : bytes) });
    await shared.load();
    assert.equal(shared.state, "failed");
    assert.match(shared.problem, why);
    assert.equal(shared.nBytes, 2 * PART);
    isBroken = false;
    await shared.load();
    assert.equal(shared.state, "ready");
    assert.deepEqual(asked, [0, 1, 2, ...ALL.slice(2)]);
  }
});

test("loading is cancelled, goes on, and is never done twice at once", async () => {
  const { asked, shared } = page();
  const cancelOnce = () => {
    if (shared.nParts !== 1) return;
    shared.listeners.delete(cancelOnce);
    shared.cancel();
  };
  shared.listeners.add(cancelOnce);
  await Promise.all([shared.load(), shared.load()]);
  assert.deepEqual([shared.state, asked], ["absent", [0]]);
  await shared.load();
  assert.deepEqual([shared.state, asked], ["ready", ALL]);
});

test("a second visit over http loads nothing; from disk nothing is kept", async () => {
  for (const [origin, nAsked] of [["https://book", 0], ["null", N_PARTS]]) {
    const storage = fakeStorage();
    await page({ storage, origin }).shared.load();
    const { asked, shared } = page({ storage, origin });
    await shared.load();
    assert.deepEqual([shared.state, shared.isKept, asked.length], ["ready", true, nAsked]);
  }
});

test("over http the worker brings the parts by itself, and says what is wrong with one", async () => {
  const parts = new Map(ALL.map((index) =>
    [`https://book/part-${index}.js`, scriptOfLetters(FILE.slice(index * PART, (index + 1) * PART))]));
  const fetch = async (url) => new Response(parts.get(url), { status: parts.has(url) ? 200 : 404 });
  const { asked, shared } = page({ fetch });
  const [url] = [...parts.keys()].slice(1);
  const whole = parts.get(url);
  const changed = whole.slice();
  new Uint16Array(changed)[whole.byteLength >> 2] ^= 1;
  for (const [script, said] of [[null, "missing"], [whole.slice(0, 300), "damaged"],
    [new ArrayBuffer(7), "damaged"], [changed, "damaged"]]) {
    if (script) parts.set(url, script);
    else parts.delete(url);
    await shared.load();
    assert.deepEqual([shared.state, shared.problem], ["failed", `the file ${url} is ${said}`]);
  }
  parts.set(url, whole);
  await shared.load();
  assert.deepEqual([shared.state, shared.isKept, asked], ["ready", true, []]);
});

test("parts of an older version are thrown away, and one that was cut off is loaded again", async () => {
  const storage = fakeStorage();
  storage.kept.set("https://book/transformer-lab/old", new Response("old"));
  storage.kept.set("https://book/transformer-lab/part-1", new Response("cut"));
  const { asked, shared } = page({ storage });
  await shared.load();
  assert.deepEqual([shared.state, asked], ["ready", ALL]);
  assert.equal(storage.kept.size, N_PARTS);
});

test("a storage that is full or forbidden is said, and the model works", async () => {
  for (const refuses of ["put", "open"]) {
    const { shared } = page({ storage: fakeStorage({ refuses }) });
    await shared.load();
    assert.deepEqual([shared.state, shared.isKept], ["ready", false]);
  }
});

test("what is given up gives null at once, and the next call is answered", async () => {
  const { shared } = page();
  await shared.load();
  const giveUp = new AbortController();
  const long = shared.call("forward", { ids: IDS }, { signal: giveUp.signal });
  const endless = shared.call("generate", { ids: [0], maxTokens: 40 },
    { signal: giveUp.signal, onToken: () => giveUp.abort() });
  assert.equal(await endless, null);
  assert.ok(await long === null || giveUp.signal.aborted);
  assert.ok(await shared.call("forward", { ids: [0] }));
});

test("a text that is too long or empty is refused in one sentence", async () => {
  const { shared } = page();
  await shared.load();
  for (const args of [{ ids: [] }, { ids: new Array(49).fill(0) }, { ids: [7] },
    { ids: new Array(129).fill(0), attention: true }]) {
    await assert.rejects(shared.call("forward", args), /^Error: [^\n]+$/);
  }
  assert.ok(await shared.call("forward", { ids: [0] }));
});

test("unloading ends the worker and all calls; it can be loaded again", async () => {
  const { asked, shared } = page({ origin: "null" });
  await shared.load();
  const waiting = shared.call("forward", { ids: IDS });
  shared.unload();
  assert.equal(await waiting, null);
  assert.deepEqual([shared.state, shared.nBytes, shared.worker], ["absent", 0, null]);
  assert.equal(await shared.call("forward", { ids: [0] }), null);
  await shared.load();
  assert.deepEqual([shared.state, asked.length], ["ready", 2 * N_PARTS]);
});

test("a browser without workers says so", async () => {
  const { Worker } = globalThis;
  delete globalThis.Worker;
  const { shared } = page();
  await shared.load();
  globalThis.Worker = Worker;
  assert.deepEqual([shared.state, shared.problem], ["failed", "this browser has no Worker"]);
});

test("a worker that breaks down says why, and loading starts anew", async () => {
  const { shared } = page();
  await shared.load();
  const waiting = shared.call("forward", { ids: IDS });
  shared.worker.onerror({ message: "out of memory" });
  assert.equal(await waiting, null);
  assert.deepEqual([shared.state, shared.problem, shared.nBytes], ["failed", "out of memory", 0]);
  await shared.load();
  assert.equal(shared.state, "ready");
});
