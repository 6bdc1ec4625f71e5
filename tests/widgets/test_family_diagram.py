"""FamilyDiagram: its counts are torch's, and a reader can compare any two models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import axe_playwright_python
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from transformer_lab.config import Config
from transformer_lab.family import FAMILY, cache_bytes, cache_size, figure_rows, flops_per_token
from transformer_lab.models import (
    TRANSFORMER_2017,
    Decoder,
    Encoder,
    EncoderDecoder,
    count_parameters,
)
from transformer_lab.widgets.family_diagram import FamilyDiagram

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
KINDS = {"encoder": Encoder, "decoder": Decoder, "encoder-decoder": EncoderDecoder}
SMALL = {"vocab_size": 50, "max_len": 64, "d_model": 24, "n_heads": 4, "n_layers": 3, "d_ff": 40}


def row(family, architecture, year=2020, *, name=None, **choices):
    config = asdict(Config(**(SMALL | choices)))
    return {
        "family": family,
        "name": name or family,
        "year": year,
        "architecture": architecture,
        "config": config,
    }


ROWS = [
    {
        "family": "Transformer",
        "name": "Transformer base",
        "year": 2017,
        "architecture": "encoder-decoder",
        "config": asdict(TRANSFORMER_2017),
    },
    row("BERT", "encoder", 2018, n_token_types=2, embedding_norm=True, norm_order="post"),
    row("GPT-2", "decoder", 2019),
    row("GPT-2", "decoder", 2019, name="GPT-2 large", n_layers=6),
    row(
        "LLaMA", "decoder", 2023, positions="rotary", norm="rms", activation="swiglu", bias=False,
        n_kv_heads=2, tie_head=False,
    ),
    row(
        "Gemma", "decoder", 2024, positions="rotary", norm="rms", norm_order="sandwich",
        activation="geglu", bias=False, n_kv_heads=1, head_size=8, score_cap=50.0, logit_cap=30.0,
        windows=(16, None, 16), head_norm=True, embedding_scale=4.9,
    ),
    row("Marian", "encoder-decoder", 2018, positions="sinusoidal", norm_order="post",
        activation="silu", logit_bias=True),
]  # fmt: skip
BY_NAME = {each["name"]: each for each in ROWS}


def model_of(row):
    with torch.device("meta"):
        return KINDS[row["architecture"]](Config(**row["config"]))


@pytest.mark.parametrize("name", BY_NAME)
def test_its_parameters_are_those_of_the_model(engine, name):
    counted = engine("(row) => family.countParameters(row)", BY_NAME[name])
    assert counted == count_parameters(model_of(BY_NAME[name]))


@pytest.mark.parametrize("row", figure_rows(), ids=lambda row: row["name"])
def test_the_page_and_the_chapter_count_alike(engine, row):
    kind, config = FAMILY[row["name"]]
    counted = engine("(row) => family.countParameters(row)", row)
    assert counted == count_parameters(model_of(row))
    if kind != "decoder":
        return
    context = config.max_len
    found = engine("([row, context]) => family.costs(row, context)", [row, context])
    assert found["cachePerToken"] == cache_bytes(config)
    assert found["cache"] == cache_size(config, context)
    assert found["flops"] == flops_per_token(config, context)


def flops_of_the_last_token(row, context):
    """What torch multiplies and adds for one more token, with a cache."""
    model = KINDS[row["architecture"]](Config(**row["config"])).eval()
    ids = torch.zeros(1, context, dtype=torch.long)
    counter = FlopCounterMode(display=False)
    with torch.no_grad():
        if row["architecture"] == "encoder":
            with counter:
                model(ids)
            return counter.get_total_flops() / context
        cache = model.new_cache()
        if row["architecture"] == "encoder-decoder":
            memory = model.encode(ids)
            model.decode(ids[:, :-1], memory, cache=cache)
            with counter:
                model.decode(ids[:, -1:], memory, cache=cache)
        else:
            model(ids[:, :-1], cache=cache)
            with counter:
                model(ids[:, -1:], cache=cache)
        return counter.get_total_flops()


@pytest.mark.parametrize("name", ["BERT", "GPT-2", "LLaMA", "Marian"])
@pytest.mark.parametrize("context", [2, 37])
def test_its_work_is_what_torch_counts(engine, name, context):
    counted = engine("([row, n]) => family.costs(row, n).flops", [BY_NAME[name], context])
    assert counted == flops_of_the_last_token(BY_NAME[name], context)


def test_a_window_bounds_the_work_and_the_cache_of_local_layers(engine):
    local = BY_NAME["Gemma"]  # of three layers the second sees all, the others 16 positions
    everything = local | {"config": local["config"] | {"windows": None}}
    costs = "([row, n]) => family.costs(row, n)"
    near, far = engine(costs, [local, 16]), engine(costs, [local, 64])
    whole = engine(costs, [everything, 64])
    assert near == engine(costs, [everything, 16])
    spared = 2 * (64 - 16)  # positions that the two local layers do not look at
    size = local["config"]["n_heads"] * local["config"]["head_size"]
    assert whole["flops"] - far["flops"] == 4 * size * spared
    assert whole["cache"] - far["cache"] == spared * 2 * local["config"]["head_size"] * 2


def test_the_cache_is_what_our_own_cache_holds(engine):
    for name in ("GPT-2", "LLaMA"):
        model = Decoder(Config(**BY_NAME[name]["config"])).eval()
        cache = model.new_cache()
        with torch.no_grad():
            model(torch.zeros(1, 10, dtype=torch.long), cache=cache)
        held = sum(layer.key.numel() + layer.value.numel() for layer in cache)
        counted = engine("([row, n]) => family.costs(row, n)", [BY_NAME[name], 10])
        assert counted["cache"] == 2 * held
        assert counted["cachePerToken"] * 10 == counted["cache"]
    assert engine("([row, n]) => family.costs(row, n).cache", [BY_NAME["BERT"], 10]) == 0


@pytest.mark.parametrize("one", BY_NAME)
@pytest.mark.parametrize("other", BY_NAME)
def test_what_differs_is_what_the_other_does_not_say(engine, one, other):
    marked = engine(
        "([one, other]) => [...family.differences(one, other).values()].flat()",
        [BY_NAME[one], BY_NAME[other]],
    )
    if one == other:
        assert marked == []
    if {one, other} == {"GPT-2", "GPT-2 large"}:
        assert marked == []
    if (one, other) == ("LLaMA", "GPT-2"):
        assert "RMSNorm" in marked
        assert "SwiGLU: a second projection is the gate" in marked
        assert "groups of heads share keys and values" in marked
        assert "looks back only" not in marked


def test_every_marked_choice_of_a_family_has_a_reason(engine):
    reasons = engine(
        """(rows) => rows.flatMap((one) => rows.flatMap((other) =>
             [...family.differences(one, other).values()].flat()
               .map((phrase) => [phrase, family.reasonOf(phrase)])))""",
        ROWS,
    )
    said = {phrase for phrase, reason in reasons if reason}
    assert {"RMSNorm", "all heads share one set of keys and values"} <= said
    assert "1 of 2 layers see only the nearest tokens" in said


@pytest.fixture
def page(open_figure):
    def make(*, browser_options=None, **state):
        options = browser_options or {}
        return open_figure(lambda: FamilyDiagram(rows=ROWS, **state), **options).page

    return make


def test_choosing_a_family_by_keyboard(page):
    opened = page()
    expected = f"Transformer base (2017): {count_parameters(model_of(ROWS[0])):,} parameters"
    assert expected in opened.locator(".tl-status").text_content()
    opened.get_by_label("BERT", exact=True).focus()
    opened.keyboard.press("Space")
    assert "BERT (2018)" in opened.locator(".tl-status").text_content()
    opened.keyboard.press("ArrowRight")
    assert "GPT-2 (2019)" in opened.locator(".tl-status").text_content()
    assert opened.get_by_label("GPT-2", exact=True).is_checked()
    opened.get_by_label("Model", exact=True).select_option("GPT-2 large")
    assert opened.get_by_text("6 decoder blocks").is_visible()


def test_what_differs_is_marked_and_explained(page):
    opened = page(name="LLaMA", compare="GPT-2")
    marks = opened.locator("mark").all_text_contents()
    assert "queries and keys turn with their position" in marks
    assert "looks back only" not in marks
    assert opened.get_by_text("the cache shrinks").is_visible()
    opened.get_by_label("What differs from").select_option("")
    assert opened.locator("mark").count() == 0


def test_the_context_slider_changes_the_costs(page):
    opened = page(name="GPT-2", context=16)
    facts = opened.locator(".tl-facts").text_content()
    # 3 layers, keys and values, 24 numbers of 2 bytes each: 288 bytes a token.
    assert "288 bytes are added by each token" in facts
    assert "4.5 KiB at 16 tokens" in facts
    slider = opened.get_by_label("Tokens in the window")
    slider.focus()
    opened.keyboard.press("End")
    assert "made for at most 64 tokens" in opened.locator(".tl-facts").text_content()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_and_is_accessible(page, theme, width):
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    opened = page(name="Gemma", compare="Transformer base", browser_options=options)
    opened.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.add_script_tag(path=str(AXE))
    found = opened.evaluate("axe.run('.tl-figure')")["violations"]
    assert [violation["id"] for violation in found] == []
