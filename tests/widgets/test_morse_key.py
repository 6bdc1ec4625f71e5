"""MorseKey: Python's spectrogram and torch's letters in the page; keying by keys and pointer."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest
import torch

from transformer_lab import recipes
from transformer_lab.languages import morse
from transformer_lab.recipes import model_file
from transformer_lab.recipes.morse_listener import MorseListener
from transformer_lab.widgets.morse_key import MorseKey

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


@pytest.fixture(scope="module")
def listener():
    """A model with random weights."""
    recipe = recipes.RECIPES["morse-listener"]
    model, tokenizer = recipe.untrained()
    return model.eval(), model_file(model, tokenizer, **recipe.facts(tokenizer))


@torch.no_grad()
def test_the_page_hears_what_python_hears(engine, listener):
    model, content = listener
    samples = np.random.default_rng(0).standard_normal(3001)
    letters = [2, 9, 5]
    result = engine(
        """([content, samples, letters]) => {
             const lm = load(content);
             const { translator } = lm;
             const slices = morse.slicesOf(samples);
             const { memory } = translator.encode(slices);
             const { logits } = translator.decode(letters, memory);
             const endless = { startId: 2, stopId: -1, nMost: 4 };
             const n = translating.translate(lm, slices, endless).length;
             return { slices: [...slices], logits: logits.map(row => [...row]), n };
           }""",
        [base64.b64encode(content).decode(), samples.tolist(), letters],
    )
    slices = morse.slices(samples)
    assert (torch.tensor(result["slices"]).view_as(slices) - slices).abs().max() < 1e-4
    expected = model(slices[None], torch.tensor([letters]))[0]
    assert (torch.tensor(result["logits"]) - expected).abs().max() < 1e-3
    assert result["n"] == 4


def test_an_even_hand_and_a_readers_own(open_figure, listener):
    _, content = listener
    visited = open_figure(
        lambda: MorseKey(model_file=content, text="e"), viewport={"width": 360, "height": 1000}
    )
    page = visited.page
    status = page.get_by_role("status")
    status.filter(has_text="It hears").wait_for()
    wide = "document.querySelector('.tl-morse-picture').width"
    of_e = page.evaluate(wide)
    page.get_by_label("Or let an even hand send").fill("sos")
    page.wait_for_function(f"{wide} > {of_e}")

    n_rows = page.locator(".tl-morse-names").last.locator("li").count()
    assert page.locator(".tl-morse-box").count() == min(n_rows, 3)  # when s, o and s were sent
    picture = "[...document.querySelectorAll('.tl-morse-picture')].at(-1).toDataURL()"
    of_all = page.evaluate(picture)
    page.get_by_label("Which heads").select_option(label="layer 2, head 3")
    assert page.evaluate(picture) != of_all
    page.get_by_role("button", name="Play").click()

    page.get_by_role("button", name="Hold to send").focus()
    for _ in range(2):
        page.keyboard.down("Space")
        page.wait_for_timeout(250)
        page.keyboard.up("Space")
        page.wait_for_timeout(250)
    status.filter(has_text="let your keying be heard").wait_for()  # 5 words a minute, or fewer
    assert page.locator(".tl-morse-box").count() == 0
    page.get_by_role("button", name="Back to the text").click()
    page.wait_for_function("document.querySelectorAll('.tl-morse-box').length")
    page.get_by_label("Or let an even hand send").fill("Hi 73!")
    status.filter(has_text="73!” is left out").wait_for()

    assert not visited.errors
    page.add_script_tag(path=AXE)
    assert page.evaluate("axe.run('.tl-figure').then(r => r.violations.map(v => v.id))") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_the_figure_says_of_the_training_is_so():
    rng = random.Random(0)
    speeds = [morse.sample_conditions(rng).words_per_minute for _ in range(300)]
    script = (MorseKey._module_folder / MorseKey._module).read_text(encoding="utf-8")
    assert f"it learned from {min(speeds):.0f} to {max(speeds):.0f}:" in script
    assert f"in training: 1 to {MorseListener.longest} letters" in script
