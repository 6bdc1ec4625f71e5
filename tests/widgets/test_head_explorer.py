"""HeadExplorer, used by a reader: choosing heads, looking from tokens, switching heads off."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
import torch

from tests.widgets.conftest import wait_until_painted
from tests.widgets.test_real_model import model_of
from transformer_lab.recipes import prompt_ids
from transformer_lab.trace import attention_maps, heads_off
from transformer_lab.widgets.head_explorer import HeadExplorer

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
TEXT = "Anna had a red kite. Tom saw the red"


@pytest.fixture
def explorer(open_figure, small_model):
    """`explorer(layer=1)` opens a HeadExplorer; returns its page and the model."""
    small = small_model()

    def make(*, browser_options=None, **state):
        figure = lambda: HeadExplorer(model_file=small.content, **({"text": TEXT} | state))  # noqa: E731
        return open_figure(figure, **(browser_options or {})).page, small

    return make


def ids(small):
    return torch.tensor([prompt_ids(small.tokenizer, TEXT)])


def words(page) -> str:
    page.wait_for_timeout(250)  # the sentence waits for the hand to rest
    return page.locator("[role=status]").last.text_content()


def shares(page) -> list[str]:
    return page.locator(".tl-bar:visible .tl-bar-share").all_text_contents()


def percent(probability) -> float:
    return 100 * float(probability)


def test_the_sentence_names_the_token_that_torch_finds(explorer):
    page, small = explorer(layer=1, head=2)
    weights = attention_maps(small.model, ids(small))[1, 0, 2]
    for looking in (3, 6):
        page.get_by_label("Token that looks").fill(str(looking + 1))
        best = int(weights[looking].argmax())
        piece = small.tokenizer.piece(int(ids(small)[0, best])).replace(" ", "·")
        name = "⟨start⟩" if best == 0 else piece
        found = re.search(r"looks most at (\S+) \((<?>?[\d.]+)%\)", words(page))
        assert found, words(page)
        assert found[1] == name
        assert float(found[2].strip("<>")) == pytest.approx(
            percent(weights[looking, best]), abs=0.6
        )


def test_switching_a_head_off_gives_the_prediction_that_torch_gives_without_it(explorer):
    page, small = explorer(layer=1, head=2)
    with_all = shares(page)
    page.get_by_label("Switch this head off").check()
    wait_until_painted(page)
    with torch.no_grad(), heads_off(small.model, [(1, 2)]):
        without = small.model(ids(small))[0, -1].softmax(-1)
    # The three likeliest with all heads, then the likeliest now: five in all.
    with torch.no_grad():
        whole = small.model(ids(small))[0, -1].softmax(-1)
    tokens = list(
        dict.fromkeys([*whole.topk(3).indices.tolist(), *without.topk(5).indices.tolist()])
    )
    shown = [float(share.strip("<>%")) for share in shares(page)]
    expected = [percent(without[id]) for id in tokens[:5]]
    assert shown == pytest.approx(expected, abs=0.11)
    assert shares(page) != with_all
    assert "With 1 head off" in page.locator("[role=status]").first.text_content()
    page.get_by_role("button", name="All heads on").click()
    wait_until_painted(page)
    assert shares(page) == with_all


def test_heads_are_chosen_with_the_keyboard(explorer):
    page, _ = explorer()
    page.get_by_role("button", name="layer 0, head 0").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert (
        page.get_by_role("button", name="layer 0, head 1").get_attribute("aria-pressed") == "true"
    )
    assert page.get_by_text("Layer 0, head 1", exact=True).is_visible()


def test_a_key_goes_up_or_down_a_layer(explorer):
    page, _ = explorer()
    page.get_by_role("button", name="layer 0, head 1").focus()
    for key, name in [("ArrowDown", "layer 1, head 1"), ("ArrowUp", "layer 0, head 1")]:
        page.keyboard.press(key)
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert focused == name


def test_the_slider_moved_by_keyboard_changes_what_is_said(explorer):
    page, _ = explorer()
    before = words(page)
    page.get_by_label("Token that looks").focus()
    page.keyboard.press("ArrowLeft")
    assert words(page) != before


def test_only_this_head_switches_all_others_off(explorer):
    page, _ = explorer(layer=0, head=1)
    page.get_by_role("button", name="Only this head on").click()
    wait_until_painted(page)
    assert page.get_by_role("button", name="switched off").count() == 7
    assert not page.get_by_label("Switch this head off").is_checked()


def test_what_a_reader_types_is_text(explorer):
    page, _ = explorer()
    page.get_by_label("A story").fill("<img src=x onerror=alert(1)> <b>Anna</b>")
    page.wait_for_timeout(400)
    assert page.locator(".tl-figure img, .tl-figure b").count() == 0
    assert "<" in "".join(page.locator(".tl-chip").all_text_contents())


def test_a_text_that_is_too_long_is_cut_and_the_figure_says_so(explorer):
    page, _ = explorer()
    page.get_by_label("A story").fill("Anna had a red kite. " * 30)
    page.wait_for_timeout(400)
    assert page.locator(".tl-chip").count() == 64
    assert "This figure shows 64 tokens" in page.locator(".tl-figure").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(explorer, scheme):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    page, _ = explorer(browser_options=options)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]


# --- A real model: here a small one with many layers, behind the same button ---------------


@pytest.fixture
def loaded(open_figure, small_model):
    """A page in which the real model has been loaded and has read the text, and that model."""
    tiny, real = small_model(), small_model(n_layers=10, seed=3)
    figure = lambda: HeadExplorer(  # noqa: E731
        model_file=tiny.content,
        text=TEXT,
        disabled_heads=[[0, 1]],
        real_model=model_of(real.content),
    )
    page = open_figure(figure, viewport={"width": 360, "height": 740}).page
    assert page.locator("[data-real-model=absent]").count() == 1
    page.get_by_role("button", name="Load Small").click()
    page.get_by_role("button", name="layer 9, head 3").wait_for()
    return page, real


def effect_of(page) -> str:
    return page.locator(".tl-columns [role=status]").last.text_content()


def test_a_real_model_reads_the_same_text_and_its_heads_are_switched_off(loaded):
    page, real = loaded
    assert page.locator("[data-real-model=ready]").count() == 1
    # The heads that were off are another model's.
    assert page.get_by_role("button", name="switched off").count() == 0
    ids = torch.tensor([real.tokenizer.encode(TEXT)])  # no start token
    with torch.no_grad():
        whole = real.model(ids)[0, -1].softmax(-1)
    shown = [float(share.strip("<>%")) for share in shares(page)]
    assert shown == pytest.approx([percent(share) for share in whole.topk(5).values], abs=0.11)
    page.get_by_role("button", name="layer 7, head 2").click()
    page.get_by_label("Switch this head off").check()
    page.get_by_text("With 1 head off").wait_for()
    with torch.no_grad(), heads_off(real.model, [(7, 2)]):
        without = real.model(ids)[0, -1].softmax(-1)
    [after] = re.findall(r"([\d.]+)%\.$", effect_of(page))
    assert float(after) == pytest.approx(percent(without[whole.argmax()]), abs=0.11)


def test_one_layer_of_a_real_model_is_seen_or_all_and_every_head_is_drawn(loaded):
    page, _ = loaded
    heads = page.locator(".tl-head:visible")
    assert heads.count() == 40
    page.wait_for_timeout(100)
    has_ink = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
                 .data.some(number => number > 0)"""
    assert all(canvas.evaluate(has_ink) for canvas in page.locator(".tl-head canvas").all())
    page.get_by_label("In sight").select_option("layer 8")
    assert heads.count() == 4
    assert page.get_by_text("Layer 8, head 0", exact=True).is_visible()
    page.get_by_role("button", name="layer 8, head 1").focus()
    page.keyboard.press("ArrowDown")  # they stand in two rows of two
    page.keyboard.press("Enter")
    assert page.get_by_text("Layer 8, head 3", exact=True).is_visible()
    page.get_by_label("In sight").select_option("all layers")
    assert heads.count() == 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]


def test_a_real_model_without_a_text_says_so_and_gives_way_when_it_is_unloaded(loaded):
    page, _ = loaded
    page.get_by_label("A story").fill(" ")
    page.get_by_label("A story").fill("")
    page.get_by_text("Small has no start token").wait_for()
    assert not page.locator(".tl-head").first.is_visible()
    page.get_by_label("A story").fill("Tom saw")
    page.locator(".tl-head").first.wait_for()
    page.get_by_role("button", name="Unload Small").click()
    page.get_by_role("button", name="layer 9, head 3").wait_for(state="detached")
    assert page.locator(".tl-head:visible").count() == 8
    assert page.locator(".tl-chip").first.text_content() == "⟨start⟩"


def test_the_room_beside_the_heads_of_a_real_model_is_used(loaded):
    page, _ = loaded
    page.set_viewport_size({"width": 720, "height": 900})
    heads, beside = (page.locator(".tl-deep > *").nth(at).bounding_box() for at in (0, 1))
    assert beside["x"] > heads["x"] + heads["width"]
    bars = page.get_by_text("What comes next").bounding_box()
    assert bars["x"] == beside["x"]
    page.get_by_role("button", name="Unload Small").click()
    page.locator(".tl-deep").wait_for(state="detached")
    assert page.get_by_text("What comes next").bounding_box()["x"] == heads["x"]
