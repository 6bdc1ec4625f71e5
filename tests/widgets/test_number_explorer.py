"""NumberExplorer, used by a reader: opening numbers, going back, and comparing them with torch."""

from __future__ import annotations

import re

import pytest
import torch

from transformer_lab.recipes import prompt_ids
from transformer_lab.trace import capture
from transformer_lab.widgets.number_explorer import NumberExplorer

TEXT = "Anna had a red kite. Tom saw the red"


@pytest.fixture
def explore(open_figure, small_model):
    small = small_model()

    def make(*, browser_options=None, **state):
        figure = lambda: NumberExplorer(  # noqa: E731
            model_file=small.content, **({"text": TEXT} | state)
        )
        return open_figure(figure, **(browser_options or {})).page, small

    return make


def run(small):
    """The logits after the text, and what was computed on the way."""
    ids = torch.tensor([prompt_ids(small.tokenizer, TEXT)])
    with torch.no_grad(), capture(small.model) as seen:
        logits = small.model(ids)[0, -1]
    return logits, seen


def number(text: str) -> float:
    """0.0739 (7.4%) → 0.0739; −2.1·10⁻⁵ → -2.1e-5."""
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    found = re.match(r"(−?[\d.]+)(?:·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text)
    assert found, text
    power = int(found[2].translate(digits)) if found[2] else 0
    return float(found[1].replace("−", "-")) * 10**power


def value(page) -> float:
    return number(page.locator(".tl-nx-number").text_content())


def rows(page) -> list[float]:
    """The values of all rows that are shown, the sum and what follows it left out."""
    return [
        number(text.strip())
        for text in page.locator(".tl-nx-row:not(.tl-nx-total) .tl-nx-value").all_text_contents()
    ]


def test_the_way_down_shows_the_numbers_of_torch(explore):
    page, small = explore()
    logits, seen = run(small)
    best = int(logits.argmax())
    page.locator(f'[data-path="probability/{best}"]').click()
    assert value(page) == pytest.approx(float(logits.softmax(-1)[best]), rel=0.01)
    page.locator(f'[data-path="logit/{best}"]').click()
    assert value(page) == pytest.approx(float(logits[best]), abs=0.006)
    page.locator('.tl-nx-open[data-path^="final/"]').first.click()
    place = int(re.search(r"number (\d+)", page.locator(".tl-heading").text_content())[1])
    assert value(page) == pytest.approx(float(seen["final_norm"][0, -1, place]), abs=0.006)


def test_a_weight_is_that_of_torch_and_lights_up_the_tokens(explore):
    page, small = explore(path=["weight/1/2/6/4"])
    _, seen = run(small)
    expected = seen["blocks.1.attention.weights"][0, 2, 6, 4]
    assert value(page) == pytest.approx(float(expected), rel=0.01)
    shown = page.locator(".tl-chip").evaluate_all("all => all.map(c => c.style.backgroundColor)")
    assert "0.0%" in shown[9] or "/ 0)" in shown[9]  # hidden by the mask
    assert shown[4] != shown[9]


def test_what_is_shown_adds_up_on_a_way_to_the_bottom(explore):
    page, _ = explore()
    generator = torch.Generator().manual_seed(0)
    for _step in range(60):
        buttons = page.locator(".tl-nx-open")
        if not buttons.count():
            break
        assert sum(rows(page)) == pytest.approx(
            number(page.locator(".tl-nx-total .tl-nx-value").first.text_content()), abs=0.02
        )
        chosen = int(torch.randint(buttons.count(), (1,), generator=generator))
        opened = buttons.nth(chosen).text_content()
        buttons.nth(chosen).click()
        assert value(page) == pytest.approx(number(opened), rel=0.01, abs=0.006)
    assert "the way down ends" in page.locator(".tl-nx-card").text_content()
    while page.get_by_role("button", name="Back up").is_enabled():
        page.get_by_role("button", name="Back up").click()
    assert page.locator(".tl-nx-crumb").count() == 1


def test_by_keyboard_down_and_back_and_every_step_is_spoken(explore):
    page, _ = explore()
    page.locator(".tl-nx-open").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    below = page.evaluate("document.activeElement.dataset.path")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('.tl-nx-open')")
    page.wait_for_timeout(200)
    assert page.locator("[role=status]").first.text_content().startswith("logit of")
    page.keyboard.press("Backspace")
    assert page.evaluate("document.activeElement.dataset.path") == below
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")  # there is nothing above
    assert page.locator(".tl-nx-crumb").count() == 1


def test_each_crumb_leads_back_and_both_ways_to_write_a_logit_agree(explore):
    page, _ = explore(path=["probability/300", "logit/300", "final/3"])
    assert page.locator(".tl-nx-crumb").count() == 4
    page.locator(".tl-nx-crumb").nth(2).click()
    logit = value(page)
    page.get_by_role("button", name="part by part").click()
    assert value(page) == logit
    assert page.locator(".tl-nx-crumb").count() == 3
    assert "block 1: attention" in page.locator(".tl-nx-rows").text_content()


def test_typing_keeps_open_what_is_still_there(explore):
    page, _ = explore(path=["probability/300", "weight/1/2/6/4"])
    box = page.get_by_label("Text for the model")
    box.press("Backspace")  # takes a letter away, and leads nowhere
    page.wait_for_timeout(300)
    assert page.locator(".tl-nx-crumb").count() == 3
    box.fill("Anna")  # has no seventh token
    page.wait_for_timeout(300)
    assert page.locator(".tl-nx-crumb").count() == 2


def test_another_token_can_be_asked_what_comes_after_it(explore):
    page, small = explore()
    with torch.no_grad():
        ids = torch.tensor([prompt_ids(small.tokenizer, TEXT)])
        best = small.model(ids)[0, 2].softmax(-1).max()
    page.locator(".tl-chip").nth(2).click()
    assert number(page.locator(".tl-nx-open").first.text_content()) == pytest.approx(
        float(best), rel=0.05
    )


def test_it_fits_a_small_screen(explore):
    page, _ = explore(browser_options={"viewport": {"width": 360, "height": 800}})
    for opens in ("probability/300", "logit/300", "final/3"):
        target = page.locator(f'[data-path="{opens}"]')
        (target if target.count() else page.locator(".tl-nx-open").first).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
