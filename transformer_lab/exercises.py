"""Exercises: the reader writes a small function, and hears how it went.

`check("split_heads", my_function)` runs the function on a few inputs. If it is
wrong, it is compared with the mistakes that are known for this exercise, each
of them written down as a function too, and the reader gets the hint for the one
it behaves like. The solution itself is never printed.

An exercise is a row of `EXERCISES`: inputs, the right function, known mistakes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Function = Callable[..., object]


@dataclass(frozen=True)
class Mistake:
    """A way to get it wrong, and what to think about then."""

    behaves_like: Function
    hint: str


@dataclass(frozen=True)
class Exercise:
    """What is asked, inputs to try, the right answer, and the known mistakes."""

    chapter: int
    task: str
    inputs: Sequence[tuple]
    solution: Function
    mistakes: Sequence[Mistake]


@dataclass(frozen=True)
class Verdict:
    """Whether the reader's function is right, and what to tell the reader."""

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return ("✓ " if self.right else "✗ ") + self.message


def check(name: str, function: Function) -> Verdict:
    """Try the reader's function; say that it is right, or give a hint.

    Args:
        name: of the exercise, as the notebook gives it.
        function: the reader's solution.

    Raises:
        ValueError: if there is no exercise of that name.

    >>> check("previous_token_score", lambda weights: weights.diagonal().mean())
    ✗ This looks at the main diagonal: each token's weight on itself. The token before is one column to the left.
    """  # noqa: E501
    if name not in EXERCISES:
        raise ValueError(f"there is no exercise {name!r}; there are: {', '.join(EXERCISES)}")
    exercise = EXERCISES[name]
    try:
        answers = [function(*copy.deepcopy(inputs)) for inputs in exercise.inputs]
    except Exception as error:
        return Verdict(False, _what_stopped(error))
    if all(answer is None or answer is Ellipsis for answer in answers):
        return Verdict(False, "The function returns nothing yet. Does it end with `return`?")
    if _agree(exercise, answers, exercise.solution):
        return Verdict(True, "Right.")
    for mistake in exercise.mistakes:
        if _agree(exercise, answers, mistake.behaves_like):
            return Verdict(False, mistake.hint)
    return Verdict(False, _first_difference(exercise, answers))


def _what_stopped(error: Exception) -> str:
    """The error in one sentence: its kind, and the first line of what it says."""
    first_line = (str(error).strip().splitlines() or ["it says no more than that"])[0]
    return f"The function stopped with {type(error).__name__}: {first_line}"


def _agree(exercise: Exercise, answers: list, reference: Function) -> bool:
    expected = [reference(*copy.deepcopy(inputs)) for inputs in exercise.inputs]
    return all(_same(answer, value) for answer, value in zip(answers, expected, strict=True))


def _same(answer: object, expected: object) -> bool:
    answer, expected = _tensor(answer), _tensor(expected)
    if answer is None or expected is None or answer.shape != expected.shape:
        return False
    return torch.allclose(answer, expected, atol=1e-5, equal_nan=True)


def _tensor(value: object) -> Tensor | None:
    """Tensors, numbers and lists of numbers alike; None for anything else."""
    try:
        return torch.as_tensor(value).double()
    except (TypeError, ValueError, RuntimeError):
        return None


def _first_difference(exercise: Exercise, answers: list) -> str:
    for inputs, answer in zip(exercise.inputs, answers, strict=True):
        expected = _tensor(exercise.solution(*copy.deepcopy(inputs)))
        given = _tensor(answer)
        if given is None:
            return f"The function returns a {type(answer).__name__}; a tensor was expected."
        if given.shape != expected.shape:
            return (
                f"The shape is {tuple(given.shape)}, but {tuple(expected.shape)} was expected "
                f"for an input of shape {tuple(_tensor(inputs[0]).shape)}."
            )
        if not _same(given, expected):
            off = int((given - expected).abs().argmax())
            where = [int(i) for i in torch.unravel_index(torch.tensor(off), expected.shape)]
            return (
                "The shape is right, but the numbers are not: the first big difference is "
                f"at index {where}. Try the function on an input small enough to do by hand."
            )
    raise AssertionError("called only when some answer differs")


# Chapter 7: many heads


def _split_heads(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def _previous_token_score(weights: Tensor) -> Tensor:
    return weights.diagonal(offset=-1).mean()


_causal = torch.rand(5, 5, generator=torch.Generator().manual_seed(0)).tril()
_causal = _causal / _causal.sum(-1, keepdim=True)

# Chapter 12: training and inference


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

EXERCISES: dict[str, Exercise] = {
    "split_heads": Exercise(
        chapter=7,
        task="x (B, T, D) → (B, H, T, K): give each head its own slice of every vector.",
        inputs=[
            (torch.arange(24.0).reshape(1, 3, 8), 2),
            (torch.arange(48.0).reshape(2, 2, 12), 3),
        ],
        solution=_split_heads,
        mistakes=[
            Mistake(
                lambda x, n: x.reshape(x.shape[0], n, x.shape[1], -1),
                "The shape is right, but a head got numbers from different tokens: `reshape` "
                "to (B, H, T, K) at once reads on across the end of a token. Cut each vector "
                "first, then swap two axes.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (n, -1)),
                "Each vector is cut well, but the axes stand as (B, T, H, K). Attention works "
                "on the last two: they must be T and K.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (-1, n)).transpose(1, 2).transpose(1, 3),
                "Each head got every n-th number instead of a slice of neighbours: in the cut, "
                "the heads come first and the size of a head second.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (-1, n)).transpose(1, 2),
                "The number of heads and the size of a head are the wrong way round.",
            ),
        ],
    ),
    "previous_token_score": Exercise(
        chapter=7,
        task="weights (T, T) → the mean weight that a token puts on the one before it.",
        inputs=[(_causal,), (torch.eye(4),), (torch.eye(4).roll(-1, dims=1),)],
        solution=_previous_token_score,
        mistakes=[
            Mistake(
                lambda weights: weights.diagonal().mean(),
                "This looks at the main diagonal: each token's weight on itself. The token "
                "before is one column to the left.",
            ),
            Mistake(
                lambda weights: weights.diagonal(offset=1).mean(),
                "This looks at the token *after*: in a causal model that weight is always 0. "
                "Rows look, columns are looked at.",
            ),
            Mistake(
                lambda weights: weights.diagonal(offset=-1).sum() / len(weights),
                "Nearly: the first token has no token before it, so there is one pair fewer "
                "than there are tokens.",
            ),
            Mistake(
                lambda weights: weights.diagonal(offset=-1).sum(),
                "This adds the weights up; the question asks for their mean.",
            ),
        ],
    ),
    "next_tokens": Exercise(
        chapter=12,
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
        chapter=12,
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
        chapter=12,
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
        chapter=12,
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
