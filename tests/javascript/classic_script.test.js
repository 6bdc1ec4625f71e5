// A classic script that hands over a text, in a document that does with it what a test says.

import assert from "node:assert/strict";
import { test } from "node:test";

import { broughtBy } from "../../transformer_lab/widgets/parts/classic_script.js";

const page = /** @type {any} */ (globalThis);

function inADocumentThat(load) {
  page.document = { createElement: () => ({}), head: { append: (script) => setImmediate(load, script) } };
}

test("what a script hands over is given, and the page does not keep it", async () => {
  inADocumentThat((script) => {
    (page.transformerLabParts ??= {}).first = "a text";
    script.onload();
  });
  assert.equal(await broughtBy("first", "https://book/first.js?v=1"), "a text");
  assert.deepEqual(page.transformerLabParts, {});
});

test("a script that is missing, or hands over nothing, is refused in one sentence", async () => {
  inADocumentThat((script) => script.onerror());
  await assert.rejects(broughtBy("first", "https://book/first.js"),
    { message: "the file https://book/first.js is missing" });
  inADocumentThat((script) => script.onload());
  await assert.rejects(broughtBy("first", "https://book/first.js"),
    { message: "the file https://book/first.js is damaged" });
});
