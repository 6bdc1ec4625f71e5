"""PositionWaves, used by a reader: the same numbers as torch, and what stays when things move."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
import torch

from tests.widgets.conftest import wait_until_painted
from transformer_lab.embeddings import rotate, sinusoidal_positions
from transformer_lab.widgets.position_waves import PositionWaves

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


def table() -> torch.Tensor:
    return torch.randn(96, 12, generator=torch.Generator().manual_seed(0)).half()


@pytest.fixture
def waves(open_figure):
    """`waves(way="rotary")` opens a PositionWaves and returns its page."""

    def make(*, browser_options=None, **state):
        figure = lambda: PositionWaves(  # noqa: E731
            **({"table": table().numpy().tobytes(), "table_size": 12} | state)
        )
        return open_figure(figure, **(browser_options or {})).page

    return make


def said(page) -> str:
    page.wait_for_timeout(250)  # the sentence waits for the hand to rest
    return page.locator("[role=status]").text_content()


def value(page) -> float:
    return float(re.search(r"is (-?[\d.]+)\. ", said(page))[1])


def move(page, label: str, key: str, times: int = 1) -> None:
    page.get_by_role("slider", name=label).focus()
    for _ in range(times):
        page.keyboard.press(key)
        wait_until_painted(page)


@pytest.mark.parametrize(
    ("position", "distance", "size", "base"), [(3, 7, 16, 10_000.0), (40, 0, 8, 100.0)]
)
def test_the_sinusoidal_dot_product_is_torchs(waves, position, distance, size, base):
    page = waves(position=position, distance=distance, size=size, base=base)
    rows = sinusoidal_positions(96, size, base=base)
    assert value(page) == pytest.approx(float(rows[position] @ rows[position + distance]), abs=0.01)


@pytest.mark.parametrize("way", ["sinusoidal", "rotary"])
def test_moving_both_tokens_leaves_the_number_as_it_is_and_the_figure_says_so(waves, way):
    page = waves(way=way)
    before = value(page)
    assert "Now move the earlier token" in said(page)
    move(page, "Earlier token", "ArrowRight", 5)
    assert value(page) == before
    assert "only the distance counts" in said(page)
    move(page, "Distance", "ArrowRight")
    assert value(page) != before
    assert page.locator(".tl-pw-reading").count() == 1  # another distance, other measurements


def test_learned_rows_change_when_both_tokens_move_and_the_figure_says_so(waves):
    page = waves(way="learned", position=5, distance=4)
    rows = table().float()
    assert value(page) == pytest.approx(float(rows[5] @ rows[9]), abs=0.01)
    move(page, "Earlier token", "ArrowRight")
    assert value(page) == pytest.approx(float(rows[6] @ rows[10]), abs=0.01)
    assert "the place counts too" in said(page)
    assert not page.get_by_role("slider", name="Numbers").is_visible()


def test_another_query_and_key_give_another_score(waves):
    page = waves(way="rotary")
    before = value(page)
    page.get_by_role("button", name="Another query and key").click()
    wait_until_painted(page)
    assert value(page) != before


def test_the_way_is_chosen_with_the_keyboard(waves):
    page = waves()
    page.get_by_label("Positions", exact=True).focus()
    page.keyboard.press("End")
    wait_until_painted(page)
    assert "the score of the query and the key" in said(page)


def test_a_click_on_a_row_of_the_picture_moves_there(waves):
    page = waves(position=0, distance=3)
    box = page.locator(".tl-pw-heat").bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + box["height"] * 20.5 / 96)
    wait_until_painted(page)
    assert "stand at 20 and 23" in said(page)


def test_there_is_a_clock_for_each_pair_of_numbers(waves):
    page = waves(size=8)
    assert page.locator(".tl-pw-clock").count() == 4
    move(page, "Numbers", "ArrowRight")
    assert page.locator(".tl-pw-clock").count() == 5


def test_without_a_table_there_is_no_learned_way(waves):
    page = waves(table=b"", table_size=0, way="learned")
    assert page.get_by_label("Positions", exact=True).locator("option").count() == 2
    assert "the score" not in said(page)


@pytest.mark.parametrize("size", [4, 10])
def test_the_engine_turns_and_waves_as_torch_does(engine, size):
    vector = torch.randn(size, generator=torch.Generator().manual_seed(1))
    for position in (0, 1, 77):
        turned = engine("([v, p]) => positions.rotated(v, p, 10000)", [vector.tolist(), position])
        right = rotate(vector[None], torch.tensor([position]))[0]
        torch.testing.assert_close(torch.tensor(turned).float(), right, atol=1e-4, rtol=0)
        row = engine("([s, p]) => positions.sinusoidalRow(p, s, 10000)", [size, position])
        right = sinusoidal_positions(78, size)[position]
        torch.testing.assert_close(torch.tensor(row).float(), right, atol=1e-4, rtol=0)


@pytest.mark.parametrize("way", ["sinusoidal", "rotary", "learned"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(waves, scheme, way):
    page = waves(
        way=way, browser_options={"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
