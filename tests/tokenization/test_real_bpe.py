"""SmolLM2's own vocabulary, read by us and by Hugging Face's library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from transformer_lab import pretrained
from transformer_lab.tokenization import BPETokenizer

any_text = st.text(st.characters(exclude_categories=["Cn", "Cs", "Co"]), max_size=60)
STRINGS = [
    "low lower lowest",
    "unbelievable unbeleivable playing",
    "In 2017: 3.14159, ½ and ४२",
    "हम दोस्त हैं",
    "👩‍🚀 🇮🇳",
    "<|im_start|>user\nHello!<|im_end|>\n",
    "  two   spaces\n\n\ttab ",
    "東京で猫を見た",
    "\x00\x04\x7f",
]


@pytest.fixture(scope="module")
def ours():
    return pretrained.smollm2_tokenizer()


@pytest.fixture(scope="module")
def theirs(ours):
    """The same entries, put together with the library's own parts, not with our file."""
    tokenizer = Tokenizer(models.BPE(vocab=ours.vocab, merges=ours.merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(ours.special_tokens))
    return tokenizer


def test_the_vocabulary_is_whole(ours):
    assert len(ours) == 49_152
    assert ours.special_tokens[:3] == ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


@given(text=any_text)
def test_encoding_equals_hugging_faces(ours, theirs, text):
    assert ours.encode(text) == theirs.encode(text).ids


@pytest.mark.parametrize("text", STRINGS)
def test_real_strings_too(ours, theirs, text):
    assert ours.encode(text) == theirs.encode(text).ids


def test_the_file_goes_both_ways(ours, theirs):
    text = STRINGS[2]
    assert Tokenizer.from_str(ours.to_json()).encode(text).ids == ours.encode(text)
    again = BPETokenizer.from_json(theirs.to_str())
    assert again.split_digits
    assert again.encode(text) == ours.encode(text)
