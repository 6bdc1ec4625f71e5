"""DistanceExplorer: the recurrent engine, and the figure in a reader's hands."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict
from pathlib import Path

import axe_playwright_python
import pytest
import torch

from transformer_lab.config import Config
from transformer_lab.languages import recall
from transformer_lab.models import Decoder
from transformer_lab.recipes import weights_file
from transformer_lab.recurrent import Recurrent
from transformer_lab.widgets.distance_explorer import DistanceExplorer

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
V = len(recall.VOCABULARY)
NOTES = "f1 c3 a4 k2 q1 b2"
READ = """([file, ids]) => {
  const { metadata, tensors } = safetensors.readSafetensors(bytes(file));
  const { logits } = new recurrent.Recurrent(JSON.parse(metadata.config), tensors).forward(ids);
  return logits.map((row) => [...row]);
}"""


def recurrent(kind, d_model=7):
    torch.manual_seed(0)
    model = Recurrent(kind, vocab_size=V, d_model=d_model)
    config = json.dumps({"kind": kind, "d_model": d_model})
    return model, weights_file(model, architecture=kind, config=config)


def transformer():
    torch.manual_seed(0)
    model = Decoder(Config(vocab_size=V, max_len=32, d_model=8, n_heads=2, n_layers=1))
    return model, weights_file(
        model, architecture="decoder", config=json.dumps(asdict(model.config))
    )


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@pytest.mark.parametrize("text", ["a1 a?", "f1 c3 a4 k2 q1 b2 x4 m3 h1 d2 c?"])
def test_the_engine_reads_as_torch_does(engine, kind, text):
    model, file = recurrent(kind)
    ids = recall.encode(text)
    found = engine(READ, [base64.b64encode(file).decode(), ids])
    with torch.no_grad():
        expected = model(torch.tensor([ids]))[0]
    torch.testing.assert_close(torch.tensor(found), expected, atol=1e-5, rtol=1e-5)


@pytest.fixture
def explorer(open_figure):
    made = {"RNN": recurrent("rnn"), "LSTM": recurrent("lstm"), "Transformer": transformer()}

    def make(*, browser_options=None, **state):
        state = {"notes": NOTES, "distance": 2} | state
        figure = lambda: DistanceExplorer(  # noqa: E731
            names=list(made),
            model_files=[file for _, file in made.values()],
            vocabulary=list(recall.VOCABULARY),
            distances=[1, 4, 8],
            accuracy=[[0.6, 0.4, 0.3], [0.7, 0.6, 0.5], [1.0, 1.0, 1.0]],
            **{"gradient": [[1.0, 1e-3, 1e-6], [1.0, 0.1, 0.01], [1.0, 1.0, 1.0]]} | state,
        )
        page = open_figure(figure, **(browser_options or {})).page
        return page, {name: model for name, (model, _) in made.items()}

    return make


def words(page) -> str:
    page.wait_for_timeout(250)
    return page.locator("[role=status]").text_content()


@pytest.mark.parametrize("distance", [1, 4, 6])
def test_each_model_answers_as_in_python(explorer, distance):
    page, models = explorer(distance=distance)
    note = NOTES.split()[-distance]
    ids = torch.tensor([recall.encode(f"{NOTES} {note[0]}?")])
    assert f"{note[0]} was {note[1]}, {distance} note" in words(page)
    for name, model in models.items():
        with torch.no_grad():
            share = model(ids)[0, -1, :4].softmax(-1)[int(note[1]) - 1]
        said = re.search(rf"{name} gives the right answer <?([\d.]+)%", words(page))
        assert float(said[1]) == pytest.approx(100 * float(share), abs=0.6)


def test_the_slider_moves_the_question_from_the_keyboard(explorer):
    page, _ = explorer()
    page.get_by_label("Notes back").focus()
    page.keyboard.press("End")
    assert page.locator(".tl-question strong").text_content() == "f?"
    assert page.locator(".tl-asked").last.text_content() == "f1"


@pytest.mark.parametrize(
    ("notes", "sentence"),
    [
        ("", "There is no note yet"),
        ("a1 hello", "“hello” is no note"),
        ("a1 b2 a3", "“a” is noted twice"),
        ("a1 b?", "“b?” is no note"),
        ("<b>a1</b>", "is no note"),
    ],
)
def test_bad_notes_are_one_clear_sentence(explorer, notes, sentence):
    page, _ = explorer()
    page.get_by_label("Notes: a letter").fill(notes)
    page.wait_for_timeout(300)
    assert sentence in page.get_by_role("alert").text_content()
    assert not page.locator(".tl-answers").is_visible()
    page.get_by_label("Notes: a letter").fill("a1")
    page.wait_for_timeout(300)
    assert page.locator(".tl-question").text_content() == "a1 a?"


def test_other_notes_are_sixteen_about_different_things(explorer):
    page, _ = explorer()
    page.get_by_role("button", name="Other notes").click()
    notes = page.get_by_label("Notes: a letter").input_value().split()
    assert len({note[0] for note in notes}) == 16
    assert recall.encode(" ".join(notes))


def test_the_gradient_and_the_intervals_are_shown_when_they_are_given(explorer):
    page, _ = explorer()
    charts = page.locator(".tl-columns svg")
    assert charts.count() == 2
    assert page.locator(".tl-model-band").count() == 0
    half = [[0.05, 0.05, 0.05], [0.1, 0.1, 0.1], [0.01, 0.01, 0.01]]
    page, _ = explorer(gradient=[], spread=half)
    assert charts.count() == 2  # of the first page
    assert page.locator(".tl-columns svg").count() == 1
    assert page.locator(".tl-model-band").count() == 3
    assert "95 % confidence" in page.locator(".tl-caption").text_content()


def test_curves_without_a_model_are_one_clear_sentence():
    with pytest.raises(ValueError, match="it got 1 names, 0 files and 0 curves of shares"):
        DistanceExplorer(names=["RNN"])
    file, curve = recurrent("rnn")[1], [[0.5, 0.4]]
    with pytest.raises(
        ValueError, match="1 curves of shares, 2 of their spread and 0 of gradients"
    ):
        DistanceExplorer(names=["RNN"], model_files=[file], accuracy=curve, spread=2 * curve)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(explorer, scheme):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    page, _ = explorer(browser_options=options)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
