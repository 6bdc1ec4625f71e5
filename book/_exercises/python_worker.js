// What runs in a worker beside the page: Python (hosted_python.js).

import { HostedPython } from "./hosted_python.js";

const worker = /** @type {any} */ (globalThis);
const bring = worker.fetch; // Python gets another

const python = new HostedPython({
  post: (message, transfer = []) => worker.postMessage(message, transfer),
  turn: () => new Promise((resolve) => { setTimeout(resolve); }),
  get storage() { return worker.caches; },
  fetch: (address) => bring(address),
  origin: worker.origin,
});

worker.onmessage = (event) => python.receive(event.data);
