// What the reader has written and solved (book/_exercises/storage.js), and what is said of a
// Run (told.js).

import assert from "node:assert/strict";
import { test } from "node:test";

import { KEY, LONGEST_TEXT, format, openRecord, parse } from "../../book/_exercises/storage.js";
import { told } from "../../book/_exercises/told.js";

// A browser's storage of at most `room` characters.
function storage(stored = null, room = Infinity) {
  const items = new Map(stored === null ? [] : [[KEY, stored]]);
  return {
    getItem: (key) => items.get(key) ?? null,
    removeItem: (key) => items.delete(key),
    setItem(key, text) {
      if (text.length > room) throw new Error("QuotaExceededError");
      items.set(key, text);
    },
  };
}

const SOLVED = { text: "def f(): return 'é'", solved: true };

test("what is set is there when the page is opened again, in one key", () => {
  const browser = storage();
  const record = openRecord(() => browser);
  record.set("split_heads", { text: SOLVED.text });
  record.set("split_heads", { solved: true });
  const again = openRecord(() => browser);
  assert.deepEqual(again.get("split_heads"), SOLVED);
  assert.deepEqual(again.get("other"), { text: null, solved: false });
  assert.deepEqual(parse(browser.getItem(KEY)), new Map([["split_heads", SOLVED]]));
  assert.equal(again.trouble, null);
});

test("an exercise that is as the book gives it leaves nothing behind", () => {
  const browser = storage();
  const record = openRecord(() => browser);
  record.set("f", { text: "x" });
  record.set("f", { text: null });
  assert.equal(parse(browser.getItem(KEY)).size, 0);
});

test("two pages of the book do not undo each other's changes", () => {
  const browser = storage();
  const [one, other] = [openRecord(() => browser), openRecord(() => browser)];
  one.set("f", { solved: true });
  other.set("g", { text: "x" });
  one.refresh();
  assert.deepEqual([...one.all().keys()].sort(), ["f", "g"]);
});

test("a file takes the place of what it names, and nothing that was solved is unsolved", () => {
  const record = openRecord(() => storage(format(new Map([["f", SOLVED], ["g", SOLVED]]))));
  record.takeOver(parse(format(new Map([["f", { text: "new", solved: false }]]))));
  assert.deepEqual(record.get("f"), { text: "new", solved: true });
  assert.deepEqual(record.get("g"), SOLVED);
});

test("starting over forgets all", () => {
  const browser = storage(format(new Map([["f", SOLVED]])));
  const record = openRecord(() => browser);
  record.forget();
  assert.equal(record.all().size, 0);
  assert.equal(browser.getItem(KEY), null);
});

test("what a full or forbidden storage does not take is kept in the page, and said", () => {
  const forbidden = () => { throw new Error("SecurityError"); };
  for (const [browser, reason] of [[() => storage(null, 10), /is full/], [forbidden, /stores nothing/]]) {
    const record = openRecord(browser);
    record.set("f", { text: "x" });
    record.set("g", { solved: true });
    assert.equal(record.get("f").text, "x");
    assert.equal(record.all().size, 2);
    assert.match(record.trouble, reason);
  }
});

test("a storage with room again takes what was kept in the page", () => {
  const full = storage(null, 10);
  let browser = full;
  const record = openRecord(() => browser);
  record.set("f", { text: "x" });
  browser = storage();
  record.set("g", { solved: true });
  assert.equal(record.trouble, null);
  assert.deepEqual([...parse(browser.getItem(KEY)).keys()], ["f", "g"]);
});

test("a text that is too long is not stored, which is said until it is, and the others are", () => {
  const browser = storage();
  const record = openRecord(() => browser);
  record.set("f", { text: "x".repeat(LONGEST_TEXT + 1) });
  record.set("g", { text: "y" });
  assert.match(record.troubleOf("f"), /is not stored/);
  assert.equal(record.troubleOf("g"), null);
  assert.equal(record.trouble, null);
  assert.deepEqual(record.tooLong, ["f"]);
  record.set("f", { text: "x".repeat(LONGEST_TEXT) });
  assert.equal(record.troubleOf("f"), null);
  assert.equal(parse(format(record.all())).size, 2);
});

test("a page is known by its address, with and without its ending", async () => {
  globalThis.CHAPTERS = { "07_multi_head": "split_heads previous_token_score" };
  const { isInBook, namesOn } = await import("../../book/_exercises/progress.js");
  for (const ending of ["", ".html", "/"]) {
    const names = namesOn({ pathname: `/book/notebooks/07_multi_head${ending}` });
    assert.deepEqual(names, ["split_heads", "previous_token_score"]);
  }
  assert.deepEqual(namesOn({ pathname: "/book/" }), []);
  assert.ok(isInBook("split_heads"));
  assert.ok(!isInBook("x0"));
});

const FILE = (exercises, version = 1) => JSON.stringify({ version, exercises });
const DAMAGED = {
  "{": /it is not JSON/,
  null: /it is not an object/,
  "[]": /it is not an object/,
  "{}": /other fields than version,exercises/,
  '{"version":1,"exercises":{},"more":1}': /other fields/,
  [FILE({}, 2)]: /its version is not 1/,
  [FILE([])]: /exercises is not an object/,
  [FILE({ f: { text: "x" } })]: /f has other fields than text,solved/,
  [FILE({ f: { text: 1, solved: true } })]: /what it says of f is damaged/,
  [FILE({ f: { text: "x", solved: 1 } })]: /what it says of f/,
  [FILE({ f: { text: "x".repeat(LONGEST_TEXT + 1), solved: true } })]: /what it says of f/,
  [FILE({ "<b>": SOLVED })]: /is no name of an exercise/,
  '{"version":1,"exercises":{"__proto__":{"text":null,"solved":true}}}': /is no name of an exercise/,
  [FILE(Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`f${i}`, SOLVED])))]: /more than 200/,
};

test("a damaged text is refused in one sentence", () => {
  for (const [text, reason] of Object.entries(DAMAGED)) assert.throws(() => parse(text), reason, text);
});

test("a damaged storage stays as it is until all is forgotten", () => {
  const browser = storage("{");
  const record = openRecord(() => browser);
  record.set("f", { text: "x" });
  assert.equal(record.get("f").text, "x");
  assert.equal(browser.getItem(KEY), "{");
  assert.match(record.trouble, /cannot be read \(it is not JSON\); it stays/);
  record.forget();
  assert.equal(record.trouble, null);
  record.set("f", { text: "y" });
  assert.deepEqual(parse(browser.getItem(KEY)).get("f"), { text: "y", solved: false });
});

test("each outcome of a Run has a kind and a sentence", () => {
  const right = { output: "", verdict: { name: "f", right: true, message: "Right." } };
  assert.deepEqual(told("f", right), { kind: "right", sentence: "✓ Right." });
  const wrong = { output: "", verdict: { name: "f", right: false, message: "No." } };
  assert.deepEqual(told("f", wrong), { kind: "wrong", sentence: "✗ No." });
  assert.match(told("g", right).sentence, /^✗ This has checked f: .* check\("g", g\)\.$/);
  assert.equal(told("g", right).kind, "wrong");
  const error = { output: "", error: { sentence: "NameError: x", line: 3 } };
  assert.deepEqual(told(null, error), { kind: "error", sentence: "Line 3: NameError: x" });
  assert.equal(told("f", { output: "", error: { sentence: "E", line: null } }).sentence, "E");
  assert.match(told("f", { output: "", stopped: true, seconds: 2 }).sentence, /^Stopped after 2 s\./);
  assert.match(told("f", { output: "1" }).sentence, /ends with check\("f", f\)/);
  assert.deepEqual(told(null, { output: "1" }), { kind: "done", sentence: "" });
  assert.match(told(null, { output: "" }).sentence, /prints nothing/);
});
