"""digit-reader: as good as the book says, on pictures that it never saw."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from transformer_lab import recipes
from transformer_lab.languages import digits
from transformer_lab.recipes.digit_reader import bent


@pytest.fixture(scope="module")
def digit_reader():
    return recipes.load("digit-reader", progress=False)


def test_nearly_every_held_out_digit_is_read_with_few_parameters(digit_reader):
    """Measured anew, one picture after the other."""
    _, _, held_out = digits.split()
    read = "".join(digit_reader.read(image[None]) for image in held_out.images)
    right = [
        digit == str(label) for digit, label in zip(read, held_out.labels.tolist(), strict=True)
    ]
    assert sum(right) / len(right) == pytest.approx(digit_reader.report.accuracy)
    assert digit_reader.report.accuracy >= 0.96
    assert digit_reader.report.parameters <= 20_000
    assert f"of {len(held_out)} held-out digits" in digit_reader.report.summary()


def test_held_out_pictures_are_never_trained_on(digit_reader, monkeypatch):
    """Without the bending, which hides where a picture comes from."""
    monkeypatch.setattr(
        "transformer_lab.recipes.digit_reader.bent", lambda images, generator: images
    )
    _, _, held_out = digits.split()
    batch_at = digit_reader.recipe.batches(digit_reader.tokenizer)
    for step in range(0, digit_reader.recipe.steps, 100):
        pictures = batch_at(step).inputs
        distances = torch.cdist(pictures.flatten(1), held_out.images.flatten(1))
        assert distances.min() > 0


def test_a_batch_is_the_same_whenever_asked_and_another_with_another_seed(digit_reader):
    recipe = digit_reader.recipe
    first, again = (recipe.batches(digit_reader.tokenizer)(7) for _ in range(2))
    other = replace(recipe, seed=1).batches(digit_reader.tokenizer)(7)
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.inputs, other.inputs)


def test_bending_moves_ink_a_little_and_not_at_all_without_strength():
    _, _, held_out = digits.split()
    images = held_out.images[:8]
    for strength, least, most in [(0.0, 0.0, 1e-5), (0.1, 0.01, 0.3)]:
        generator = torch.Generator().manual_seed(0)
        moved = (bent(images, generator=generator, strength=strength) - images).abs().mean()
        assert least <= moved <= most


def test_a_recipe_can_shuffle_its_pictures_in_training_and_in_measuring(digit_reader):
    recipe = replace(digit_reader.recipe, shuffled=2)
    _, _, held_out = digits.split()
    images = held_out.images[:4]
    assert torch.equal(recipe.pictures(images), digits.shuffled(images, side=2, seed=recipe.seed))
    plain, shuffled = (r.batches(None)(0).inputs for r in (digit_reader.recipe, recipe))
    assert torch.equal(shuffled, digits.shuffled(plain, side=2, seed=recipe.seed))


def test_it_reads_pictures_and_no_text(digit_reader):
    with pytest.raises(ValueError, match="digit-reader reads pictures, not text"):
        digit_reader.ids("a seven")
