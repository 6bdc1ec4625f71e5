"""BPE: nothing is lost, and every step is what Hugging Face's library does."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from transformer_lab.languages import stories
from transformer_lab.tokenization import BPETokenizer

END = "<|endoftext|>"
CORPUS = [str(story) for story in stories.sample_many(300, seed=5)] + [
    "low lower lowest; newer wider. Anna's 42 kites!  don't\n\n\tstop",
    "हम दोस्त हैं। नदी का किनारा",
    "naïve café — 🙂🙂 🇮🇳",
]

# Characters that Unicode has assigned: two libraries may know different
# versions of it and so differ on the others.
any_text = st.text(st.characters(exclude_categories=["Cn", "Cs", "Co"]), max_size=60)


@pytest.fixture(scope="module")
def ours():
    return BPETokenizer.train(CORPUS, vocab_size=600, special_tokens=[END])


@pytest.fixture(scope="module")
def theirs(ours):
    return Tokenizer.from_str(ours.to_json())


@given(text=st.text())
def test_any_text_comes_back_whole(ours, text):
    assert ours.decode(ours.encode(text)) == text


@given(text=any_text)
def test_encoding_equals_hugging_faces(ours, theirs, text):
    assert ours.encode(text) == theirs.encode(text).ids


@pytest.mark.parametrize(
    "text", [*CORPUS[-4:], "", " ", f"a{END}b", f"{END}{END} x", "a  b\u00a0c"]
)
def test_real_strings_are_cut_as_hugging_face_cuts_them(ours, theirs, text):
    assert ours.encode(text) == theirs.encode(text).ids
    assert ours.decode(ours.encode(text)) == text


def test_training_learns_the_merges_that_hugging_face_learns(ours):
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    theirs.train_from_iterator(CORPUS, trainer)
    model = json.loads(theirs.to_str())["model"]
    assert ours.merges == [tuple(merge) for merge in model["merges"]]
    assert ours.vocab == model["vocab"]


def test_hugging_faces_file_is_read_and_ours_written_the_same(ours, theirs):
    again = BPETokenizer.from_json(theirs.to_str())
    assert (again.vocab, again.merges) == (ours.vocab, ours.merges)
    assert again.special_tokens == ours.special_tokens


def test_training_stops_when_no_pair_is_left():
    tokenizer = BPETokenizer.train(["aa aa"], vocab_size=10_000)
    assert [tokenizer.piece(id) for id in tokenizer.encode("aa aa")] == ["aa", " aa"]
    assert len(tokenizer) < 262


def test_a_special_token_in_the_text_stands_for_itself(ours):
    ids = ours.encode(f"end{END}")
    assert ids[-1] == ours.vocab[END] == 0
    assert ours.piece(0) == END


def test_half_a_character_shows_as_the_replacement_character(ours):
    first_byte = ours.encode("€")[0]
    assert ours.piece(first_byte) == "\ufffd"


def test_a_lone_surrogate_does_not_crash(ours):
    assert ours.decode(ours.encode("a\ud800b")) == "a\ufffdb"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: BPETokenizer.train(["x"], vocab_size=100), "vocab_size=100 is too small: 256"),
        (lambda: BPETokenizer({"a": 0}, [("a", "b")]), "no entry for 'b'"),
        (lambda: BPETokenizer.from_json("{}"), "not a tokenizer.json"),
        (lambda: BPETokenizer.from_json("no"), "not a tokenizer.json"),
        (
            lambda: BPETokenizer.from_json(
                '{"model": {"type": "WordPiece"}, "pre_tokenizer": null}'
            ),
            "not a byte-level BPE tokenizer",
        ),
        (lambda: BPETokenizer({"a": 0}, []).decode([7]), "token ID 7 is not in this vocabulary"),
    ],
)
def test_what_cannot_work_is_one_clear_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
