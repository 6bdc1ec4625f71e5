"""MaskPlayground, used by a reader: clicking cells, presets, padding, one row in numbers."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
import torch

from transformer_lab.attention import attention_weights, causal_mask
from transformer_lab.recipes import prompt_ids
from transformer_lab.trace import capture
from transformer_lab.widgets.mask_playground import MaskPlayground

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
TEXT = "Anna had a red kite"


@pytest.fixture
def playground(open_figure, small_model):
    small = small_model()

    def make(*, browser_options=None, **state):
        figure = lambda: MaskPlayground(  # noqa: E731
            model_file=small.content, **({"text": TEXT} | state)
        )
        return open_figure(figure, **(browser_options or {})).page, small

    return make


def ids_of(small):
    return torch.tensor([prompt_ids(small.tokenizer, TEXT)[:8]])


def cells(page, which) -> list[list[str]]:
    rows = page.locator(".tl-mask-grid").nth(which).locator("tbody tr").all()
    return [row.locator(".tl-cell").all_text_contents() for row in rows]


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


@torch.no_grad()
def reach_in_torch(model, ids, mask, n_blocks) -> torch.Tensor:
    """The same question as the figure's, asked of the Python model."""

    def run(ids):
        x = model.embeddings(ids)
        for block in model.blocks[:n_blocks]:
            x = block(x, mask=mask)
        return x[0]

    n = ids.shape[1]
    reach = torch.zeros(n, n, dtype=torch.bool)
    for s in range(n):
        changed = ids.clone()
        changed[0, s] = (changed[0, s] + 1) % model.config.vocab_size
        reach[:, s] = (run(changed) - run(ids)).abs().amax(-1) > 1e-6
    return reach


@pytest.mark.parametrize("n_blocks", [1, 2])
@pytest.mark.parametrize("preset", ["Causal", "No mask", "Window of 2", "Off by one"])
def test_the_reach_is_the_one_that_torch_finds(playground, preset, n_blocks):
    page, small = playground(layers=n_blocks)
    press(page, preset)
    mask = torch.tensor([[cell == "✓" for cell in row] for row in cells(page, 0)])
    expected = reach_in_torch(small.model, ids_of(small), mask, n_blocks)
    shown = torch.tensor([[cell != "" for cell in row] for row in cells(page, 1)])
    assert torch.equal(shown, expected)


def test_the_weights_of_a_row_are_those_of_torch(playground):
    page, small = playground(row=4)
    with torch.no_grad(), capture(small.model) as seen:
        small.model(ids_of(small))
    expected = seen["blocks.0.attention.weights"][0, 0, 4]
    shown = page.locator(".tl-mask-numbers tbody tr td:last-child").all_text_contents()
    percent = [float(cell.strip("<>%")) for cell in shown]
    assert percent == pytest.approx((100 * expected).tolist(), abs=0.6)
    assert page.locator(".tl-mask-numbers").get_by_text("−∞").count() == len(expected) - 5


def test_zero_after_the_softmax_loses_the_weight_of_the_hidden_tokens(playground):
    page, small = playground(row=2)
    page.get_by_label("Set to zero after").check()
    with torch.no_grad(), capture(small.model) as seen:
        small.model(ids_of(small))
    weights = attention_weights(seen["blocks.0.attention.scores"][0, 0])[2]
    lost = 100 * float(weights[3:].sum())
    sentence = page.locator("[role=status]").last.text_content()
    assert "is lost" in sentence
    assert float(sentence.split("The missing ")[1].split("%")[0]) == pytest.approx(lost, abs=0.6)


def test_one_click_into_the_future_is_called_a_leak(playground):
    page, _ = playground()
    verdict = page.locator("[role=status]").first
    assert "No position is moved by a word that comes after it" in verdict.text_content()
    page.get_by_role("button", name="Anna may not look at had").click()
    assert "It leaks: ·Anna is moved by ·had" in verdict.text_content()
    page.get_by_role("button", name="Anna may look at had").click()
    assert "No position is moved" in verdict.text_content()


def test_the_keyboard_moves_in_both_directions_and_changes_a_cell(playground):
    page, _ = playground()
    page.locator("button.tl-cell").first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    rows = [[cell == "✓" for cell in row] for row in cells(page, 0)]
    expected = causal_mask(len(rows))
    expected[1, 2] = True
    assert rows == expected.tolist()


def test_padding_gets_in_until_the_mask_keeps_it_out(playground):
    page, _ = playground(n_padding=2)
    verdict = page.locator("[role=status]").first
    press(page, "No mask")
    assert "Padding gets in" in verdict.text_content()
    press(page, "Padding")
    assert "Padding moves no word" in verdict.text_content()
    assert "It leaks" in verdict.text_content()
    press(page, "Causal and padding")
    assert "No position is moved" in verdict.text_content()
    assert "Padding moves no word" in verdict.text_content()


def test_padding_in_front_gets_past_the_causal_mask_and_leaves_rows_of_nothing(playground):
    page, small = playground(n_padding=2, padding_in_front=True)
    verdict = page.locator("[role=status]").first
    headings = page.locator(".tl-mask-grid").first.locator("tbody th").all_text_contents()
    assert headings[:4] == ["⟨pad⟩", "⟨pad⟩", "⟨start⟩", "·Anna"]
    press(page, "Causal")
    assert "Padding gets in: it moves ⟨start⟩" in verdict.text_content()
    press(page, "Causal and padding")
    assert "Padding moves no word" in verdict.text_content()
    assert "2 rows of the mask are rows of nothing" in verdict.text_content()
    assert f"{ids_of(small).shape[1]} tokens reach" in verdict.text_content()
    page.get_by_label("in front of the text").uncheck()
    press(page, "Causal")
    assert "Padding moves no word" in verdict.text_content()


def test_who_may_look_at_nothing_gathers_nothing(playground):
    n = 6
    mask = causal_mask(n).tolist()
    mask[3] = [False] * n
    page, small = playground(row=3, mask=mask)
    assert ids_of(small).shape[1] == n
    assert "add up to 0%" in page.locator("[role=status]").last.text_content()


def test_a_long_text_is_cut_and_said(playground):
    page, _ = playground(text="Anna had a red kite and a small dog and a big box")
    assert "The first 8 tokens are used" in page.locator(".tl-quiet").first.text_content()
    assert len(cells(page, 0)) == 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(playground, scheme):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    page, _ = playground(n_padding=3, browser_options=options)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
