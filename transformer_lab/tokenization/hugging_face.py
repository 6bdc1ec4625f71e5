"""The file in which Hugging Face's library keeps a tokenizer: `tokenizer.json`.

Holds what the two kinds of tokenizers share in reading and writing it. Which
model, normaliser and pre-tokenizer they put in is their own business.

Source: the `tokenizers` library, https://huggingface.co/docs/tokenizers.
Taught in chapter 3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import regex

ANY = None  # a field whose value is looked at elsewhere, or changes nothing here

# Truncation, padding and the post-processor say what becomes of a text's tokens in a
# batch: cut, filled up, put between [CLS] and [SEP]. `encode` gives the text's own tokens.
_PARTS: dict[str, None] = dict.fromkeys(
    "version truncation padding added_tokens normalizer pre_tokenizer post_processor decoder "
    "model".split()
)
_NOT = (None, False)
_ADDED = {
    "id": ANY,
    "content": ANY,
    "special": (None, False, True),
    "normalized": (None, False, True),
    "single_word": _NOT,
    "lstrip": _NOT,
    "rstrip": _NOT,
}


@dataclass(frozen=True)
class AddedToken:
    """A token that is found in the text before the text is cut, and is never cut itself.

    `normalized` ones are looked for in the normalised text, the others in the text as it is;
    `special` ones are no text, and decoding to words leaves them out.
    """

    content: str
    id: int
    normalized: bool = False
    special: bool = True


def write(added: Iterable[AddedToken], **parts: object) -> str:
    """A `tokenizer.json` as text.

    Args:
        added: the tokens that are never cut.
        parts: `model`, `pre_tokenizer`, `decoder` and what else the tokenizer has.
    """
    flags = {"single_word": False, "lstrip": False, "rstrip": False}
    tokens = [{**asdict(token), **flags} for token in added]
    empty = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor"))
    return json.dumps(
        {"version": "1.0", **empty, "added_tokens": tokens, **parts}, ensure_ascii=False
    )


def read(text: str) -> tuple[dict, list[AddedToken]]:
    """The parts of a `tokenizer.json`, and its added tokens.

    Raises:
        ValueError: if it is no such file, or has a field that is not supported here.
    """
    try:
        parts = json.loads(text)
        account_for(parts, _PARTS, "tokenizer.json")
        added = []
        for token in parts.get("added_tokens") or []:
            account_for(token, _ADDED, f"the added token {token['content']!r}")
            flags = {name: bool(token.get(name)) for name in ("normalized", "special")}
            added.append(AddedToken(token["content"], token["id"], **flags))
        kind = parts["model"]["type"]
        _check_ids(parts["model"].get("vocab", {}), added)
    except (KeyError, TypeError, AttributeError, RecursionError, json.JSONDecodeError) as error:
        raise ValueError(f"this is not a tokenizer.json: {error!r}") from error
    if not isinstance(kind, str):
        raise ValueError("this is not a tokenizer.json: it does not name its model")
    return parts, added


def account_for(found: object, known: Mapping[str, Any], whose: str) -> None:
    """Refuse a field that is not known, or has a value that is not supported here.

    A reader that passes over a field of somebody else's file may cut text in another way than
    the file says, and nobody would notice.

    Args:
        found: fields and their values, from a file.
        known: for each field that is supported, a list of the values that are (`ANY`: all of them).
        whose: what the fields belong to, for the message.

    Raises:
        ValueError: for the first such field.

    >>> account_for({"dropout": 0.1}, {"dropout": (None, 0)}, "the model")
    Traceback (most recent call last):
    ...
    ValueError: the model has dropout=0.1, and only None, 0 can be read
    """
    if not isinstance(found, Mapping):
        raise ValueError(f"{whose} holds no names and values")
    for name, value in found.items():
        if name not in known:
            raise ValueError(f"{whose} has a field {name!r}, which cannot be read")
        allowed = known[name]
        if allowed is not ANY and not any(value is one or value == one for one in allowed):
            values = ", ".join(map(repr, allowed))
            raise ValueError(f"{whose} has {name}={value!r}, and only {values} can be read")


def _check_ids(vocab: Mapping[str, int], added: list[AddedToken]) -> None:
    """Each ID is a number of its own, and an added token has no other one in the vocabulary."""
    ids = dict(vocab)
    for token in added:
        if ids.setdefault(token.content, token.id) != token.id:
            raise ValueError(
                f"the added token {token.content!r} has the ID {token.id}, and in the vocabulary "
                f"{ids[token.content]}"
            )
    if not all(isinstance(id, int) and id >= 0 for id in ids.values()):
        raise ValueError("an ID of this tokenizer.json is not a whole number from 0 on")
    if len(set(ids.values())) < len(ids):
        raise ValueError("two entries of this tokenizer.json have one ID")
    new = [token for token in added if token.content not in vocab]
    for next_id, token in enumerate(new, len(vocab)):  # Hugging Face's library counts on
        if token.id != next_id:
            raise ValueError(
                f"the added token {token.content!r} has the ID {token.id}, and {next_id} comes next"
            )


def encode_around(
    tokens: Mapping[str, int], text: str, encode: Callable[[str], Iterable[int]]
) -> list[int]:
    """The IDs of a text in which some tokens stand for themselves; `encode` gets the rest.

    >>> encode_around({"<end>": 7}, "ab<end>c", lambda part: [len(part)])
    [2, 7, 1]
    """
    ids: list[int] = []
    for part in special_pattern(tuple(tokens)).split(text):
        if part in tokens:
            ids.append(tokens[part])
        else:
            ids.extend(encode(part) if part else ())
    return ids


@cache
def special_pattern(tokens: tuple[str, ...]) -> regex.Pattern:
    """A pattern that captures any of these tokens; it splits text around them.

    >>> special_pattern(("<end>",)).split("a<end>b")
    ['a', '<end>', 'b']
    """
    if not tokens:
        return regex.compile(r"(?!)")  # matches nowhere
    longest_first = sorted(tokens, key=len, reverse=True)
    return regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")
