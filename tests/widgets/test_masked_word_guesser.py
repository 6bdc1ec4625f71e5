"""MaskedWordGuesser, used by a reader: hiding words, unknown words, both models' guesses."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
import torch

from transformer_lab import recipes
from transformer_lab.trace import capture
from transformer_lab.widgets.masked_word_guesser import MaskedWordGuesser

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
TEXT = "One day Anna found a red ball. She played with the red ball all day."
BALL = 6  # the place of the first "ball" among the words


@pytest.fixture(scope="module")
def story_bert():
    return recipes.load("story-bert", progress=False)


@pytest.fixture(scope="module")
def story_gpt():
    return recipes.load("story-gpt", progress=False)


@pytest.fixture
def page(open_figure, story_bert, story_gpt):
    def make(*, browser_options=None, **state):
        figure = lambda: MaskedWordGuesser(  # noqa: E731
            model_file=story_bert.to_bytes(),
            decoder_file=story_gpt.to_bytes(),
            examples=["Tom had a dog. He was very happy."],
            **({"text": TEXT, "hidden": [BALL]} | state),
        )
        return open_figure(figure, **(browser_options or {})).page

    return make


def lists(page, name):
    return page.get_by_role("region", name=name).get_by_role("list")


def shown(page, whose):
    items = lists(page, whose).first.get_by_role("listitem").all()
    return [
        (
            item.locator("> span").first.text_content().removesuffix(" ✓"),
            float(item.locator(".tl-guess-share").text_content().strip("%<>")),
        )
        for item in items
    ]


def test_the_encoder_of_the_page_guesses_what_torch_guesses(page, story_bert):
    opened = page()
    [expected] = story_bert.guess(TEXT.replace("ball", "[MASK]", 1))
    for (word, percent), (best, probability) in zip(
        shown(opened, "encoder")[:5], expected.items(), strict=False
    ):
        assert percent == pytest.approx(100 * probability, abs=0.6)
        assert word == best or percent == pytest.approx(100 * expected[word], abs=0.6)


@torch.no_grad()
def test_the_decoder_sees_the_left_side_alone_and_writes_what_python_writes(page, story_gpt):
    opened = page()
    left = "One day Anna found a red"
    probabilities = story_gpt.model(story_gpt.ids(left))[0, -1].softmax(dim=-1)
    best = probabilities.sort(descending=True)
    for (word, percent), id, probability in zip(
        shown(opened, "decoder")[:5], best.indices.tolist(), best.values.tolist(), strict=False
    ):
        assert percent == pytest.approx(100 * probability, abs=0.6)
        assert probability < 0.05 or word == story_gpt.tokenizer.piece(id).strip().lower()
    written = opened.locator(".tl-guess-written").text_content()
    assert left + written == story_gpt.generate(left, temperature=0, max_new_tokens=12)


def test_a_word_that_comes_back_is_known_from_both_sides_and_not_from_the_left(page):
    opened = page()
    (word, percent), *_ = shown(opened, "encoder")
    assert word == "ball"
    assert percent > 50
    assert shown(opened, "decoder")[0][1] < 50
    said = opened.locator(".tl-status").text_content()
    assert "Word 7 is “ball”. From both sides: “ball”" in said


@torch.no_grad()
def test_the_share_that_goes_to_the_right_is_that_of_torch(page, story_bert):
    opened = page(look="1 2")
    ids, _ = story_bert.tokenizer.encode_for_bert(TEXT.replace("ball", "[MASK]", 1))
    with capture(story_bert.model) as seen:
        story_bert.model(torch.tensor([ids]))
    row = seen["encoder.blocks.1.attention.weights"][0, 2, BALL + 1]
    share = 100 * row[BALL + 2 :].sum().item()
    words = opened.locator(".tl-guess-looking").text_content()
    percent = float(words.split("the encoder gives ")[1].split("%")[0].strip("<>"))
    assert percent == pytest.approx(share, abs=0.6)
    drawn = opened.get_by_role("group", name="attention of the encoder").locator("rect")
    assert drawn.count() == len(ids) ** 2 + 1
    drawn = opened.get_by_role("group", name="attention of the decoder").locator("rect")
    assert drawn.count() == 7**2 + 1


def test_words_are_hidden_and_shown_again_with_the_keyboard(page):
    opened = page(hidden=[])
    assert "No word is hidden" in opened.locator(".tl-status").text_content()
    chips = opened.get_by_role("group", name="words").get_by_role("button")
    assert chips.all_text_contents()[:4] == ["one", "day", "anna", "found"]
    opened.get_by_label("Or one of these").focus()
    opened.keyboard.press("Tab")
    opened.keyboard.press("Home")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Enter")
    assert chips.nth(1).text_content() == "[MASK]"
    assert chips.nth(1).get_attribute("aria-pressed") == "true"
    assert "Word 2 is “day”" in opened.locator(".tl-status").text_content()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Space")
    assert lists(opened, "encoder").count() == 2
    opened.keyboard.press("Space")
    assert lists(opened, "encoder").count() == 1


def test_an_unknown_word_is_named_and_read_as_unk(page):
    opened = page(hidden=[])
    box = opened.get_by_label("A short story")
    box.fill("Alice had a <b>ball. [MASK] was happy.")
    note = opened.get_by_text("The encoder does not know: Alice")
    note.wait_for()
    chips = opened.get_by_role("group", name="words").get_by_role("button")
    texts = chips.all_text_contents()
    assert texts[0] == "[UNK]"
    assert "[MASK]" in texts
    assert shown(opened, "encoder")[0][1] > 0
    box.fill("")
    opened.wait_for_function("document.querySelectorAll('.tl-guess-words button').length === 0")
    box.fill("Anna had a ball. " * 60)
    opened.get_by_text("reads the first 94 words").wait_for()


def test_an_example_fills_the_box_and_shows_all_words(page):
    opened = page()
    example = "Tom had a dog. He was very happy."
    opened.get_by_label("Or one of these").select_option(example)
    assert opened.get_by_label("A short story").input_value() == example
    assert "No word is hidden" in opened.locator(".tl-status").text_content()


def test_an_example_can_be_chosen_again_after_a_change(page):
    opened = page()
    choice = opened.get_by_label("Or one of these")
    choice.select_option("Tom had a dog. He was very happy.")
    opened.get_by_label("A short story").fill("Tom had a cat.")
    choice.select_option("Tom had a dog. He was very happy.")
    assert opened.get_by_label("A short story").input_value() == "Tom had a dog. He was very happy."


def hidden_places(opened):
    chips = opened.get_by_role("group", name="words").get_by_role("button").all()
    return [n for n, chip in enumerate(chips) if chip.get_attribute("aria-pressed") == "true"]


def test_a_hidden_word_stays_hidden_when_the_text_around_it_changes(page):
    opened = page()
    box = opened.get_by_label("A short story")
    for text, places in (
        (f"Then {TEXT}", [BALL + 1]),  # before it
        (f"Then {TEXT} It was new.", [BALL + 1]),  # behind it
        ("Sara had a dog.", []),  # instead of it
    ):
        box.fill(text)
        n_words = len(text.replace(".", " .").split())
        opened.wait_for_function(
            "n => document.querySelectorAll('.tl-guess-words button').length === n", arg=n_words
        )
        assert hidden_places(opened) == places


def test_a_mask_that_was_typed_is_changed_in_the_text(page):
    opened = page(text="Anna had a [MASK] ball.", hidden=[])
    assert "Word 4." in opened.locator(".tl-status").text_content()
    opened.get_by_role("group", name="words").get_by_role("button").nth(3).click()
    opened.get_by_text("You typed [MASK] here").wait_for()
    opened.get_by_label("A short story").fill("Anna had a red ball.")
    opened.get_by_text("No word is hidden").wait_for()


def test_a_hidden_word_of_no_story_cannot_be_guessed(page):
    opened = page(text="Anna had a dragon.", hidden=[3])
    assert "“dragon”, is in no story" in opened.locator(".tl-status").text_content()
    assert "✓" not in opened.get_by_role("region", name="encoder").text_content()


def test_a_story_too_long_for_the_decoder_is_said_so(page):
    opened = page(text="Anna had a ball. " * 60, hidden=[])
    assert "too long for the decoder" in opened.locator(".tl-status").text_content()
    opened = page(text="", hidden=[])
    assert "Write a story" in opened.locator(".tl-status").text_content()


def test_an_unknown_head_is_shown_as_all_heads(page):
    drawn = page(look="9 9").get_by_role("group", name="attention of the encoder").locator("rect")
    assert drawn.count() > 100


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_and_is_accessible(page, theme, width):
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    opened = page(browser_options=options)
    opened.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.add_script_tag(path=str(AXE))
    found = opened.evaluate("axe.run('.tl-figure')")["violations"]
    assert [violation["id"] for violation in found] == []
