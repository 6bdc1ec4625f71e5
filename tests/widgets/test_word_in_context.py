"""WordInContext, used by a reader: sentences, layers, and what the vectors say."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
import torch
from torch.nn.functional import cosine_similarity

from tests.widgets.test_real_model import model_of
from transformer_lab.config import Config
from transformer_lab.languages import stories
from transformer_lab.models import Encoder
from transformer_lab.pretrained.page_file import page_file
from transformer_lab.recipes import prompt_ids
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.trace import capture
from transformer_lab.widgets.word_in_context import WordInContext

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
REFERENCES = [
    "Anna sat by the river on the bank",
    "Tom saw water at the bank",
    "Anna took the money to the bank",
    "Tom had coins for the bank",
]
SENSES = ["river", "river", "money", "money"]
TEXT = "Mia went to the bank.\nBen took a kite.\nMia saw boats near the bank."


@pytest.fixture
def figure(open_figure, small_model):
    small = small_model()

    def make(*, browser_options=None, **state):
        state = {"text": TEXT, "references": REFERENCES, "senses": SENSES} | state
        make_figure = lambda: WordInContext(model_file=small.content, **state)  # noqa: E731
        return open_figure(make_figure, **(browser_options or {})).page, small

    return make


def vector_of(small, text, layer):
    """The vector of the last "bank" in a text, from the Python model."""
    ids = prompt_ids(small.tokenizer, text)
    at = len(ids) - 1 - ids[::-1].index(small.tokenizer.encode(" bank")[0])
    with torch.no_grad(), capture(small.model) as seen:
        small.model(torch.tensor([ids]))
    name = "embeddings.token" if layer == 0 else f"blocks.{layer - 1}"
    return seen[name][0, at]


def needs_one_token(small):
    assert len(small.tokenizer.encode(" bank")) == 1


def test_the_cosines_are_those_of_torch(figure):
    page, small = figure(layer=2)
    needs_one_token(small)
    lines = TEXT.split("\n")
    a, b = (vector_of(small, lines[at], 2) for at in (0, 2))
    cells = page.locator(".tl-context-cosines tbody td").all_text_contents()
    shown = [float(cell.replace("−", "-")) for cell in cells]
    assert shown[0] == shown[3] == 1
    assert shown[1] == shown[2] == pytest.approx(float(cosine_similarity(a, b, dim=0)), abs=0.006)


def test_the_tokens_own_vector_knows_no_context(figure):
    page, _ = figure(layer=0)
    assert "the meanings cannot be told apart" in page.locator("[role=status]").text_content()
    assert "cannot be told" in page.locator(".tl-context-list").text_content()
    page.get_by_label("Layer").focus()
    page.keyboard.press("ArrowRight")
    assert "After block 0" in page.locator("[role=status]").text_content()
    assert "of the way" in page.locator(".tl-context-list").text_content()


@pytest.mark.parametrize("layer", [1, 2])
def test_each_sentence_is_given_to_the_nearer_middle(figure, layer):
    page, small = figure(layer=layer)
    middles = {
        sense: torch.stack(
            [
                vector_of(small, r, layer)
                for r, s in zip(REFERENCES, SENSES, strict=True)
                if s == sense
            ]
        ).mean(0)
        for sense in ("river", "money")
    }
    lines = TEXT.split("\n")
    for row, at in enumerate((0, 2)):
        own = vector_of(small, lines[at], layer)
        nearest = min(middles, key=lambda sense: float((own - middles[sense]).norm()))
        assert f"→ {nearest} (" in page.locator(".tl-context-list li").nth(row).text_content()


def test_a_line_without_the_word_is_left_out_and_said(figure):
    page, _ = figure()
    assert "1 line without “bank” is left out" in page.locator(".tl-quiet").first.text_content()
    names = page.locator(".tl-own-name").all_text_contents()
    assert names == ["1", "3"]


def test_what_a_reader_types_is_text_and_no_sentence_is_no_error(figure):
    page, _ = figure()
    box = page.get_by_label("Sentences with")
    box.fill("<b>x</b> at the bank and the bank")
    page.wait_for_timeout(400)
    assert page.locator(".tl-figure b").count() == 0
    assert page.locator(".tl-own-name").all_text_contents() == ["1a", "1b"]
    box.fill("")
    page.wait_for_timeout(400)
    assert page.locator(".tl-own-name").count() == 0


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"references": ["a"], "senses": []}, "1 references and 0 senses"),
        ({"references": ["a", "b"], "senses": ["x", "x"]}, "1 of them different"),
    ],
)
def test_references_that_do_not_fit_are_one_clear_sentence(state, sentence):
    with pytest.raises(ValueError, match=sentence):
        WordInContext(**state)


# --- A real model: here a small encoder with random weights, behind the same button ---------


@pytest.fixture
def loaded(open_figure, small_model):
    """A page in which the encoder has read the sentences, the encoder and its tokenizer."""
    tokenizer = WordPieceTokenizer.of_words(stories.GRAMMAR.vocabulary())
    torch.manual_seed(0)
    sizes = {"vocab_size": len(tokenizer), "max_len": 64, "d_model": 16, "n_heads": 2}
    encoder = Encoder(Config(**sizes, n_layers=3, n_token_types=2, embedding_norm=True)).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    weights = {name: tensor.detach() for name, tensor in encoder.state_dict().items()}
    metadata = {"architecture": "encoder", "tokenizer": tokenizer.to_json()}
    content = page_file(encoder.config, weights, {}, **metadata)
    tiny = small_model()
    make = lambda: WordInContext(  # noqa: E731
        model_file=tiny.content,
        text=TEXT,
        references=REFERENCES,
        senses=SENSES,
        real_model=model_of(content),
    )
    page = open_figure(make, viewport={"width": 360, "height": 740}).page
    page.get_by_role("button", name="Load Small").click()
    page.get_by_label("Word in common", exact=True).wait_for()
    return page, encoder, tokenizer


def words_in(encoder, tokenizer, sentence, layer):
    """Each word of a sentence and its vector after `layer` blocks, from the Python model."""
    ids, _ = tokenizer.encode_for_bert(sentence)
    with torch.no_grad(), capture(encoder) as seen:
        encoder(torch.tensor([ids]))
    rows = seen["embeddings.token" if layer == 0 else f"blocks.{layer - 1}"][0]
    pieces = [tokenizer.piece(id) for id in ids]
    return [(piece, row) for piece, row in zip(pieces, rows, strict=True) if piece.isalpha()]


@pytest.mark.parametrize("layer", [0, 3])
def test_a_real_encoder_says_how_alike_a_word_and_itself_are_and_the_other_words(loaded, layer):
    page, encoder, tokenizer = loaded
    page.get_by_label("Layer", exact=True).fill(str(layer))
    words = [
        word for line in TEXT.split("\n") for word in words_in(encoder, tokenizer, line, layer)
    ]
    own = [row for word, row in words if word == "bank"]
    others = torch.stack([row for word, row in words if word != "bank"])
    same = float(cosine_similarity(own[0], own[1], dim=0))
    other = float(torch.stack([cosine_similarity(row, others) for row in own]).mean())
    said = page.locator(".tl-stack [role=status]").first.text_content().replace("−", "-")
    where, shown, beside, _ = re.fullmatch(
        r"(.*): “bank” and “bank” .* a cosine of (\S+) on average, .* words (\S+)\.( As for .*)?",
        said,
    ).groups()
    assert where == ("In the table" if layer == 0 else "After block 2")
    assert [float(shown), float(beside)] == pytest.approx([same, other], abs=0.006)
    cells = page.locator(".tl-context-cosines tbody td").all_text_contents()
    assert float(cells[1].replace("−", "-")) == pytest.approx(same, abs=0.006)


def test_the_real_encoders_map_places_each_sentence_as_torch_does(loaded):
    page, encoder, tokenizer = loaded
    page.get_by_label("Layer", exact=True).fill("2")
    bank = lambda line: dict(words_in(encoder, tokenizer, line, 2))["bank"]  # noqa: E731
    middles = {
        sense: torch.stack(
            [bank(line) for line, of in zip(REFERENCES, SENSES, strict=True) if of == sense]
        ).mean(0)
        for sense in ("river", "money")
    }
    page.get_by_text("sentences of known meaning lie nearer").wait_for()
    assert page.locator(".tl-context-map").first.locator(".tl-sense-0, .tl-sense-1").count() == 4
    lines = TEXT.split("\n")
    for row, at in enumerate((0, 2)):
        nearer = min(middles, key=lambda sense: float((bank(lines[at]) - middles[sense]).norm()))
        assert f"→ {nearer} (" in page.locator(".tl-context-list li").nth(row).text_content()


def test_another_word_gets_a_map_without_meanings(loaded):
    page, *_ = loaded
    page.get_by_text("sentences of known meaning lie nearer").wait_for()
    page.get_by_label("Sentences with").fill("Mia took a kite.\nBen saw a kite.\nA kite fell.")
    page.wait_for_function("document.querySelector('.tl-select select').value === 'kite'")
    places = page.locator(".tl-context-map").first
    assert places.locator(".tl-own-name").all_text_contents() == ["1", "2", "3"]
    assert places.locator(".tl-sense-0, .tl-sense-1").count() == 0
    assert "→" not in page.locator(".tl-context-list").text_content()


def test_a_sentence_that_is_longer_than_the_window_is_noted(loaded):
    page, *_ = loaded
    note = page.get_by_text("The model sees 64 tokens of a sentence")
    page.get_by_label("Sentences with").fill("Mia went to the bank.\n" + "the bank " * 40)
    note.wait_for()
    page.get_by_role("button", name="Unload Small").click()
    note.wait_for()


def test_any_word_in_common_will_do_and_without_one_it_says_so(loaded):
    page, *_ = loaded
    choice = page.get_by_label("Word in common", exact=True)
    assert choice.input_value() == "bank"
    page.get_by_label("Sentences with").fill("A kite is red.\n<b>My</b> kite.")
    page.wait_for_function("document.querySelector('.tl-select select').value === 'kite'")
    assert page.locator(".tl-figure b").count() == 0
    page.get_by_label("Sentences with").fill("A red kite.")
    page.get_by_text("Write two sentences with a word in common").wait_for()
    assert not choice.is_visible()
    page.get_by_role("button", name="Unload Small").click()
    page.get_by_text("without “bank” is left out").wait_for()


def test_the_real_view_fits_a_narrow_screen_and_axe_finds_nothing_serious(loaded):
    page, *_ = loaded
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(figure, scheme):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    page, _ = figure(layer=1, browser_options=options)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
