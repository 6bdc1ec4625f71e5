"""What cannot be read is one clear sentence, and nothing is ever unpickled."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers as hf
from gguf import GGMLQuantizationType, GGUFWriter, quants

from transformer_lab import pretrained
from transformer_lab.pretrained import from_pretrained


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    torch.manual_seed(0)
    config = hf.LlamaConfig(
        vocab_size=50, hidden_size=32, num_attention_heads=4, num_key_value_heads=2,
        num_hidden_layers=2, intermediate_size=64, max_position_embeddings=40,
        pad_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    model = hf.LlamaForCausalLM(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    folder = tmp_path_factory.mktemp("llama")
    model.save_pretrained(folder)
    return model, folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original[1], tmp_path / "llama")


def change(folder, **choices):
    path = folder / "config.json"
    config = json.loads(path.read_text()) | choices
    path.write_text(json.dumps({name: value for name, value in config.items() if value != "gone"}))


def test_a_folder_that_is_as_it_was_written_is_read(folder):
    assert from_pretrained(str(folder)).config.n_kv_heads == 2


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"model_type": "mamba"}, "model_type='mamba' is not one of bert, gpt2, llama, gemma,"),
        ({"model_type": "gone"}, "model_type=None is not one of bert"),
        ({"hidden_size": "gone"}, "the config has no 'hidden_size', which this family needs"),
        ({"hidden_act": "relu"}, "hidden_act='relu' is not worked out here, only 'silu'"),
        ({"num_key_value_heads": 3}, "n_kv_heads=3 does not share 4 heads out evenly"),
        ({"intermediate_size": 65}, r"feed_forward.* has the shape .*, but .* fits"),
        ({"num_hidden_layers": 3}, "the weights lack 9 tensors, such as 'blocks.2.attention.key"),
        ({"num_hidden_layers": 1}, "9 tensors have no place here, such as 'blocks.1.attention"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "positions of the kind 'yarn' are not"),
        ({"rope_scaling": {"type": "linear"}}, "positions of the kind 'linear' are not"),
        ({"attention_bias": True}, "attention_bias and mlp_bias differ"),
    ],
)
def test_a_config_that_does_not_fit_is_one_clear_sentence(folder, choices, sentence):
    change(folder, **choices)
    with pytest.raises(ValueError, match=sentence) as raised:
        from_pretrained(folder)
    assert "\n" not in str(raised.value)


def cut(path):
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("damage", "kind", "sentence"),
    [
        (lambda f: cut(f / "model.safetensors"), ValueError, "model.safetensors is damaged: "),
        (lambda f: (f / "config.json").write_text("{"), ValueError, "config.json is damaged: "),
        (lambda f: (f / "config.json").write_text("[1]"), ValueError, "no names and values"),
        (lambda f: (f / "config.json").unlink(), FileNotFoundError, "has no config.json"),
        (
            lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
            FileNotFoundError,
            "has no model.safetensors; we read only safetensors: loading a pickle",
        ),
        (lambda f: shutil.rmtree(f), FileNotFoundError, "there is no folder or file /"),
    ],
)
def test_a_damaged_folder_is_one_clear_sentence(folder, damage, kind, sentence):
    damage(folder)
    with pytest.raises(kind, match=sentence):
        from_pretrained(folder)


def test_a_pickle_is_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save(Trap(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"neither a folder nor a GGUF file; we read only safe"):
        from_pretrained(tmp_path / "pytorch_model.bin")
    assert not (tmp_path / "sprung").exists()


@pytest.fixture
def shards(original, tmp_path):
    original[0].save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    return tmp_path / "shards"


def test_a_missing_part_is_named(shards):
    part = sorted(shards.glob("model-*.safetensors"))[1]
    part.unlink()
    with pytest.raises(FileNotFoundError, match=f"has no {part.name}"):
        from_pretrained(shards)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [("../elsewhere.safetensors", "is no file beside it"), ("gone", "which their index promises")],
)
def test_an_index_that_lies_is_refused(shards, place, sentence):
    path = shards / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    if place == "gone":
        index["weight_map"]["another.weight"] = next(iter(index["weight_map"].values()))
    else:
        index["weight_map"]["model.norm.weight"] = place
    path.write_text(json.dumps(index))
    with pytest.raises(ValueError, match=sentence):
        from_pretrained(shards)


# --- The Hub ------------------------------------------------------------------------


def test_a_name_without_a_network_is_one_clear_sentence(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match="no folder 'nobody/nothing' here, and it could not"):
        from_pretrained("nobody/nothing")


def hub(monkeypatch, source):
    """A Hub that hands out the files of a folder."""
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError

    def download(name, file):
        assert name == "someone/llama"
        if not (source / file).exists():
            raise EntryNotFoundError(f"no {file}")
        return str(source / file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)


@pytest.mark.parametrize("which", ["folder", "shards"])
def test_a_name_is_fetched_and_read(request, monkeypatch, which):
    hub(monkeypatch, request.getfixturevalue(which))
    assert from_pretrained("someone/llama").config.d_model == 32


@pytest.mark.parametrize("index", ["{}", '{"weight_map": [1]}', '{"weight_map": {"a": ["b"]}}'])
def test_an_index_of_the_hub_that_is_damaged_is_one_sentence(shards, monkeypatch, index):
    (shards / "model.safetensors.index.json").write_text(index)
    hub(monkeypatch, shards)
    with pytest.raises(ValueError, match="is damaged: "):
        from_pretrained("someone/llama")


def test_a_name_with_nothing_but_pickles_is_refused(folder, monkeypatch):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    hub(monkeypatch, folder)
    with pytest.raises(ConnectionError, match="lacks what we read; we read only safetensors"):
        from_pretrained("someone/llama")


# --- GGUF -----------------------------------------------------------------------------

GGUF_NAMES = {
    "embed_tokens": "token_embd", "model.norm": "output_norm", "layers.": "blk.",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm", "model.": "",
}  # fmt: skip


def neighbours(weight, n_heads):
    """llama.cpp's order of a query's or key's rows, as its converter writes it."""
    return (
        weight.reshape(n_heads, 2, weight.shape[0] // n_heads // 2, -1)
        .swapaxes(1, 2)
        .reshape(weight.shape)
    )


def write_gguf(path, model, *, kind=None, architecture="llama", **more):
    writer, config = GGUFWriter(path, architecture), model.config
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10_000.0)
    for name, value in more.items():
        getattr(writer, name)(value)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue  # tied
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        numbers = tensor.numpy().astype(np.float32)
        for part, n_heads in heads.items():
            if part in name:
                numbers = neighbours(numbers, n_heads)
        for theirs, ours in GGUF_NAMES.items():
            name = name.replace(theirs, ours)
        if kind and numbers.ndim == 2:
            writer.add_tensor(name, quants.quantize(numbers, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@torch.no_grad()
def test_a_gguf_file_gives_the_numbers_of_the_model_that_was_written(original, tmp_path):
    ours = from_pretrained(write_gguf(tmp_path / "tiny.gguf", original[0]))
    ids = torch.randint(0, 50, (2, 13), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(ours(ids), original[0](ids).logits, atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_gguf_file_of_few_bits_gives_numbers_that_are_close(original, tmp_path):
    kind = GGMLQuantizationType.Q8_0
    ours = from_pretrained(write_gguf(tmp_path / "tiny.gguf", original[0], kind=kind))
    theirs = dict(original[0].named_parameters())["model.layers.1.mlp.up_proj.weight"]
    found = ours.blocks[1].feed_forward.expand.weight
    assert 0 < (found - theirs).abs().max() < theirs.abs().max() / 127


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"architecture": "mamba"}, "a model of the kind 'mamba'; of GGUF we read only 'llama'"),
        ({"add_rope_dimension_count": 4}, "turn only a part of each head"),
    ],
)
def test_another_kind_of_gguf_is_refused(original, tmp_path, more, sentence):
    path = write_gguf(tmp_path / "tiny.gguf", original[0], **more)
    with pytest.raises(ValueError, match=sentence):
        from_pretrained(path)


@pytest.mark.parametrize("length", [0, 3, 200, 20_000])
def test_a_gguf_file_that_was_cut_off_is_one_clear_sentence(original, tmp_path, length):
    path = write_gguf(tmp_path / "tiny.gguf", original[0])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"tiny\.gguf is no whole GGUF file"):
        from_pretrained(path)


# --- Old files -------------------------------------------------------------------------


def test_the_names_of_berts_first_files_are_understood(tmp_path):
    torch.manual_seed(0)
    config = hf.BertConfig(
        vocab_size=50, hidden_size=16, num_attention_heads=2, num_hidden_layers=1,
        intermediate_size=32,
    )  # fmt: skip
    bert = hf.BertForPreTraining(config)
    bert.save_pretrained(tmp_path)
    new = from_pretrained(tmp_path)
    weights = safetensors.torch.load_file(tmp_path / "model.safetensors")
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in weights.items()
    }
    assert renamed.keys() != weights.keys()
    old = pretrained.build(json.loads((tmp_path / "config.json").read_text()), renamed)
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(old(ids), new(ids))
