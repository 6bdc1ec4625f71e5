"""`LiveFigure`, and `link`, which joins a figure's JavaScript into one text."""

from __future__ import annotations

import gzip
import json
import re

import pytest
import traitlets

from transformer_lab.widgets.live_figure import (
    ASSET_FOLDER_VARIABLE,
    LinkError,
    LiveFigure,
    bytes_script,
    link,
)

MODULE = 'export default { render({ el }) { el.textContent = "drawn"; } };\n'


@pytest.fixture
def write(tmp_path):
    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
        return tmp_path / f"{next(iter(files))}.js"

    return write


def run_module(visit, tmp_path, text: str):
    """What the default export of a module text is, in the browser."""
    (tmp_path / "page.html").write_text("<!doctype html><title>test</title>")
    page = visit((tmp_path / "page.html").as_uri()).page
    return page.evaluate(
        """async text => {
             const blob = new Blob([text], { type: "text/javascript" });
             return (await import(URL.createObjectURL(blob))).default;
           }""",
        text,
    )


def test_linked_modules_run_as_one_and_keep_private_names_private(write, visit, tmp_path):
    entry = write(
        entry='import { double, LIMIT as limit } from "./maths.js";\n'
        'import * as words from "./words.js";\n'
        "const helper = 1;\n"
        "export default [double(limit), words.greet(), new words.Box(3).content, helper];\n",
        maths='import {\n  identity,\n} from "./base.js";\n'
        "const helper = 2;\n"
        "export const LIMIT = 20;\n"
        "export function double(x) { return identity(x) * helper; }\n",
        words='import { identity } from "./base.js";\n'
        "export class Box { constructor(content) { this.content = identity(content); } }\n"
        'export const greet = () => "नमस्ते";\n',
        base="export function identity(x) { return x; }\n",
    )
    text = link(entry)
    assert run_module(visit, tmp_path, text) == [40, "नमस्ते", 3, 1]
    assert text.count("function identity") == 1


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": 'import * as d3 from "d3";\n'}, "imports a package"),
        ({"a": 'import d from "./b.js";\n', "b": ""}, "cannot read the import"),
        ({"a": 'import { x } from "./gone.js";\n'}, "there is no module"),
        ({"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'}, "circle"),
        ({"a": 'import { b } from "./b.js";\n', "b": "export let b = 1;\n"}, "before a function"),
        ({"a": 'import { b } from "./b.js";\n', "b": "export default 1;\n"}, "before a function"),
    ],
    ids=["package", "default import", "missing", "circle", "let", "default below"],
)
def test_what_cannot_be_linked_is_refused_in_words(write, files, said):
    with pytest.raises(LinkError, match=said):
        link(write(**files))


@pytest.fixture
def figure_class(write, tmp_path):
    write(small=MODULE)

    class Small(LiveFigure):
        _module, _module_folder = "small.js", tmp_path
        text = traitlets.Unicode("a").tag(sync=True)
        files = traitlets.List().tag(sync=True)

    return Small


def state_of(html: str) -> dict:
    return json.loads(re.search(r"<script[^>]*>(.*)</script>", html)[1])


def test_a_figure_offers_itself_to_kernels_and_to_pages(figure_class):
    bundle = figure_class(text="x")._repr_mimebundle_()[0]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert 'data-live-figure="Small"' in bundle["text/html"]
    assert figure_class._esm == MODULE


def test_a_running_kernel_writes_no_bytes_into_the_page(figure_class, monkeypatch):
    monkeypatch.delenv(ASSET_FOLDER_VARIABLE, raising=False)
    html = figure_class(files=[b"secret"]).to_html()
    assert state_of(html)["state"] == {"text": "a", "files": [None]}


def test_in_a_book_build_bytes_become_files_named_by_their_content(
    figure_class, monkeypatch, tmp_path
):
    monkeypatch.setenv(ASSET_FOLDER_VARIABLE, str(tmp_path / "assets"))
    html = figure_class(files=[b"one", b"two", b"one"]).to_html()
    files = state_of(html)["state"]["files"]
    names = [file["$asset"] for file in files]
    assert names[0] == names[2] != names[1]
    written = {path.stem: path.read_bytes() for path in (tmp_path / "assets").iterdir()}
    assert set(written) == set(names)
    assert handed_over(written[names[1]]) == gzip.compress(b"two", mtime=0)
    assert files[1]["size"] == len(gzip.compress(b"two"))


def handed_over(script: bytes) -> bytes:
    """The bytes in a script: 15 bits a letter, the lowest first."""
    size, letters = re.search(r"/\*(\d+) (.*)\*/};\n$", script.decode("utf-16")).groups()
    bits = sum((ord(letter) - 0x4E00) << 15 * place for place, letter in enumerate(letters))
    return bits.to_bytes(int(size), "little")


@pytest.mark.parametrize("size", [0, 1, 14, 15, 16, 1000])
def test_bytes_are_written_as_letters_that_need_no_escape(size):
    for content in (bytes(size), b"\xff" * size, bytes(range(256))[:size]):
        script = bytes_script("name", content)
        assert handed_over(script) == content
        letters = re.search(r"/\*\d+ (.*)\*/", script.decode("utf-16"))[1]
        assert all("\u4e00" <= letter < "\ud800" for letter in letters)


def test_no_text_can_leave_the_script_that_holds_it(figure_class):
    html = figure_class(text="</script><script>alert(1)</script><!--").to_html()
    assert html.count("</script>") == 1
    assert state_of(html)["state"]["text"] == "</script><script>alert(1)</script><!--"
