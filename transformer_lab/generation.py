"""Generation: turn scores into a choice, append it, and ask again.

Holds greedy choice, temperature, top-k and top-p, the loop with and without a
key/value cache, and beam search. Any callable from token IDs (1, T) to logits (1, T, V) will do.

Source: top-k: Fan et al. 2018; top-p (nucleus): Holtzman et al. 2020; beam
search with a length penalty: Wu et al. 2016, section 7.
Taught in chapters 12 and 13 (beam search).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from jaxtyping import Float
from torch import Tensor

Logits = Callable[..., Tensor]
READ_AT_ONCE = 256  # tokens of a prompt
MAX_BEAMS = 1000


def check_settings(
    *, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0, seed: int = 0
) -> None:
    """Check how tokens are to be drawn: see `distribution` and `stream`.

    Raises:
        ValueError: if a setting is out of its range.
    """
    # "not at least 0" and not "below 0": NaN is neither, and must not pass.
    if not temperature >= 0:
        raise ValueError(f"temperature={temperature} must not be negative")
    if not top_k >= 0:
        raise ValueError(f"top_k={top_k} must not be negative (0 keeps every token)")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} must be above 0 and at most 1 (1 keeps every token)")
    if not -(2**63) <= seed < 2**63:
        raise ValueError(f"seed={seed} must be a whole number of at most 63 binary digits")


def distribution(
    logits: Float[Tensor, "V"],
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
) -> Float[Tensor, "V"]:
    """The probabilities to draw the next token from.

    In this order: divide the logits by the temperature, take the softmax, keep
    the `top_k` most likely, keep the fewest of those that together reach
    `top_p`, and share out 1 among what is left.

    Args:
        logits: a score for each token.
        temperature: below 1 sharpens, above 1 flattens; 0 takes the best token
            with certainty (greedy), and so does anything below a millionth.
        top_k: how many tokens to keep; 0 keeps all.
        top_p: how much probability to keep; 1 keeps all.

    Raises:
        ValueError: if a setting is out of its range.

    >>> logits = torch.tensor([0.5, 0.3, 0.2]).log()
    >>> [round(p, 3) for p in distribution(logits, top_k=2).tolist()]
    [0.625, 0.375, 0.0]
    """
    check_settings(temperature=temperature, top_k=top_k, top_p=top_p)
    if temperature < 1e-6:  # dividing by it would leave the range of numbers
        return torch.zeros_like(logits).scatter(-1, logits.argmax(keepdim=True), 1.0)

    # Below the best score all is negative, so no temperature, however small, can
    # overflow. A stable order settles ties: the lower ID comes first.
    scaled = (logits - logits.max()) / temperature
    ordered, ids = scaled.softmax(dim=-1).sort(descending=True, stable=True)
    if top_k:
        ordered[top_k:] = 0.0
        ordered = ordered / ordered.sum()
    # A token stays if those before it have not reached top_p yet. So the one
    # that crosses the line stays, and the most likely one always does.
    if top_p < 1:
        before = ordered.cumsum(dim=-1) - ordered
        ordered = ordered.masked_fill(before >= top_p, 0.0)
    probabilities = torch.zeros_like(ordered).scatter(-1, ids, ordered)
    return probabilities / probabilities.sum()


def stream(
    model: Logits,
    prompt: Sequence[int],
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    stop: int | None = None,
    max_len: int | None = None,
    seed: int = 0,
    use_cache: bool = True,
    bias: Mapping[int, float] | None = None,
    pauses: bool = False,
) -> Iterator[int | None]:
    """Yield new tokens, one at a time, until `stop` or `max_len`.

    Args:
        model: from IDs (1, T) to logits (1, T, V). If it has `new_cache`, that
            is used, and each step feeds in only the newest token.
        prompt: the token IDs to continue; at least one.
        temperature, top_k, top_p: see `distribution`.
        stop: a token that ends the text; it is not yielded.
        max_len: the most tokens that the model can see, prompt included.
        seed: of the draws; the same seed draws the same text.
        use_cache: False computes everything again at each step: slower, and
            the same text.
        bias: what to add to the scores of these tokens before each choice.
        pauses: whether to yield None between the parts of a long prompt, so that
            a caller can do something else before the first token, or stop.

    Raises:
        ValueError: if the prompt is empty or longer than `max_len`, or a setting is out
            of its range.
    """
    ids = list(prompt)
    if not ids:
        raise ValueError("the prompt is empty: give at least one token, such as the start token")
    if max_len is not None and len(ids) > max_len:
        raise ValueError(f"the prompt has {len(ids)} tokens, but this model sees at most {max_len}")
    check_settings(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    randomness = torch.Generator().manual_seed(seed)
    new_cache = getattr(model, "new_cache", None) if use_cache else None
    cache = new_cache() if new_cache else None
    unseen = ids
    while max_len is None or len(ids) < max_len:
        *earlier, last = _chunks(unseen) if cache else [ids]
        for part in earlier:
            _scores(model, part, cache)
            if pauses:
                yield None
        scores = _scores(model, last, cache)
        if bias:
            amounts = torch.tensor(list(bias.values()), dtype=scores.dtype)
            scores = scores.index_add(0, torch.tensor(list(bias)), amounts)
        probabilities = distribution(scores, temperature=temperature, top_k=top_k, top_p=top_p)
        token = int(torch.multinomial(probabilities, 1, generator=randomness))
        if token == stop:
            return
        yield token
        ids.append(token)
        unseen = [token]


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    """A long prompt is read in parts: whole, its scores would be a table of T x T in every head.

    Each part sees the earlier ones in the cache, so nothing changes.
    """
    return [ids[start : start + READ_AT_ONCE] for start in range(0, len(ids), READ_AT_ONCE)]


@torch.no_grad()
def _scores(model: Logits, ids: Sequence[int], cache: list | None) -> Float[Tensor, "V"]:
    """Show a model tokens that its cache has not seen, and take the scores after the last."""
    inputs = torch.tensor([ids])
    return (model(inputs, cache=cache) if cache else model(inputs))[0, -1]


def generate(model: Logits, prompt: Sequence[int], *, max_new_tokens: int, **settings) -> list[int]:
    """The first `max_new_tokens` of `stream`, as a list."""
    tokens = (token for token in stream(model, prompt, **settings) if token is not None)
    return list(islice(tokens, min(max_new_tokens, sys.maxsize)))


@dataclass(frozen=True)
class Beam:
    """A text that beam search found."""

    ids: tuple[int, ...]  # the new tokens, without the prompt and the stop
    log_probability: float  # of all choices, the stop included (nats)
    finished: bool  # whether the model ended it

    def score(self, length_penalty: float) -> float:
        """What beams are compared by; longer ones have more to pay, so they are helped."""
        return self.log_probability / max(1, len(self.ids) + self.finished) ** length_penalty


@torch.no_grad()
def beam_search(
    model: Logits,
    prompt: Sequence[int],
    *,
    stop: int,
    n_beams: int = 4,
    max_new_tokens: int = 32,
    length_penalty: float = 0.0,
) -> list[Beam]:
    """Keep the `n_beams` likeliest texts at each step, not only the best next token.

    Greedy choice cannot take back a first word that looked good. Beam search goes
    on with several, and judges them by what they came to. All of them are fed in
    as one batch, whole: short, and slower than with a cache.

    Args:
        model: from IDs (B, T) to logits (B, T, V).
        prompt: the token IDs to continue; at least one.
        stop: the token that ends a text.
        n_beams: how many to keep, at most `MAX_BEAMS`; 1 is greedy choice.
        max_new_tokens: when to give up.
        length_penalty: 0 compares probabilities; 1 their mean per token.

    Returns:
        The beams, the best first.

    Raises:
        ValueError: if the prompt is empty or a setting is out of its range.
    """
    if not prompt:
        raise ValueError("the prompt is empty: give at least one token, such as the start token")
    if not 1 <= n_beams <= MAX_BEAMS:
        raise ValueError(f"n_beams={n_beams} must be at least 1 and at most {MAX_BEAMS}")
    if not math.isfinite(length_penalty):
        raise ValueError(f"length_penalty={length_penalty} must be a number")
    beams = [Beam((), 0.0, finished=False)]
    for _ in range(max_new_tokens):
        growing = [beam for beam in beams if not beam.finished]
        if not growing:
            break
        inputs = torch.tensor([[*prompt, *beam.ids] for beam in growing])
        log_p = model(inputs)[:, -1].log_softmax(dim=-1)  # (B, V)
        best, ids = log_p.topk(min(n_beams, log_p.shape[-1]), dim=-1)
        candidates = [beam for beam in beams if beam.finished]
        for beam, more, tokens in zip(growing, best.tolist(), ids.tolist(), strict=True):
            for log_probability, token in zip(more, tokens, strict=True):
                total, ends = beam.log_probability + log_probability, token == stop
                candidates.append(Beam(beam.ids if ends else (*beam.ids, token), total, ends))
        candidates.sort(key=lambda beam: -beam.score(length_penalty))
        beams = candidates[:n_beams]
    return beams
