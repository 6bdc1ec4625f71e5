"""WordPiece: cut as Hugging Face's library cuts, trained as the paper describes."""

import json
import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers, pre_tokenizers

from transformer_lab import pretrained
from transformer_lab.languages import stories
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.tokenization.wordpiece import SPECIAL_TOKENS, normalise, split_words

CORPUS = [str(story) for story in stories.sample_many(300, seed=5)] + [
    "low lower lowest; newer wider. Anna's 42 kites!  don't\n\n\tstop",
    "हम दोस्त हैं। नदी का किनारा",
    "naïve café — 東京",
]
STRINGS = [
    *CORPUS[-3:],
    "",
    " ",
    "unbelievable",
    "unbeleivable",
    "playing",
    "[CLS] a [MASK] b [SEP]",
    "हम दोस्त हैं",
    "👩‍🚀🙂",
    "a" * 99 + " " + "b" * 101,
    "1,000.5$ + x^2 = ~|y|",
    "tab\tnew\nline\r\nno\u00a0break\u200b\u0000\ufffd",
    "ΣΊΣΥΦΟΣ İstanbul ǅ ß ﬁ",
    "東京で猫を見た",
]


@pytest.fixture(scope="module")
def ours():
    return WordPieceTokenizer.train(CORPUS, vocab_size=400)


@pytest.fixture(scope="module")
def theirs(ours):
    return Tokenizer.from_str(ours.to_json())


@pytest.fixture(scope="module")
def same_characters():
    """The characters that both libraries read alike: all but some hundred.

    The other library's Unicode tables are some years older than ours.
    """
    normaliser = normalizers.BertNormalizer(lowercase=True)
    cutter = pre_tokenizers.BertPreTokenizer()
    different = set()
    for code in [*range(0xD800), *range(0xE000, 0x110000)]:
        text = f"a{chr(code)}b"
        same = normaliser.normalize_str(text) == normalise(text)
        if not same or [w for w, _ in cutter.pre_tokenize_str(text)] != split_words(text):
            different.add(chr(code))
    assert len(different) < 700
    assert not different & set(map(chr, range(0x250)))  # none in Latin script,
    assert not different & set(map(chr, range(0x900, 0x980)))  # nor in Devanagari
    return lambda text: "".join(char for char in text if char not in different)


any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(text=any_text)
def test_encoding_equals_hugging_faces(ours, theirs, same_characters, text):
    text = same_characters(text)
    assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids


@given(text=any_text)
def test_with_berts_own_vocabulary_too(real, same_characters, text):
    ours, theirs = real
    text = same_characters(text)
    assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids


@pytest.fixture(scope="module")
def real():
    path = pretrained.package_file(pretrained.MINILM, "tokenizer.json")
    theirs = Tokenizer.from_file(str(path))
    theirs.no_truncation()
    theirs.no_padding()
    return pretrained.bert_tokenizer(), theirs


@pytest.mark.parametrize("text", STRINGS)
def test_real_strings_are_cut_and_joined_as_hugging_face_does(ours, theirs, real, text):
    for mine, other in ((ours, theirs), real):
        ids = other.encode(text, add_special_tokens=False).ids
        assert mine.encode(text) == ids
        assert mine.decode(ids) == other.decode(ids)


@pytest.mark.parametrize("pair", [("Anna had a kite.", None), ("Who?", "Anna had a kite.")])
def test_a_pair_of_sentences_is_put_together_as_bert_expects(real, pair):
    ours, theirs = real
    expected = theirs.encode(*pair)
    assert ours.encode_for_bert(*pair) == (expected.ids, expected.type_ids)


def test_berts_vocabulary_is_whole(real):
    assert len(real[0]) == 30_522
    assert [real[0].piece(id) for id in real[0].encode("unbelievable")] == ["unbelievable"]


def test_the_file_goes_both_ways(ours, theirs):
    for text in (ours.to_json(), theirs.to_str()):
        assert WordPieceTokenizer.from_json(text).vocab == ours.vocab


def slow_training(texts, vocab_size, min_count=2):
    """The rule, written down as plainly as can be: everything is counted anew each time."""
    counts = Counter(word for text in texts for word in split_words(normalise(text)))
    words = {word: [word[0], *("##" + letter for letter in word[1:])] for word in counts}
    pieces = [*SPECIAL_TOKENS, *sorted({piece for word in words.values() for piece in word})]
    while len(pieces) < vocab_size:
        single, pairs = Counter(), Counter()
        for word, parts in words.items():
            for part in parts:
                single[part] += counts[word]
            for pair in pairwise(parts):
                pairs[pair] += counts[word]
        order = {piece: id for id, piece in enumerate(pieces)}
        scores = {
            pair: (n / (single[pair[0]] * single[pair[1]]), [-order[piece] for piece in pair])
            for pair, n in pairs.items()
            if n >= min_count
        }
        if not scores:
            break
        a, b = max(scores, key=scores.get)
        glued = a + b.removeprefix("##")
        if glued not in pieces:
            pieces.append(glued)
        for parts in words.values():
            at = 0
            while at + 1 < len(parts):
                if (parts[at], parts[at + 1]) == (a, b):
                    parts[at : at + 2] = [glued]
                at += 1
    return pieces


def test_training_learns_what_the_plain_rule_learns():
    tokenizer = WordPieceTokenizer.train(CORPUS[-40:], vocab_size=220)
    assert list(tokenizer.vocab) == slow_training(CORPUS[-40:], 220)


def test_the_score_does_not_take_the_most_frequent_pair():
    # "ab" is the most frequent pair, but its letters are frequent everywhere;
    # "q" and "u" are rare, and never apart.
    texts = ["ab"] * 8 + ["ac", "cb", "ad", "db"] * 8 + ["qu"] * 3
    first = len(SPECIAL_TOKENS) + len({"a", "##b", "##c", "c", "##d", "d", "q", "##u"})
    tokenizer = WordPieceTokenizer.train(texts, vocab_size=first + 1)
    assert tokenizer.piece(first) == "qu"


def test_playing_is_cut_into_play_and_ing():
    tokenizer = WordPieceTokenizer(
        {piece: id for id, piece in enumerate([*SPECIAL_TOKENS, "play", "##ing", "p", "##lay"])}
    )
    assert [tokenizer.piece(id) for id in tokenizer.encode("playing")] == ["play", "##ing"]


def test_one_letter_that_is_unknown_makes_the_whole_word_unknown(ours):
    pieces = [ours.piece(id) for id in ours.encode("kite kiteж kite§")]
    assert pieces.count("[UNK]") == 2  # the second word, and the mark § by itself
    assert ours.encode("kiteж") == [ours.vocab["[UNK]"]]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: WordPieceTokenizer({"a": 0}), r"no entry for '\[PAD\]'"),
        (lambda: WordPieceTokenizer.from_json("{}"), r"not a tokenizer\.json"),
        (lambda: WordPieceTokenizer.from_json('{"model": {"type": "BPE"}}'), "not a WordPiece"),
        (
            lambda: WordPieceTokenizer.from_json(
                json.dumps(
                    json.loads(WordPieceTokenizer.train(["a"], vocab_size=9).to_json())
                    | {"normalizer": None}
                )
            ),
            "not a WordPiece",
        ),
        (lambda: WordPieceTokenizer.train(["a"], vocab_size=9).decode([77]), "token ID 77"),
    ],
)
def test_what_cannot_work_is_one_clear_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def with_added(**flags) -> str:
    pieces = [*SPECIAL_TOKENS, "play", "##ing", "x", "##x"]
    parts = json.loads(WordPieceTokenizer({piece: id for id, piece in enumerate(pieces)}).to_json())
    token = {"id": 9, "content": "qwx", "single_word": False, "lstrip": False, "rstrip": False}
    parts["added_tokens"] += [{**token, "normalized": False, "special": False, **flags}]
    return json.dumps(parts)


@pytest.mark.parametrize(
    "flags",
    [{}, {"normalized": True}, {"special": True}, {"content": "QwX", "normalized": True}],
)
def test_an_added_token_is_found_as_hugging_face_finds_it(flags):
    file = with_added(**flags)
    ours, theirs = WordPieceTokenizer.from_json(file), Tokenizer.from_str(file)
    again = WordPieceTokenizer.from_json(ours.to_json())
    for text in ("play qwx", "playing QWX", "qwxplay QwX x", "", "[MASK] qwx [SEP]"):
        ids = theirs.encode(text, add_special_tokens=False).ids
        assert ours.encode(text) == again.encode(text) == ids, text
    assert 9 in ours.encode("play qwx")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"unk_token": "x"}, "unk_token='x'"),
        ({"continuing_subword_prefix": ""}, "continuing_subword_prefix=''"),
        ({"max_input_chars_per_word": 50}, "max_input_chars_per_word=50"),
        ({"colour": "red"}, "a field 'colour'"),
    ],
)
def test_what_a_file_asks_for_is_done_or_refused_in_one_sentence(changes, sentence):
    parts = json.loads(with_added())
    parts["model"] |= changes
    with pytest.raises(ValueError, match=re.escape(sentence)):
        WordPieceTokenizer.from_json(json.dumps(parts))


@pytest.mark.parametrize("flag", ["lstrip", "rstrip", "single_word"])
def test_an_added_token_that_takes_its_surroundings_along_is_refused(flag):
    with pytest.raises(ValueError, match=f"{flag}=True"):
        WordPieceTokenizer.from_json(with_added(**{flag: True}))
