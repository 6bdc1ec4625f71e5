"""Recipes: the small named models that the chapters share.

`load("story-gpt")` gives a trained model. The first call trains it, in seconds,
with a progress bar; later calls read it from the user's cache folder (`store.py`).
Two processes that start at once train once; a damaged copy is noticed and rebuilt;
an interrupted training goes on where it stopped.

Each kind of recipe has a file of its own beside this one, and `book.py` has the
sizes of those that the chapters use. Taught in chapter 12.
"""

from transformer_lab.model_file import model_file, read_model, read_model_file, weights_file
from transformer_lab.recipes.book import RECIPES
from transformer_lab.recipes.digit_reader import DigitReader, TrainedDigitReader
from transformer_lab.recipes.keys import key
from transformer_lab.recipes.math_teacher import MathTeacher, TrainedMathTeacher
from transformer_lab.recipes.morse_listener import MorseListener, TrainedMorseListener
from transformer_lab.recipes.own_text import OwnText, TrainedOwnText, read_text, recipe_of_text
from transformer_lab.recipes.recipe import Recipe, Report, TextGenerator, TrainedModel
from transformer_lab.recipes.store import (
    clean,
    find,
    is_trained,
    keep_text,
    kept_names,
    load,
    load_with_workers,
)
from transformer_lab.recipes.story_bert import StoryBERT, TrainedStoryBERT
from transformer_lab.recipes.story_gpt import (
    StoryGPT,
    TrainedStoryGPT,
    held_out_loss,
    held_out_stories,
    prompt_ids,
    story_batches,
    story_floor,
)
from transformer_lab.recipes.translator import TrainedTranslator, Translator

__all__ = [
    "RECIPES",
    "DigitReader",
    "MathTeacher",
    "MorseListener",
    "OwnText",
    "Recipe",
    "Report",
    "StoryBERT",
    "StoryGPT",
    "TextGenerator",
    "TrainedDigitReader",
    "TrainedMathTeacher",
    "TrainedModel",
    "TrainedMorseListener",
    "TrainedOwnText",
    "TrainedStoryBERT",
    "TrainedStoryGPT",
    "TrainedTranslator",
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
    "load_with_workers",
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
