"""Whatever is changed in a tokenizer.json: Hugging Face's IDs, or one sentence."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer

from tests.changed_files import changed, read_or_refused
from transformer_lab.tokenization import BPETokenizer, CharacterTokenizer, WordPieceTokenizer

WORDS = ["low lower lowest 12 play playing"] * 3
TEXTS = ["low lower 12 qwx", "<x> low<x>", " Été lower", "play qwx playing", "123 a-b", "zzz\n\t!"]


def bpe(**choices) -> BPETokenizer:
    return BPETokenizer.train(WORDS, vocab_size=262, special_tokens=["<x>"], **choices)


def wordpiece() -> str:
    parts = json.loads(WordPieceTokenizer.train(WORDS, vocab_size=40).to_json())
    added = {"id": len(parts["model"]["vocab"]), "content": "qwx", "normalized": True}
    parts["added_tokens"].append(parts["added_tokens"][0] | added | {"special": False})
    return json.dumps(parts)


FILES = {
    "bpe": (BPETokenizer, bpe().to_json()),
    "digits": (BPETokenizer, bpe(split_digits=True).to_json()),
    "wordpiece": (WordPieceTokenizer, wordpiece()),
    "characters": (CharacterTokenizer, CharacterTokenizer.of_text(WORDS[0]).to_json()),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_changed_file_gives_hugging_faces_ids_or_one_sentence(kind):
    reader, original = FILES[kind]
    n_read = 0
    for what, parts in changed(json.loads(original)):
        file = json.dumps(parts)
        ours = read_or_refused(lambda file=file: reader.from_json(file))
        if ours is None:
            continue
        try:
            theirs = Tokenizer.from_str(file)
        except Exception:  # it is pickier about what it does not use, either
            continue
        n_read += 1
        for text in TEXTS:
            expected = theirs.encode(text, add_special_tokens=False).ids
            assert ours.encode(text) == expected, (what, text)
            if reader is BPETokenizer:  # WordPiece guesses where spaces stood
                found = ours.decode(expected)
                assert found == theirs.decode(expected, skip_special_tokens=False), what
    assert n_read > 10  # such as all that is changed in the post-processor
