"""Each family: Hugging Face's class and ours give the same numbers on the same files.

Hugging Face's class gets random weights (biases and norms, too), writes them with
its own `save_pretrained`, and our `from_pretrained` reads that folder.
"""

from __future__ import annotations

import re

import pytest
import torch
import transformers as hf
from torch import Tensor

from transformer_lab.attention import padding_mask
from transformer_lab.generation import generate
from transformer_lab.models import Decoder, EncoderDecoder, MaskedWords, count_parameters
from transformer_lab.pretrained import from_pretrained
from transformer_lab.pretrained.families import marian_order
from transformer_lab.trace import capture

# Attention step by step: the fast one of some of their versions leaves Gemma 2's cap out.
TEXT = {
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "attn_implementation": "eager",
}  # fmt: skip
SMALL = {"max_position_embeddings": 90, **TEXT}
# (vocabulary, width, heads, heads of keys and values, size of a head, layers, neurons)
SHAPES = [(53, 24, 4, 2, 6, 3, 50), (31, 40, 5, 1, 8, 2, 33), (97, 18, 3, 3, 10, 6, 71)]


def bert(v, d, h, kv, k, n, f):
    return hf.BertForMaskedLM(
        hf.BertConfig(
            vocab_size=v, hidden_size=d, num_attention_heads=h, num_hidden_layers=n,
            intermediate_size=f, **SMALL,
        )
    )  # fmt: skip


def gpt2(v, d, h, kv, k, n, f):
    return hf.GPT2LMHeadModel(
        hf.GPT2Config(
            vocab_size=v, n_embd=d, n_head=h, n_layer=n, n_inner=f, n_positions=90, **TEXT
        )
    )


def sizes(v, d, h, kv, k, n, f):
    return dict(
        vocab_size=v, hidden_size=d, num_attention_heads=h, num_key_value_heads=kv, head_dim=k,
        num_hidden_layers=n, intermediate_size=f, **SMALL,
    )  # fmt: skip


def llama(*shape):
    rope = {"rope_type": "default", "rope_theta": 5_000.0}
    return hf.LlamaForCausalLM(hf.LlamaConfig(**sizes(*shape), rope_parameters=rope))


def gemma(*shape):
    return hf.GemmaForCausalLM(hf.GemmaConfig(**sizes(*shape)))


def gemma2(*shape):
    return hf.Gemma2ForCausalLM(
        hf.Gemma2Config(
            **even(shape), query_pre_attn_scalar=11, sliding_window=4, attn_logit_softcapping=3.0,
            final_logit_softcapping=5.0,
        )
    )  # fmt: skip


def gemma3(*shape):
    return hf.Gemma3ForCausalLM(
        hf.Gemma3TextConfig(**even(shape), query_pre_attn_scalar=9, sliding_window=3)
    )


def even(shape):
    """Gemma 2's and 3's classes want a width that their heads divide."""
    return sizes(*shape) | {"hidden_size": shape[1] // shape[2] * shape[2]}


def marian(v, d, h, kv, k, n, f):
    d = 2 * h * (d // (2 * h))  # each wave has two numbers, and each head the same share
    return hf.MarianMTModel(
        hf.MarianConfig(
            vocab_size=v, d_model=d, encoder_layers=n, decoder_layers=n,
            encoder_attention_heads=h, decoder_attention_heads=h, encoder_ffn_dim=f,
            decoder_ffn_dim=f, activation_function="swish", scale_embedding=True,
            decoder_start_token_id=1, forced_eos_token_id=None, **SMALL,
        )
    )  # fmt: skip


DECODERS = [gpt2, llama, gemma, gemma2, gemma3]


@torch.no_grad()
def written(make, shape, folder, **options):
    """Hugging Face's model with random weights, and ours, read from what it wrote."""
    torch.manual_seed(sum(shape))
    theirs = make(*shape).eval()
    learned = (p for p in theirs.named_parameters() if "embed_positions" not in p[0])
    for name, parameter in learned:
        # A norm's factors are near 1. Gemma stores them less 1.
        is_one = re.search("norm|ln_", name) and "gemma" not in theirs.config.model_type
        torch.nn.init.normal_(parameter, mean=1.0 if is_one else 0.0, std=0.3)
    if make is marian:
        torch.nn.init.normal_(theirs.final_logits_bias)
    theirs.save_pretrained(folder, **options)
    return theirs, from_pretrained(folder)


def two_texts(vocab_size: int) -> tuple[Tensor, Tensor]:
    """IDs of two texts, the second padded at its end, and what of them is real."""
    ids = torch.randint(3, vocab_size, (2, 11), generator=torch.Generator().manual_seed(7))
    ids[1, 7:] = 0
    return ids, (ids != 0).long()


def same(found: Tensor, expected: Tensor) -> None:
    assert expected.std() > 0.1  # numbers so small that all are equal would prove nothing
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("make", DECODERS)
def test_a_decoder_gives_hugging_faces_hidden_states_and_logits(make, shape, tmp_path):
    theirs, ours = written(make, shape, tmp_path)
    assert type(ours) is Decoder
    assert count_parameters(ours) == theirs.num_parameters()
    ids, real = two_texts(shape[0])
    expected = theirs(ids, attention_mask=real, output_hidden_states=True)
    layers = [f"blocks.{layer}" for layer in range(shape[5] - 1)]
    with capture(ours, ["embeddings", *layers, "final_norm"]) as seen:
        logits = ours(ids)  # padding at the end needs no mask: nobody looks ahead
    for found, state in zip(seen.values(), expected.hidden_states, strict=True):
        same(found[real.bool()], state[real.bool()])
    same(logits[real.bool()], expected.logits[real.bool()])


@torch.no_grad()
@pytest.mark.parametrize("make", DECODERS)
def test_a_decoder_writes_hugging_faces_text_for_fifty_tokens(make, tmp_path):
    theirs, ours = written(make, SHAPES[0], tmp_path)
    prompt = two_texts(SHAPES[0][0])[0][0].tolist()
    expected = theirs.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)).long(),
        max_new_tokens=50, do_sample=False, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    new = expected[0, len(prompt) :].tolist()
    assert generate(ours, prompt, max_new_tokens=50, temperature=0) == new
    assert generate(ours, prompt, max_new_tokens=50, temperature=0, use_cache=False) == new


@torch.no_grad()
@pytest.mark.parametrize("shape", SHAPES)
def test_a_bert_gives_hugging_faces_hidden_states_and_guesses(shape, tmp_path):
    theirs, ours = written(bert, shape, tmp_path)
    assert type(ours) is MaskedWords
    ids, real = two_texts(shape[0])
    expected = theirs(ids, attention_mask=real, output_hidden_states=True)
    layers = [f"encoder.blocks.{layer}" for layer in range(shape[5])]
    with capture(ours, ["encoder.embedding_norm", *layers]) as seen:
        logits = ours(ids, mask=padding_mask(ids, 0))
    for found, state in zip(seen.values(), expected.hidden_states, strict=True):
        same(found[real.bool()], state[real.bool()])
    same(logits[real.bool()], expected.logits[real.bool()])


@torch.no_grad()
@pytest.mark.parametrize("shape", SHAPES)
def test_a_bert_tells_two_segments_apart_as_hugging_faces_does(shape, tmp_path):
    theirs, _ = written(bert, shape, tmp_path)
    theirs.bert.save_pretrained(tmp_path / "encoder")  # without the head, and its names
    ids, real = two_texts(shape[0])
    types = torch.tensor([[0] * 4 + [1] * 7] * 2)
    expected = theirs.bert(ids, attention_mask=real, token_type_ids=types).last_hidden_state
    found = from_pretrained(tmp_path / "encoder")(ids, types, mask=padding_mask(ids, 0))
    same(found[real.bool()], expected[real.bool()])


@torch.no_grad()
@pytest.mark.parametrize("shape", SHAPES)
def test_the_transformer_of_2017_gives_marians_memory_and_logits(shape, tmp_path):
    theirs, ours = written(marian, shape, tmp_path)
    assert type(ours) is EncoderDecoder
    ids, real = two_texts(shape[0])
    target = torch.randint(3, shape[0], (2, 9), generator=torch.Generator().manual_seed(8))
    expected = theirs(ids, attention_mask=real, decoder_input_ids=target)
    mask = padding_mask(ids, 0)
    order = marian_order(ours.config.d_model)
    memory = ours.encode(ids, source_mask=mask)
    same(memory[real.bool()], expected.encoder_last_hidden_state[real.bool()][:, order])
    same(ours(ids, target, source_mask=mask), expected.logits)


@torch.no_grad()
def test_the_transformer_of_2017_writes_marians_text_for_fifty_tokens(tmp_path):
    theirs, ours = written(marian, SHAPES[0], tmp_path)
    source = two_texts(SHAPES[0][0])[0][:1]
    expected = theirs.generate(
        source, max_new_tokens=50, do_sample=False, num_beams=1, eos_token_id=None
    )
    reader = ours.after_reading(source)
    assert generate(reader, [1], max_new_tokens=50, temperature=0) == expected[0, 1:].tolist()


@torch.no_grad()
@pytest.mark.parametrize("make", [llama, gemma2, marian])
def test_a_model_in_several_files_is_the_same_model(make, tmp_path):
    theirs, one = written(make, SHAPES[0], tmp_path / "one")
    theirs.save_pretrained(tmp_path / "many", max_shard_size="10KB")
    assert not (tmp_path / "many/model.safetensors").exists()
    many = from_pretrained(tmp_path / "many").state_dict()
    assert all(torch.equal(tensor, many[name]) for name, tensor in one.state_dict().items())


@torch.no_grad()
@pytest.mark.parametrize("make", [gpt2, llama, gemma])
def test_an_untied_head_has_weights_of_its_own(make, tmp_path):
    def untied(*shape):
        config = make(*shape).config
        config.tie_word_embeddings = False
        return type(make(*shape))(config)

    theirs, ours = written(untied, SHAPES[1], tmp_path)
    assert not ours.config.tie_head
    ids = two_texts(SHAPES[1][0])[0][:1]
    same(ours(ids), theirs(ids).logits)


@torch.no_grad()
def test_linear_layers_with_constants_are_read_too(tmp_path):
    def biased(*shape):
        return hf.LlamaForCausalLM(
            hf.LlamaConfig(**sizes(*shape), attention_bias=True, mlp_bias=True)
        )

    theirs, ours = written(biased, SHAPES[0], tmp_path)
    assert ours.config.bias
    ids = two_texts(SHAPES[0][0])[0][:1]
    same(ours(ids), theirs(ids).logits)


@torch.no_grad()
@pytest.mark.parametrize("kinds", ["fss", "sff", "fff", "sss"])
@pytest.mark.parametrize("make", [gemma2, gemma3])
def test_each_layer_has_the_window_that_the_file_says(make, kinds, tmp_path):
    def listed(*shape):
        config = make(*shape).config
        names = {"f": "full_attention", "s": "sliding_attention"}
        config.layer_types = [names[kind] for kind in kinds]
        return type(make(*shape))(config)

    theirs, ours = written(listed, SHAPES[0], tmp_path)
    assert [window is not None for window in ours.config.layer_windows] == [k == "s" for k in kinds]
    ids = two_texts(SHAPES[0][0])[0][:1]
    same(ours(ids), theirs(ids).logits)


@torch.no_grad()
def test_half_precision_on_disk_becomes_single_precision_here(tmp_path):
    theirs, _ = written(llama, SHAPES[0], tmp_path / "single")
    theirs.to(torch.bfloat16).save_pretrained(tmp_path / "half")
    ours = from_pretrained(tmp_path / "half")
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}
    theirs = hf.LlamaForCausalLM.from_pretrained(tmp_path / "half", dtype=torch.float32).eval()
    ids = two_texts(SHAPES[0][0])[0][:1]
    same(ours(ids), theirs(ids).logits)
