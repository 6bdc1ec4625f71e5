"""bertviz's views of attention, with everything they need inside.

bertviz draws with jQuery and d3, and asks a public host for both, and for
require.js to find them. Here the same views come in a frame that carries jQuery
and d3 from the installed packages, so they work without a network, and in a page
that was opened from disk. Nothing of bertviz is copied or changed: this takes the
page text that `html_action="return"` gives, and swaps the way it finds its
libraries.

The frame is a sandbox: what runs in it reaches nothing of the page around it, and
only sends its height. In a dark theme its colours are inverted, because bertviz draws
on white.

Holds `head_view` and `model_view`; leaves out bertviz's neuron view, which knows
only three models. Taught in chapters 7 and 15.

Source: Vig (2019), A Multiscale Visualization of Attention in the Transformer
Model, https://arxiv.org/abs/1906.05714.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from IPython.display import HTML

# Where jQuery and d3 (version 5, as bertviz wants) come from: package and file.
_JQUERY = (("xstatic", "pkg/jquery/data/jquery.min.js"),)
_D3 = (("mpld3", "js/d3.v5.min.js"),)

# Stands in for require.js: the two libraries that bertviz asks for are here already.
_SHIM = """
globalThis.requirejs = (names, ready) => {
  const libraries = { jquery: globalThis.jQuery, d3: globalThis.d3 };
  addEventListener("DOMContentLoaded", () => {
    ready(...names.map((name) => libraries[name]));
    fit();
  });
};
globalThis.require = globalThis.requirejs;
// What is wider than the frame is made smaller; the page gives the frame its height.
const fit = () => {
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) document.body.style.zoom = innerWidth / wide;
  parent.postMessage(document.body.offsetHeight * (document.body.style.zoom || 1), "*");
};
addEventListener("load", () => new ResizeObserver(fit).observe(document.body));
"""

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; padding: 12px; background: #fff; color: #111; overflow-x: auto;
       font: 14px system-ui, sans-serif; }
select { font: inherit; padding: 2px 6px; }
svg { min-width: 330px; } /* head_view: words, lines, words, 110 pixels each */
"""

# In the page around: a frame gets the height that it says.
_PAGE_SCRIPT = """
addEventListener("message", ({ source, data }) => {
  for (const frame of document.querySelectorAll("iframe.tl-bertviz")) {
    if (frame.contentWindow === source) frame.style.height = `${data + 4}px`;
  }
});
"""

# The book, JupyterLab, Colab and VS Code each say in their own way that they are dark.
_PAGE_STYLE = """
.tl-bertviz { width: 100%; border: 1px solid #8886; border-radius: 8px; background: #fff; }
:is(html[data-theme="dark"], html[theme="dark"], body[data-jp-theme-light="false"], .vscode-dark)
  .tl-bertviz { filter: invert(0.9) hue-rotate(180deg); } /* the hues stay */
"""


def head_view(attention: Sequence, tokens: Sequence[str], **options) -> HTML:
    """bertviz's head view: one layer, every head in its own colour, lines between tokens.

    `attention` holds weights, shape (n_layers, n_heads, T, T); `tokens` the T
    texts, shown as they are. `options` go to `bertviz.head_view`.

    Chapter 7, "Many heads".
    """
    return _view("head_view", attention, tokens, "Attention of each head", options)


def model_view(attention: Sequence, tokens: Sequence[str], **options) -> HTML:
    """bertviz's model view: every head of every layer as a thumbnail.

    `attention` holds weights, shape (n_layers, n_heads, T, T); `tokens` the T
    texts, shown as they are. `options` go to `bertviz.model_view`.

    Chapter 7, "Many heads".
    """
    options = {"display_mode": "light", **options}
    return _view("model_view", attention, tokens, "Attention of every head of every layer", options)


def _view(name: str, attention: Sequence, tokens: Sequence[str], what: str, options: dict) -> HTML:
    draw = _bertviz(name)
    import torch

    layers = [torch.as_tensor(layer).detach().float()[None] for layer in attention]
    # Four decimals are more than a line's opacity shows, and a third of the size.
    layers = [(layer * 10_000).round() / 10_000 for layer in layers]
    # bertviz writes texts into a script as they are. It gets names, which are safe there.
    names = [f"token {position}" for position in range(len(tokens))]
    page = _without_other_hosts(draw(layers, names, html_action="return", **options).data)
    page = _with_texts(page, tokens)
    title = f"{what} on: {' '.join(token.strip() for token in tokens)}"
    # A first height; the frame then says its own.
    height = 120 + 24 * len(tokens) if name == "head_view" else 90 + 90 * len(layers)
    return HTML(_frame(page, title, height))


def _with_texts(page: str, tokens: Sequence[str]) -> str:
    """The tokens' texts in place of their names, written so that none can end the script."""
    texts = [json.dumps(token).replace("<", "\\u003c") for token in tokens]
    return re.sub(r'"token (\d+)"', lambda name: texts[int(name[1])], page)


def _bertviz(name: str) -> Callable:
    try:
        import bertviz
    except ImportError:
        raise _missing("bertviz") from None
    return getattr(bertviz, name)


def _frame(page: str, title: str, height: int) -> str:
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<script>{_library('jQuery', _JQUERY)}</script>"
        f"<script>{_library('d3', _D3)}</script>"
        f"<script>{_SHIM}</script></head><body>"
        f"<noscript>This view of attention needs JavaScript.</noscript>{page}</body></html>"
    )
    return (
        f'<div><style>{_PAGE_STYLE}</style><iframe class="tl-bertviz" sandbox="allow-scripts" '
        f'title="{html.escape(title)}" srcdoc="{html.escape(document)}" '
        f'style="height:{height}px"></iframe><script>{_PAGE_SCRIPT}</script></div>'
    )


def _without_other_hosts(page: str) -> str:
    """bertviz's page text without require.js and its list of addresses."""
    page = re.sub(r'<script src="https?://[^"]*"></script>', "", page)
    page = re.sub(r"require\.config\(\{.*?\}\s*\}\);", "", page, flags=re.DOTALL)
    # Its menu has a name beside it that is not tied to it: a screen reader needs that.
    page = page.replace(
        'Layer: <select id="layer"></select>',
        '<label>Layer: <select id="layer"></select></label>',
    )
    return page


def _library(name: str, places: Sequence[tuple[str, str]]) -> str:
    """The text of a JavaScript library that an installed Python package carries."""
    for package, file in places:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            path = Path(folder, file)
            if path.exists():
                return path.read_text(encoding="utf-8").replace("</script", "<\\/script")
    raise _missing(name)


def _missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        f"{name} is not installed, and bertviz's views need it. "
        "Run: pip install bertviz mpld3 xstatic-jquery"
    )
