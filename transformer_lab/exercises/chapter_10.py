"""Exercises of chapter 10: encoder and decoder."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from transformer_lab.exercises.exercise import Exercise, Mistake

MASK, SEP = 4, 3


def _hide(ids: Tensor, chosen: Tensor, fate: Tensor, others: Tensor) -> Tensor:
    hidden = ids.masked_fill(chosen & (fate < 0.8), MASK)
    return torch.where(chosen & (fate >= 0.8) & (fate < 0.9), others, hidden)


def _hide_all(ids: Tensor, chosen: Tensor, fate: Tensor, others: Tensor) -> Tensor:
    return ids.masked_fill(chosen, MASK)


def _hide_whatever_was_chosen(ids: Tensor, chosen: Tensor, fate: Tensor, others: Tensor) -> Tensor:
    return _hide(ids, torch.ones_like(chosen), fate, others)


def _keep_none(ids: Tensor, chosen: Tensor, fate: Tensor, others: Tensor) -> Tensor:
    hidden = ids.masked_fill(chosen & (fate < 0.8), MASK)
    return torch.where(chosen & (fate >= 0.8), others, hidden)


def _change_none(ids: Tensor, chosen: Tensor, fate: Tensor, others: Tensor) -> Tensor:
    return ids.masked_fill(chosen & (fate < 0.8), MASK)


def _change_most(ids: Tensor, chosen: Tensor, fate: Tensor, others: Tensor) -> Tensor:
    changed = torch.where(chosen & (fate < 0.8), others, ids)
    return changed.masked_fill(chosen & (fate >= 0.8) & (fate < 0.9), MASK)


def _loss(logits: Tensor, truth: Tensor, chosen: Tensor) -> Tensor:
    return functional.cross_entropy(logits[chosen], truth[chosen])


def _loss_everywhere(logits: Tensor, truth: Tensor, chosen: Tensor) -> Tensor:
    return functional.cross_entropy(logits, truth)


def _loss_elsewhere(logits: Tensor, truth: Tensor, chosen: Tensor) -> Tensor:
    return functional.cross_entropy(logits[~chosen], truth[~chosen])


def _loss_added_up(logits: Tensor, truth: Tensor, chosen: Tensor) -> Tensor:
    return functional.cross_entropy(logits[chosen], truth[chosen], reduction="sum")


def _loss_over_all_tokens(logits: Tensor, truth: Tensor, chosen: Tensor) -> Tensor:
    return _loss_added_up(logits, truth, chosen) / len(truth)


def _probability(logits: Tensor, truth: Tensor, chosen: Tensor) -> Tensor:
    return (-_loss(logits, truth, chosen)).exp()


def _types(ids: Tensor) -> Tensor:
    ends = ids == SEP
    return ((ends.cumsum(0) - ends.long()) > 0).long()


def _types_from_the_separator(ids: Tensor) -> Tensor:
    return ((ids == SEP).cumsum(0) > 0).long()


def _types_counted(ids: Tensor) -> Tensor:
    return (ids == SEP).cumsum(0)


def _types_of_separators(ids: Tensor) -> Tensor:
    return (ids == SEP).long()


def _types_swapped(ids: Tensor) -> Tensor:
    return 1 - _types(ids)


_random = torch.Generator().manual_seed(10)
_ids = torch.tensor([2, 11, 12, 13, 14, 15, 16, 17, 18, 3])
_chosen = torch.tensor([False, True, True, True, True, True, False, False, False, False])
_fate = torch.tensor([0.13, 0.05, 0.79, 0.82, 0.89, 0.95, 0.3, 0.85, 0.99, 0.5])
_others = torch.tensor([31, 32, 33, 34, 35, 36, 37, 38, 39, 40])
# A shorter text, in which most words are left alone.
_fewer_ids = torch.tensor([2, 25, 24, 23, 22, 21, 3])
_fewer_chosen = torch.tensor([False, False, True, False, True, True, False])
_fewer_fates = torch.tensor([0.4, 0.83, 0.97, 0.1, 0.42, 0.86, 0.93])
_fewer_others = torch.tensor([57, 56, 55, 54, 53, 52, 51])
_logits = torch.randn(6, 9, generator=_random)
_truth = torch.tensor([4, 0, 7, 2, 8, 5])
_which = torch.tensor([False, True, False, False, True, False])
_wide_logits = 3 * torch.randn(5, 11, generator=_random)
_wide_truth = torch.tensor([10, 3, 6, 1, 9])
_nearly_all = torch.tensor([True, True, False, True, True])

EXERCISES = {
    "hide_words": Exercise(
        task="ids, chosen (true or false), fate (from 0 to 1), others, all (T) → what the model "
        "is given by BERT's rule; [MASK] is 4.",
        inputs=[
            (_ids, _chosen, _fate, _others),
            (_fewer_ids, _fewer_chosen, _fewer_fates, _fewer_others),
        ],
        solution=_hide,
        mistakes=[
            Mistake(
                _hide_all,
                "Everything that was chosen is hidden. What should become of the last fifth?",
            ),
            Mistake(
                _hide_whatever_was_chosen,
                "Words change that nobody has chosen: the lottery comes first, then the fate.",
            ),
            Mistake(
                _keep_none,
                "No chosen word stays as it is. The last tenth should be left alone, and still "
                "be asked for.",
            ),
            Mistake(
                _change_none,
                "No word is replaced by another. How would the model learn to doubt what it sees?",
            ),
            Mistake(
                _change_most,
                "Most words become another word and few become the mask: the two shares are "
                "the wrong way round.",
            ),
        ],
    ),
    "masked_loss": Exercise(
        task="logits (T, V), truth (T), chosen (T) → the mean loss over the chosen places (nats).",
        inputs=[(_logits, _truth, _which), (_wide_logits, _wide_truth, _nearly_all)],
        solution=_loss,
        mistakes=[
            Mistake(
                _loss_everywhere,
                "All places count here. Most of them show the answer, so there is little to learn "
                "from them.",
            ),
            Mistake(
                _loss_elsewhere,
                "This asks about the words that were not chosen, and leaves out the question.",
            ),
            Mistake(
                _loss_added_up,
                "This grows with the number of hidden words. What is the loss for one of them?",
            ),
            Mistake(
                _loss_over_all_tokens,
                "The sum is right. By how many places should it be divided?",
            ),
            Mistake(_probability, "That is a probability. The loss is minus its logarithm."),
            Mistake(
                lambda logits, truth, chosen: -_loss(logits, truth, chosen),
                "The sign is the other way round: a surprise is counted as a positive number.",
            ),
        ],
    ),
    "token_types": Exercise(
        task="ids (T) of one text or two, each ended by [SEP], which is 3 → the type of each "
        "token, 0 for the first text and 1 for the second.",
        inputs=[
            (torch.tensor([2, 7, 8, 3, 9, 9, 6, 3]),),
            (torch.tensor([2, 7, 3]),),
            (torch.tensor([2, 3, 5, 3]),),
        ],
        solution=_types,
        mistakes=[
            Mistake(
                _types_from_the_separator,
                "Nearly: the token that ends the first text still belongs to it.",
            ),
            Mistake(
                _types_counted,
                "The count goes on. There are two types only, and the second text's own end "
                "belongs to it.",
            ),
            Mistake(
                _types_of_separators,
                "This marks the separators. All tokens behind the first one need the other type.",
            ),
            Mistake(_types_swapped, "The first text has type 0, the second type 1."),
        ],
    ),
}
