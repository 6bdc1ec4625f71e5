"""Exercises of chapter 15: the family."""

from __future__ import annotations

import math

from transformer_lab.exercises.exercise import Exercise, Mistake


def _kv_cache_bytes(n_layers: int, n_kv_heads: int, d_head: int, n_tokens: int) -> int:
    return 2 * n_layers * n_kv_heads * d_head * n_tokens * 2


def _keys_only(n_layers: int, n_kv_heads: int, d_head: int, n_tokens: int) -> int:
    return _kv_cache_bytes(n_layers, n_kv_heads, d_head, n_tokens) // 2


def _numbers_not_bytes_of_one_layer(
    n_layers: int, n_kv_heads: int, d_head: int, n_tokens: int
) -> int:
    return _kv_cache_bytes(1, n_kv_heads, d_head, n_tokens)


def _every_pair_of_tokens(n_layers: int, n_kv_heads: int, d_head: int, n_tokens: int) -> int:
    return _kv_cache_bytes(n_layers, n_kv_heads, d_head, n_tokens * n_tokens)


def _one_token(n_layers: int, n_kv_heads: int, d_head: int, n_tokens: int) -> int:
    return _kv_cache_bytes(n_layers, n_kv_heads, d_head, 1)


def _shared_head(head: int, n_heads: int, n_kv_heads: int) -> int:
    return head // (n_heads // n_kv_heads)


def _dealt_like_cards(head: int, n_heads: int, n_kv_heads: int) -> int:
    return head % n_kv_heads


def _divided_by_the_wrong_number(head: int, n_heads: int, n_kv_heads: int) -> int:
    return head // n_kv_heads


def _a_head_of_its_own(head: int, n_heads: int, n_kv_heads: int) -> int:
    return head


def _place_in_its_group(head: int, n_heads: int, n_kv_heads: int) -> int:
    return head % (n_heads // n_kv_heads)


def _unrounded(head: int, n_heads: int, n_kv_heads: int) -> float:
    return head / (n_heads // n_kv_heads)


def _gated_width(d_ff: int) -> int:
    return round(2 * d_ff / 3)


def _rounded_down(d_ff: int) -> int:
    return 2 * d_ff // 3


def _rounded_up(d_ff: int) -> int:
    return math.ceil(2 * d_ff / 3)


def _not_whole(d_ff: int) -> float:
    return 2 * d_ff / 3


def _half(d_ff: int) -> int:
    return d_ff // 2


def _a_third(d_ff: int) -> int:
    return d_ff // 3


def _unchanged(d_ff: int) -> int:
    return d_ff


def _the_other_way(d_ff: int) -> int:
    return round(3 * d_ff / 2)


EXERCISES = {
    "kv_cache_bytes": Exercise(
        task="n_layers, n_kv_heads, d_head, n_tokens → the bytes of the key/value cache, at two "
        "bytes a number.",
        inputs=[(32, 8, 128, 8192), (12, 10, 64, 100), (18, 1, 256, 3)],
        solution=_kv_cache_bytes,
        mistakes=[
            Mistake(
                _keys_only,
                "That is half of it. Attention mixes the values: are they kept as well as the "
                "keys, and does a number take one byte or two?",
            ),
            Mistake(
                _numbers_not_bytes_of_one_layer,
                "Does one layer's cache serve the next layer? Each has its own keys.",
            ),
            Mistake(
                _every_pair_of_tokens,
                "Scores are there for each pair of tokens, but they are not kept: what is kept "
                "for each token?",
            ),
            Mistake(_one_token, "That is what one token adds. How many tokens are kept?"),
            Mistake(
                lambda layers, heads, size, n: _kv_cache_bytes(layers, 1, size, n),
                "How many heads of keys and values does a layer have?",
            ),
        ],
    ),
    "shared_head": Exercise(
        task="head, n_heads, n_kv_heads → the number of the head of keys and values that query "
        "head `head` uses; neighbours share.",
        inputs=[(0, 8, 2), (3, 8, 2), (4, 8, 2), (7, 12, 3), (3, 12, 3), (5, 6, 6), (5, 6, 1)],
        solution=_shared_head,
        mistakes=[
            Mistake(
                _dealt_like_cards,
                "That deals the heads out like cards: 0, 1, 0, 1. LLaMA lets neighbours share: "
                "0, 0, 1, 1.",
            ),
            Mistake(
                _divided_by_the_wrong_number,
                "How many query heads share one head of keys? That is what to divide by.",
            ),
            Mistake(
                _a_head_of_its_own,
                "With fewer heads of keys than queries, there is none of that number.",
            ),
            Mistake(
                _place_in_its_group,
                "This counts the query head within its group. Which of the groups is it?",
            ),
            Mistake(_unrounded, "A head's number is whole. Neighbours share: up or down?"),
        ],
    ),
    "gated_width": Exercise(
        task="d_ff of a feed-forward layer with two matrices → the width that gives a gated one, "
        "which has three, as many parameters (a whole number, rounded either way).",
        inputs=[(3072,), (256,), (2048,), (100,)],
        solution=_gated_width,
        also_right=[_rounded_down, _rounded_up],
        mistakes=[
            Mistake(_not_whole, "A layer has a whole number of neurons: round it, up or down."),
            Mistake(_a_third, "So narrow, three matrices have half of the parameters of the two."),
            Mistake(_half, "That would be right for four matrices. A gated layer has three."),
            Mistake(
                _unchanged,
                "At the same width, three matrices have half as many parameters again.",
            ),
            Mistake(_the_other_way, "Wider, and one matrix more? Then it has far more parameters."),
        ],
    ),
}
