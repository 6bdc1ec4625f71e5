"""NextToken, used by a reader: typing, sliders, drawing, undoing, writing on."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import axe_playwright_python
import pytest
import traitlets

from tests.widgets.conftest import wait_until_painted
from transformer_lab.languages.grammar import END
from transformer_lab.widgets import real_model
from transformer_lab.widgets.next_token import NextToken

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
NEXT = {" ball": 0.5, " dog": 0.3, " bank": 0.15, END: 0.04}


@pytest.fixture
def figure(open_figure, fixed_model):
    """`figure(text="…")` opens a NextToken whose model always gives the probabilities of NEXT."""

    def make(probabilities=NEXT, *, browser_options=None, **state):
        content = fixed_model(probabilities).content
        return open_figure(
            lambda: NextToken(model_file=content, **({"text": "Anna found a"} | state)),
            # Without animation a draw is carried out at once.
            **({"reduced_motion": "reduce"} | (browser_options or {})),
        ).page

    return make


def bars(page) -> dict[str, str]:
    """What the bars say: each token with its percentage."""
    return {
        bar.locator(".tl-token").text_content(): bar.locator(".tl-bar-share").text_content()
        for bar in page.locator(".tl-bar:visible").all()
    }


def percents(page) -> list[float]:
    return [0.0 if share == "cut" else float(share.strip("<>%")) for share in bars(page).values()]


def tokens(page) -> list[str]:
    return page.locator(".tl-chip").all_text_contents()


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=False).first.click()
    wait_until_painted(page)


def move(page, label: str, key: str, times: int = 1) -> None:
    slider = page.get_by_label(label)
    slider.focus()
    for _ in range(times):
        slider.press(key)
    wait_until_painted(page)


def said(page) -> str:
    """The sentence that a screen reader speaks."""
    return page.locator(".tl-status[aria-live=polite]").first.text_content()


def text_of(page) -> str:
    return page.get_by_label("Type the start of a story").input_value()


# --- What is shown -------------------------------------------------------------------


def test_it_opens_with_the_tokens_and_the_most_likely_next_ones(figure):
    page = figure()
    assert tokens(page) == ["⟨start⟩", "·Anna", "·found", "·a"]
    assert list(bars(page).items())[:4] == [
        ("·ball", "50%"), ("·dog", "30%"), ("·bank", "15%"), ("⟨end⟩", "4.0%"),
    ]  # fmt: skip
    assert "·ball, 50%" in said(page)


def test_typing_changes_the_tokens_and_keeps_the_caret(figure):
    page = figure(text="Anna a")
    box = page.get_by_label("Type the start of a story")
    box.focus()
    box.press("Home")
    page.keyboard.type("Tom met ", delay=40)
    page.locator(".tl-chip").get_by_text("·met").wait_for()
    assert tokens(page) == ["⟨start⟩", "·Tom", "·met", "·Anna", "·a"]
    assert box.evaluate("box => box.selectionStart") == len("Tom met ")


def test_no_text_is_a_text_too(figure):
    page = figure(text="")
    assert tokens(page) == ["⟨start⟩"]
    press(page, "Take the top")
    assert text_of(page) == "ball"


def test_html_that_a_reader_types_stays_text(figure):
    evil = '<img src=x onerror="window.hurt = true"><b>bold</b>'
    page = figure(text=evil)
    page.get_by_label("Type the start of a story").fill(f"Anna {evil}")
    page.wait_for_timeout(300)
    press(page, "Take the top")
    assert page.locator(".tl-figure img, .tl-figure b").count() == 0
    assert page.evaluate("window.hurt") is None
    assert "".join(tokens(page)[1:]).replace("·", " ").startswith(f" Anna {evil[:4]}")


@pytest.mark.parametrize(
    "text", ["🙂 हिन्दी 東京", f"Anna {END} Tom", "\ufeff\u200b\x00", "a" * 300]
)
def test_any_text_can_be_typed(figure, text):
    page = figure()
    page.get_by_label("Type the start of a story").fill(text)
    page.wait_for_function("document.querySelectorAll('.tl-chip').length !== 4")
    assert bars(page)["·ball"] == "50%"


def test_pieces_that_training_never_met_are_marked(figure):
    page = figure(text="Anna 🙂")
    unseen = page.locator(".tl-chip.tl-unseen").all_text_contents()
    assert len(unseen) >= 3
    assert "·Anna" not in unseen
    assert "never occurred in training" in said(page)


def test_focusing_a_token_says_its_id_and_where_the_model_looks(figure, tokenizer):
    page = figure()
    page.locator(".tl-chip").nth(3).focus()
    page.keyboard.press("ArrowLeft")
    wait_until_painted(page)
    caption = page.locator(".tl-where").text_content()
    [id] = tokenizer.encode(" found")
    assert caption.startswith(f"·found (ID {id}) attends most to")
    shares = [float(number) for number in re.findall(r"([\d.]+)%", caption)]
    assert 0 < sum(shares) <= 100.1
    shades = page.locator(".tl-chip").evaluate_all(
        "chips => chips.map(chip => getComputedStyle(chip).backgroundColor)"
    )
    assert shades[3] != shades[2]  # what comes later cannot be looked at


# --- Reshaping -------------------------------------------------------------------------


def test_temperature_moved_by_keyboard_reshapes_the_bars(figure):
    page = figure()
    move(page, "Temperature", "ArrowRight", 10)  # to 2: the square roots, shared out anew
    ball, dog, *_ = percents(page)
    assert ball / dog == pytest.approx((0.5 / 0.3) ** 0.5, rel=0.1)
    assert ball < 50
    move(page, "Temperature", "Home")
    assert list(bars(page).values())[:3] == ["100%", "cut", "cut"]


def test_top_k_and_top_p_cut_and_share_out_anew(figure):
    page = figure()
    move(page, "Top-k", "Home")
    move(page, "Top-k", "ArrowRight")
    assert percents(page)[:3] == pytest.approx([100 * 5 / 8, 100 * 3 / 8, 0], abs=0.6)
    assert "2 of" in page.locator(".tl-choice .tl-heading").text_content()
    move(page, "Top-k", "End")
    move(page, "Top-p", "ArrowLeft", 2)  # 0.9: the first three together reach it
    assert percents(page)[:4] == pytest.approx([50 / 0.95, 30 / 0.95, 15 / 0.95, 0], abs=0.6)


def test_what_a_slider_did_is_said_in_words(figure):
    page = figure()
    move(page, "Top-k", "Home")
    page.wait_for_function(
        "document.querySelector('.tl-status').textContent.includes('·ball, 100%')"
    )
    assert page.get_by_label("Top-k").get_attribute("aria-valuetext") == "1"


def test_settings_given_from_python_are_where_the_sliders_stand(figure):
    page = figure(temperature=0.5, top_k=7, top_p=0.8)
    values = [
        page.get_by_label(label).get_attribute("aria-valuetext")
        for label in ("Temperature", "Top-k", "Top-p")
    ]
    assert values == ["0.5", "7", "0.80"]


# --- Choosing ----------------------------------------------------------------------------


def test_take_the_top_appends_the_most_likely_token(figure):
    page = figure()
    press(page, "Take the top")
    assert text_of(page) == "Anna found a ball"
    assert tokens(page)[-1] == "·ball"


def test_a_bar_is_chosen_with_arrow_keys_and_enter_and_keeps_the_focus(figure):
    page = figure()
    page.locator(".tl-bar").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    wait_until_painted(page)
    assert text_of(page) == "Anna found a dog dog"


def test_the_same_seed_draws_the_same_story_and_another_seed_another_one(figure):
    def drawn(seed: int) -> str:
        page = figure({" ball": 0.5, " dog": 0.5}, seed=seed)
        for _ in range(8):
            press(page, "Sample a token")
        return " ".join(tokens(page))

    assert drawn(1) == drawn(1)
    assert len({drawn(seed) for seed in (1, 2, 3)}) > 1


def test_undo_takes_back_the_draw_too(figure):
    page = figure({" ball": 0.4, " dog": 0.3, " bank": 0.3}, seed=5)
    for _ in range(4):
        press(page, "Sample a token")
    four = tokens(page)
    press(page, "Undo")
    press(page, "Undo")
    assert tokens(page) == four[:-2]
    press(page, "Sample a token")
    press(page, "Sample a token")
    assert tokens(page) == four


def test_undo_takes_back_typing_and_is_off_when_nothing_is_left(figure):
    page = figure()
    undo = page.get_by_role("button", name="Undo")
    assert undo.is_disabled()
    page.get_by_label("Type the start of a story").fill("Tom")
    press(page, "Take the top")
    assert text_of(page) == "Tom ball"
    press(page, "Undo")
    press(page, "Undo")
    assert text_of(page) == "Anna found a"
    assert undo.is_disabled()


def test_a_letter_typed_just_before_a_button_is_pressed_is_not_lost(figure):
    page = figure()
    page.evaluate(
        """() => {
             const box = document.querySelector("textarea");
             box.value = "Tom saw a";
             box.dispatchEvent(new Event("input", { bubbles: true }));
             const buttons = [...document.querySelectorAll("button")];
             buttons.find(button => button.textContent === "Take the top").click();
           }"""
    )
    wait_until_painted(page)
    assert text_of(page) == "Tom saw a ball"


def test_typing_gives_up_a_draw_that_is_on_its_way(figure):
    page = figure(browser_options={"reduced_motion": "no-preference"})
    press(page, "Sample a token")
    page.get_by_label("Type the start of a story").fill("Tom saw a")
    page.wait_for_timeout(900)
    assert text_of(page) == "Tom saw a"
    assert tokens(page) == ["⟨start⟩", "·Tom", "·saw", "·a"]


def test_writing_on_goes_to_the_end_of_the_story_and_starting_again_tells_another(figure):
    page = figure({" ball": 0.4, " dog": 0.4, END: 0.2})
    stories = []
    for _ in range(4):
        press(page, "Write on")
        page.wait_for_function("document.querySelector('.tl-ended')")
        stories.append(tokens(page))
        assert page.get_by_role("button", name="Sample a token").is_disabled()
        press(page, "Start again")
        assert text_of(page) == "Anna found a"
    assert all(story[-1] == "⟨end⟩" or len(story) == 64 for story in stories)
    assert len({tuple(story) for story in stories}) > 1


def test_the_end_of_the_story_is_said_and_shows_the_choice_that_ended_it(figure):
    page = figure({END: 0.9, " ball": 0.1})
    press(page, "Take the top")
    assert "The story ends here" in said(page)
    assert page.locator(".tl-drawn .tl-token").text_content() == "⟨end⟩"
    assert text_of(page) == "Anna found a"


def test_writing_can_be_watched_and_stopped(figure):
    page = figure({" ball": 0.5, " dog": 0.5}, browser_options={"reduced_motion": "no-preference"})
    press(page, "Write on")
    page.wait_for_function("document.querySelectorAll('.tl-chip').length >= 6")
    press(page, "Stop")
    stopped = tokens(page)
    page.wait_for_timeout(600)
    assert tokens(page) == stopped
    assert len(stopped) < 60


def test_a_draw_shows_where_the_random_number_fell(figure):
    page = figure(browser_options={"reduced_motion": "no-preference"})
    press(page, "Sample a token")
    marked = page.locator(".tl-drawn .tl-token").text_content()
    assert page.locator(".tl-line-marker").is_visible()
    page.wait_for_function("document.querySelectorAll('.tl-chip').length === 5")
    assert tokens(page)[-1] == marked
    assert re.search(r"The number 0\.\d{3} was drawn", said(page))


def test_the_window_of_the_model_ends_in_words(figure):
    page = figure(text="ball " * 62)
    press(page, "Take the top")
    assert "this model sees no more than that" in said(page)
    page.get_by_label("Type the start of a story").fill("ball " * 80)
    page.wait_for_function("document.querySelectorAll('.tl-outside').length === 17")
    page.wait_for_function(
        "document.querySelector('.tl-status').textContent.includes('64 tokens at most')"
    )
    assert page.get_by_role("button", name="Take the top").is_disabled()


def test_a_guess_is_compared_with_the_model(figure):
    page = figure()
    page.get_by_label("Let me guess").check()
    assert page.locator(".tl-bar:visible").count() == 0
    assert "ball" not in said(page)
    page.get_by_label("What comes next?").fill("dog")
    page.get_by_label("What comes next?").press("Enter")
    assert page.locator(".tl-bar:visible").count() > 0
    assert "·dog has 30%: number 2 of" in said(page)
    move(page, "Temperature", "ArrowRight")
    assert page.locator(".tl-bar:visible").count() > 0  # what was shown stays shown
    press(page, "Take the top")
    assert page.locator(".tl-bar:visible").count() == 0  # until there is a new token to guess


# --- A real model in place of the tiny one ---------------------------------------------------


@pytest.fixture
def real(fixed_model, monkeypatch):
    """A model in the place of a real one, in three parts: it expects a dog."""
    content = fixed_model({" dog": 0.9, END: 0.02}).content
    monkeypatch.setattr(real_model, "PART", len(content) // 3 + 1)
    checksum = hashlib.sha256(content).hexdigest()
    return real_model.RealModel("Big", lambda: content, size=len(content), sha256=checksum)


def wait_for_state(page, state):
    page.locator(f".tl-figure[data-real-model={state}]").wait_for()


def test_a_real_model_takes_over_where_loading_broke_off_and_is_unloaded(figure, real):
    page = figure(text="Anna found a", real_model=real)
    wait_for_state(page, "absent")
    assert bars(page)["·dog"] == "30%"
    lost = Path(page.evaluate("location.pathname")).parent / f"live/{real.parts[1]}.js"
    lost.rename(lost.with_suffix(".away"))
    button = page.locator(".tl-real-model button")
    assert button.text_content() == "Load Big (0 MB)"
    button.focus()
    page.keyboard.press("Enter")
    wait_for_state(page, "failed")
    sentence = page.locator(".tl-real-model .tl-status")
    assert re.fullmatch(
        "Big could not be loaded because .* is missing. .*", sentence.text_content()
    )
    assert bars(page)["·dog"] == "30%"
    lost.with_suffix(".away").rename(lost)
    page.keyboard.press("Enter")  # the keyboard is where it was
    wait_for_state(page, "ready")
    assert sentence.text_content() == "Big is loaded."
    page.get_by_text("90%").first.wait_for()
    assert next(iter(bars(page).items())) == ("·dog", "90%")
    assert tokens(page) == ["A", "nna", "·found", "·a"]  # as it stands there, and no start token
    press(page, "Take the top")
    page.wait_for_function("document.querySelector('textarea').value === 'Anna found a dog'")
    press(page, "Write on")
    page.locator("[data-tokens-per-second]").wait_for()
    page.get_by_label("Type the start of a story").fill("")
    page.locator(".tl-chip", has_text="⟨start⟩").wait_for()
    button.click()
    wait_for_state(page, "absent")
    page.get_by_text("50%").first.wait_for()
    assert tokens(page) == ["⟨start⟩"]


# --- Everybody's page ----------------------------------------------------------------------


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_the_screen_and_has_no_serious_barrier(figure, width, theme, compact):
    page = figure(
        text="Anna found 🙂 a", compact=compact, temperature=1.4, top_k=2,
        browser_options={"viewport": {"width": width, "height": 800}, "color_scheme": theme},
    )  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    press(page, "Sample a token")
    page.add_script_tag(path=AXE)
    barriers = page.evaluate(
        """async () => (await axe.run()).violations
             .filter(v => ["serious", "critical"].includes(v.impact))
             .flatMap(v => v.nodes.map(n => `${v.id}: ${n.html} ${n.failureSummary}`))"""
    )
    assert barriers == []


def test_compact_folds_the_finer_controls_away(figure):
    page = figure(compact=True)
    assert page.get_by_label("Temperature").is_visible()
    assert not page.get_by_label("Top-k").is_visible()
    page.get_by_text("More ways to choose").click()
    assert page.get_by_label("Top-k").is_visible()


def test_no_button_moves_while_a_story_grows(figure):
    page = figure({" ball": 1.0})
    button = page.get_by_role("button", name="Take the top")
    before = button.bounding_box()
    for _ in range(30):
        button.click()
    assert button.bounding_box() == before


@pytest.mark.parametrize(
    "state", [{"temperature": -1}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.2}]
)
def test_a_setting_out_of_its_range_is_refused(state):
    with pytest.raises(traitlets.TraitError):
        NextToken(**state)
