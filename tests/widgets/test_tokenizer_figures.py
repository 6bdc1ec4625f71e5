"""TokenizerPlayground and MergeReplay, used by a reader."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest

from transformer_lab.languages import stories
from transformer_lab.tokenization import BPETokenizer, WordPieceTokenizer
from transformer_lab.widgets.merge_replay import MergeReplay
from transformer_lab.widgets.tokenizer_playground import TokenizerPlayground

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
CORPUS = [str(story) for story in stories.sample_many(100, seed=5)]
SMALL = {"viewport": {"width": 360, "height": 740}}


@pytest.fixture(scope="module")
def tokenizers():
    return [
        BPETokenizer.train(CORPUS, vocab_size=400),
        WordPieceTokenizer.train(CORPUS, vocab_size=300),
    ]


@pytest.fixture
def playground(open_figure, tokenizers):
    def make(*, browser_options=None, **state):
        files = [tokenizer.to_json().encode() for tokenizer in tokenizers]
        figure = lambda: TokenizerPlayground(  # noqa: E731
            names=["BPE", "WordPiece"], files=files, **({"text": "Anna had a kite."} | state)
        )
        return open_figure(figure, **(browser_options or {})).page

    return make


@pytest.fixture
def replay(open_figure):
    def make(*, browser_options=None, **state):
        figure = lambda: MergeReplay(**({"text": "low low low lower newest newest"} | state))  # noqa: E731
        return open_figure(figure, **(browser_options or {})).page

    return make


def chips(page, row) -> list[str]:
    return page.locator(".tl-tokenizer").nth(row).locator(".tl-chip").all_text_contents()


def status(page) -> str:
    page.wait_for_timeout(250)
    return page.locator("[role=status]").last.text_content()


@pytest.mark.parametrize("text", ["Anna had a kite.", "हम 🙂", "<b>x</b>"])
def test_each_tokenizer_shows_its_own_pieces(playground, tokenizers, text):
    page = playground()
    page.get_by_label("Any text").fill(text)
    page.wait_for_timeout(300)
    for row, tokenizer in enumerate(tokenizers):
        expected = [tokenizer.piece(id).replace(" ", "·") for id in tokenizer.encode(text)]
        assert chips(page, row) == expected
    assert page.locator(".tl-figure b").count() == 0


def test_the_ids_stand_in_place_of_the_pieces(playground, tokenizers):
    page = playground()
    page.get_by_label("Show what the model gets").check()
    assert chips(page, 0) == [str(id) for id in tokenizers[0].encode("Anna had a kite.")]


def test_only_bytes_give_the_text_back_whole(playground):
    page = playground(text="Été")
    said = page.locator(".tl-tokenizer .tl-caption").all_text_contents()
    assert said[0] == "Put together again: the same text."
    assert "not what was typed" in said[1]


def test_a_token_says_its_id_and_its_bytes_from_the_keyboard(playground, tokenizers):
    page = playground(text="é")
    page.locator(".tl-chip").first.focus()
    page.keyboard.press("ArrowRight")
    id = tokenizers[0].encode("é")[1]
    assert f"token 2 of 2: \ufffd, ID {id} of" in status(page)
    assert "Its bytes: a9." in status(page)


def test_an_example_is_one_click(playground):
    page = playground()
    page.get_by_role("button", name="Hindi").click()
    assert page.get_by_label("Any text").input_value() == "हम दोस्त हैं"


def test_names_without_files_are_one_clear_sentence():
    with pytest.raises(ValueError, match="1 names and 0 files"):
        TokenizerPlayground(names=["a"], files=[])


def test_the_merges_follow_the_slider_and_the_words_are_cut_accordingly(replay):
    page = replay()
    assert "every word is cut into single letters" in status(page)
    first = page.locator(".tl-merge-words li").first.locator(".tl-piece").all_text_contents()
    assert first == ["·", "l", "o", "w"]
    page.get_by_label("Merges made").focus()
    page.keyboard.press("ArrowRight")
    assert "Merge 1 made lo" in status(page)
    assert page.locator(".tl-piece.tl-new").first.text_content() == "lo"


def test_wordpiece_takes_the_best_score_and_not_the_largest_count(replay):
    page = replay(text="ab ab ab ab ac cb ad db ac cb ad db qu qu", method="wordpiece")
    assert "Next: q + ##u, score 2 / (2 × 2)" in status(page)
    page.get_by_label("Which pair next?").select_option("bpe")
    assert "Next: ·+ a" in status(page).replace("· +", "·+")


def test_a_guess_is_judged_and_explained(replay):
    page = replay(guess=True)
    assert page.locator(".tl-next-pair").count() == 0
    row = page.locator(".tl-merge-pairs tr", has_text="e + s")
    row.get_by_role("button", name="This one").click()
    assert "loses to l + o (seen 4 times)" in status(page)
    page.get_by_role("button", name="This one").first.wait_for()


def test_a_run_ends_when_no_pair_is_seen_twice(replay):
    page = replay(text="ab ab", merges=99)
    assert "it is done" in status(page)
    assert page.get_by_role("button", name="Next merge").is_disabled()


def test_an_empty_text_is_no_error(replay, playground):
    assert "it is done" in status(replay(text=""))
    assert "BPE: 0, WordPiece: 0 tokens" in status(playground(text=""))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["playground", "replay"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(request, which, scheme):
    page = request.getfixturevalue(which)(browser_options={**SMALL, "color_scheme": scheme})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
