"""BPE: nothing is lost, and every step is what Hugging Face's library does."""

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from transformer_lab.languages import stories
from transformer_lab.tokenization import BPETokenizer
from transformer_lab.tokenization.merging import glue_all
from transformer_lab.tokenization.vocabulary import remembering

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


def file_of(**changes) -> str:
    """A file of Hugging Face's, with something changed in its model."""
    tokenizer = BPETokenizer.train(["low lower lowest"], vocab_size=259)
    parts = json.loads(tokenizer.to_json())
    parts["model"] |= changes
    return json.dumps(parts)


def with_added(**flags) -> str:
    parts = json.loads(file_of())
    token = {"id": 259, "content": "<x>", "single_word": False, "lstrip": False, "rstrip": False}
    parts["added_tokens"] = [{**token, "normalized": False, "special": True, **flags}]
    return json.dumps(parts)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (file_of(dropout=0.1), "dropout=0.1"),
        (file_of(continuing_subword_prefix="##"), "continuing_subword_prefix='##'"),
        (file_of(end_of_word_suffix="</w>"), "end_of_word_suffix='</w>'"),
        (file_of(byte_fallback=True), "byte_fallback=True"),
        (file_of(max_gap=3), "a field 'max_gap'"),
        (with_added(lstrip=True), "lstrip=True"),
        (with_added(rstrip=True), "rstrip=True"),
        (with_added(single_word=True), "single_word=True"),
        (with_added(colour="red"), "a field 'colour'"),
        (with_added(id=3), "two entries of this tokenizer.json have one ID"),
        (with_added(id=-1), "not a whole number"),
        (with_added(content="low"), "has the ID 259, and in the vocabulary 257"),
    ],
)
def test_what_a_file_asks_for_is_done_or_refused_in_one_sentence(file, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as refusal:
        BPETokenizer.from_json(file)
    assert "\n" not in str(refusal.value)


def test_an_unknown_token_is_only_taken_where_nothing_can_be_unknown():
    assert BPETokenizer.from_json(file_of(unk_token="!")).encode("low") == [257]
    parts = json.loads(file_of(unk_token="!"))
    del parts["model"]["vocab"]["a"]
    with pytest.raises(ValueError, match="no entry for every byte"):
        BPETokenizer.from_json(json.dumps(parts))


def test_a_whole_word_that_no_merge_reaches_is_found_where_the_file_says_so():
    parts = json.loads(file_of(ignore_merges=True))
    parts["model"]["vocab"]["zip"] = 264
    file = json.dumps(parts)
    ours, theirs = BPETokenizer.from_json(file), Tokenizer.from_str(file)
    assert ours.encode("zip") == theirs.encode("zip").ids == [264]
    for text in ("zip zipper low lowest", "lowzip"):
        assert ours.encode(text) == theirs.encode(text).ids
    assert BPETokenizer.from_json(ours.to_json()).encode("zip") == [264]


@pytest.mark.parametrize("letters", ["a", "ab", "abc", "hiphop"])
def test_a_long_word_is_cut_as_hugging_face_cuts_it(letters):
    rng = random.Random(letters)
    words = ["".join(rng.choices(letters, k=rng.randint(1, 12))) for _ in range(200)]
    ours = BPETokenizer.train(words, vocab_size=320)
    theirs = Tokenizer.from_str(ours.to_json())
    for n in (1, 2, 3, 50, 3000):
        word = "".join(rng.choices(letters, k=n))
        assert ours.encode(word) == theirs.encode(word).ids


def test_each_letter_of_a_long_word_costs_no_more_than_of_a_short_one():
    # Not by the clock: by how often the table of merges is asked.
    class Counting(dict):
        asked = 0

        def __contains__(self, pair):
            Counting.asked += 1
            return super().__contains__(pair)

    ranks = Counting({(1, 1): (0, 2), (2, 2): (1, 3), (3, 3): (2, 4), (4, 4): (3, 5)})
    glue_all([1] * 1000, ranks)
    short, Counting.asked = Counting.asked, 0
    glue_all([1] * 64_000, ranks)
    assert Counting.asked < 1.1 * 64 * short


def test_words_are_remembered_but_not_those_that_could_fill_the_memory():
    asked = []
    encode = remembering(lambda word: tuple(asked.append(word) or [len(word)]))
    for word in ["kite", "kite", "x" * 100, "x" * 100]:
        assert encode(word) == (len(word),)
    assert asked == ["kite", "x" * 100, "x" * 100]
