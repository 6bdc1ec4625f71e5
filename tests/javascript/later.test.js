import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { realModelOf } from "../../transformer_lab/widgets/parts/later.js";

// A widget's model whose kernel does what `answer` says with each file that is asked for.
function notebook(answer) {
  const listeners = new Set();
  const real = {
    name: "Small", size: 3, worker: { $module: "engine/worker.js" }, parts: [{ $asset: "part-1", size: 3 }],
  };
  return {
    listeners,
    tell: (...message) => [...listeners].forEach((hear) => hear(...message)),
    get: () => real,
    on: (_, hear) => listeners.add(hear),
    off: (_, hear) => listeners.delete(hear),
    send({ file }) { answer(file, this.tell); },
  };
}

test("a part comes from the kernel, or the sentence that it has instead", async () => {
  const model = notebook((file, tell) => {
    tell({ file: "another" }, ["its bytes"]);
    if (file === "part-1") tell({ file }, ["bytes"]);
    else tell({ file, error: "there is no such file" });
  });
  const { parts: [part], worker } = realModelOf(model);
  assert.equal(await part.load(), "bytes");
  await assert.rejects(worker.load(), { message: "there is no such file" });
  assert.equal(model.listeners.size, 0);
});

test("a kernel that does not answer is one sentence, and what comes too late is not heard", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const model = notebook(() => {});
  const { parts: [part] } = realModelOf(model);
  const lost = part.load();
  mock.timers.tick(60_000);
  await assert.rejects(lost, /^Error: the notebook's kernel has not answered for a minute: [^\n.]+$/);
  assert.equal(model.listeners.size, 0);
  const found = part.load(); // the reader tries once more
  model.tell({ file: "part-1" }, ["bytes"]);
  assert.equal(await found, "bytes");
  mock.timers.reset();
});

test("a kernel to which nothing can be sent has ended", async () => {
  const model = notebook(() => { throw new Error("Cannot send"); });
  await assert.rejects(realModelOf(model).worker.load(), /^Error: the notebook's kernel has ended: [^\n.]+$/);
  assert.equal(model.listeners.size, 0);
});
