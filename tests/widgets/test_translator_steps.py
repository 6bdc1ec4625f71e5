"""TranslatorSteps, used by a reader: typing, stepping, what cannot be translated."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
import torch

from transformer_lab import recipes
from transformer_lab.languages import translation
from transformer_lab.recipes.translator import target_ids
from transformer_lab.trace import capture
from transformer_lab.widgets.translator_steps import TranslatorSteps

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


@pytest.fixture(scope="module")
def translator():
    return recipes.load("translator", progress=False)


@pytest.fixture
def page(open_figure, translator):
    def make(*, browser_options=None, **state):
        _, hindi = translation.vocabulary()
        figure = lambda: TranslatorSteps(  # noqa: E731
            model_file=translator.to_bytes(),
            romanised={word: translation.romanise(word) for word in hindi},
            examples=["the girls are reading old books"],
            **state,
        )
        return open_figure(figure, **(browser_options or {})).page

    return make


def written(page) -> list[str]:
    items = page.locator("ol[lang=hi] > li").all()
    return [item.evaluate("node => node.firstChild.textContent") for item in items]


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("text", ["we are friends", "Is Sita's book on the table?"])
def test_the_page_writes_what_python_writes(page, translator, text):
    opened = page(text=text)
    assert len(written(opened)) == 1
    press(opened, "Whole sentence")
    *words, end = written(opened)
    assert end == "⟨end⟩"
    assert translation.spell(words) == translator.translate(text)


@torch.no_grad()
def test_the_matrix_is_the_cross_attention_of_torch(page, translator):
    opened = page(text="the boy ate a mango yesterday", step=0, look="1 2")
    hindi = translator.translate("the boy ate a mango yesterday").split()
    target = torch.tensor([target_ids(translator.tokenizer, hindi)[:-1]])
    with capture(translator.model) as seen:
        translator.model(translator.ids("the boy ate a mango yesterday"), target)
    expected = seen["decoder_blocks.1.cross_attention.weights"][0, 2]
    rows = opened.locator(".tl-translator-matrix tbody tr").all()
    shown = [row.locator("td").all_text_contents() for row in rows]
    assert [len(row) for row in shown] == [expected.shape[1]] * expected.shape[0]
    for texts, weights in zip(shown, expected.tolist(), strict=True):
        for text, weight in zip(texts, weights, strict=True):
            if not text.startswith("<"):
                assert abs(float(text.strip("%<>")) - 100 * weight) <= 0.6


def test_stepping_back_and_forth_by_keyboard(page):
    opened = page(text="we are friends")
    slider = opened.get_by_label("Word", exact=True)
    slider.focus()
    for expected in (2, 3, 4):
        opened.keyboard.press("ArrowRight")
        assert len(written(opened)) == expected
    assert "The translation is over" in opened.locator(".tl-status").text_content()
    opened.keyboard.press("ArrowLeft")
    assert written(opened) == ["हम", "दोस्त", "हैं"]
    assert "ham dost hain" in opened.locator(".tl-status").text_content()


def test_an_unknown_word_is_named_and_nothing_is_guessed(page):
    opened = page()
    box = opened.get_by_label("An English sentence")
    box.fill("the <b>cat</b> is happy")
    alert = opened.get_by_role("alert")
    alert.wait_for()
    assert "does not know: <b>cat</b>" in alert.text_content()
    assert opened.locator(".tl-translator-matrix").is_hidden()
    box.fill("")
    opened.wait_for_function("document.querySelector('[role=alert]').textContent.includes('Type')")
    box.fill("we " * 30)
    opened.wait_for_function(
        "document.querySelector('[role=alert]').textContent.includes('at most')"
    )
    box.fill("she is happy")
    opened.locator(".tl-translator-matrix").wait_for()
    assert alert.is_hidden()


def test_an_example_fills_the_box(page):
    opened = page()
    opened.get_by_label("Or one of these").select_option("the girls are reading old books")
    assert opened.get_by_label("An English sentence").input_value().startswith("the girls")
    assert written(opened) == ["लड़कियाँ"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_and_is_accessible(page, theme, width):
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    opened = page(text="is sita's book on the table?", step=0, browser_options=options)
    opened.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.add_script_tag(path=str(AXE))
    found = opened.evaluate("axe.run('.tl-figure')")["violations"]
    assert [violation["id"] for violation in found] == []
