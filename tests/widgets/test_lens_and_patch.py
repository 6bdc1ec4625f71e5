"""LensAndPatch, used by a reader: what the lens says, and what a cell carries over."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
import torch

from tests.widgets.conftest import wait_until_painted
from tests.widgets.test_real_model import model_of
from transformer_lab import trace
from transformer_lab.recipes import prompt_ids
from transformer_lab.widgets.lens_and_patch import LensAndPatch

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
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


def test_an_answer_that_both_texts_share_is_said_and_no_cell_is_tried(opened):
    page, small = opened(other_text=TEXT.replace("kite", "drum"), tried=True)
    with torch.no_grad():
        first, second = (small.model(ids(small, text))[0, -1].argmax() for text in (TEXT, OTHER))
    assert first == second
    status = page.locator("[role=status]").first
    assert "there is no other answer to bring over" in status.text_content()
    assert page.locator("progress:visible").count() == 0
    cell(page, 0, DIFFERS).click()
    page.get_by_text("With 1 cell carried over").wait_for()
    assert "in the other text it has" in status.text_content()


def test_arrow_keys_move_from_cell_to_cell(opened):
    page, _ = opened()
    cell(page, 0, 2).focus()
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    wait_until_painted(page)
    assert cell(page, 1, 3).get_attribute("aria-pressed") == "true"
    assert cell(page, 1, 3).evaluate("e => e === document.activeElement")


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


# --- A real model: here a small one with many layers, behind the same button ---------------


@pytest.fixture
def loaded(open_figure, small_model):
    """A page in which the real model has read its own two texts, and that model."""
    tiny, real = small_model(), small_model(n_layers=12, seed=7)  # one with two answers
    figure = lambda: LensAndPatch(  # noqa: E731
        model_file=tiny.content,
        text=TEXT,
        other_text=OTHER,
        cells=[[0, 2]],
        real_text=TEXT,
        real_other_text=REAL_OTHER,
        real_model=model_of(real.content),
    )
    page = open_figure(figure, viewport={"width": 360, "height": 740}).page
    page.get_by_role("button", name="Load Small").click()
    page.locator("[data-real-model=ready]").wait_for()
    wait_for_lens(page)
    return page, real


REAL_OTHER = "Anna had a red drum. Tom saw the blue"


def wait_for_lens(page):
    page.locator("[data-real-model=ready] [aria-busy]").wait_for(state="detached")


def real_cell(page, depth, token):
    name = f"block {depth - 1} at" if depth else "embeddings at"
    row = page.locator("tbody tr").nth(token)
    return row.locator(f"button[aria-label^='{name}']")


def real_ids(real, text):
    return torch.tensor([real.tokenizer.encode(text)])  # no start token


def test_a_real_model_reads_texts_of_its_own_and_what_is_carried_over_is_as_in_torch(loaded):
    page, real = loaded
    assert page.get_by_label("The other text").input_value() == REAL_OTHER
    assert page.locator("button[aria-pressed=true]").count() == 0  # it was another model's
    ours, theirs = real_ids(real, TEXT), real_ids(real, REAL_OTHER)
    names = ["embeddings", *(f"blocks.{layer}" for layer in range(12))]
    with torch.no_grad():
        with trace.capture(real.model, names) as seen:
            before = real.model(ours)[0, -1]
        with trace.capture(real.model, names) as other:
            there = real.model(theirs)[0, -1]
    for depth in range(0, 13, 2):
        logits = real.model.final_norm(seen[names[depth]][0]) @ real.model.embeddings.token.weight.T
        for token in (0, 4, ours.shape[1] - 1):
            best, id = logits[token].softmax(-1).max(-1)
            name, share = real_cell(page, depth, token).get_attribute("title").rsplit(" ", 1)
            assert name == real.tokenizer.piece(int(id)).replace(" ", "·")
            assert float(share.strip("<>%")) == pytest.approx(100 * float(best.detach()), abs=0.6)
    page.get_by_label("In sight").select_option("block 9 to block 11")
    wait_for_lens(page)
    last = ours.shape[1] - 1
    real_cell(page, 11, last).click()
    page.get_by_text("With 1 cell carried over").wait_for()
    part = {"blocks.10": other["blocks.10"]}
    with torch.no_grad(), trace.patch(real.model, part, positions=[last]):
        after = real.model(ours)[0, -1]
    lead = lambda logits: float(logits[there.argmax()] - logits[before.argmax()])  # noqa: E731
    share = (lead(after) - lead(before)) / (lead(there) - lead(before))
    assert f"{round(100 * share)}% of the way" in page.locator(".tl-figure").inner_text()


def test_the_deciding_column_is_in_sight_on_a_narrow_screen_and_axe_finds_nothing(loaded):
    page, _ = loaded
    frame = page.locator(".tl-lens-frame").bounding_box()
    last = page.locator("tbody tr").last.locator("button").last.bounding_box()
    for start, size in (("x", "width"), ("y", "height")):
        assert frame[start] < last[start]
        assert last[start] + last[size] <= frame[start] + frame[size]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]


def test_a_real_models_cells_are_tried_and_it_gives_way_when_it_is_unloaded(loaded):
    page, _ = loaded
    page.get_by_label("Shade each cell").check()
    page.locator("tr:last-child [aria-label^='block 11 at'][aria-label*='over 100%']").wait_for()
    page.locator("progress:visible").wait_for(state="detached")
    assert "alone it brings over 0%" in real_cell(page, 4, 1).get_attribute("aria-label")
    page.get_by_label("Your text").fill("")
    page.get_by_text("both texts need a word").wait_for()
    page.get_by_label("Your text").fill("Anna had")
    page.get_by_text("both need as many").wait_for()
    page.get_by_role("button", name="Unload Small").click()
    page.locator(".tl-lens-deep").wait_for(state="detached")
    assert page.get_by_label("Your text").input_value() == TEXT
    assert page.locator("thead th").count() == 8


# Of what is asked with cells carried over, the worker hears the first five.
HOLD = """() => {
  const post = Worker.prototype.postMessage;
  globalThis.nTried = 0;
  Worker.prototype.postMessage = function (message, ...rest) {
    if (!message.args?.cells?.length || ++nTried <= 5) post.call(this, message, ...rest);
  };
}"""


def test_trying_says_how_far_it_is_and_ends_with_what_the_reader_does_next(loaded):
    page, real = loaded
    page.evaluate(HOLD)
    tick, progress = page.get_by_label("Shade each cell"), page.locator("progress:visible")
    sixth = page.get_by_text(f"cell 6 of {7 * real_ids(real, TEXT).shape[1]}")
    tick.check()
    sixth.wait_for()
    tick.uncheck()
    progress.wait_for(state="detached")
    assert page.evaluate("nTried") == 6
    tick.check()
    sixth.wait_for()  # what was found is kept
    page.get_by_label("Your text").fill(TEXT + " kite")
    page.get_by_text("both need as many").wait_for()
    assert progress.count() == 0
    page.get_by_label("Your text").fill(TEXT)
    progress.wait_for()
    page.get_by_role("button", name="Unload Small").click()
    page.locator(".tl-lens-deep").wait_for(state="detached")
    progress.wait_for(state="detached")
