"""What all trained models can do, whatever their recipe."""

from __future__ import annotations

import pytest
import torch

from tests.recipes.test_store import tiny_ones
from transformer_lab.recipes import TextGenerator

TEXTS = {
    "story-gpt": "Anna had a",
    "story-bert": "Anna had a [MASK] ball.",
    "translator": "we are friends",
    "math-teacher": "what is 2+1",
    "tiny": "the cat",
}
PIECES = {
    "story-bert": ["[CLS]", "anna", "had", "a", "[MASK]", "ball", ".", "[SEP]"],
    "translator": ["we", "are", "friends", "[SEP]"],
    "tiny": list("the cat"),
}


READERS = [recipe for recipe in tiny_ones() if recipe.name in TEXTS]  # others see and hear


@pytest.mark.parametrize("recipe", READERS, ids=lambda recipe: recipe.name)
def test_a_model_of_text_says_what_it_is_given_for_a_text_in_ids_and_in_pieces(recipe):
    model, tokenizer = recipe.untrained()
    trained = recipe.trained_type(recipe, model, tokenizer, report=None, content=b"")
    ids, pieces = (f(TEXTS[recipe.name]) for f in (trained.ids, trained.pieces))
    assert ids.dtype == torch.long
    assert ids.shape == (1, len(pieces))
    assert pieces == PIECES.get(recipe.name, pieces)
    assert isinstance(trained, TextGenerator) == (recipe.name in ("story-gpt", "tiny"))
    if recipe.name == "math-teacher":
        assert (pieces[0], pieces[-2:]) == ("<|user|>", ["<|end|>", "<|assistant|>"])


def test_a_report_that_lacks_something_is_no_report():
    for recipe in tiny_ones():
        with pytest.raises(TypeError):
            recipe.report_type(parameters=1, steps=1, seconds=1.0, losses=[1.0], machine="")
