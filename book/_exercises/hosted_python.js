// Python in a worker: it takes its files in, then runs a reader's cell when the page asks.
//
// Pyodide's files come unmodified, joined into one (book/_ext/live_exercises.py). What they
// fetch of each other is handed to them here: nothing is asked of a network, so that it works
// in a page from disk too.
//
// Source: https://pyodide.org/en/stable/usage/api/js-api.html (loadPyodide).

import { Hosted } from "../../transformer_lab/widgets/engine/hosted.js";

const HOME = "https://python/"; // where Pyodide believes that its files are
const MOST_MEMORY = 2 ** 30; // bytes; a browser may end a page that takes more
const PAGE = 2 ** 16; // bytes: in these WebAssembly's memory grows

export class HostedPython extends Hosted {
  /** @override */
  static methods = [...Hosted.methods, "give", "run"];

  async start() {
    const files = filesOf(this.file.bytes);
    this.file = null;
    const global = /** @type {any} */ (globalThis);
    global.importScripts = undefined; // Pyodide refuses a worker that has it
    global.fetch = async (address) => answer(files, String(address));
    limitMemory();
    const { loadPyodide } = await moduleOf(files.get("pyodide.mjs"));
    const { default: createPyodideModule } = await moduleOf(files.get("pyodide.asm.mjs"));
    const refused = refusal();
    const started = loadPyodide({
      createPyodideModule, indexURL: HOME, lockFileContents: textOf(files.get("pyodide-lock.json")),
    });
    this.python = await Promise.race([started, refused]);
    files.clear();
  }

  // The book's own Python: files = { path: text }, below one folder that imports look in.
  give({ files }) {
    const { FS } = this.python;
    for (const [path, text] of Object.entries(files)) {
      const whole = `/book/${path}`;
      FS.mkdirTree(whole.slice(0, whole.lastIndexOf("/")));
      FS.writeFile(whole, text);
    }
    this.runCell = this.python.runPython("import sys; sys.path.insert(0, '/book'); import cell; cell.run");
    return true;
  }

  // What `run` of cell.py returns. Tells of each { text } that is printed.
  run({ before, source }, call) {
    const list = this.python.toPy(before);
    try {
      return JSON.parse(this.runCell(list, source, (text) => call.tell({ text })));
    } finally {
      list.destroy();
    }
  }
}

// What live_exercises.py `joined` has made of the files: how long the list of them is, in 4
// bytes, the list { name: size } as JSON, and the files.
function filesOf(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const sizes = JSON.parse(textOf(bytes.slice(4, 4 + length)));
  let at = 4 + length;
  return new Map(Object.entries(sizes).map(([name, size]) => [name, bytes.slice(at, at += size)]));
}

function textOf(bytes) {
  return new TextDecoder().decode(bytes);
}

function answer(files, address) {
  const file = address.startsWith(HOME) && files.get(address.slice(HOME.length));
  if (!file) throw new TypeError(`a page's Python reaches no network: ${address}`);
  return new Response(file, { headers: { "content-type": "application/wasm" } });
}

// Where a browser refuses the WebAssembly, as an older one may, Pyodide would wait for ever.
function refusal() {
  const { instantiateStreaming } = WebAssembly;
  return new Promise((_, reject) => {
    WebAssembly.instantiateStreaming = (...given) => instantiateStreaming(...given).catch((error) => {
      reject(new Error(`this browser cannot run it (${error.message})`));
      throw error;
    });
  });
}

// Beyond the limit Python gets no more, and raises MemoryError.
function limitMemory() {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function limited(nPages) {
    if (this.buffer.byteLength + nPages * PAGE > MOST_MEMORY) throw new RangeError("too much memory");
    return grow.call(this, nPages);
  };
}

async function moduleOf(bytes) {
  const address = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
  try {
    return await import(address);
  } finally {
    URL.revokeObjectURL(address);
  }
}
