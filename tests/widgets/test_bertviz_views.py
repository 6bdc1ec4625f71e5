"""bertviz's views draw with no network, and say what they are."""

from __future__ import annotations

import builtins

import pytest
import torch

from transformer_lab.widgets import bertviz_views

TOKENS = ["<|endoftext|>", " Tom", " met", " <b>Anna</b>", "."]
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
