// What runs in a worker beside the page: one real model (hosted_model.js).
//
// It is joined with the engine into one text, of which parts/shared_model.js makes a worker.

import { HostedModel } from "./hosted_model.js";

const worker = /** @type {any} */ (globalThis);
const { port1, port2 } = new MessageChannel();

const model = new HostedModel({
  post: (message, transfer = []) => worker.postMessage(message, transfer),
  // A message to itself stands behind those that wait. A timer would take 4 ms.
  turn: () => new Promise((resolve) => { port1.onmessage = () => resolve(); port2.postMessage(null); }),
  get storage() { return worker.caches; },
  fetch: (address) => fetch(address),
  origin: worker.origin,
});

worker.onmessage = (event) => model.receive(event.data);
