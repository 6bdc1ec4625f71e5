"""bertviz's views draw with no network, and say what they are."""

from __future__ import annotations

import builtins

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from transformer_lab.widgets import bertviz_views

TOKENS = ["<|endoftext|>", " Tom", " met", " <b>Anna</b>", "."]
# Texts that end a script, open another, or look like what we look for ourselves.
NASTY = [
    "</script><img src=x onerror=parent.ran=ran=1>", "<!--", "<script>", "-->", "]]>",
    "require.config({x});", "require.config({ paths: {} });", '<script src="https://a.b/c"></script>',
    'Layer: <select id="layer"></select>', '"token 0"', "token 1", "\\u003c", "${ran=1}", "&lt;b>",
    '"><script>parent.ran=ran=1</script>', "\u2028", "Ġa", "</w>",
]  # fmt: skip
ATTENTION = torch.softmax(torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0)), -1)


@pytest.mark.parametrize("name", ["head_view", "model_view"])
def test_a_view_draws_every_line_without_a_request(visit, tmp_path, name):
    view = getattr(bertviz_views, name)(ATTENTION, TOKENS)
    (tmp_path / "page.html").write_text(f"<!doctype html><title>t</title>{view.data}", "utf-8")
    opened = visit((tmp_path / "page.html").as_uri())
    frame = opened.page.frame_locator("iframe.tl-bertviz")
    frame.locator("svg line").first.wait_for(state="attached")
    heads = 3 if name == "head_view" else 2 * 3
    assert frame.locator("svg line").count() >= heads * len(TOKENS) ** 2
    assert opened.requests_elsewhere == opened.errors == []
    title = opened.page.locator("iframe").get_attribute("title")
    assert title.endswith("on: <|endoftext|> Tom met <b>Anna</b> .")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(NASTY) | st.text(max_size=10), min_size=1, max_size=6))
@example(["a", NASTY[0], "b"])
@example(["x", "<!--", "<script>"])
@example(NASTY)
def test_any_text_is_shown_and_none_is_run(visit_once, tokens):
    size = len(tokens)
    view = bertviz_views.head_view(torch.full((1, 1, size, size), 1 / size), tokens)
    visit_once.page.set_content(f"<!doctype html><title>t</title>{view.data}")
    frame = visit_once.page.frame_locator("iframe.tl-bertviz")
    frame.locator("#right text").nth(size - 1).wait_for(state="attached")
    for side in ("left", "right"):
        assert frame.locator(f"#{side} text").all_text_contents() == tokens
    for place in visit_once.page.frames:
        assert not place.evaluate("'ran' in globalThis")
    assert visit_once.requests_elsewhere == visit_once.errors == []


@pytest.fixture
def visit_once(visit, tmp_path):
    (tmp_path / "page.html").write_text("<!doctype html><title>t</title>", "utf-8")
    return visit((tmp_path / "page.html").as_uri())


def test_the_frame_reaches_nothing_of_the_page_and_only_says_its_height(visit_once):
    page = visit_once.page
    page.set_content(
        f"<!doctype html><title>t</title>{bertviz_views.head_view(ATTENTION, TOKENS).data}"
    )
    frame = page.locator("iframe.tl-bertviz")
    page.frame_locator("iframe").locator("svg line").first.wait_for(state="attached")
    inside = page.frames[1]
    for reach in ("parent.document", "top.location.href", "localStorage", "frameElement.id"):
        assert inside.evaluate(f"() => {{ try {{ return !{reach} }} catch {{ return true }} }}")
    page.wait_for_function("""() => {
      const { height } = document.querySelector("iframe").getBoundingClientRect();
      globalThis.heights = [...(globalThis.heights ?? []).slice(-9), height];
      return heights.length === 10 && heights.every((h) => h === height);
    }""")
    height = frame.bounding_box()["height"]
    shown = inside.evaluate("document.body.getBoundingClientRect().height")
    assert shown <= height <= shown + 8
    page.evaluate("postMessage(9)")  # not from the frame
    page.wait_for_timeout(50)
    assert frame.bounding_box()["height"] == height


@pytest.mark.parametrize(
    ("page", "dark"),
    [
        ('<html data-theme="dark">', True),
        ('<html theme="dark">', True),
        ('<html><body data-jp-theme-light="false">', True),
        ('<html><body class="vscode-dark">', True),
        ('<html data-theme="light"><body data-jp-theme-light="true">', False),
    ],
)
def test_a_view_is_dark_where_its_page_is(visit_once, page, dark):
    view = bertviz_views.head_view(ATTENTION, TOKENS)
    visit_once.page.set_content(f"<!doctype html>{page}{view.data}")
    style = "e => getComputedStyle(e).filter"
    assert ("invert" in visit_once.page.locator("iframe").evaluate(style)) == dark


def test_a_view_names_no_other_host(tmp_path):
    text = bertviz_views.head_view(ATTENTION, TOKENS).data
    assert "cdnjs" not in text
    assert "unpkg" not in text


def test_without_bertviz_one_sentence_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == "bertviz":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ModuleNotFoundError, match="pip install bertviz mpld3 xstatic-jquery"):
        bertviz_views.head_view(ATTENTION, TOKENS)
