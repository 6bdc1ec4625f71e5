import assert from "node:assert/strict";
import { test } from "node:test";

import { vectorsAt } from "../../transformer_lab/widgets/engine/contextual.js";
import { HostedModel } from "../../transformer_lab/widgets/engine/hosted_model.js";
import { loadModel } from "../../transformer_lab/widgets/engine/model_file.js";
import { tinyDecoder } from "./files.js";

const IDS = [0, 1, 5, 0];

test("a token has one vector in the table, and after a block one for each place", () => {
  const lm = loadModel(tinyDecoder());
  const [first, last] = vectorsAt(lm.decoder, IDS, [0, 3]);
  assert.deepEqual([first.length, first[0].length], [2, 8]);
  assert.deepEqual(first[0], lm.decoder.embeddings.token.values.slice(0, 8));
  assert.deepEqual(last[0], first[0]);
  assert.notDeepEqual(last[1], first[1]);
  assert.deepEqual(vectorsAt(lm.decoder, IDS.slice(0, 1), [0])[0], first); // it sees only what came before
});

test("a worker gives them too, and refuses a text that is too long in one sentence", () => {
  const hosted = new HostedModel({ post() {}, turn: async () => {}, origin: "null", storage: null });
  hosted.lm = loadModel(tinyDecoder());
  assert.deepEqual(hosted.vectors({ ids: IDS, places: [2] }), vectorsAt(hosted.lm.decoder, IDS, [2]));
  assert.throws(() => hosted.vectors({ ids: new Array(49).fill(0), places: [0] }), /^\w*Error: [^\n]+$/);
});
