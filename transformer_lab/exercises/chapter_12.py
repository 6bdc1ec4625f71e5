"""Exercises of chapter 12: training and inference."""

from __future__ import annotations

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


def _shifted(ids: Tensor, last: Callable[[Tensor], Tensor]) -> Tensor:
    """Each token's successor; `last` says what stands where none follows."""
    return torch.cat([ids[:, 1:], last(ids)], dim=1)


def _next_tokens(ids: Tensor) -> Tensor:
    return _shifted(ids, lambda ids: torch.full_like(ids[:, :1], -100))


_logits = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
_targets = torch.tensor([2, 0, 5, 1])
_shares = torch.tensor([0.1, 0.4, 0.05, 0.3, 0.15])

EXERCISES = {
    "next_tokens": Exercise(
        task="ids (B, T) → targets (B, T): the token that follows each; −100 where none does.",
        inputs=[
            (torch.tensor([[5, 6, 7], [8, 9, 4]]),),
            (torch.tensor([[3, 1, 4, 1, 5]]),),
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
                lambda ids: ids.roll(-1, dims=0),
                "This moves along the wrong axis: the rows are different texts. Time is the "
                "second axis.",
            ),
        ],
    ),
    "cross_entropy": Exercise(
        task="logits (T, V) and targets (T) → the mean of −log p(target), in nats.",
        inputs=[(_logits, _targets), (3 * _logits[:2], _targets[:2])],
        solution=_cross_entropy,
        mistakes=[
            Mistake(
                lambda logits, t: -logits.log_softmax(0).gather(-1, t[:, None]).mean(),
                "The softmax runs over the wrong axis: each position shares out 1 among the "
                "tokens, not each token among the positions.",
            ),
            Mistake(
                lambda logits, t: -logits.softmax(-1).gather(-1, t[:, None]).mean(),
                "This is minus the mean probability. The loss takes the logarithm of each "
                "probability first.",
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
                lambda logits, t: -logits.gather(-1, t[:, None]).mean(),
                "These are raw scores. They become probabilities only after a softmax.",
            ),
        ],
    ),
    "with_temperature": Exercise(
        task="logits (V) and a temperature → probabilities (V).",
        inputs=[(_logits[0], 0.5), (_logits[1], 2.0)],
        solution=_with_temperature,
        mistakes=[
            Mistake(
                lambda logits, t: (logits * t).softmax(-1),
                "Multiplied instead of divided: a low temperature must sharpen the "
                "distribution, and this flattens it.",
            ),
            Mistake(
                lambda logits, t: logits.softmax(-1) / t,
                "The temperature comes too late: after the softmax it only scales the "
                "probabilities, and they no longer add up to 1.",
            ),
            Mistake(
                lambda logits, t: logits.softmax(-1),
                "The temperature has no effect: does it act on the logits, before the softmax?",
            ),
            Mistake(
                lambda logits, t: logits / t,
                "These are still scores: they do not add up to 1.",
            ),
        ],
    ),
    "top_p": Exercise(
        task="probabilities (V) and p → the fewest likeliest tokens that reach p, sharing out 1.",
        inputs=[(_shares, 0.6), (_shares, 0.75), (_shares, 0.2)],
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
        ],
    ),
}
