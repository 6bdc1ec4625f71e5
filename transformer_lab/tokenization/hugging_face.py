"""The file in which Hugging Face's library keeps a tokenizer: `tokenizer.json`.

Holds what the two kinds of tokenizers share in reading and writing it. Which
model, normaliser and pre-tokenizer they put in is their own business.

Source: the `tokenizers` library, https://huggingface.co/docs/tokenizers.
Taught in chapter 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import regex


def write(special_tokens: Mapping[str, int], **parts: object) -> str:
    """A `tokenizer.json` as text.

    Args:
        special_tokens: each with its ID.
        parts: `model`, `pre_tokenizer`, `decoder` and what else the tokenizer has.
    """
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added = [
        {"id": id, "content": token, **flags, "special": True}
        for token, id in special_tokens.items()
    ]
    empty = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor"))
    return json.dumps(
        {"version": "1.0", **empty, "added_tokens": added, **parts}, ensure_ascii=False
    )


def read(text: str) -> tuple[dict, dict[str, int]]:
    """The parts of a `tokenizer.json`, and its special tokens with their IDs.

    Raises:
        ValueError: if it is no such file.
    """
    try:
        parts = json.loads(text)
        special = {token["content"]: token["id"] for token in parts.get("added_tokens") or []}
        kind = parts["model"]["type"]
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"this is not a tokenizer.json: {error!r}") from error
    if not isinstance(kind, str):
        raise ValueError("this is not a tokenizer.json: it does not name its model")
    return parts, special


def special_pattern(tokens: Mapping[str, int] | tuple[str, ...]) -> regex.Pattern:
    """A pattern that captures any of these tokens; it splits text around them.

    >>> special_pattern(("<end>",)).split("a<end>b")
    ['a', '<end>', 'b']
    """
    if not tokens:
        return regex.compile(r"(?!)")  # matches nowhere
    longest_first = sorted(tokens, key=len, reverse=True)
    return regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")
