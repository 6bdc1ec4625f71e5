"""Embeddings: what a token is and where it stands, held to formulas and to LLaMA's code."""

import math
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from transformer_lab.attention import KeyValueCache, MultiHeadAttention, causal_mask
from transformer_lab.config import Config, Positions
from transformer_lab.embeddings import Embeddings, rotate, sinusoidal_positions
from transformer_lab.models import Decoder, Encoder

SIZES = {"vocab_size": 30, "max_len": 20, "d_model": 16, "n_heads": 4, "n_layers": 2}
texts = st.lists(st.integers(0, 29), min_size=2, max_size=12)


def make(**choices) -> Embeddings:
    torch.manual_seed(0)
    return Embeddings(30, 20, 8, **choices)


# --- Tokens -----------------------------------------------------------------------


def test_a_lookup_is_a_one_hot_row_times_the_table():
    embeddings, ids = make(positions="none"), torch.tensor([[3, 29, 3]])
    one_hot = torch.nn.functional.one_hot(ids, 30).float()
    torch.testing.assert_close(embeddings(ids), one_hot @ embeddings.token.weight)


@given(ids=texts, seed=st.integers(0, 99))
def test_renaming_all_tokens_renames_the_logits_and_changes_nothing_else(ids, seed):
    torch.manual_seed(seed)
    model, renamed = Decoder(Config(**SIZES)), Decoder(Config(**SIZES))
    new_id = torch.randperm(30)
    renamed.load_state_dict(model.state_dict())
    with torch.no_grad():
        renamed.embeddings.token.weight[new_id] = model.embeddings.token.weight
        before = model(torch.tensor([ids]))
        after = renamed(new_id[torch.tensor([ids])])
    torch.testing.assert_close(after[..., new_id], before, atol=1e-5, rtol=1e-5)


def test_the_scale_multiplies_the_token_and_not_its_position():
    plain, scaled = make(), make(scale=4.0)
    ids = torch.tensor([[5, 6]])
    expected = 4 * plain.token(ids) + plain.position.weight[:2]
    torch.testing.assert_close(scaled(ids), expected)


def test_token_types_add_a_vector_of_their_own_and_are_0_unless_said():
    embeddings, ids = make(n_token_types=2), torch.tensor([[5, 6]])
    other = embeddings(ids, torch.tensor([[0, 1]]))
    torch.testing.assert_close(embeddings(ids)[:, 0], other[:, 0])
    step = embeddings.token_type.weight[1] - embeddings.token_type.weight[0]
    torch.testing.assert_close(other[:, 1] - embeddings(ids)[:, 1], step[None])


# --- Positions that are added --------------------------------------------------------


@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_token_and_position_are_added_once(positions):
    embeddings = make(positions=positions)
    ids, rows = torch.tensor([[7, 7, 7]]), embeddings.position(torch.arange(3))
    torch.testing.assert_close(embeddings(ids), embeddings.token.weight[7] + rows[None])


@pytest.mark.parametrize("positions", ["rotary", "none"])
def test_rotary_positions_and_no_positions_add_nothing_here(positions):
    embeddings, ids = make(positions=positions), torch.tensor([[7, 8]])
    torch.testing.assert_close(embeddings(ids, start=5), embeddings.token(ids))


@pytest.mark.parametrize("positions", get_args(Positions))
def test_a_text_in_two_parts_is_embedded_like_the_whole(positions):
    embeddings, ids = make(positions=positions), torch.arange(9)[None]
    parts = [embeddings(ids[:, :4]), embeddings(ids[:, 4:], start=4)]
    torch.testing.assert_close(torch.cat(parts, dim=1), embeddings(ids))


@given(
    n_positions=st.integers(1, 60), half=st.integers(1, 40), base=st.sampled_from([100.0, 10_000.0])
)
def test_sinusoidal_positions_are_the_papers_formula_number_by_number(n_positions, half, base):
    d_model = 2 * half
    waves = sinusoidal_positions(n_positions, d_model, base=base)
    assert waves.shape == (n_positions, d_model)
    for position in range(n_positions):
        for i in range(half):
            angle = position / base ** (2 * i / d_model)
            assert float(waves[position, 2 * i]) == pytest.approx(math.sin(angle), abs=2e-5)
            assert float(waves[position, 2 * i + 1]) == pytest.approx(math.cos(angle), abs=2e-5)


def test_the_dot_product_of_two_sinusoidal_rows_depends_only_on_their_distance():
    products = (waves := sinusoidal_positions(200, 32)) @ waves.T
    for distance in range(0, 199):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-4, rtol=0)
    assert products[0, 0] > products[0, 1] > products[0, 2]


def test_sinusoidal_rows_of_a_longer_table_begin_with_those_of_a_shorter_one():
    torch.testing.assert_close(sinusoidal_positions(50, 8)[:20], sinusoidal_positions(20, 8))


def test_sinusoidal_positions_are_neither_trained_nor_saved():
    embeddings = make(positions="sinusoidal")
    assert [name for name, _ in embeddings.named_parameters()] == ["token.weight"]
    assert list(embeddings.state_dict()) == ["token.weight"]


# --- Rotary positions ------------------------------------------------------------------


@given(length=st.integers(1, 30), half=st.integers(1, 16), start=st.integers(0, 500))
def test_rotation_equals_hugging_faces_for_llama(length, half, start):
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(length)
    query, key = torch.randn(2, 2, 3, length, 2 * half)
    positions = torch.arange(start, start + length)
    config = transformers.LlamaConfig(
        hidden_size=6 * half, num_attention_heads=3, max_position_embeddings=1000
    )
    cos, sin = llama.LlamaRotaryEmbedding(config)(query, positions[None])
    theirs = llama.apply_rotary_pos_emb(query, key, cos, sin)
    torch.testing.assert_close(rotate(query, positions), theirs[0], atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(rotate(key, positions), theirs[1], atol=2e-4, rtol=1e-4)


@given(moved=st.integers(0, 300), distance=st.integers(-40, 40), seed=st.integers(0, 99))
def test_a_rotary_score_depends_on_the_distance_and_not_on_the_place(moved, distance, seed):
    torch.manual_seed(seed)
    query, key = torch.randn(2, 1, 16, dtype=torch.float64)

    def score(at: int) -> torch.Tensor:
        turned = rotate(query, torch.tensor([at])), rotate(key, torch.tensor([at + distance]))
        return (turned[0] * turned[1]).sum()

    torch.testing.assert_close(score(40 + moved), score(40), atol=1e-3, rtol=0)


def test_a_rotation_changes_no_length_and_position_0_changes_nothing():
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    turned = rotate(x, torch.arange(5))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned[:, 0], x[:, 0])
    assert not torch.allclose(turned[:, 1:], x[:, 1:], atol=0.1)


def test_in_half_precision_neighbouring_late_positions_still_differ_by_one_step():
    x = torch.tensor([[1.0, 0.0]] * 2)
    positions = torch.tensor([1000, 1001])
    half = rotate(x.bfloat16(), positions)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), rotate(x, positions), atol=0.01, rtol=0)


@given(ids=texts, data=st.data())
def test_with_rotary_positions_a_cache_gives_the_logits_of_the_full_pass(ids, data):
    torch.manual_seed(1)
    model = Decoder(Config(**SIZES, positions="rotary")).eval()
    first, whole = data.draw(st.integers(1, len(ids) - 1)), torch.tensor([ids])
    with torch.no_grad():
        cache = model.new_cache()
        parts = [model(whole[:, :first], cache=cache)]
        parts += [model(whole[:, i : i + 1], cache=cache) for i in range(first, len(ids))]
        torch.testing.assert_close(torch.cat(parts, dim=1), model(whole), atol=1e-5, rtol=1e-5)


def test_in_attention_rotary_scores_are_the_same_wherever_the_text_begins():
    torch.manual_seed(0)
    attention = MultiHeadAttention(16, 2, rotate=rotate)
    x, mask = torch.randn(1, 5, 16), causal_mask(5, 12)
    mask[:, :7] = False  # seven positions come first, and nobody looks at them
    cache = KeyValueCache()
    attention(torch.randn(1, 7, 16), cache=cache)
    later = attention(x, mask=mask, cache=cache)
    torch.testing.assert_close(later, attention(x, mask=causal_mask(5)), atol=1e-5, rtol=1e-5)


def test_rotary_attention_turns_queries_and_keys_and_not_values():
    torch.manual_seed(0)
    plain, rotary = MultiHeadAttention(8, 2), MultiHeadAttention(8, 2, rotate=rotate)
    rotary.load_state_dict(plain.state_dict())
    x = torch.randn(1, 4, 8)
    itself = torch.eye(4, dtype=torch.bool)  # each token takes only its own value
    torch.testing.assert_close(rotary(x, mask=itself), plain(x, mask=itself))
    assert not torch.allclose(rotary(x), plain(x), atol=1e-3)


@pytest.mark.parametrize(("n_queries", "n_keys"), [(1, 5), (3, 5), (5, 3)])
def test_in_cross_attention_each_text_counts_its_own_positions(n_queries, n_keys):
    torch.manual_seed(0)
    attention = MultiHeadAttention(8, 2, rotate=rotate)
    seen = {}
    attention.scores.register_forward_hook(lambda module, inputs, output: seen.update(s=output))
    x, context = torch.randn(1, n_queries, 8), torch.randn(1, n_keys, 8)
    attention(x, context)
    query = rotate(attention._split(attention.query(x)), torch.arange(n_queries))
    key = rotate(attention._split(attention.key(context)), torch.arange(n_keys))
    torch.testing.assert_close(seen["s"], query @ key.transpose(-2, -1) / 2)


# --- Order -------------------------------------------------------------------------------


@given(ids=texts, seed=st.integers(0, 99))
def test_without_positions_and_mask_a_shuffled_text_gives_the_same_output_shuffled(ids, seed):
    torch.manual_seed(seed)
    model = Encoder(Config(**SIZES, positions="none")).eval()
    order = torch.randperm(len(ids))
    with torch.no_grad():
        plain, shuffled = model(torch.tensor([ids])), model(torch.tensor([ids])[:, order])
    torch.testing.assert_close(shuffled, plain[:, order], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
def test_with_positions_the_order_of_a_text_counts(positions):
    torch.manual_seed(0)
    model = Encoder(Config(**SIZES, positions=positions)).eval()
    if positions == "learned":  # they start near 0
        torch.nn.init.normal_(model.embeddings.position.weight)
    ids = torch.arange(6)[None]
    with torch.no_grad():
        difference = (model(ids.flip(1)) - model(ids).flip(1)).abs().max()
    assert difference > 0.01


def test_without_positions_one_causal_layer_sees_what_came_before_but_not_in_what_order():
    torch.manual_seed(0)
    one = Decoder(Config(**{**SIZES, "n_layers": 1}, positions="none")).eval()
    two = Decoder(Config(**SIZES, positions="none")).eval()
    ids, shuffled = torch.tensor([[1, 2, 3, 4, 5], [3, 1, 4, 2, 5]])
    with torch.no_grad():
        last = [model(torch.stack([ids, shuffled]))[:, -1] for model in (one, two)]
    torch.testing.assert_close(last[0][0], last[0][1], atol=1e-5, rtol=1e-5)
    assert (last[1][0] - last[1][1]).abs().max() > 1e-3


# --- Mistakes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: make(positions="rotery"), "positions='rotery' is not one of learned, sinusoidal"),
        (lambda: make()(torch.zeros(1, 21).long()), "21 tokens, but this model sees at most 20"),
        (lambda: make()(torch.zeros(1, 2).long(), start=19), "the text has 21 tokens"),
        (lambda: make()(torch.tensor([[30]])), "token ID 30 is outside .* vocabulary .0 to 29."),
        (lambda: make()(torch.tensor([[-1, 4]])), "token ID -1 is outside"),
        (lambda: make()(*torch.zeros(2, 1, 3).long()), "token types were given, but .* has none"),
        (lambda: sinusoidal_positions(4, 7), "come in pairs, but d_model=7 is odd"),
        (lambda: rotate(torch.ones(2, 5), torch.arange(2)), "pairs of numbers, but a vector has 5"),
    ],
)
def test_what_does_not_fit_is_one_clear_sentence(mistake, sentence):
    with pytest.raises(ValueError, match=sentence):
        mistake()


def test_no_token_at_all_is_no_error():
    assert make()(torch.zeros(1, 0).long()).shape == (1, 0, 8)
