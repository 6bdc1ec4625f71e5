"""Exercises of chapter 12: training and inference."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    chosen = logits.log_softmax(dim=-1).gather(-1, targets[:, None])
    return -chosen.mean()


def _with_temperature(logits: Tensor, temperature: float) -> Tensor:
    return (logits / temperature).softmax(dim=-1)


def _kept(probabilities: Tensor, p: float, *, crossing: bool) -> Tensor:
    """`probabilities` without those outside the nucleus, not yet shared out anew."""
    ordered, ids = probabilities.sort(descending=True)
    reached = ordered.cumsum(-1)
    keep = (reached - ordered < p) if crossing else (reached <= p)
    return torch.zeros_like(probabilities).scatter(-1, ids, ordered * keep)


def _top_p(probabilities: Tensor, p: float) -> Tensor:
    kept = _kept(probabilities, p, crossing=True)
    return kept / kept.sum()


def _least_likely(probabilities: Tensor, p: float) -> Tensor:
    """As top-p, but from the wrong end."""
    ordered, ids = probabilities.sort()
    kept = torch.zeros_like(probabilities).scatter(
        -1, ids, ordered * (ordered.cumsum(-1) - ordered < p)
    )
    return kept / kept.sum()


def _shifted(ids: Tensor, last: Callable[[Tensor], Tensor]) -> Tensor:
    """Each token's successor; `last` says what stands where none follows."""
    return torch.cat([ids[:, 1:], last(ids)], dim=1)


def _next_tokens(ids: Tensor) -> Tensor:
    return _shifted(ids, lambda ids: torch.full_like(ids[:, :1], -100))


_random = torch.Generator().manual_seed(0)
_logits, _targets = torch.randn(5, 7, generator=_random), torch.tensor([2, 0, 6, 1, 3])
_other_logits, _other_targets = 3 * torch.randn(3, 4, generator=_random), torch.tensor([3, 1, 0])
_shares = torch.tensor([0.1, 0.4, 0.05, 0.3, 0.15])
_other_shares = torch.tensor([0.08, 0.27, 0.02, 0.33, 0.06, 0.13, 0.11])

EXERCISES = {
    "next_tokens": Exercise(
        task="ids (B, T) → targets (B, T): the token that follows each; −100 where none does.",
        inputs=[
            (torch.tensor([[5, 6, 7, 9, 2], [8, 3, 4, 12, 1], [11, 10, 15, 13, 14]]),),
            (torch.tensor([[3, 1, 4, 16, 5, 9, 2]]),),
        ],
        solution=_next_tokens,
        mistakes=[
            Mistake(
                lambda ids: ids.roll(-1, dims=1),
                "Nearly: at its end each row goes back to its own first token. Nothing that we "
                "know follows the last one, so its target is −100.",
            ),
            Mistake(
                lambda ids: torch.cat([torch.full_like(ids[:, :1], -100), ids[:, :-1]], dim=1),
                "Shifted the wrong way: this is the token *before* each one, which the model "
                "has already seen.",
            ),
            Mistake(
                lambda ids: ids.roll(1, dims=1),
                "Shifted the wrong way: this is the token *before* each one, which the model "
                "has already seen. And the last token of a row is no neighbour of the first.",
            ),
            Mistake(
                lambda ids: ids[:, 1:],
                "The right tokens, but one column short: the last position needs a target too, "
                "the one that says there is nothing to predict.",
            ),
            Mistake(
                lambda ids: ids,
                "Nothing has moved: each token would be asked for itself, and a model that "
                "copies its input would be perfect.",
            ),
            Mistake(
                lambda ids: _shifted(ids, lambda ids: torch.zeros_like(ids[:, :1])),
                "Nearly: 0 is a token like any other, so the model would be asked to predict it. "
                "The value that is left out of the loss is −100.",
            ),
            Mistake(
                lambda ids: _shifted(ids, lambda ids: ids[:, -1:]),
                "Nearly: the last position of each row is asked for its own token. Nothing that "
                "we know follows it, so its target is −100.",
            ),
            Mistake(
                lambda ids: ids.roll(-1, dims=0),
                "This moves along the wrong axis: the rows are different texts. Time is the "
                "second axis.",
            ),
            Mistake(
                lambda ids: torch.cat([ids.flatten()[1:], torch.tensor([-100])]).view(ids.shape),
                "Nearly: the last token of a row is followed here by the first of the next row, "
                "which is another text. The end of every row has nothing to predict.",
            ),
        ],
    ),
    "cross_entropy": Exercise(
        task="logits (T, V) and targets (T) → the mean of −log p(target), in nats.",
        inputs=[(_logits, _targets), (_other_logits, _other_targets)],
        solution=_cross_entropy,
        mistakes=[
            Mistake(
                lambda logits, t: -logits.log_softmax(0).gather(-1, t[:, None]).mean(),
                "The softmax runs over the wrong axis: each token shares out 1 among the "
                "positions, and it is each position that should share out 1 among the tokens.",
            ),
            Mistake(
                lambda logits, t: -logits.softmax(-1).gather(-1, t[:, None]).mean(),
                "This is minus the mean probability. The loss takes the logarithm of each "
                "probability first.",
            ),
            Mistake(
                lambda logits, t: -logits.softmax(-1).gather(-1, t[:, None]).mean().log(),
                "This takes the mean of the probabilities first and its logarithm afterwards. "
                "The loss is a mean of surprises, each with a logarithm of its own.",
            ),
            Mistake(
                lambda logits, t: logits.log_softmax(-1).gather(-1, t[:, None]).mean(),
                "The sign is the other way round: the logarithm of a probability is negative, "
                "and a loss should be large when the guess was bad.",
            ),
            Mistake(
                lambda logits, t: -logits.log_softmax(-1).gather(-1, t[:, None]).sum(),
                "This is the sum over the positions; a loss per token is their mean.",
            ),
            Mistake(
                lambda logits, t: -logits.log_softmax(-1).gather(-1, t[:, None]).squeeze(-1),
                "These are the surprises, one for each position, and they are right. What is "
                "asked for is one number, their mean.",
            ),
            Mistake(
                lambda logits, t: -logits.gather(-1, t[:, None]).mean(),
                "These are raw scores. They become probabilities only after a softmax.",
            ),
            Mistake(
                lambda logits, t: _cross_entropy(logits.softmax(-1), t),
                "A softmax too many: what it is given the second time are probabilities, and "
                "they lie so close together that every loss comes out near that of a uniform "
                "guess.",
            ),
            Mistake(
                lambda logits, t: _cross_entropy(logits, t) / math.log(2),
                "Right, but in bits: the logarithm has base 2. Nats come of the natural one.",
            ),
            Mistake(
                lambda logits, t: -logits.log_softmax(-1).mean(),
                "This is a mean over all tokens of the vocabulary. Only the surprise at the token "
                "that really came counts.",
            ),
        ],
    ),
    "with_temperature": Exercise(
        task="logits (V) and a temperature → probabilities (V).",
        inputs=[(_logits[0], 0.5), (_other_logits[1], 2.5)],
        solution=_with_temperature,
        mistakes=[
            Mistake(
                lambda logits, t: (logits * t).softmax(-1),
                "The temperature acts the wrong way round: a low one must sharpen the "
                "distribution, and this flattens it.",
            ),
            Mistake(
                lambda logits, t: logits.softmax(-1) / t,
                "The temperature comes too late: after the softmax it only scales the "
                "probabilities, and they no longer add up to 1.",
            ),
            Mistake(
                lambda logits, t: (logits.softmax(-1) / t).softmax(-1),
                "There is a softmax too many: the temperature acts on the logits themselves, not "
                "on probabilities that become scores once more.",
            ),
            Mistake(
                lambda logits, t: logits.softmax(-1) ** (1 / t),
                "The right proportions, but they do not add up to 1 yet.",
            ),
            Mistake(
                lambda logits, t: logits.softmax(-1),
                "The temperature has no effect. It must change the distances between the scores, "
                "before the softmax; subtracted from all of them alike, it changes none.",
            ),
            Mistake(
                lambda logits, t: logits / t,
                "These are still scores: they do not add up to 1.",
            ),
            Mistake(
                lambda logits, t: (logits / t).log_softmax(-1),
                "These are the logarithms of the probabilities; asked for are the probabilities.",
            ),
        ],
    ),
    "top_p": Exercise(
        task="probabilities (V) and p → the fewest likeliest tokens that reach p, sharing out 1.",
        inputs=[(_shares, 0.6), (_shares, 0.75), (_shares, 0.2), (_other_shares, 0.5)],
        solution=_top_p,
        mistakes=[
            Mistake(
                lambda shares, p: _kept(shares, p, crossing=True),
                "The right tokens stay, but they no longer add up to 1.",
            ),
            Mistake(
                lambda shares, p: (kept := _kept(shares, p, crossing=False)) / kept.sum(),
                "The token that crosses the line is missing: the tokens that stay must *reach* "
                "p together, and the likeliest always stays.",
            ),
            Mistake(
                lambda shares, p: _top_p(shares, p).sort(descending=True).values,
                "The probabilities are right but in sorted order: each must go back to the "
                "place of its token.",
            ),
            Mistake(
                lambda shares, p: (kept := shares * (shares >= p)) / kept.sum(),
                "This keeps single tokens above p. What has to reach p is the sum of the "
                "likeliest ones.",
            ),
            Mistake(
                lambda shares, p: (kept := shares * (shares.cumsum(-1) - shares < p)) / kept.sum(),
                "This adds up the probabilities in the order in which they are given. The "
                "likeliest must come first.",
            ),
            Mistake(
                lambda shares, p: _least_likely(shares, p),
                "This begins with the least likely tokens: does the sorting go from large to "
                "small?",
            ),
            Mistake(
                lambda shares, p: _top_p(shares, p)[_top_p(shares, p) > 0],
                "The right tokens, but the others are gone: each token of the vocabulary keeps "
                "its place, with 0 for those that were cut.",
            ),
            Mistake(
                lambda shares, p: _top_p(shares, p).softmax(-1),
                "To share out 1 among those that stay, divide by their sum. A softmax would give "
                "every token a share again.",
            ),
        ],
    ),
}
