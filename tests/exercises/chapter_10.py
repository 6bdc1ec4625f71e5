"""Right and wrong answers to the exercises of chapter 10, as readers write them."""

from __future__ import annotations

import math

import numpy as np
import torch


def hide_word_by_word(ids, chosen, fate, others):
    return [
        id if not c or f >= 0.9 else (4 if f < 0.8 else other)
        for id, c, f, other in zip(
            ids.tolist(), chosen.tolist(), fate.tolist(), others.tolist(), strict=True
        )
    ]


def hide_in_place(ids, chosen, fate, others):
    ids[chosen & (fate < 0.8)] = 4
    other = chosen & (fate >= 0.8) & (fate < 0.9)
    ids[other] = others[other]
    return ids


def hide_with_numpy(ids, chosen, fate, others):
    ids, chosen, fate, others = (x.numpy() for x in (ids, chosen, fate, others))
    return np.select([~chosen, fate < 0.8, fate < 0.9], [ids, 4, others], ids)


def hide_from_the_end(ids, chosen, fate, others):
    given = torch.where(fate < 0.9, others, ids)
    given = torch.where(fate < 0.8, 4, given)
    return torch.where(chosen, given, ids)


def hide_all_below_nine_tenths(ids, chosen, fate, others):
    return torch.where(chosen & (fate < 0.9), 4, ids)


def hide_the_unchosen(ids, chosen, fate, others):
    return hide_from_the_end(ids, ~chosen, fate, others)


def hide_with_three(ids, chosen, fate, others):
    given = hide_from_the_end(ids, chosen, fate, others)
    return torch.where(chosen & (fate < 0.8), 3, given)


def hide_and_shift(ids, chosen, fate, others):
    return hide_from_the_end(ids, chosen, fate, others.roll(1))


def loss_by_loop(logits, truth, chosen):
    losses = []
    for row, word, asked in zip(logits.tolist(), truth.tolist(), chosen.tolist(), strict=True):
        if asked:
            losses.append(math.log(sum(map(math.exp, row))) - row[word])
    return sum(losses) / len(losses)


def loss_with_numpy(logits, truth, chosen):
    logits, truth, chosen = logits.numpy(), truth.numpy(), chosen.numpy()
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(truth)), truth])[chosen].mean()


def loss_with_ignored_places(logits, truth, chosen):
    return torch.nn.functional.cross_entropy(logits, truth.where(chosen, -100))


def loss_with_weights(logits, truth, chosen):
    each = -logits.log_softmax(-1)[torch.arange(len(truth)), truth]
    return (each * chosen).sum() / chosen.sum()


def loss_in_bits(logits, truth, chosen):
    return loss_by_loop(logits, truth, chosen) / math.log(2)


def loss_without_softmax(logits, truth, chosen):
    return -logits[chosen].gather(1, truth[chosen][:, None]).mean()


def loss_of_the_mean_probability(logits, truth, chosen):
    p = logits[chosen].softmax(-1).gather(1, truth[chosen][:, None])
    return -p.mean().log()


def loss_softmax_over_places(logits, truth, chosen):
    return -logits.log_softmax(0)[torch.arange(len(truth)), truth][chosen].mean()


def loss_softmax_twice(logits, truth, chosen):
    return torch.nn.functional.cross_entropy(logits[chosen].softmax(-1), truth[chosen])


def loss_of_the_first_chosen(logits, truth, chosen):
    at = chosen.nonzero()[0, 0]
    return -logits[at].log_softmax(-1)[truth[at]]


def types_by_flag(ids):
    types, behind = [], 0
    for id in ids.tolist():
        types.append(behind)
        if id == 3:
            behind = 1
    return types


def types_by_slice(ids):
    first = ids.tolist().index(3)
    types = torch.zeros_like(ids)
    types[first + 1 :] = 1
    return types


def types_with_numpy(ids):
    return (np.arange(len(ids)) > np.argmax(ids.numpy() == 3)).astype(int)


def types_by_shifted_count(ids):
    before = torch.cat([torch.zeros(1, dtype=torch.long), (ids == 3).cumsum(0)[:-1]])
    return before.clamp(max=1)


def types_in_halves(ids):
    return (torch.arange(len(ids)) >= len(ids) // 2).long()


def types_by_last_separator(ids):
    last = len(ids) - 1 - ids.tolist()[::-1].index(3)
    return [int(t > last) for t in range(len(ids))]


def types_by_parity(ids):
    return (ids == 3).cumsum(0) % 2


def types_from_place_four(ids):
    return [int(t >= 4) for t in range(len(ids))]


RIGHT = {
    "hide_words": [hide_word_by_word, hide_in_place, hide_with_numpy, hide_from_the_end],
    "masked_loss": [loss_by_loop, loss_with_numpy, loss_with_ignored_places, loss_with_weights],
    "token_types": [
        lambda ids: [int(3 in ids.tolist()[:t]) for t in range(len(ids))],
        types_by_flag,
        types_by_slice,
        types_with_numpy,
        types_by_shifted_count,
    ],
}

WRONG = {
    "hide_words": [
        lambda ids, chosen, fate, others: torch.where(chosen, 4, ids),  # all are hidden
        lambda ids, chosen, fate, others: torch.where(fate < 0.8, 4, ids),  # not only the chosen
        hide_all_below_nine_tenths,
        hide_the_unchosen,
        hide_with_three,
        hide_and_shift,
    ],
    "masked_loss": [
        lambda logits, truth, chosen: torch.nn.functional.cross_entropy(logits, truth),
        lambda logits, truth, chosen: -loss_by_loop(logits, truth, chosen),
        loss_in_bits,
        loss_without_softmax,
        loss_of_the_mean_probability,
        loss_softmax_over_places,
        loss_softmax_twice,
        loss_of_the_first_chosen,
    ],
    "token_types": [
        lambda ids: (ids == 3).long(),
        lambda ids: (ids == 3).cumsum(0).clamp(max=1),  # the first end is of type 1
        lambda ids: 1 - torch.tensor(types_by_flag(ids)),
        types_in_halves,
        types_by_last_separator,
        types_by_parity,
        types_from_place_four,
    ],
}
