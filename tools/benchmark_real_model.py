"""How true and how quick SmolLM2 is in the page, beside others with the same weights.

    .venv/bin/python tools/benchmark_real_model.py --tokens 2000
    .venv/bin/python tools/benchmark_real_model.py --wllama node_modules/@wllama/wllama

With `--tokens`, the page's logits are compared with those of our float32 model in Python
on the book's own prose: how often the first choice is the same, and the mean KL divergence.

Otherwise tokens a second, writing greedily: in the page's worker, with Hugging Face's
`generate` in float32, and with wllama (llama.cpp in WebAssembly; `npm install
@wllama/wllama` in a folder of your own) in the same browser. One thread each, in turn,
so that what else the machine does slows all alike; printed are medians. Of the time that
the prompt takes nothing is counted.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import browser as browsers
import numpy as np
import torch
from playwright.sync_api import Page, sync_playwright

from transformer_lab import pretrained
from transformer_lab.pretrained.page_file import smollm2_file
from transformer_lab.widgets.live_figure import link

ROOT = Path(__file__).resolve().parents[1]
PROMPT = "The history of the printing press begins in"
WINDOW = 1000  # tokens of prose at a time; the page sees 1,024

# The worker as the page's host starts it, with one part.
PAGE = """<!doctype html><script type="module">
const text = await (await fetch("worker.js")).text();
const worker = new Worker(URL.createObjectURL(new Blob([text])));
const calls = new Map();
worker.onmessage = ({ data: { id, token, result, error } }) => {
  const call = calls.get(id);
  if (token) return call.onToken?.(token);
  error === undefined ? call.resolve(result) : call.reject(new Error(error));
};
let nCalls = 0;
const ask = (method, args, onToken) => new Promise((resolve, reject) => {
  calls.set(nCalls, { resolve, reject, onToken });
  worker.postMessage({ id: nCalls++, method, args });
});
window.load = async () => {
  const bytes = new Uint8Array(await (await fetch("model")).arrayBuffer());
  const started = performance.now();
  await ask("open", { name: "SmolLM2", parts: [{ name: "model", size: bytes.length }] });
  await ask("take", { index: 0, bytes });
  await ask("start");
  return performance.now() - started;
};
window.write = async (prompt, maxTokens) => {
  const ids = await ask("encode", { text: prompt });
  const times = [];
  let text = "";
  await ask("generate", { ids, maxTokens }, (token) => {
    times.push(performance.now());
    text = token.text;
  });
  return { speed: 1000 * (times.length - 1) / (times.at(-1) - times[0]), text };
};
window.compare = async (ids) => {
  for (let end = 1; end <= ids.length; end++) {
    const { logits } = await ask("forward", { ids: ids.slice(0, end) });
    await fetch(`logits/${end - 1}`, { method: "POST", body: logits });
  }
};
window.startWllama = async () => {
  const { Wllama } = await import("./wllama/esm/index.js");
  const wasm = new URL("wllama/esm/wasm/wllama.wasm", location.href).href;
  window.wllama = new Wllama({ default: wasm }, { suppressNativeLog: true });
  const model = await (await fetch("gguf")).blob();
  await wllama.loadModel([model], { n_threads: 1, n_ctx: 1024, n_gpu_layers: 0 });
};
window.writeWithWllama = async (prompt, maxTokens) => {
  const { choices, timings } = await wllama.createCompletion(
    { prompt, max_tokens: maxTokens, temperature: 0 });
  return { speed: timings.predicted_per_second, text: choices[0].text };
};
window.ready = true;
</script>"""


class Comparison:
    """The page's logits beside those of the model in Python, token by token."""

    def __init__(self) -> None:
        self.n_same = 0
        self.divergences: list[float] = []

    def expect(self, ids: list[int]) -> None:
        with torch.no_grad():
            self.expected = pretrained.smollm2()(torch.tensor([ids]))[0]

    def add(self, position: int, logits: bytes) -> None:
        found = torch.from_numpy(np.frombuffer(logits, dtype=np.float32).copy())
        expected = self.expected[position]
        self.n_same += int(found.argmax() == expected.argmax())
        ours, theirs = expected.log_softmax(-1), found.log_softmax(-1)
        self.divergences.append(float((ours.exp() * (ours - theirs)).sum()))


class Handler(http.server.SimpleHTTPRequestHandler):
    """The files that the page asks for, and the logits that it sends."""

    def __init__(self, *args, files: dict[str, Path], comparison: Comparison, **options) -> None:
        self.files, self.comparison = files, comparison
        super().__init__(*args, **options)

    def translate_path(self, path: str) -> str:
        name, _, rest = path.lstrip("/").partition("/")
        return str(self.files.get(name, Path("/nowhere")) / rest)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.comparison.add(int(self.path.rsplit("/", 1)[1]), content)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args) -> None:
        pass


@contextmanager
def opened(wllama: Path | None, comparison: Comparison) -> Iterator[Page]:
    """A page that has the engine's worker, the model and perhaps wllama at hand."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "page.html").write_text(PAGE, encoding="utf-8")
        worker = link(ROOT / "transformer_lab/widgets/engine/worker.js")
        (folder / "worker.js").write_text(worker, encoding="utf-8")
        (folder / "model").write_bytes(smollm2_file())
        files = {name: folder / name for name in ("page.html", "worker.js", "model")}
        files["gguf"] = pretrained.package_file(pretrained.SMOLLM2, pretrained.SMOLLM2_FILE)
        if wllama:
            files["wllama"] = wllama
        handler = functools.partial(Handler, files=files, comparison=comparison)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chromium = playwright.chromium.launch(
            executable_path=browsers.find(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page()
        page.set_default_timeout(0)
        page.goto(f"http://127.0.0.1:{server.server_port}/page.html")
        page.wait_for_function("window.ready")
        yield page
        chromium.close()
        server.shutdown()


def prose(n_tokens: int) -> list[int]:
    """The first tokens of the book's own text, without code and formulas."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    cells = [cell for path in notebooks for cell in json.loads(path.read_text("utf-8"))["cells"]]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    plain = [text for text in texts if not re.search(r"[$`|<{]", text)]
    return pretrained.smollm2_tokenizer().encode("\n\n".join(plain))[:n_tokens]


def compare(n_tokens: int) -> None:
    comparison = Comparison()
    ids = prose(n_tokens)
    with opened(None, comparison) as page:
        page.evaluate("load()")
        for start in range(0, len(ids), WINDOW):
            comparison.expect(ids[start : start + WINDOW])
            page.evaluate("ids => compare(ids)", ids[start : start + WINDOW])
    n = len(comparison.divergences)
    print(f"{n} tokens of prose: the same first choice for {comparison.n_same / n:.2%}")
    print(f"mean KL divergence, nats: {statistics.fmean(comparison.divergences):.5f}")
    print(f"largest: {max(comparison.divergences):.4f}")


def hugging_face():
    """A function that writes n tokens with Hugging Face's LLaMA in float32: tokens a second."""
    from transformers import AutoModelForCausalLM

    path = pretrained.package_file(pretrained.SMOLLM2, pretrained.SMOLLM2_FILE)
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    )
    ids = torch.tensor([pretrained.smollm2_tokenizer().encode(PROMPT)])

    def seconds(n: int) -> float:
        started = time.perf_counter()
        model.generate(  # pyright: ignore[reportAttributeAccessIssue]
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=n, min_new_tokens=n,
            do_sample=False, pad_token_id=2,
        )  # fmt: skip
        return time.perf_counter() - started

    return lambda n: (n - 1) / (seconds(n) - seconds(1))  # without the prompt


def race(wllama: Path | None, n_tokens: int, rounds: int) -> None:
    torch.set_num_threads(1)
    write = hugging_face()
    speeds: dict[str, list[float]] = {"page": [], "Hugging Face, float32": [], "wllama": []}
    with opened(wllama, Comparison()) as page:
        print(f"the worker made a model of its file in {page.evaluate('load()') / 1000:.2f} s")
        if wllama:
            page.evaluate("startWllama()")
        functions = {"page": "write"} | ({"wllama": "writeWithWllama"} if wllama else {})
        for _ in range(rounds):
            for name, function in functions.items():
                written = page.evaluate(f"pair => {function}(...pair)", [PROMPT, n_tokens])
                speeds[name].append(written["speed"])
                print(f"{name:8} {written['text'][:90]!r}")
            speeds["Hugging Face, float32"].append(write(n_tokens))
    for name, values in speeds.items():
        if values:
            print(f"{name:24} {statistics.median(values):6.1f} tokens/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--tokens", type=int, help="compare the logits on so many tokens of prose")
    parser.add_argument("--wllama", type=Path, help="the folder of the npm package")
    parser.add_argument("--write", type=int, default=64, help="tokens to write in each round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.tokens:
        compare(options.tokens)
    else:
        race(options.wllama, options.write, options.rounds)


if __name__ == "__main__":
    main()
