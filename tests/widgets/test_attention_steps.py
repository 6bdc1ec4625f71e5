"""AttentionSteps, used by a reader: its numbers are torch's, and each says where it is from."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
import torch

from transformer_lab.attention import (
    attention_scores,
    attention_weights,
    scaled_dot_product_attention,
)
from transformer_lab.widgets.attention_steps import AttentionSteps

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
TOKENS = ["Tom", "saw", "his", "cat"]
FEATURES = ["person", "animal", "action", "whose?"]
STEPS = ["Vectors", "Queries", "Keys", "Values", "Scores", "Scale", "Weights", "Output"]


def random_state(seed: int, n_tokens: int = 4, size: int = 4) -> dict:
    """Numbers with two decimals, as a reader would type them."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"x": n_tokens, "wq": size, "wk": size, "wv": size}
    matrices = {
        name: (torch.randn(rows, size, generator=generator).double() * 100).round() / 100
        for name, rows in shapes.items()
    }
    return {
        "tokens": TOKENS[:n_tokens],
        "features": FEATURES[:size],
        **{name: matrix.tolist() for name, matrix in matrices.items()},
    }


def in_torch(state: dict) -> dict[str, torch.Tensor]:
    """Each step's result, from the package's own functions."""
    x, wq, wk, wv = (torch.tensor(state[name]).double() for name in ("x", "wq", "wk", "wv"))
    q, k, v = x @ wq, x @ wk, x @ wv
    # Without the scale, a score is sqrt(K) times as large; temperature divides it.
    root = 1.0 if state.get("scaled", True) else q.shape[-1] ** 0.5
    asked = q * root / state.get("temperature", 1.0)
    return {
        "Queries": q, "Keys": k, "Values": v, "Scores": q @ k.T,
        "Scale": attention_scores(asked, k),
        "Weights": attention_weights(attention_scores(asked, k)),
        "Output": scaled_dot_product_attention(asked, k, v),
    }  # fmt: skip


@pytest.fixture
def steps(open_figure):
    """`steps(step=3)` opens the figure with random numbers; returns its page and state."""

    def make(*, browser_options=None, seed=0, sizes=(4, 4), **choices):
        state = random_state(seed, *sizes) | choices
        visited = open_figure(lambda: AttentionSteps(**state), **(browser_options or {}))
        assert not visited.errors
        return visited.page, state

    return make


def go_to(page, title: str) -> None:
    page.get_by_role("button", name=f": {title}", exact=False).first.click()


def result(page) -> torch.Tensor:
    """The numbers of the step's result, as the page shows them."""
    rows = page.locator("table.tl-result tbody tr").all()
    return torch.tensor(
        [
            [float(text.replace("−", "-")) for text in row.locator("td").all_text_contents()]
            for row in rows
        ]
    ).double()


def said(page, which: int) -> str:
    page.wait_for_timeout(250)  # sentences wait for the hand to rest
    return page.locator("[role=status]").nth(which).text_content()


def sum_of(page) -> str:
    return said(page, 0)


def words(page) -> str:
    return said(page, 2)


@pytest.mark.parametrize(
    "choices",
    [{}, {"scaled": False}, {"temperature": 2.5}, {"scaled": False, "temperature": 0.4}],
    ids=["as usual", "no scale", "warm", "no scale and cold"],
)
@pytest.mark.parametrize("sizes", [(4, 4), (6, 2), (1, 3)])
def test_every_step_shows_the_numbers_that_the_package_computes(steps, choices, sizes):
    if sizes[0] == 6:
        choices = choices | {"tokens": list("abcdef")}
    page, state = steps(seed=1, sizes=sizes, **choices)
    for title, expected in in_torch(state).items():
        go_to(page, title)
        torch.testing.assert_close(result(page), expected, atol=0.00501, rtol=0)


def test_a_number_of_the_result_says_the_sum_that_it_comes_from(steps):
    page, state = steps(step=1)
    page.get_by_role("button", name="Q, his, action").hover()
    terms = [(state["x"][2][i], state["wq"][i][2]) for i in range(4)]
    found = re.findall(r"\(?(−?[\d.]+)\)?×\(?(−?[\d.]+)\)?", sum_of(page))
    numbers = [tuple(float(n.replace("−", "-")) for n in pair) for pair in found]
    assert numbers == [pytest.approx(pair) for pair in terms]
    assert sum_of(page).startswith("Q of “his”, action: ")
    assert page.locator(".tl-lit").count() == 4 + 4 + 1


def test_scores_come_from_two_rows_and_weights_from_one(steps):
    page, _ = steps(step=4)
    page.get_by_role("button", name="Scores, saw, cat").hover()
    assert page.locator("tr", has_text="saw").first.locator(".tl-lit").count() == 4
    assert (
        page.locator("table").nth(1).locator("tr", has_text="cat").locator(".tl-lit").count() == 4
    )
    go_to(page, "Weights")
    page.get_by_role("button", name="Weights, his, Tom").hover()
    assert sum_of(page).count("e^") == 1 + 4


def test_a_reader_can_predict_each_result_and_the_weights_before_seeing_them(steps):
    page, state = steps(guess=True, followed=2)
    shares = page.locator(".tl-look .tl-bar-share")
    cells = page.locator("table.tl-result .tl-cell")
    shown = page.get_by_role("button", name="Show the numbers")
    assert not shown.is_visible()  # the vectors are given, not computed
    go_to(page, "Queries")
    assert set(cells.all_text_contents()) == {"?"}
    assert "query of “his”" in sum_of(page)
    shown.focus()
    page.keyboard.press("Enter")
    torch.testing.assert_close(result(page), in_torch(state)["Queries"], atol=0.00501, rtol=0)
    assert page.evaluate("document.activeElement.textContent") == "Next step"
    assert set(shares.all_text_contents()) == {"?"}
    go_to(page, "Weights")
    assert set(cells.all_text_contents()) == {"?"}
    assert "Predict" in words(page)
    shown.click()
    assert all(share.endswith("%") for share in shares.all_text_contents())
    go_to(page, "Queries")  # what was shown stays shown
    assert "?" not in cells.all_text_contents()
    page.get_by_label("Let me predict first").uncheck()
    go_to(page, "Output")
    assert not shown.is_visible()
    torch.testing.assert_close(result(page), in_torch(state)["Output"], atol=0.00501, rtol=0)


def test_changing_a_number_changes_the_weights_and_the_words_say_so(steps):
    page, state = steps(followed=2)
    before = words(page)
    page.get_by_label("X, his, person").fill("9.5")
    state["x"][2][0] = 9.5
    now = in_torch(state)["Weights"][2]
    shares = page.locator(".tl-look .tl-bar-share").all_text_contents()
    assert [float(s.strip("<>%")) for s in shares] == pytest.approx((100 * now).tolist(), abs=0.6)
    assert words(page) != before
    page.get_by_role("button", name="As at first").click()
    assert words(page) == before
    assert page.get_by_label("X, his, person").input_value() != "9.5"


def test_the_scale_and_the_temperature_move_the_weights(steps):
    page, state = steps(step=6)
    page.get_by_label("Divide scores by √4").uncheck()
    expected = in_torch(state | {"scaled": False})["Weights"]
    torch.testing.assert_close(result(page), expected, atol=0.00501, rtol=0)
    page.get_by_label("Temperature").fill("4")
    expected = in_torch(state | {"scaled": False, "temperature": 4.0})["Weights"]
    torch.testing.assert_close(result(page), expected, atol=0.00501, rtol=0)


def test_tokens_that_are_all_alike_are_looked_at_alike(steps):
    page, _ = steps(step=6)
    page.get_by_role("button", name="All tokens alike").click()
    assert (result(page) == 0.25).all()
    assert "at all tokens alike, as if at 4.0 tokens" in words(page)


def test_following_another_token_tells_its_weights(steps):
    page, _ = steps(followed=2)
    page.get_by_label("Follow the token").select_option("cat")
    assert words(page).startswith("“cat” looks")
    assert page.get_by_text("Where “cat” looks").is_visible()


def test_the_steps_are_gone_through_with_the_keyboard(steps):
    page, _ = steps()
    assert page.get_by_role("button", name="Back").is_disabled()
    for title in STEPS[1:]:
        page.get_by_role("button", name="Next step").focus()
        page.keyboard.press("Enter")
        assert page.get_by_text(f": {title}", exact=False).first.is_visible()
    assert page.get_by_role("button", name="Next step").is_disabled()
    assert page.evaluate("document.activeElement.textContent") == "Back"  # not lost
    page.get_by_role("button", name="step 8: Output").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert page.get_by_text("Step 7 of 8: Weights").is_visible()
    page.get_by_role("button", name="Weights, Tom, Tom").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert sum_of(page).startswith("Weights of “saw”, for “saw”")


@pytest.mark.parametrize("typed", ["", "1000", "-99.5"])
def test_what_is_no_fitting_number_gets_one_sentence_and_changes_nothing(steps, typed):
    page, state = steps()
    before = words(page)
    page.get_by_label("X, Tom, animal").fill(typed)
    assert "needs a number from −99 to 99" in said(page, 1)
    assert words(page) == before
    page.get_by_label("X, Tom, person").focus()
    assert said(page, 1) == ""
    assert float(page.get_by_label("X, Tom, animal").input_value()) == state["x"][0][1]


def test_the_largest_numbers_overflow_nothing(steps):
    huge = [[99.0] * 4] * 4
    page, _ = steps(step=6, x=[*huge[:3], [-99.0] * 4], wq=huge, wk=huge, wv=huge, scaled=False)
    weights = result(page)
    torch.testing.assert_close(weights.sum(-1), torch.ones(4).double(), atol=0.02, rtol=0)


def test_a_token_is_shown_as_text(steps):
    page, _ = steps(tokens=["<b>Tom</b>", "saw", "his", "cat"])
    assert page.locator(".tl-figure b").count() == 0
    assert page.get_by_text("<b>Tom</b>").first.is_visible()


@pytest.mark.parametrize("step", [0, 1, 4, 6])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(steps, scheme, step):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    page, _ = steps(browser_options=options, step=step)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [[1.0]]}, "x needs 4 rows of 4 numbers"),
        ({"wk": [[1.0, 2.0]] * 4}, "wk needs 4 rows of 4 numbers"),
        ({"tokens": list("abcdefg")}, "room for 1 to 6 tokens"),
        ({"features": []}, "not for 4 and 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_words(change, message):
    with pytest.raises(ValueError, match=message):
        AttentionSteps(**random_state(0) | change)
