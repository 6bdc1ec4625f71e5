"""Recurrent networks: as torch's own, step by step."""

import pytest
import torch
from torch import nn

from transformer_lab.config import Config
from transformer_lab.models import Decoder
from transformer_lab.recurrent import CELLS, Recurrent, gradient_at_tokens, work_and_wait

THEIRS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("kind", CELLS)
def test_each_kind_gives_the_states_of_torchs_own(kind):
    torch.manual_seed(0)
    ours = Recurrent(kind, vocab_size=20, d_model=6)
    theirs = THEIRS[kind](6, 6, batch_first=True)
    state = {
        "weight_ih_l0": ours.cell.input.weight,
        "bias_ih_l0": ours.cell.input.bias,
        "weight_hh_l0": ours.cell.state.weight,
        "bias_hh_l0": torch.zeros_like(ours.cell.input.bias),
    }
    if ours.cell.state.bias is not None:
        state["bias_hh_l0"] = ours.cell.state.bias
    theirs.load_state_dict(state)
    ids = torch.randint(0, 20, (3, 9))
    expected = ours.head(theirs(ours.token(ids))[0])
    torch.testing.assert_close(ours(ids), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", CELLS)
def test_fused_it_gives_the_same_scores_and_the_same_gradients(kind):
    torch.manual_seed(0)
    loop = Recurrent(kind, vocab_size=20, d_model=6)
    fused = Recurrent(kind, vocab_size=20, d_model=6, fused=True)
    fused.load_state_dict(loop.state_dict())
    ids, weight = torch.randint(0, 20, (3, 9)), torch.randn(3, 9, 20)
    torch.testing.assert_close(fused(ids), loop(ids), atol=1e-6, rtol=1e-5)
    for model in (loop, fused):
        (model(ids) * weight).sum().backward()
    for (name, ours), theirs in zip(loop.named_parameters(), fused.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("kind", CELLS)
def test_fused_it_is_torchs_own_layer(kind):
    torch.manual_seed(0)
    ours = Recurrent(kind, vocab_size=20, d_model=6, fused=True).eval()
    theirs = THEIRS[kind](6, 6, batch_first=True).eval()
    cell = ours.cell
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(cell.input.weight)
        theirs.weight_hh_l0.copy_(cell.state.weight)
        theirs.bias_ih_l0.copy_(cell.input.bias)
        theirs.bias_hh_l0.copy_(0 if cell.state.bias is None else cell.state.bias)
        ids = torch.randint(0, 20, (4, 7))
        torch.testing.assert_close(ours(ids), ours.head(theirs(ours.token(ids))[0]))


@pytest.mark.parametrize("n_tokens", [5, 30])
def test_the_products_of_a_recurrent_network_wait_for_each_token(n_tokens):
    model = Recurrent("lstm", vocab_size=11, d_model=3)
    work, wait = work_and_wait(model, torch.zeros(2, n_tokens, dtype=torch.long))
    assert wait == n_tokens + 1  # and the head
    assert work == 2 * n_tokens * (8 * 3 * 3 + 3 * 11)


@pytest.mark.parametrize("n_tokens", [5, 30])
def test_those_of_a_transformer_wait_as_long_for_any_text(n_tokens):
    sizes = {"d_model": 8, "n_heads": 2, "n_layers": 3, "d_ff": 12}
    model = Decoder(Config(vocab_size=11, max_len=32, **sizes))
    work, wait = work_and_wait(model, torch.zeros(1, n_tokens, dtype=torch.long))
    # In a block: query, scores, mixing, output, and two of the feed-forward layer.
    assert wait == 6 * 3 + 1
    in_a_block = n_tokens * (4 * 8 * 8 + 2 * 8 * 12) + 2 * n_tokens**2 * 8
    assert work == 3 * in_a_block + n_tokens * 8 * 11


def test_the_gradient_at_a_token_is_how_fast_the_loss_moves_with_its_vector():
    torch.manual_seed(0)
    model = Recurrent("lstm", vocab_size=20, d_model=6).double()
    ids, answers = torch.tensor([[3, 1, 4, 5]]), torch.tensor([9])
    found = gradient_at_tokens(model, model.token, ids, answers)
    for place in range(4):
        slopes = []
        for number in range(6):
            losses = []
            for nudge in (1e-5, -1e-5):
                moved = Recurrent("lstm", vocab_size=20, d_model=6).double()
                moved.load_state_dict(model.state_dict())
                with torch.no_grad():
                    moved.token.weight[ids[0, place], number] += nudge
                    losses.append(nn.functional.cross_entropy(moved(ids)[:, -1], answers))
            slopes.append((losses[0] - losses[1]) / 2e-5)
        torch.testing.assert_close(found[0, place], torch.stack(slopes).norm())


@pytest.mark.parametrize("kind", CELLS)
def test_the_state_after_a_text_is_all_that_goes_on(kind):
    torch.manual_seed(0)
    model = Recurrent(kind, vocab_size=20, d_model=6)
    ids = torch.randint(0, 20, (1, 8))
    states = model.first_states(1)
    for t in range(8):
        states = model.cell(model.token(ids[:, t]), states)
    torch.testing.assert_close(model.head(states[0]), model(ids)[:, -1])


def test_an_lstm_starts_by_keeping():
    cell = CELLS["lstm"](4)
    nn.init.zeros_(cell.input.weight)
    nn.init.zeros_(cell.state.weight)
    cell.input.bias.data[:4] = cell.input.bias.data[8:] = -100.0  # writes and shows nothing
    _, c = cell(torch.zeros(1, 4), (torch.zeros(1, 4), torch.ones(1, 4)))
    torch.testing.assert_close(c, torch.full((1, 4), torch.tensor(1.0).sigmoid().item()))


def test_an_unknown_kind_says_which_there_are():
    with pytest.raises(ValueError, match="kind='elman' is not one of rnn, lstm, gru"):
        Recurrent("elman", vocab_size=5, d_model=4)
