"""Small models, the engine in a page, and a figure in a page, for the figures' tests."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from transformer_lab.languages import stories
from transformer_lab.languages.grammar import END
from transformer_lab.models import Config, Decoder
from transformer_lab.recipes import RECIPES, model_file
from transformer_lab.tokenization import BPETokenizer
from transformer_lab.widgets.live_figure import (
    ASSET_FOLDER_VARIABLE,
    classic_script,
    link,
    stylesheet,
)
from transformer_lab.widgets.real_model import WORKER

WIDGETS = ROOT / "transformer_lab/widgets"
ENGINE = [*sorted((WIDGETS / "engine").glob("*.js")), WIDGETS / "parts/words.js"]


@dataclass(frozen=True)
class SmallModel:
    """A decoder and its tokenizer, and both as a model file."""

    model: Decoder
    tokenizer: BPETokenizer
    content: bytes

    @property
    def base64(self) -> str:
        return base64.b64encode(self.content).decode()


@pytest.fixture(scope="session")
def tokenizer() -> BPETokenizer:
    """A tokenizer that knows the words of some stories."""
    texts = (f" {story}" for story in stories.sample_many(300, seed=5))
    return BPETokenizer.train(texts, vocab_size=1200, special_tokens=[END])


@pytest.fixture(scope="session")
def small_model(tokenizer):
    """`small_model(activation="relu", …)` is a decoder with random weights, biases too."""

    def make(*, half: bool = False, seed: int = 0, **choices) -> SmallModel:
        sizes = {"max_len": 64, "d_model": 32, "n_heads": 4, "n_layers": 2}
        torch.manual_seed(seed)
        model = Decoder(Config(vocab_size=len(tokenizer), **(sizes | choices))).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("bias") or "norm" in name or "position" in name:
                    parameter.add_(0.2 * torch.randn_like(parameter))
        if half:  # the numbers that a 16-bit file can hold
            model.half()
        content = model_file(model, tokenizer, **RECIPES["story-gpt"].facts(tokenizer))
        return SmallModel(model.float(), tokenizer, content)

    return make


@pytest.fixture(scope="session")
def fixed_model(tokenizer):
    """`fixed_model({" ball": 0.5, …})` always gives these; the other tokens share what is left."""

    def make(probabilities: dict[str, float], **choices) -> SmallModel:
        config = Config(
            vocab_size=len(tokenizer),
            **({"max_len": 64, "d_model": 8, "n_heads": 2, "n_layers": 2} | choices),
            tie_head=False,
        )
        model = Decoder(config).eval()
        left = (1 - sum(probabilities.values()) + 1e-9) / (len(tokenizer) - len(probabilities))
        logits = torch.full((len(tokenizer),), left).log()
        for piece, probability in probabilities.items():
            [id] = tokenizer.encode(piece)
            logits[id] = torch.tensor(probability).log()
        with torch.no_grad():
            # The last vector is (1, 0, 0, …) whatever the text, so the head decides alone.
            model.final_norm.weight.zero_()
            model.final_norm.bias.zero_()
            model.final_norm.bias[0] = 1.0
            model.head.weight.zero_()
            model.head.weight[:, 0] = logits
        return SmallModel(
            model, tokenizer, model_file(model, tokenizer, **RECIPES["story-gpt"].facts(tokenizer))
        )

    return make


@pytest.fixture(scope="session")
def engine(browser, tmp_path_factory):
    """A page with the engine: `engine(javascript, argument)` runs a function there.

    The engine's modules are the global names `decoder`, `tokenizer`, …;
    `load(base64)` reads a model file once and keeps it.
    """
    folder = tmp_path_factory.mktemp("engine")
    imports = "".join(f'import * as {path.stem} from "{path}";\n' for path in ENGINE)
    imports = imports.replace(f'"{WIDGETS}', f'"{_relative(folder, WIDGETS)}')
    (folder / "entry.js").write_text(
        f"{imports}export default {{ {', '.join(path.stem for path in ENGINE)} }};\n"
    )
    context = browser.new_context()
    page = context.new_page()
    page.set_content("<!doctype html><title>engine</title>")
    page.evaluate(
        """async text => {
             const blob = new Blob([text], { type: "text/javascript" });
             Object.assign(globalThis, (await import(URL.createObjectURL(blob))).default);
             const models = new Map();
             globalThis.bytes = base64 => Uint8Array.from(atob(base64), c => c.charCodeAt(0));
             globalThis.load = base64 => {
               if (!models.has(base64)) models.set(base64, model_file.loadModel(bytes(base64)));
               return models.get(base64);
             };
           }""",
        link(folder / "entry.js"),
    )
    yield lambda javascript, argument=None: page.evaluate(javascript, argument)
    context.close()


def _relative(folder: Path, target: Path) -> str:
    return "../" * len(folder.parts[1:]) + target.as_posix().lstrip("/")


def wait_until_painted(page) -> None:
    """A figure answers a key in the next frame, and does after it what takes longer."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


@pytest.fixture
def open_figure(visit, tmp_path, monkeypatch):
    """`open_figure(lambda: NextToken(…))` shows a figure as the book does.

    Further arguments are the browser's: `viewport`, `color_scheme`, …
    """

    def open_page(make, **options):
        folder = tmp_path / f"page-{len(list(tmp_path.iterdir()))}"
        live = folder / "live"
        live.mkdir(parents=True)
        monkeypatch.setenv(ASSET_FOLDER_VARIABLE, str(live))
        figure = make()
        module = Path(figure._module)
        modules = [module]
        if model := getattr(figure, "real_model", None):
            model.write_parts(live)
            modules.append(Path(WORKER))
        for path in modules:
            (live / path.name).write_text(classic_script(path.stem, link(WIDGETS / path)))
        host = link(ROOT / "book/_ext/live_host.js")
        (folder / "live_host.js").write_text(host, encoding="utf-8")
        (folder / "live_figure.css").write_text(stylesheet(), encoding="utf-8")
        (folder / "page.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>figure</title>'
            '<meta name="viewport" content="width=device-width">'
            '<link rel="stylesheet" href="live_figure.css">'
            '<style>html[data-theme="dark"] { background: #12161c; } body { margin: 8px; }</style>'
            f"<main><h1>figure</h1>{figure.to_html()}</main>"
            '<script src="live_host.js" data-versions="{}" defer></script></html>',
            encoding="utf-8",
        )
        visited = visit((folder / "page.html").as_uri(), **options)
        visited.page.wait_for_selector("[data-live-figure][data-ready=true]")
        return visited

    return open_page
