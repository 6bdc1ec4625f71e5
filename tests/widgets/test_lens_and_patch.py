"""LensAndPatch, used by a reader: what the lens says, and what a cell carries over."""

from __future__ import annotations

import pytest
import torch

from tests.widgets.conftest import wait_until_painted
from transformer_lab import trace
from transformer_lab.recipes import prompt_ids
from transformer_lab.widgets.lens_and_patch import LensAndPatch

TEXT, OTHER = "Anna had a red kite. Tom saw the red", "Anna had a red drum. Tom saw the red"
DIFFERS = 5  # the token of the kite, after the start token


@pytest.fixture
def opened(open_figure, small_model):
    """`opened(text=…)` opens the figure; returns its page and the model."""
    small = small_model()

    def make(**state):
        state = {"text": TEXT, "other_text": OTHER} | state
        return open_figure(lambda: LensAndPatch(model_file=small.content, **state)).page, small

    return make


def ids(small, text=TEXT):
    return torch.tensor([prompt_ids(small.tokenizer, text)])


def cell(page, depth, token):
    return page.locator("tbody tr").nth(token).locator("button").nth(depth)


def answers(page) -> dict[str, float]:
    names = page.locator(".tl-bar:visible .tl-token").all_text_contents()
    shares = page.locator(".tl-bar:visible .tl-bar-share").all_text_contents()
    return {n: float(s.strip("<>%")) for n, s in zip(names, shares, strict=True)}


def test_a_cell_says_what_torch_finds_through_the_lens(opened):
    page, small = opened()
    names = ["embeddings", "blocks.0", "blocks.1"]
    with torch.no_grad(), trace.capture(small.model, names) as seen:
        small.model(ids(small))
    for depth, name in enumerate(names):
        logits = small.model.final_norm(seen[name][0]) @ small.model.embeddings.token.weight.T
        for token in (1, DIFFERS, logits.shape[0] - 1):
            piece = small.tokenizer.piece(int(logits[token].argmax()))
            assert cell(page, depth, token).text_content() == piece.replace(" ", "·")


def test_a_pressed_cell_moves_the_answer_as_a_patch_in_torch_does(opened):
    page, small = opened()
    before = answers(page)
    cell(page, 1, DIFFERS).click()
    wait_until_painted(page)
    with torch.no_grad():
        with trace.capture(small.model, ["blocks.0"]) as seen:
            small.model(ids(small, OTHER))
        with trace.patch(small.model, {"blocks.0": seen["blocks.0"]}, positions=[DIFFERS]):
            expected = small.model(ids(small))[0, -1].softmax(-1)
    found = answers(page)
    for id in expected.topk(3).indices.tolist():
        name = small.tokenizer.piece(id).replace(" ", "·")
        assert found[name] == pytest.approx(100 * float(expected[id]), abs=0.11)
    assert cell(page, 1, DIFFERS).get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Carry nothing over").click()
    wait_until_painted(page)
    assert answers(page) == before


def test_texts_of_unequal_length_say_so_and_nothing_can_be_carried_over(opened):
    page, _ = opened(other_text="Anna had a kite. Tom saw the red")
    assert "both need as many" in page.locator("[role=status]").text_content()
    assert page.locator("tbody button:enabled").count() == 0


def test_each_cell_is_tried_and_says_what_it_brings(opened):
    page, small = opened(other_text=TEXT.removesuffix("red") + "blue", tried=True)
    last = ids(small).shape[1] - 1
    page.wait_for_function(
        "last => document.querySelectorAll('tbody tr')[last].innerHTML.includes('brings over')",
        arg=last,
    )
    for depth, token, share in ((0, last, 100), (2, last, 100), (0, DIFFERS, 0)):
        label = cell(page, depth, token).get_attribute("aria-label")
        assert f"alone it brings over {share}%" in label


def test_arrow_keys_move_from_cell_to_cell(opened):
    page, _ = opened()
    cell(page, 0, 2).focus()
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    wait_until_painted(page)
    assert cell(page, 1, 3).get_attribute("aria-pressed") == "true"


def test_a_place_that_is_not_there_is_passed_over_and_a_long_text_is_cut(opened):
    page, _ = opened(cells=[[-1, 2], [1, -1], [9, 2], [1, 99], [1]])
    assert page.locator("tbody button[aria-pressed=true]").count() == 0
    page.get_by_label("Your text").fill("Anna had a kite. " * 30)
    page.get_by_text("tokens beyond that are left out").wait_for()  # until it is seen
    assert page.locator("tbody tr").count() == 64


def test_what_a_reader_types_is_text(opened):
    page, _ = opened()
    page.get_by_label("Your text").fill("<img src=x onerror=alert(1)> <b>Anna</b>")
    page.wait_for_timeout(400)
    assert page.locator(".tl-figure img, .tl-figure b").count() == 0
