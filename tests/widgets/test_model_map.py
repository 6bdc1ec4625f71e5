"""ModelMap, used by a reader: opening parts, following a token, reading its numbers."""

from __future__ import annotations

import re

import pytest
import torch

from transformer_lab.models import count_parameters
from transformer_lab.recipes import prompt_ids
from transformer_lab.trace import capture
from transformer_lab.widgets.model_map import ModelMap

TEXT = "Anna had a red kite. Tom saw the red"


@pytest.fixture
def open_map(open_figure, small_model):
    small = small_model()

    def make(*, browser_options=None, **state):
        figure = lambda: ModelMap(model_file=small.content, **({"text": TEXT} | state))  # noqa: E731
        return open_figure(figure, **(browser_options or {})).page, small

    return make


def part(page, name):
    return page.locator(f'[data-part="{name}"]')


def sentence(page) -> str:
    page.wait_for_timeout(250)
    return page.locator("[role=status]").last.text_content()


def fact(page, name) -> str:
    return page.locator(f'dt:text-is("{name}") + dd').text_content()


def ids(small):
    return torch.tensor([prompt_ids(small.tokenizer, TEXT)])


def test_the_parameters_of_all_parts_add_up_to_those_of_the_model(open_map):
    page, small = open_map()
    total = 0
    for place in page.locator(".tl-part").all():
        place.click()
        found = re.search(r"= ([\d,]+) \(", fact(page, "parameters"))
        total += int(found[1].replace(",", "")) if found else 0
    assert total == count_parameters(small.model)
    assert f"= {total:,} parameters" in page.locator(".tl-caption").last.text_content()


@pytest.mark.parametrize("name", ["embeddings", "blocks.0", "blocks.1.feed_forward", "final_norm"])
def test_the_numbers_of_the_token_are_those_of_torch(open_map, name):
    page, small = open_map(part=name)
    with torch.no_grad(), capture(small.model) as seen:
        small.model(ids(small))
    vector = seen[name][0, -1]
    low, high, length = re.search(
        r"from (\S+) to (\S+), length ([\d.]+\d)", sentence(page).replace("−", "-")
    ).groups()
    assert float(low) == pytest.approx(float(vector.min()), abs=0.006)
    assert float(high) == pytest.approx(float(vector.max()), abs=0.006)
    assert float(length) == pytest.approx(float(vector.norm()), abs=0.006)


def test_the_last_part_gives_the_models_own_guess(open_map):
    page, small = open_map(part="head")
    with torch.no_grad():
        best = small.model(ids(small))[0, -1].softmax(-1).max(-1)
    piece = small.tokenizer.piece(int(best.indices)).replace(" ", "·")
    assert f"guess is {piece}, with" in sentence(page)


def test_a_token_can_be_chosen_and_the_choice_is_kept(open_map):
    page, small = open_map(part="tokens")
    page.locator(".tl-chip").nth(2).click()
    assert f"For the model it is the number {int(ids(small)[0, 2])}," in sentence(page)
    assert "token 3 of" in sentence(page)


def test_the_keyboard_walks_through_all_parts(open_map):
    page, _ = open_map()
    part(page, "tokens").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert part(page, "embeddings.token").get_attribute("aria-pressed") == "true"
    opened = 2
    while page.get_by_role("button", name="Next part").is_enabled():
        page.get_by_role("button", name="Next part").press("Enter")
        opened += 1
    assert opened == page.locator(".tl-part").count()
    assert part(page, "head").get_attribute("aria-pressed") == "true"


def test_shapes_follow_the_readers_text(open_map):
    page, small = open_map(part="blocks.0")
    d_model = small.model.config.d_model
    assert fact(page, "out").startswith(f"{ids(small).shape[1]} × {d_model} ")
    page.get_by_label("Text for the model").fill("")
    page.wait_for_timeout(300)
    assert fact(page, "out").startswith(f"1 × {d_model} ")


def test_a_text_that_is_too_long_is_cut_and_said(open_map):
    page, _ = open_map(text="Anna had a kite. " * 60)
    assert "are left out" in page.locator(".tl-quiet").first.text_content()


def test_it_fits_a_small_screen(open_map):
    page, _ = open_map(browser_options={"viewport": {"width": 360, "height": 800}})
    for name in ("tokens", "blocks.0.attention", "head"):
        part(page, name).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
