"""Recipes: the small named models that the chapters share.

`load("story-gpt")` gives a trained model. The first call trains it, in seconds,
with a progress bar; later calls read it from the user's cache folder (`store.py`).
Two processes that start at once train once; a damaged copy is noticed and rebuilt;
an interrupted training goes on where it stopped.

Each kind of recipe has a file of its own beside this one. Taught in chapter 12.
"""

from __future__ import annotations

import difflib
import sys
from contextlib import suppress
from pathlib import Path

from filelock import Timeout

from transformer_lab import distributed
from transformer_lab.files import cache_folder
from transformer_lab.model_file import model_file, read_model, read_model_file, weights_file
from transformer_lab.recipes import store
from transformer_lab.recipes.math_teacher import MathTeacher
from transformer_lab.recipes.own_text import OwnText, read_text, recipe_of_text
from transformer_lab.recipes.recipe import Recipe, TrainedModel
from transformer_lab.recipes.store import keep_text, kept_names, key
from transformer_lab.recipes.story_bert import StoryBERT
from transformer_lab.recipes.story_gpt import (
    StoryGPT,
    held_out_loss,
    held_out_stories,
    prompt_ids,
    story_batches,
    story_floor,
)
from transformer_lab.recipes.translator import Translator

__all__ = [
    "RECIPES",
    "MathTeacher",
    "OwnText",
    "Recipe",
    "StoryBERT",
    "StoryGPT",
    "TrainedModel",
    "Translator",
    "clean",
    "find",
    "held_out_loss",
    "held_out_stories",
    "is_trained",
    "keep_text",
    "kept_names",
    "key",
    "load",
    "model_file",
    "prompt_ids",
    "read_model",
    "read_model_file",
    "read_text",
    "recipe_of_text",
    "story_batches",
    "story_floor",
    "weights_file",
]

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in [
        StoryGPT(
            name="story-gpt",
            description="a GPT that tells short stories (decoder, chapters 7 and 12)",
            d_model=64,
            n_heads=4,
            n_layers=2,
            d_ff=256,
            max_len=96,
            vocab_size=1000,
            steps=790,
            batch_size=40,
            peak_lr=0.012,
            snapshots=(0, 20, 50, 100, 150, 200, 300, 400, 600, 790),
        ),
        StoryBERT(
            name="story-bert",
            description="a BERT that guesses hidden words of stories (encoder, chapter 10)",
            d_model=64,
            n_heads=4,
            n_layers=2,
            d_ff=256,
            max_len=96,
            steps=1200,
            batch_size=48,
            peak_lr=0.004,
        ),
        Translator(
            name="translator",
            description="a Transformer that translates English to Hindi (chapter 13)",
            d_model=64,
            n_heads=4,
            n_layers=2,
            d_ff=256,
            max_len=16,
            steps=700,
            batch_size=96,
            peak_lr=0.008,
            n_held_out=60,
            snapshots=(100, 150, 200, 300, 700),
        ),
        MathTeacher(
            name="math-teacher",
            description="a GPT that answers in a conversation, and does sums (chapter 14)",
            d_model=96,
            n_heads=3,
            n_layers=3,
            d_ff=288,
            max_len=192,
            vocab_size=640,
            steps=1600,
            batch_size=10,
            peak_lr=0.0025,
        ),
    ]
}


def load(recipe: str | Recipe, *, cache: Path | None = None, progress: bool = True) -> TrainedModel:
    """The trained model of a recipe; trains it if it is not in the cache.

    Args:
        recipe: a name from `RECIPES` or of a text that was kept, or a recipe of your own.
        cache: the cache folder (default: the user's).
        progress: whether to show what is going on.

    Raises:
        ValueError: if there is no recipe of that name.
        OSError: if it has to be kept and cannot be.
    """
    recipe = find(recipe, cache=cache)
    cache = cache or cache_folder()
    folder = store.place(recipe, cache)
    trained = store.read(recipe, folder)
    if distributed.as_first_says(trained is None):
        with store.alone(recipe.name, cache, progress=progress):
            # Another process may have trained it while this one waited.
            trained = store.read(recipe, folder)
            if distributed.as_first_says(trained is None):
                store.train(recipe, folder, progress=progress)
                trained = store.read(recipe, folder)
    # The first worker may have found what was not yet there for this one.
    trained = trained or store.read(recipe, folder)
    if trained is None:
        raise ValueError(f"{folder} was changed while {recipe.name} was loaded; load it again")
    return trained


def find(recipe: str | Recipe, *, cache: Path | None = None) -> Recipe:
    """The recipe of this name: one of the book's, or a reader's text that was kept.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe in RECIPES:
        return RECIPES[recipe]
    cache = cache or cache_folder()
    names = [*RECIPES, *kept_names(cache)]
    if recipe in names:
        return store.kept_text(recipe, cache)
    near = difflib.get_close_matches(recipe, names, n=1)
    hint = f"did you mean {near[0]!r}? There are" if near else "there are"
    raise ValueError(f"there is no recipe {recipe!r}; {hint}: {', '.join(names)}")


def is_trained(recipe: Recipe, *, cache: Path | None = None) -> bool:
    """Whether `load` finds it in the cache, so that it need not train."""
    return (store.place(recipe, cache or cache_folder()) / store.REPORT).is_file()


def clean(name: str | None = None, *, cache: Path | None = None) -> list[str]:
    """Remove what nobody can use any more: models of older versions, and what was damaged.

    What another process is training is left alone, and so is what is none of ours.

    Args:
        name: remove all that is kept under this name instead, a text too.
        cache: the cache folder (default: the user's).

    Returns:
        What was removed, as paths in the cache.

    Raises:
        ValueError: if there is no recipe of that name, or another process is training it.
    """
    cache = cache or cache_folder()
    names = [*RECIPES, *kept_names(cache)]
    if name is not None:
        if name not in names:
            find(name, cache=cache)
        try:
            return store.clean(name, cache)
        except Timeout:
            raise ValueError(f"another process is training {name}; stop it first") from None
    removed = []
    for each in names:
        try:
            current = key(find(each, cache=cache))
        except ValueError as error:  # without its text, nobody knows which model is current
            print(error, file=sys.stderr)
            continue
        with suppress(Timeout):
            removed += store.clean(each, cache, current=current)
    return removed
