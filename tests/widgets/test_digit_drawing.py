"""DigitDrawing: torch's numbers in the page; drawing by pointer and by keys."""

from __future__ import annotations

import base64
from pathlib import Path

import axe_playwright_python
import pytest
import torch

from transformer_lab import recipes
from transformer_lab.recipes import model_file
from transformer_lab.trace import capture
from transformer_lab.widgets.digit_drawing import DigitDrawing

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
ONE = [16 if column in (3, 4) and 0 < row < 7 else 0 for row in range(8) for column in range(8)]


@pytest.fixture(scope="module")
def reader():
    """A model with random weights."""
    model, tokenizer = recipes.RECIPES["digit-reader"].untrained()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval(), model_file(model, tokenizer)


@torch.no_grad()
def test_the_page_sees_what_torch_sees(engine, reader):
    model, content = reader
    image = torch.rand(1, 8, 8)
    result = engine(
        """([content, image]) => {
             const { logits, attention } = load(content).viewer.forward(image, 8);
             return { logits: [...logits], attention: attention.map(heads => heads.map(
               rows => rows.map(row => [...row]))) };
           }""",
        [base64.b64encode(content).decode(), image.flatten().tolist()],
    )
    with capture(model) as seen:
        expected = model(image)[0]
    assert (torch.tensor(result["logits"]) - expected).abs().max() < 1e-4
    weights = torch.stack([seen[f"blocks.{i}.attention.weights"][0] for i in range(2)])
    assert (torch.tensor(result["attention"]) - weights).abs().max() < 1e-5


def ink(page) -> list[str]:
    labels = page.locator(".tl-digit-square").evaluate_all("all => all.map(e => e.ariaLabel)")
    return [label.split(": ink ")[1] for label in labels]


def test_drawing_by_pointer_and_by_keys(open_figure, reader):
    _, content = reader
    example = {"label": "a 1", "pixels": ONE}
    visited = open_figure(
        lambda: DigitDrawing(model_file=content, examples=[example]),
        viewport={"width": 360, "height": 900},
    )
    page = visited.page
    status = page.get_by_role("status")
    status.filter(has_text="The field is empty").wait_for()

    page.get_by_label("row 8, column 8").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    assert ink(page)[55] == "16 of 16"
    status.filter(has_text="It reads").wait_for()
    page.keyboard.press("Space")
    assert ink(page)[55] == "0 of 16"

    box = page.get_by_role("group", name="the drawing field").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 10)
    page.mouse.up()
    drawn = [int(amount.split()[0]) for amount in ink(page)]
    assert all(drawn[8 * row + 3] > 0 < drawn[8 * row + 4] for row in range(8))
    assert not any(drawn[8 * row] or drawn[8 * row + 7] for row in range(8))

    page.get_by_label("Or a held-out digit").select_option("a 1")
    assert [int(amount.split()[0]) for amount in ink(page)] == ONE
    page.get_by_role("button", name="Clear").click()
    assert set(ink(page)) == {"0 of 16"}

    assert not visited.errors
    page.add_script_tag(path=AXE)
    assert page.evaluate("axe.run('.tl-figure').then(r => r.violations.map(v => v.id))") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
