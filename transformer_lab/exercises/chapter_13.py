"""Exercises of chapter 13: translation."""

from __future__ import annotations

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake

START, STOP = 2, 3


def _shift_right(ids: Tensor) -> Tensor:
    start, stop = torch.full_like(ids[:, :1], START), torch.full_like(ids[:, :1], STOP)
    return torch.stack([torch.cat([start, ids], dim=1), torch.cat([ids, stop], dim=1)])


def _without_start(ids: Tensor) -> Tensor:
    return _shift_right(ids)[[1, 1]]


def _not_shifted(ids: Tensor) -> Tensor:
    return _shift_right(ids)[[0, 0]]


def _shifted_twice(ids: Tensor) -> Tensor:
    inputs, targets = _shift_right(ids)
    return torch.stack([inputs[:, :-1], targets[:, 1:]])


def _without_stop(ids: Tensor) -> Tensor:
    return torch.stack([_shift_right(ids)[0][:, :-1], ids])


def _cross(x: Tensor, memory: Tensor) -> Tensor:
    scores = x @ memory.mT / x.shape[-1] ** 0.5
    return scores.softmax(dim=-1) @ memory


def _other_way_round(x: Tensor, memory: Tensor) -> Tensor:
    return _cross(memory, x)


def _looks_at_itself(x: Tensor, memory: Tensor) -> Tensor:
    return _cross(x, x)


def _wrong_axis(x: Tensor, memory: Tensor) -> Tensor:
    return (x @ memory.mT / x.shape[-1] ** 0.5).softmax(dim=-2) @ memory


def _no_scale(x: Tensor, memory: Tensor) -> Tensor:
    return (x @ memory.mT).softmax(dim=-1) @ memory


def _weights_alone(x: Tensor, memory: Tensor) -> Tensor:
    return (x @ memory.mT / x.shape[-1] ** 0.5).softmax(dim=-1)


def _all_words_right(written: list[list[str]], truth: list[list[str]]) -> float:
    return sum(a == b for a, b in zip(written, truth, strict=True)) / len(truth)


def _share_of_words(written: list[list[str]], truth: list[list[str]]) -> float:
    right = sum(a == b for w, t in zip(written, truth, strict=True) for a, b in zip(w, t))  # noqa: B905
    return right / sum(map(len, truth))


def _in_any_order(written: list[list[str]], truth: list[list[str]]) -> float:
    return _all_words_right([sorted(w) for w in written], [sorted(t) for t in truth])


def _cut_to_length(written: list[list[str]], truth: list[list[str]]) -> float:
    return _all_words_right([w[: len(t)] for w, t in zip(written, truth, strict=True)], truth)


def _cut_short_passes(written: list[list[str]], truth: list[list[str]]) -> float:
    return _all_words_right(written, [t[: len(w)] for w, t in zip(written, truth, strict=True)])


_random = torch.Generator().manual_seed(0)
_x = torch.randn(3, 8, generator=_random)
_memory = torch.randn(5, 8, generator=_random)
_truth = [
    ["हम", "दोस्त", "हैं"],
    ["वह", "है"],
    ["वे", "लंबे", "हैं"],
    ["मैं", "हूँ"],
    ["आप", "हैं"],
    ["वे", "हैं"],
    ["वह", "घर", "पर", "है"],
    ["मैं", "पीता", "हूँ"],
    ["आप", "पीते", "हैं"],
]
_written = [
    ["हम", "दोस्त", "हैं"],
    ["है", "वह"],  # in another order
    ["वे", "हैं"],  # right for another sentence
    ["वह", "हूँ"],
    ["आप", "हैं", "हैं"],  # goes on too long
    ["वे", "हैं"],
    ["वह", "घर"],  # breaks off, as the next two
    ["मैं"],
    ["आप", "पीते"],
]

EXERCISES = {
    "shift_right": Exercise(
        task="ids (B, T) → what the decoder is given, and what it must say (2, B, T + 1); "
        "start token 2, stop token 3.",
        inputs=[(torch.tensor([[7, 8, 9], [5, 6, 4]]),), (torch.tensor([[11]]),)],
        solution=_shift_right,
        mistakes=[
            Mistake(
                _without_start,
                "What does the decoder see when it must say the first word? It has to be "
                "given something, and it must not be that word.",
            ),
            Mistake(
                _not_shifted,
                "The decoder is asked for the token that it has just been given: it could "
                "copy. What should stand at the same place in the targets?",
            ),
            Mistake(
                _shifted_twice,
                "At each place the target should be the next token, not the one after it.",
            ),
            Mistake(_without_stop, "How would the decoder ever learn when a sentence is over?"),
        ],
    ),
    "cross_attention": Exercise(
        task="x (T, D) of the decoder, memory (S, D) of the encoder → scaled attention of x "
        "over memory (T, D), with the vectors themselves as queries, keys and values.",
        inputs=[(_x, _memory), (_memory[:2], _x)],  # T, S and D differ
        solution=_cross,
        mistakes=[
            Mistake(
                _other_way_round,
                "Who asks? The decoder writes, so there must be one answer for each of its "
                "T positions.",
            ),
            Mistake(
                _looks_at_itself,
                "That is self-attention: the translation looks only at itself. Where do keys "
                "and values come from here?",
            ),
            Mistake(
                _wrong_axis,
                "For each position of the decoder, the weights over the source must add up to 1.",
            ),
            Mistake(_no_scale, "What becomes of the scores when the vectors get longer?"),
            Mistake(
                _weights_alone,
                "These are the attention weights. What do they mix?",
            ),
        ],
    ),
    "exact_match": Exercise(
        task="translations written, and the true ones, both lists of lists of words → the share "
        "of sentences that are right to the last word.",
        inputs=[(_written, _truth), (_truth, _truth), (_written[:3], _truth[:3])],
        solution=_all_words_right,
        mistakes=[
            Mistake(
                _share_of_words,
                "That is the share of right words. A sentence with one wrong word is not right.",
            ),
            Mistake(
                _in_any_order, "Two sentences with the same words can differ: order counts too."
            ),
            Mistake(_cut_to_length, "A translation that goes on too long is not right either."),
            Mistake(_cut_short_passes, "A translation that breaks off is not right either."),
        ],
    ),
}
