"""Nothing of a file is passed over: each field and each tensor is used, or refused.

For every place of a file and every change of it: our numbers are those that Hugging
Face's class reads from the same changed file, or there is one sentence.
"""

from __future__ import annotations

import json
import re
import struct

import pytest
import torch
import transformers as hf
from gguf import GGUFReader, GGUFWriter
from safetensors.torch import load_file, save_file

from tests.changed_files import changed, read_or_refused
from tests.pretrained.test_reading import write_gguf
from transformer_lab.pretrained import build, from_pretrained, parity
from transformer_lab.pretrained.gguf_file import read_gguf_tokenizer

IDS, TARGET = torch.randint(3, 61, (2, 1, 9), generator=torch.Generator().manual_seed(1))
SOME = ["bert", "gpt2", "llama", "gemma2", "gemma3_text", "marian"]
# Fields of other versions of their library.
MORE = {
    "rope_theta": 10_000.0, "rope_scaling": None, "pruned_heads": {}, "n_ctx": 40,
    "sliding_window_pattern": 6, "rope_local_base_freq": 10_000.0, "head_dim": 10,
    "partial_rotary_factor": 1.0, "hidden_activation": "gelu_pytorch_tanh",
    "quantization_config": {"bits": 4}, "tie_encoder_decoder": False, "n_inner": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """`written(family)` is Hugging Face's small model, and the folder that it wrote."""
    kept = {}

    def write(family):
        if family not in kept:
            torch.manual_seed(0)
            theirs, folder = parity._theirs(family), tmp_path_factory.mktemp(family)
            theirs.save_pretrained(folder)
            kept[family] = theirs, folder
        return kept[family]

    return write


@torch.no_grad()
def logits_of(ours):
    return parity._logits(ours, IDS, TARGET)


@torch.no_grad()
def their_logits(theirs):
    texts = {"decoder_input_ids": TARGET} if theirs.config.model_type == "marian" else {}
    return theirs(IDS, **texts).logits


def test_every_family_is_compared_with_attention_step_by_step(written):
    assert {written(family)[0].config._attn_implementation for family in SOME} == {"eager"}


@pytest.mark.parametrize("family", SOME)
def test_a_changed_config_gives_hugging_faces_numbers_or_one_sentence(family, written, tmp_path):
    theirs, folder = written(family)
    (tmp_path / "model.safetensors").symlink_to(folder / "model.safetensors")
    original = json.loads((folder / "config.json").read_text())
    unchanged, n_read = logits_of(from_pretrained(folder)), 0
    for what, config in changed(original | {n: MORE[n] for n in MORE if n not in original}):
        (tmp_path / "config.json").write_text(json.dumps(config))
        found = read_or_refused(lambda: logits_of(from_pretrained(tmp_path)))
        if found is None:
            continue
        n_read += 1
        if torch.equal(found, unchanged) and n_read % 5:
            continue  # of the fields that change nothing it is enough to look at some
        try:
            expected = their_logits(
                type(theirs).from_pretrained(tmp_path, attn_implementation="eager")
            )
        except Exception:  # they check types that mean nothing to the numbers
            continue
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0, msg=what)


@pytest.mark.parametrize("family", SOME)
def test_a_config_with_a_field_that_nobody_knows_is_refused(family, written, tmp_path):
    _, folder = written(family)
    (tmp_path / "model.safetensors").symlink_to(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text()) | MORE | {"quantization_config": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"has a field '|is not worked out here|two values"):
        from_pretrained(tmp_path)


# --- Tensors ------------------------------------------------------------------------


def damaged(tensor):
    """The same tensor in ways that do not fit."""
    yield "gone", None
    yield "of another shape", torch.cat([tensor, tensor])
    yield "without a dimension", tensor.sum()
    yield "of whole numbers", tensor.to(torch.int8)


@pytest.mark.parametrize("family", SOME)
def test_each_tensor_counts(family, written):
    _, folder = written(family)
    config = json.loads((folder / "config.json").read_text())
    weights, unchanged = load_file(folder / "model.safetensors"), logits_of(from_pretrained(folder))

    def read(more):
        kept = {name: tensor for name, tensor in (weights | more).items() if tensor is not None}
        return read_or_refused(lambda: build(config, kept))

    # Of the layers, which are alike, the first; of a kind's weight and bias, one or the other.
    names = [name for name in sorted(weights) if not re.search(r"\.[1-9]\.", name)][::2]
    for name in names:
        tensor = weights[name]
        for what, other in damaged(tensor):
            assert read({name: other}) is None, (name, what)
        assert read({f"{name}.more": tensor}) is None, name
        assert not torch.equal(logits_of(read({name: tensor * 1.5 + 0.1})), unchanged), name


# Second copies that files carry: (family, name, what it must be equal to).
REPEATED = [
    ("bert", "bert.embeddings.position_ids", lambda w: torch.arange(40)[None]),
    ("bert", "cls.predictions.decoder.bias", lambda w: w["cls.predictions.bias"]),
    (
        "bert",
        "cls.predictions.decoder.weight",
        lambda w: w["bert.embeddings.word_embeddings.weight"],
    ),
    ("gpt2", "transformer.h.1.attn.bias", lambda w: torch.ones(1, 1, 40, 40).tril().byte()),
    ("gpt2", "transformer.h.1.attn.masked_bias", lambda w: torch.tensor(-1e4)),
    ("gpt2", "lm_head.weight", lambda w: w["transformer.wte.weight"]),
    (
        "llama",
        "model.layers.1.self_attn.rotary_emb.inv_freq",
        lambda w: 1 / 10_000 ** (torch.arange(0, 10, 2) / 10),
    ),
    ("gemma2", "lm_head.weight", lambda w: w["model.embed_tokens.weight"]),
    ("marian", "lm_head.weight", lambda w: w["model.shared.weight"]),
    ("marian", "model.encoder.embed_tokens.weight", lambda w: w["model.shared.weight"]),
    (
        "marian",
        "model.decoder.embed_positions.weight",
        lambda w: (
            hf.MarianMTModel(parity._theirs("marian").config)
            .model.decoder.embed_positions.weight.detach()
            .clone()
        ),
    ),
]


def to_be_changed(folder, tmp_path):
    """The weights of a model that was written; its config is put beside where they will go."""
    (tmp_path / "config.json").symlink_to(folder / "config.json")
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize(("family", "name", "copy"), REPEATED)
def test_a_second_copy_is_left_out_only_if_it_is_one(family, name, copy, written, tmp_path):
    _, folder = written(family)
    weights = to_be_changed(folder, tmp_path)
    same = copy(weights).clone()
    for kind in (None, torch.float16, torch.bfloat16) if same.is_floating_point() else (None,):
        other = same.to(kind) if kind and "inv_freq" in name else same
        save_file(weights | {name: other}, tmp_path / "model.safetensors")
        assert torch.equal(logits_of(from_pretrained(tmp_path)), logits_of(from_pretrained(folder)))
    other = same.clone()
    other.flatten()[-1] += 1 if other.dtype != torch.uint8 else 255
    for wrong in (other, same.flatten()[:-1], torch.zeros_like(same)):
        save_file(weights | {name: wrong.contiguous()}, tmp_path / "model.safetensors")
        with pytest.raises(ValueError, match=r"differs from what is worked out here in its place"):
            from_pretrained(tmp_path)


def test_two_names_of_one_place_are_refused(written, tmp_path):
    _, folder = written("llama")
    weights = to_be_changed(folder, tmp_path)
    save_file(weights | {"norm.weight": torch.ones(24)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"two tensors have the place of 'final_norm\.weight'"):
        from_pretrained(tmp_path)


def test_another_frameworks_file_is_refused(written, tmp_path):
    _, folder = written("llama")
    weights = to_be_changed(folder, tmp_path)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "flax"})
    with pytest.raises(ValueError, match="holds weights as 'flax' has them"):
        from_pretrained(tmp_path)


def test_a_tensor_that_the_index_puts_elsewhere_is_refused(written, tmp_path):
    theirs, _ = written("llama")
    theirs.save_pretrained(tmp_path, max_shard_size="10KB")
    part = sorted(tmp_path.glob("model-*.safetensors"))[0]
    name = next(iter(load_file(sorted(tmp_path.glob("model-*.safetensors"))[-1])))
    save_file(load_file(part) | {name: torch.ones(3)}, part)
    with pytest.raises(ValueError, match="which its index does not say"):
        from_pretrained(tmp_path)


# --- GGUF -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_llama():
    torch.manual_seed(0)
    config = hf.LlamaConfig(
        vocab_size=61, hidden_size=32, num_attention_heads=4, num_key_value_heads=2,
        num_hidden_layers=2, intermediate_size=64, max_position_embeddings=40,
        tie_word_embeddings=True,
    )  # fmt: skip
    return hf.LlamaForCausalLM(config).eval()


KINDS = {int: "add_uint32", float: "add_float32", bool: "add_bool", str: "add_string"}


def rewritten(path, source, *, without="", **more):
    """The same GGUF file with other fields."""
    reader, writer = GGUFReader(source), GGUFWriter(path, "llama")
    fields = {n: f.contents() for n, f in reader.fields.items() if not n.startswith("GGUF.")}
    fields.pop("general.architecture")
    for name, value in ({n: v for n, v in fields.items() if n != without} | more).items():
        kind = KINDS.get(type(value), "add_array")
        getattr(writer, kind)(name, value)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_each_field_of_a_gguf_file_counts(small_llama, tmp_path):
    source = write_gguf(tmp_path / "source.gguf", small_llama)
    unchanged = logits_of(from_pretrained(source))
    names = [n for n in GGUFReader(source).fields if n.startswith("llama.")]
    unknown = ["llama.logit_scale", "llama.rope.scaling.factor", "llama.attention.sliding_window",
               "llama.attention.layer_norm_epsilon", "llama.attention.value_length",
               "llama.expert_count", "llama.rope.dimension_count_swa", "general.colour",
               "llama.vocab_size", "split.count", "adapter.type", "clip.use_gelu"]  # fmt: skip
    means_nothing = [("split.count", 0), ("llama.expert_count", 0)]
    for name in [*names, *unknown]:
        for value in (0, 3, 7, 2.5, 1e9, True, "x", [1, 2]):
            path = rewritten(tmp_path / "changed.gguf", source, **{name: value})
            found = read_or_refused(lambda path=path: from_pretrained(path))
            # A context's length says only how long a text may be.
            if found is None or (name, value) in means_nothing or name == "llama.context_length":
                continue
            assert not torch.equal(logits_of(found), unchanged), (name, value)
        if name in names and "head_count_kv" not in name and "freq_base" not in name:
            path = rewritten(tmp_path / "changed.gguf", source, without=name)
            assert read_or_refused(lambda path=path: from_pretrained(path)) is None, name
    informational = {"general.name": "Ada", "general.license": "MIT", "general.tags": ["a"]}
    path = rewritten(tmp_path / "changed.gguf", source, **informational)
    assert torch.equal(logits_of(from_pretrained(path)), unchanged)


def test_a_gguf_file_with_any_byte_changed_is_read_or_one_sentence(small_llama, tmp_path):
    whole = bytearray(write_gguf(tmp_path / "source.gguf", small_llama).read_bytes())
    path = tmp_path / "changed.gguf"
    for place in range(0, 1100, 7):  # all over its header
        for byte in (0, 255):
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            read_or_refused(lambda: from_pretrained(path))


def test_a_gguf_list_longer_than_its_file_ends_at_once(tmp_path):
    name = b"llama.list"
    header = struct.pack("<IIQQ", 0x46554747, 3, 0, 1)
    entry = struct.pack("<Q", len(name)) + name + struct.pack("<IIQ", 9, 4, 2**62)
    (tmp_path / "long.gguf").write_bytes(header + entry)
    with pytest.raises(ValueError, match="is no whole GGUF file: it ends too early"):
        from_pretrained(tmp_path / "long.gguf")


TOKENS = {
    "model": "gpt2", "pre": "smollm", "tokens": ["<e>", "a", "b", "ab"],
    "token_type": [3, 1, 1, 1], "merges": ["a b"], "bos_token_id": 0, "add_bos_token": False,
    "add_space_prefix": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "llama"), ("pre", "llama-bpe"), ("tokens", ["a", "a", "b", "ab"]),
        ("token_type", [3, 1, 1, 4]), ("token_type", [3, 1, 1]), ("merges", ["a b c"]),
        ("merges", ["a x"]), ("add_bos_token", True), ("add_eos_token", True),
        ("add_space_prefix", True), ("scores", [1.0, 2.0]), ("colour", "red"),
        ("precompiled_charsmap", [1, 2]),
    ],
)  # fmt: skip
def test_each_field_of_a_gguf_tokenizer_counts(name, value, small_llama, tmp_path):
    source = write_gguf(tmp_path / "source.gguf", small_llama)
    for fields in (TOKENS, TOKENS | {name: value}):
        more = {f"tokenizer.ggml.{name}": value for name, value in fields.items()}
        path = rewritten(tmp_path / "tokens.gguf", source, **more)
        found = read_or_refused(lambda path=path: read_gguf_tokenizer(path))
        assert (found is None) == (fields is not TOKENS)
        if found:
            assert found.encode("ab<e>a") == [3, 0, 1]
