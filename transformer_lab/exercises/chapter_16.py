"""Exercises of chapter 16: inside a trained model."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Function, Mistake


def _shares(parts: Tensor, row: Tensor) -> Tensor:
    return parts @ row / parts.sum(0).square().mean().sqrt()


def _centred_first(parts: Tensor, row: Tensor) -> Tensor:
    return _shares(parts - parts.mean(dim=1, keepdim=True), row)


def _each_by_its_own_norm(parts: Tensor, row: Tensor) -> Tensor:
    return parts @ row / parts.square().mean(-1).sqrt()


def _steered(x: Tensor, step: Tensor, at: int) -> Tensor:
    steered = x.clone()
    steered[at] += step
    return steered


def _replaced(x: Tensor, a: Tensor, at: int) -> Tensor:
    steered = x.clone()
    steered[at] = a.mean(0)
    return steered


_EXPERIMENTS = {
    "said": "lens",
    "wrote": "shares",
    "carried": "patch",
    "needed": "ablate",
    "used": "steer",
    "learned": "control",
}


# What to think about where one answer is wrong: whatever it is, and where it lies near.
_ASKED = {
    "said": "One question asks what could be said early. Which experiment finishes the model "
    "before its time?",
    "wrote": "One question asks for a sum. Which experiment divides the finished logit among the "
    "parts?",
    "carried": "One question asks for a way through the model. Which experiment brings in numbers "
    "from another text, place by place?",
    "needed": "One question asks what is lost without a part. Which experiment takes it away?",
    "used": "One question asks what the model goes by. Which experiment changes what is read, and "
    "looks at the answer?",
    "learned": "One question asks what training has done. Which measurement knows a model without "
    "any?",
}
_NEAR = {
    ("used", "lens"): "The lens reads too. That something can be read does not show that the "
    "model goes by it: change it and look at the answer.",
    ("used", "control"): "An untrained model says whether it was learned, not whether it is used. "
    "Change what is read and look at the answer.",
    ("needed", "shares"): "A part's direct share leaves out what later parts make of it. Take the "
    "head away and measure.",
    ("carried", "lens"): "The lens shows where the answer can be said. On its way it may be there "
    "in another form, at another token. Carry numbers over instead.",
    ("learned", "ablate"): "Taking the head away shows whether it is needed. Whether such a score "
    "needs any training is shown by a model that had none.",
}


def _names(**others: str) -> Function:
    """The right experiments, but for some."""
    experiments: Mapping[str, str] = _EXPERIMENTS | others
    return lambda question: experiments[question]


# The claims of a report, and whether its results carry them.
_SHOWN = {
    "unknown": "too far",
    "passes": "shown",
    "others": "too far",
    "read": "too far",
    "steered": "shown",
    "learned": "too far",
}
_RECONSIDER = {
    "unknown": "The lens reads with the last table. What is there in another form, it does not "
    "see; carry it over, and see whether the answer comes along.",
    "passes": "Nothing was changed but one place, and the other answer came over, in pair after "
    "pair. What else should have brought it?",
    "others": "Thirty pairs say how sure this is of one model. Another training may have found "
    "another way.",
    "read": "Models that have learned nothing can be read, too. Was anything changed, to see what "
    "the answer does?",
    "steered": "One direction was added and the answer turned; others as long did not turn it. Is "
    "that a test of reading, or of use?",
    "learned": "What would a head of the same model before its training have by that rule, or one "
    "with its numbers in random order?",
}


def _verdicts(*wrong: str) -> Function:
    """The right verdicts, but for these claims."""
    turned = {"shown": "too far", "too far": "shown"}
    return lambda claim: turned[_SHOWN[claim]] if claim in wrong else _SHOWN[claim]


_random = torch.Generator().manual_seed(0)


def _normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=_random)


EXERCISES = {
    "direct_shares": Exercise(
        task="parts (N, D) that add up to a stream, row (D) → each part's share (N) in the logit "
        "behind an RMS norm.",
        inputs=[(_normal(3, 5), _normal(5)), (2 * _normal(4, 6), _normal(6))],
        solution=_shares,
        mistakes=[
            Mistake(
                lambda parts, row: parts @ row,
                "These are the shares before the norm. They add up to the logit only after the "
                "division by the size of the whole vector.",
            ),
            Mistake(
                _each_by_its_own_norm,
                "Each part is divided by a size of its own. The norm sees only the sum: all parts "
                "are divided by the same number.",
            ),
            Mistake(
                _centred_first,
                "An RMS norm, unlike a layer norm, does not take the mean away.",
            ),
            Mistake(
                lambda parts, row: parts @ row / parts.sum(0).norm(),
                "This divides by the length of the vector. The norm divides by the root of the "
                "mean of the squares, which is smaller by the root of D.",
            ),
            Mistake(
                lambda parts, row: parts @ row / parts.sum(0).square().mean(),
                "The root is missing: this divides by the mean of the squares.",
            ),
            Mistake(
                lambda parts, row: _shares(parts, row).sum(),
                "This is the whole logit. Asked for is the share of each part.",
            ),
            Mistake(
                lambda parts, row: parts @ row / (parts @ row).sum(),
                "These shares add up to 1. Asked for are those that add up to the logit.",
            ),
        ],
    ),
    "brought_over": Exercise(
        task="ours, theirs, patched (N) → how much of the way from ours to theirs was covered (N).",
        inputs=[
            (
                torch.tensor([-4.0, -2.0, -5.0]),
                torch.tensor([4.0, 3.0, 1.0]),
                torch.tensor([2.0, -1.5, 2.5]),
            ),
            (torch.tensor([1.0, -3.0]), torch.tensor([-7.0, 2.0]), torch.tensor([0.0, -4.0])),
        ],
        solution=lambda ours, theirs, patched: (patched - ours) / (theirs - ours),
        mistakes=[
            Mistake(
                lambda ours, theirs, patched: (theirs - patched) / (theirs - ours),
                "This is the part of the way that is still to go.",
            ),
            Mistake(
                lambda ours, theirs, patched: (ours - patched) / (theirs - ours),
                "The sign is turned round: whoever has gone the whole way gets −1.",
            ),
            Mistake(
                lambda ours, theirs, patched: patched / theirs,
                "Where does the way begin? A story that nothing was written into must get 0.",
            ),
            Mistake(
                lambda ours, theirs, patched: patched - ours,
                "This is the way in logits. Which part of the whole way is it?",
            ),
            Mistake(
                lambda ours, theirs, patched: (patched - ours) / theirs,
                "The whole way does not begin at 0: it goes from ours to theirs.",
            ),
            Mistake(
                lambda ours, theirs, patched: (patched - ours).mean() / (theirs - ours).mean(),
                "This is one number for all pairs. Asked for is one for each pair.",
            ),
            Mistake(
                lambda ours, theirs, patched: ((patched - ours) / (theirs - ours)).clamp(0, 1),
                "What is below 0 or above 1 says something too: the answer went the other way, or "
                "too far. Leave it as it is.",
            ),
        ],
    ),
    "steer": Exercise(
        task="x (T, D), vectors a (N, D) and b (M, D) → x with token `at` moved by the difference "
        "of the means, from b towards a.",
        inputs=[
            (_normal(4, 3), _normal(5, 3), _normal(6, 3), 2),
            (_normal(3, 5), _normal(2, 5), _normal(4, 5), 0),
        ],
        solution=lambda x, a, b, at: _steered(x, a.mean(0) - b.mean(0), at),
        mistakes=[
            Mistake(
                lambda x, a, b, at: x + a.mean(0) - b.mean(0),
                "This moves all tokens. All but one stay as they are.",
            ),
            Mistake(
                lambda x, a, b, at: _steered(x, b.mean(0) - a.mean(0), at),
                "This goes the other way: from a towards b.",
            ),
            Mistake(
                lambda x, a, b, at: _replaced(x, a, at),
                "This puts the mean of a in the token's place, and all else that its vector held "
                "is lost. Add the difference instead.",
            ),
            Mistake(
                lambda x, a, b, at: _steered(x, a.mean(0), at),
                "This adds the mean of a. What a and b have in common is in it too; take the mean "
                "of b away.",
            ),
            Mistake(
                lambda x, a, b, at: _steered(x, a.sum(0) - b.sum(0), at),
                "These are sums. They grow with the number of examples; means do not.",
            ),
            Mistake(
                lambda x, a, b, at: _steered(
                    x, torch.nn.functional.normalize(a.mean(0) - b.mean(0), dim=0), at
                ),
                "The direction is right, but brought to length 1. Asked for is the whole "
                "difference.",
            ),
        ],
    ),
    "experiment_for": Exercise(
        task="a question about a model → the experiment that answers it.",
        inputs=[(question,) for question in _EXPERIMENTS],
        solution=_names(),
        mistakes=[
            Mistake(
                _names(said="shares", wrote="lens"),
                "Two are the wrong way round: one stops the model half-way and reads a guess, the "
                "other divides the finished logit among the parts.",
            ),
            Mistake(
                _names(carried="ablate", needed="patch"),
                "Two are the wrong way round: one carries something over from another text, the "
                "other takes something away.",
            ),
            *(
                Mistake(
                    _names(**{question: wrong}),
                    _NEAR.get((question, wrong), f"{asked} “{wrong}” does not."),
                )
                for question, asked in _ASKED.items()
                for wrong in _EXPERIMENTS.values()
                if wrong != _EXPERIMENTS[question]
            ),
        ],
    ),
    "what_was_shown": Exercise(
        task='a claim of the report → "shown" if its results carry it, "too far" if they do not.',
        inputs=[(claim,) for claim in _SHOWN],
        solution=_verdicts(),
        mistakes=[
            Mistake(
                lambda claim: "shown",
                "Not all of them. Which results come from one model, or without any control?",
            ),
            Mistake(
                lambda claim: "too far",
                "Not all of them. Where was something changed, and the answer with it?",
            ),
            *(Mistake(_verdicts(claim), hint) for claim, hint in _RECONSIDER.items()),
        ],
    ),
}
