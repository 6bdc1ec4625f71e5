"""TrainingReplay, used by a reader: moving through a run, playing it, typing."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
import torch

from tests.widgets.conftest import wait_until_painted
from transformer_lab.recipes import prompt_ids
from transformer_lab.widgets.training_replay import TrainingReplay

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
TEXT = "Anna had a red"
STEPS = [0, 10, 40]
LOSSES = [7 - 6 * (step / 40) ** 0.5 for step in range(40)]


@pytest.fixture
def replay(open_figure, small_model):
    """`replay(selected=1)` opens the replay of a run with three snapshots of unlike weights."""
    run = [small_model(half=True, seed=seed) for seed in range(3)]

    def make(*, browser_options=None, **state):
        state = {"text": TEXT, "floor": 0.6} | state
        snapshots = [small.content for small in run]
        page = open_figure(
            lambda: TrainingReplay(snapshots=snapshots, steps=STEPS, losses=LOSSES, **state),
            **(browser_options or {}),
        ).page
        return page, run

    return make


def rest(page) -> None:
    """Wait until all is drawn for the chosen step."""
    page.locator(".tl-columns[aria-busy=false]").wait_for()
    wait_until_painted(page)


def shares(page) -> list[float]:
    rest(page)
    texts = page.locator(".tl-bar-share").all_text_contents()
    return [float(text.strip("<>%")) for text in texts]


@pytest.mark.parametrize("selected", [0, 1, 2])
def test_each_step_is_computed_with_the_weights_of_its_snapshot(replay, selected):
    page, run = replay(selected=selected)
    small = run[selected]
    ids = torch.tensor([prompt_ids(small.tokenizer, TEXT)])
    with torch.no_grad():
        best = small.model(ids)[0, -1].softmax(-1).topk(6).values
    assert shares(page) == pytest.approx([100 * p for p in best.tolist()], abs=0.6)
    assert f"Step {STEPS[selected]} of 40" in page.locator("[role=status]").text_content()


def test_the_slider_moved_by_keyboard_changes_the_picture_and_the_sentence(replay):
    page, _ = replay()
    before = shares(page), page.locator(".tl-sample").text_content()
    page.get_by_label("Training step").focus()
    page.keyboard.press("ArrowRight")
    assert (shares(page), page.locator(".tl-sample").text_content()) != before
    assert "Step 10 of 40" in page.locator("[role=status]").text_content()
    page.keyboard.press("ArrowLeft")
    assert (shares(page), page.locator(".tl-sample").text_content()) == before


def test_playing_goes_to_the_end_and_stops(replay):
    page, _ = replay()
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for(timeout=10_000)
    assert page.get_by_label("Training step").input_value() == "2"


def test_what_a_reader_types_is_text_and_changes_the_prediction(replay):
    page, _ = replay()
    before = shares(page)
    page.get_by_label("A story").fill("<img src=x onerror=alert(1)> Tom")
    page.wait_for_timeout(500)
    assert page.locator(".tl-figure img").count() == 0
    assert shares(page) != before


def test_a_text_that_is_too_long_is_cut_and_said(replay):
    page, run = replay(text="Anna had a red kite. " * 80)
    left_out = page.get_by_text("of your text are left out")
    n_ids = len(prompt_ids(run[0].tokenizer, "Anna had a red kite. " * 80))
    n_out = n_ids - run[0].model.config.max_len
    assert f"the last {n_out:,} tokens" in left_out.text_content()


def test_the_dot_stands_on_the_loss_of_the_chosen_step(replay):
    page, _ = replay()
    places = []
    for selected in range(3):
        page.get_by_label("Training step").fill(str(selected))
        dot = page.locator(".tl-curve-dot")
        places.append([float(dot.get_attribute(name)) for name in ("cx", "cy")])
    across, down = zip(*places, strict=True)
    assert list(across) == sorted(across)  # later steps stand further right,
    assert list(down) == sorted(down)  # and this loss falls: down the page
    stretched = (across[1] - across[0]) / (across[2] - across[0])
    assert stretched == pytest.approx((STEPS[1] / STEPS[2]) ** 0.5)


def test_every_matrix_is_named_and_drawn_anew_at_each_step(replay):
    page, run = replay()
    config = run[0].model.config
    names = page.locator(".tl-named-head span").all_text_contents()
    assert names == [f"{a}.{b}" for a in range(config.n_layers) for b in range(config.n_heads)]
    picture = "document.querySelector('.tl-named-head canvas').toDataURL()"
    rest(page)
    before = page.evaluate(picture)
    page.get_by_label("Training step").fill("2")
    rest(page)
    assert page.evaluate(picture) != before


def test_a_snapshot_comes_when_its_step_is_chosen_and_says_so(replay):
    page, _ = replay()
    files = page.locator("script[src*=bytes-]")
    assert files.count() == 1
    said = page.get_by_label("Training step").evaluate(
        """slider => {
          const move = (value) => {
            slider.value = value;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            return document.querySelector("[role=status]").textContent;
          };
          return [move(1), move(2)];  // the hand goes on: the step before need not come
        }"""
    )
    assert "weights of step 10 are loading (0.1 MB)" in said[0]
    rest(page)
    assert "Step 40 of 40" in page.locator("[role=status]").text_content()
    assert files.count() == 2


def test_a_snapshot_that_does_not_come_is_said_and_the_others_still_do(replay, tmp_path):
    page, _ = replay()
    files = [*tmp_path.rglob("bytes-*.js")]
    for file in files:
        file.rename(file.with_suffix(".away"))
    page.get_by_label("Training step").fill("1")
    page.get_by_text("weights of step 10 did not come").wait_for()
    for file in files:
        file.with_suffix(".away").rename(file)
    for step in ("0", "1"):  # another try
        page.get_by_label("Training step").fill(step)
    page.get_by_text("Step 10 of 40").first.wait_for()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"snapshots": [], "steps": []}, "0 snapshots and 0 steps"),
        ({"snapshots": [b"x"], "steps": [0, 1]}, "1 snapshots and 2 steps"),
        ({"snapshots": [b"x"], "steps": [0]}, "needs the loss of each step"),
    ],
)
def test_a_run_that_does_not_fit_together_is_one_clear_sentence(state, sentence):
    with pytest.raises(ValueError, match=sentence):
        TrainingReplay(**state)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(replay, scheme):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    page, _ = replay(browser_options=options)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
