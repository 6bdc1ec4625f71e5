"""The loop: it learns, it resumes exactly, it never reads a bad checkpoint."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from transformer_lab.models import Config, Decoder
from transformer_lab.training import (
    IGNORED,
    Batch,
    evaluate,
    learning_rate,
    masked_batch,
    next_token_batch,
    next_token_loss,
    train,
)


def new_model(n_layers=1):
    torch.manual_seed(0)
    return Decoder(Config(vocab_size=8, max_len=8, d_model=16, n_heads=2, n_layers=n_layers))


def counting(step):
    """Sequences that count up from a random start, modulo 8."""
    starts = torch.randint(0, 8, (16, 1), generator=torch.Generator().manual_seed(step))
    return next_token_batch(((starts + torch.arange(7)) % 8).tolist())


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_training_learns_to_count():
    model = new_model()
    before = evaluate(model, [counting(1000)])
    losses = train(model, counting, steps=120, peak_lr=0.01, progress=None)
    after = evaluate(model, [counting(1000)])
    assert len(losses) == 120
    assert before > 1.5
    assert after < 0.1


def test_the_same_seed_gives_the_same_numbers():
    runs = [train(new_model(), counting, steps=5, peak_lr=0.01, progress=None) for _ in range(2)]
    assert runs[0] == runs[1]


def test_an_interrupted_run_resumes_to_the_same_result(tmp_path):
    whole = new_model()
    expected = train(whole, counting, steps=30, peak_lr=0.01, progress=None)

    def interrupt(step, _model):
        if step == 17:
            raise KeyboardInterrupt

    interrupted, path = new_model(), tmp_path / "checkpoint"
    settings = {"steps": 30, "peak_lr": 0.01, "checkpoint": path, "progress": None}
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, counting, on_step=interrupt, **settings)
    resumed = new_model()
    losses = train(resumed, counting, **settings)
    assert losses == expected
    torch.testing.assert_close(weights(resumed), weights(whole), atol=0, rtol=0)


def test_a_checkpoint_that_is_damaged_or_of_another_model_is_refused(tmp_path):
    path = tmp_path / "checkpoint"
    settings = {"steps": 4, "peak_lr": 0.01, "checkpoint": path, "progress": None}
    train(new_model(), counting, checkpoint_every=2, **settings)
    with pytest.raises(ValueError, match="belongs to another model"):
        train(new_model(n_layers=2), counting, **settings)
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 50):
        changed = bytearray(whole)
        changed[at] ^= 1
        for content in (bytes(changed), whole[:at], whole + whole[: at + 1]):
            path.write_bytes(content)
            with pytest.raises(ValueError, match="cannot be read; delete it to start again"):
                train(new_model(), counting, **settings)


def test_padding_is_not_learned_from():
    model = new_model()
    alone = next_token_batch([[1, 2, 3]])
    padded = next_token_batch([[1, 2, 3], [4, 5, 6, 7, 0, 1]])
    assert padded.targets[0].tolist() == [2, 3, IGNORED, IGNORED, IGNORED]
    first = Batch(padded.inputs[:1], padded.targets[:1])
    assert evaluate(model, [first]) == pytest.approx(evaluate(model, [alone]), rel=1e-5)


def test_evaluation_weighs_each_token_the_same():
    model = new_model()
    short, long = next_token_batch([[1, 2]]), next_token_batch([[1, 2, 3, 4, 5, 6, 7]])
    both = evaluate(model, [short, long])
    assert both == pytest.approx(
        (evaluate(model, [short]) + 6 * evaluate(model, [long])) / 7, rel=1e-5
    )


def test_the_loss_equals_pytorchs_cross_entropy_on_the_real_targets():
    logits = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[1, 2, IGNORED], [3, IGNORED, IGNORED]])
    chosen = torch.stack([logits[0, 0], logits[0, 1], logits[1, 0]])
    expected = nn.CrossEntropyLoss()(chosen, torch.tensor([1, 2, 3]))
    torch.testing.assert_close(next_token_loss(logits, targets), expected)


def test_the_learning_rate_rises_holds_and_falls_to_zero():
    rates = [learning_rate(step, peak=0.1, steps=100, decay=0.5) for step in range(101)]
    assert rates[0] < rates[10] < rates[39] == 0.1
    assert set(rates[40:50]) == {0.1}
    assert all(later < earlier for earlier, later in pairwise(rates[51:]))
    assert math.isclose(rates[100], 0.0)


WORDS, MASK_ID = range(5, 105), 4


def many_masked(**choices):
    """A hundred texts of a hundred words between two special tokens, and a shorter one."""
    generator = torch.Generator().manual_seed(7)
    texts = torch.randint(5, 105, (100, 100), generator=generator).tolist()
    sequences = [[2, *text, 3] for text in texts] + [[2, 50, 3]]
    return sequences, masked_batch(
        sequences, words=WORDS, mask_id=MASK_ID, generator=generator, **choices
    )


def test_fifteen_percent_of_the_words_are_asked_for_by_berts_rule():
    """All shares are within five standard deviations of what the rule says."""
    sequences, batch = many_masked()
    truth = torch.tensor([s + [0] * (102 - len(s)) for s in sequences])
    asked = batch.targets != IGNORED
    hidden = asked & (batch.inputs == MASK_ID)
    changed = asked & ~hidden & (batch.inputs != truth)
    kept = asked & (batch.inputs == truth)
    n, n_asked = 10_001, asked.sum().item()
    # A word that is drawn at random is, once in a hundred times, the same word.
    for found, expected, out_of in [
        (n_asked, 0.15, n),
        (hidden.sum().item(), 0.8, n_asked),
        (changed.sum().item(), 0.099, n_asked),
        (kept.sum().item(), 0.101, n_asked),
    ]:
        assert abs(found - expected * out_of) < 5 * math.sqrt(out_of * expected * (1 - expected))
    assert torch.equal(batch.targets[asked], truth[asked])
    assert torch.equal(batch.inputs[~asked], truth[~asked])


@pytest.mark.parametrize("share", [0.15, 1.0])
def test_special_tokens_and_padding_are_never_chosen_and_never_drawn(share):
    sequences, batch = many_masked(share=share, share_masked=0.0, share_random=1.0)
    truth = torch.tensor([s + [0] * (102 - len(s)) for s in sequences])
    special = truth < 5
    assert torch.equal(batch.inputs[special], truth[special])
    assert (batch.targets[special] == IGNORED).all()
    assert (batch.inputs[~special] >= 5).all()
    if share == 1:
        assert (batch.targets[~special] == truth[~special]).all()


def test_the_same_draws_hide_the_same_words_and_others_hide_others():
    def hidden(seed):
        generator = torch.Generator().manual_seed(seed)
        return masked_batch(
            [[2, *range(5, 60), 3]], words=WORDS, mask_id=MASK_ID, generator=generator
        ).inputs

    assert torch.equal(hidden(1), hidden(1))
    assert not torch.equal(hidden(1), hidden(2))
