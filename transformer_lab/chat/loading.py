"""Chat models by name.

Taught in chapter 14.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import cast

from transformer_lab import pretrained, recipes
from transformer_lab.chat.model import ChatModel
from transformer_lab.conversation.template import PLAIN_TURNS, SMOLLM2


def _math_teacher() -> ChatModel:
    trained = cast(recipes.TrainedMathTeacher, recipes.load("math-teacher"))
    tokenizer = trained.tokenizer
    # It was taught to say nothing but text within a turn: any special token ends it.
    stop_ids = frozenset(tokenizer.vocab[token] for token in tokenizer.special_tokens)
    return ChatModel("math-teacher", trained.model, tokenizer, PLAIN_TURNS, stop_ids)


def _smollm2() -> ChatModel:
    tokenizer = pretrained.smollm2_tokenizer()
    stop_ids = frozenset(tokenizer.vocab[token] for token in ("<|im_end|>", "<|endoftext|>"))
    return ChatModel("smollm2-135m-instruct", pretrained.smollm2(), tokenizer, SMOLLM2, stop_ids)


MODELS: dict[str, Callable[[], ChatModel]] = {
    "math-teacher": _math_teacher,
    "smollm2-135m-instruct": _smollm2,
}


@cache
def load(name: str) -> ChatModel:
    """The chat model of this name; the first call trains or downloads it.

    Raises:
        ValueError: if there is none.
    """
    if name not in MODELS:
        raise ValueError(f"there is no chat model {name!r}; there are: {', '.join(MODELS)}")
    return MODELS[name]()
