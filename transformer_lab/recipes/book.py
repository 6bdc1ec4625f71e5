"""The recipes of this book: the sizes and settings of its models, by name."""

from __future__ import annotations

from transformer_lab.recipes.digit_reader import DigitReader
from transformer_lab.recipes.math_teacher import MathTeacher
from transformer_lab.recipes.morse_listener import MorseListener
from transformer_lab.recipes.recipe import Recipe
from transformer_lab.recipes.story_bert import StoryBERT
from transformer_lab.recipes.story_gpt import StoryGPT
from transformer_lab.recipes.translator import Translator

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
        DigitReader(
            name="digit-reader",
            description="a Vision Transformer that reads written digits (chapter 17)",
            d_model=32,
            n_heads=4,
            n_layers=2,
            d_ff=64,
            max_len=16,
            steps=1000,
            batch_size=64,
            peak_lr=0.005,
            n_held_out=360,
        ),
        MorseListener(
            name="morse-listener",
            description="an encoder-decoder that hears Morse code (chapter 17)",
            d_model=64,
            n_heads=4,
            n_layers=2,
            d_ff=128,
            max_len=96,
            steps=1800,
            batch_size=40,
            peak_lr=0.004,
            n_held_out=500,
        ),
    ]
}
