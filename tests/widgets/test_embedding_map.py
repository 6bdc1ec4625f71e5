"""EmbeddingMap, used by a reader: training time, neighbours, views, bad words."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
import torch
from playwright.sync_api import expect

from tests.widgets.conftest import wait_until_painted
from transformer_lab.widgets.embedding_map import EmbeddingMap

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
WORDS = [f"{kind}{n}" for kind in ("toy", "pet", "Name") for n in range(5)]
KINDS = [word[:-1] for word in WORDS]
STEPS = [0, 10, 40]


def tables() -> torch.Tensor:
    """Three snapshots of 15 vectors: at random, half way, and each kind around its own axis."""
    random = torch.randn(15, 8, generator=torch.Generator().manual_seed(0))
    axes = torch.diag(torch.tensor([4.0, 3.0, 2.0, 0, 0, 0, 0, 0]))[:3].repeat_interleave(5, dim=0)
    shares = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1)
    return ((1 - shares) * random + shares * (axes + 0.25 * random)).half()


@pytest.fixture
def show_map(open_figure):
    """`show_map(word="pet2")` opens an EmbeddingMap and returns its page."""

    def make(*, browser_options=None, **state):
        figure = lambda: EmbeddingMap(  # noqa: E731
            vectors=tables().numpy().tobytes(), steps=STEPS, words=WORDS, kinds=KINDS,
            **({"word": "toy0", "selected": 2} | state),
        )  # fmt: skip
        return open_figure(figure, **(browser_options or {})).page

    return make


def said(page, number: int = 0) -> str:
    page.wait_for_timeout(300)  # the sentence waits for the hand to rest
    return page.locator("[role=status]").nth(number).text_content()


def click_on(page, word: str) -> None:
    """A click of the mouse where the word lies, however close others are."""
    place = page.locator(".tl-em-word").nth(WORDS.index(word)).get_attribute("transform")
    x, y = map(float, re.findall(r"-?[\d.]+", place))
    box = page.locator(".tl-em-map").bounding_box()
    page.mouse.click(box["x"] + x, box["y"] + y)
    wait_until_painted(page)


def neighbours(page) -> list[tuple[str, float]]:
    names = page.locator(".tl-em-near .tl-token").all_text_contents()
    shares = page.locator(".tl-em-near .tl-bar-share").all_text_contents()
    return [(name, float(share)) for name, share in zip(names, shares, strict=True)]


def expected_neighbours(step: int, word: str) -> list[tuple[str, float]]:
    vectors = torch.nn.functional.normalize(tables()[step].float(), dim=1)
    cosines = vectors @ vectors[WORDS.index(word)]
    cosines[WORDS.index(word)] = -2
    best = cosines.topk(5)
    best_lists = best.indices.tolist(), best.values.tolist()
    return [(WORDS[i], value) for i, value in zip(*best_lists, strict=True)]


def kept(step: int, view: int) -> float:
    """The share of the spread along two principal directions of the last snapshot, by torch."""
    last, now = ((t := tables()[s].float()) - t.mean(0) for s in (2, step))
    directions = torch.linalg.svd(last).Vh[2 * view : 2 * view + 2]
    return float((now @ directions.T).square().sum() / now.square().sum())


@pytest.mark.parametrize(("step", "word"), [(0, "toy0"), (2, "toy0"), (1, "pet3")])
def test_the_neighbours_are_those_that_torch_finds_in_all_dimensions(show_map, step, word):
    page = show_map(selected=step, word=word)
    for shown, right in zip(neighbours(page), expected_neighbours(step, word), strict=True):
        assert shown[0] == right[0]
        assert shown[1] == pytest.approx(right[1], abs=0.006)


@pytest.mark.parametrize(("step", "view"), [(2, 0), (0, 0), (2, 1)])
def test_the_share_that_the_flat_view_keeps_is_that_of_principal_components(show_map, step, view):
    page = show_map(selected=step, view=view)
    found = re.search(r"keeps ([<>\d.]+)% of how the vectors differ", said(page, 1))
    assert float(found[1].strip("<>")) == pytest.approx(100 * kept(step, view), abs=0.6)


def test_the_slider_moves_through_training_and_the_words_find_their_kind(show_map):
    page = show_map(selected=0)
    assert "Step 0 of 40" in said(page)
    page.get_by_label("Training step").focus()
    page.keyboard.press("End")
    wait_until_painted(page)
    assert "Step 40 of 40" in said(page)
    assert "All" not in said(page)  # a kind has only four others: one of five is a stranger
    assert "4 of the 5 nearest are of its own kind, toy" in said(page)
    assert page.locator(".tl-em-near-word.tl-stranger").count() == 1
    assert page.locator(".tl-em-score").get_attribute("aria-label").endswith("29 percent.")


def test_a_word_is_chosen_by_mouse_by_keyboard_and_by_typing(show_map):
    page = show_map()
    click_on(page, "pet2")
    assert "most like “pet2”" in said(page)
    page.get_by_role("button", name="pet2 (pet)").focus()
    page.keyboard.press("ArrowRight")
    wait_until_painted(page)
    page.keyboard.press("Enter")
    wait_until_painted(page)
    assert "most like “pet3”" in said(page)
    page.get_by_label("Word", exact=True).fill("name4")  # capitals do not matter
    page.wait_for_timeout(400)
    assert "most like “Name4”" in said(page)
    page.locator(".tl-em-near-word").first.click()
    assert "most like “Name4”" not in said(page)


def test_an_unknown_word_is_one_clear_sentence_and_stays_text(show_map):
    page = show_map()
    page.get_by_label("Word", exact=True).fill("<b>spoon</b>")
    page.wait_for_timeout(400)
    assert said(page) == "“<b>spoon</b>” is not one of the 15 words on this map."
    assert page.locator(".tl-figure b").count() == 0


def test_another_side_and_coming_closer_move_the_words(show_map):
    page = show_map()
    where = lambda: page.locator(".tl-em-word").evaluate_all(  # noqa: E731
        "words => words.map(word => word.getAttribute('transform'))"
    )
    first = where()
    page.get_by_label("Seen from").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(700)
    second = where()
    page.get_by_label("Come closer to it").check()
    page.wait_for_timeout(700)
    assert first != second != where()
    box = page.locator(".tl-em-map").bounding_box()
    [x, y] = map(float, re.findall(r"-?[\d.]+", where()[0]))  # the chosen word is in the middle
    assert x == pytest.approx(box["width"] / 2, abs=1)
    assert y == pytest.approx(box["height"] / 2, abs=1)


def test_the_places_keep_one_scale_so_that_steps_can_be_compared(show_map):
    """Between two snapshots of the same numbers, no word moves."""
    page = show_map(selected=2)
    place = lambda: page.locator(".tl-em-word").nth(3).get_attribute("transform")  # noqa: E731
    before = place()
    page.get_by_label("Training step").focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(700)
    assert place() != before
    page.keyboard.press("End")
    page.wait_for_timeout(700)
    assert place() == before


def test_one_kind_can_be_seen_alone(show_map):
    page = show_map()
    pets = page.get_by_role("button", name="pet", exact=True)
    pets.click()
    wait_until_painted(page)
    assert pets.get_attribute("aria-pressed") == "true"
    faded = page.locator(".tl-em-word.tl-faded")
    expect(faded).to_have_count(9)  # all but the pets and the chosen
    pets.click()
    expect(faded).to_have_count(0)


def test_playing_runs_to_the_last_snapshot_and_stops(show_map):
    page = show_map(selected=0)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent.includes('Step 40 of 40')",
        timeout=10_000,
    )
    assert page.get_by_role("button", name="Play").is_visible()


def test_kinds_differ_in_form_and_not_only_in_colour(show_map):
    page = show_map()
    forms = page.locator(".tl-em-word").evaluate_all(
        "words => words.map(word => word.querySelector('path').getAttribute('d'))"
    )
    assert len(set(forms)) == 3
    assert all(forms[i] == forms[5 * (i // 5)] for i in range(15))


def test_the_directions_of_the_map_are_torchs():
    last = tables()[-1].double()
    _, _, directions = torch.linalg.svd(last - last.mean(0))
    figure = EmbeddingMap(vectors=tables().numpy().tobytes(), steps=STEPS, words=WORDS, kinds=KINDS)
    found = torch.tensor(figure.directions, dtype=torch.double)
    assert found.shape == (8, 8)
    assert (found @ directions.T).abs().sub(torch.eye(8)).abs().max() < 1e-6
    assert (found.gather(1, found.abs().argmax(1, keepdim=True)) > 0).all()


@pytest.mark.parametrize(
    "choice", [{"steps": list(range(7))}, {"words": WORDS[:7]}, {"vectors": b""}]
)
def test_vectors_that_do_not_fit_are_refused_in_one_sentence(choice):
    state = {"vectors": tables().numpy().tobytes(), "steps": STEPS, "words": WORDS, "kinds": KINDS}
    with pytest.raises(ValueError, match="it needs equally many for each"):
        EmbeddingMap(**state | choice)


def test_the_engines_principal_directions_are_torchs(engine):
    rows = tables()[2].float()
    rows = rows - rows.mean(0)
    found = torch.tensor(engine("rows => vectors.principalDirections(rows)", rows.tolist()))
    right = torch.linalg.svd(rows).Vh
    torch.testing.assert_close((found * right).sum(1).abs(), torch.ones(8), atol=1e-3, rtol=0)
    assert (found.gather(1, found.abs().argmax(1, keepdim=True)) > 0).all()


def test_on_a_phone_one_word_of_each_kind_is_named_unasked(show_map):
    page = show_map(browser_options={"viewport": {"width": 360, "height": 740}})
    named = page.locator(".tl-em-word:not(.tl-chosen):not(.tl-neighbour)").filter(
        has=page.locator("text[display=inline]")
    )
    kinds = [word.get_attribute("aria-label").split("(")[1] for word in named.all()]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(show_map, scheme):
    page = show_map(
        browser_options={"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
