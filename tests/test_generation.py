"""Sampling: which tokens may be drawn, and the loop that draws them."""

import math
from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from transformer_lab import generation
from transformer_lab.generation import beam_search, distribution, generate, stream
from transformer_lab.models import Config, Decoder

# Eighths: two scores are the same or clearly apart.
logit_lists = st.lists(st.integers(-64, 64).map(lambda n: n / 8), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Decoder(Config(vocab_size=20, max_len=16, d_model=16, n_heads=2, n_layers=2)).eval()


@given(logits=logit_lists, temperature=st.floats(0, 3), k=st.integers(0, 9), p=st.floats(0.01, 1))
def test_probabilities_add_up_to_one_and_keep_their_order(logits, temperature, k, p):
    logits = torch.tensor(logits)
    kept = distribution(logits, temperature=temperature, top_k=k, top_p=p)
    assert kept.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert kept.argmax() == logits.argmax() or logits[kept.argmax()] == logits.max()
    assert not k or (kept > 0).sum() <= k


@given(logits=logit_lists, k=st.integers(1, 9), p=st.floats(0.05, 0.99))
def test_filters_keep_what_hugging_faces_keep(logits, k, p):
    transformers = pytest.importorskip("transformers")
    # Equal scores have no order of their own, so they are set apart.
    logits = torch.tensor(sorted(set(logits)), dtype=torch.float64)
    filters = transformers.generation.logits_process
    ids = torch.zeros(1, 1, dtype=torch.long)
    for ours, theirs in [
        (distribution(logits, top_k=k), filters.TopKLogitsWarper(k)),
        (distribution(logits, top_p=p), filters.TopPLogitsWarper(p)),
    ]:
        expected = theirs(ids, logits[None].clone())[0].softmax(-1)
        torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-6)


def test_temperature_zero_takes_the_best_and_a_high_one_is_nearly_uniform():
    logits = torch.tensor([1.0, 3.0, 2.0])
    assert distribution(logits, temperature=0).tolist() == [0.0, 1.0, 0.0]
    torch.testing.assert_close(
        distribution(logits, temperature=1e4), torch.full((3,), 1 / 3), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.5])
def test_with_and_without_the_cache_the_text_is_the_same(model, temperature):
    settings = {"max_new_tokens": 12, "temperature": temperature, "seed": 3}
    cached = generate(model, [1, 2, 3], **settings)
    assert cached == generate(model, [1, 2, 3], use_cache=False, **settings)
    assert len(cached) == 12


def test_draws_follow_the_distribution():
    def loaded_die(ids):
        logits = torch.tensor([0.5, 0.3, 0.2]).log()
        return logits.expand(1, ids.shape[1], 3)

    drawn = torch.tensor(generate(loaded_die, [0], max_new_tokens=5000, seed=0))
    shares = torch.bincount(drawn, minlength=3) / 5000
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.3, 0.2]), atol=0.03, rtol=0)


def test_generation_ends_at_the_stop_token_and_at_the_end_of_the_window(model):
    def counting(ids):
        following = (ids + 1) % 20
        return torch.nn.functional.one_hot(following, 20).float() * 50

    assert generate(counting, [3], max_new_tokens=9, stop=7) == [4, 5, 6]
    assert len(list(stream(model, [1, 2], max_len=16))) == 14


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"temperature": -1}, "temperature=-1 must not be negative"),
        ({"top_k": -2}, "top_k=-2 must not be negative"),
        ({"top_p": 0}, "top_p=0 must be above 0 and at most 1"),
        ({"temperature": math.nan}, "temperature=nan must not be negative"),
        ({"top_k": math.nan}, "top_k=nan must not be negative"),
        ({"top_p": math.nan}, "top_p=nan must be above 0 and at most 1"),
    ],
)
def test_settings_out_of_range_are_one_clear_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        distribution(torch.zeros(3), **settings)


def test_an_empty_or_too_long_prompt_is_one_clear_sentence(model):
    with pytest.raises(ValueError, match="the prompt is empty"):
        generate(model, [], max_new_tokens=1)
    with pytest.raises(
        ValueError, match="the prompt has 17 tokens, but this model sees at most 16"
    ):
        generate(model, [1] * 17, max_new_tokens=1, max_len=16)


# --- Beam search (chapter 13) ----------------------------------------------------------


def log_probability(model, prompt, ids):
    logits = model(torch.tensor([[*prompt, *ids]]))[0].log_softmax(-1)
    start = len(prompt) - 1
    return sum(float(logits[start + i, token]) for i, token in enumerate(ids))


@torch.no_grad()
def test_one_beam_is_greedy_choice(model):
    stop = 7
    greedy = generate(model, [3], max_new_tokens=8, temperature=0, stop=stop)
    [beam] = beam_search(model, [3], stop=stop, n_beams=1, max_new_tokens=8)
    assert list(beam.ids) == greedy


@torch.no_grad()
def test_with_as_many_beams_as_texts_the_likeliest_is_found(model):
    stop, n_tokens = 7, 20
    beams = beam_search(model, [3], stop=stop, n_beams=n_tokens**2, max_new_tokens=2)
    every = [[stop]] + [[a, b] for a in range(n_tokens) if a != stop for b in range(n_tokens)]
    best = max(every, key=lambda ids: log_probability(model, [3], ids))
    assert [*beams[0].ids, *([stop] if beams[0].finished else [])] == best
    assert beams[0].log_probability == pytest.approx(log_probability(model, [3], best), abs=1e-5)


@torch.no_grad()
def test_beams_come_in_order_and_say_their_own_probability(model):
    beams = beam_search(model, [3, 4], stop=7, n_beams=4, max_new_tokens=6)
    scores = [beam.log_probability for beam in beams]
    assert scores == sorted(scores, reverse=True)
    assert len({(beam.ids, beam.finished) for beam in beams}) == 4
    for beam in beams:
        ids = [*beam.ids, *([7] if beam.finished else [])]
        assert beam.log_probability == pytest.approx(log_probability(model, [3, 4], ids), abs=1e-4)


def test_a_beam_search_of_nothing_is_refused(model):
    with pytest.raises(ValueError, match="the prompt is empty"):
        beam_search(model, [], stop=7)
    with pytest.raises(ValueError, match="must be at least 1"):
        beam_search(model, [3], stop=7, n_beams=0)
    with pytest.raises(ValueError, match="at most 1000"):
        beam_search(model, [3], stop=7, n_beams=100_000)
    with pytest.raises(ValueError, match="length_penalty=nan must be a number"):
        beam_search(model, [3], stop=7, length_penalty=math.nan)


@pytest.mark.parametrize("at_once", [1, 2, 7, 100])
def test_a_prompt_read_in_parts_is_continued_the_same(model, at_once, monkeypatch):
    expected = generate(model, [1, 2, 3, 4, 5, 6, 7], max_new_tokens=8, use_cache=False)
    monkeypatch.setattr(generation, "READ_AT_ONCE", at_once)
    seen = []
    hook = model.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[-1]))
    assert generate(model, [1, 2, 3, 4, 5, 6, 7], max_new_tokens=8) == expected
    hook.remove()
    assert max(seen) == min(at_once, 7)


def test_between_the_parts_of_a_prompt_there_is_a_pause_if_asked_for(model, monkeypatch):
    monkeypatch.setattr(generation, "READ_AT_ONCE", 3)
    expected = generate(model, [1, 2, 3, 4, 5, 6, 7], max_new_tokens=4)
    seen = []
    hook = model.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[-1]))
    paused = generation.stream(model, [1, 2, 3, 4, 5, 6, 7], pauses=True)
    assert [next(paused), next(paused)] == [None, None]
    assert seen == [3, 3]  # no more was read than was asked for
    assert list(islice(paused, 4)) == expected
    hook.remove()


def test_a_bias_is_added_to_the_scores():
    scores = torch.tensor([1.0, 2.0, 3.0, 0.0])
    bias = {2: -1.5, 3: 2.5}
    model = lambda ids: scores.expand(1, ids.shape[1], 4)  # noqa: E731
    chosen = generate(model, [0], max_new_tokens=50, bias=bias, seed=1)
    moved = scores + torch.tensor([0.0, 0.0, -1.5, 2.5])
    direct = generate(lambda ids: moved.expand(1, ids.shape[1], 4), [0], max_new_tokens=50, seed=1)
    assert chosen == direct
    assert scores.tolist() == [1.0, 2.0, 3.0, 0.0]  # and the model's own are as they were


def test_numbers_without_measure_are_taken_or_refused_in_one_sentence(model):
    longest = generate(model, [1], max_new_tokens=10**30, max_len=16)
    assert len(longest) == 15
    for seed in (10**30, -(10**30), 2**63, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"must be a whole number of at most 63 binary digits"):
            generate(model, [1], max_new_tokens=1, seed=seed)
