"""The translation language: correct, consistent, and split without leaks."""

import unicodedata

import pytest

from transformer_lab.languages import translation
from transformer_lab.languages.hindi import romanise
from transformer_lab.languages.translation import held_out, pairs, spell, split, vocabulary

# Written out by hand: agreement in gender, number, respect, person and tense.
KNOWN = {
    "we are friends": "हम दोस्त हैं",
    "she is a student": "वह छात्रा है",
    "the girls are writers": "लड़कियाँ लेखिकाएँ हैं",
    "grandmother is a teacher": "दादीजी शिक्षिका हैं",
    "i am not tired": "मैं थका हुआ नहीं हूँ",
    "the women are very tired": "औरतें बहुत थकी हुई हैं",
    "is father angry?": "क्या पिताजी नाराज़ हैं?",
    "sita's books are new": "सीता की किताबें नई हैं",
    "my caps are old": "मेरी टोपियाँ पुरानी हैं",
    "where is your phone?": "आपका फ़ोन कहाँ है?",
    "the cup is under the table": "प्याला मेज़ के नीचे है",
    "is my letter in the box?": "क्या मेरी चिट्ठी डिब्बे में है?",
    "the boy ate a mango yesterday": "लड़के ने कल एक आम खाया",
    "the boy ate bread yesterday": "लड़के ने कल रोटी खाई",
    "they read good stories yesterday": "उन्होंने कल अच्छी कहानियाँ पढ़ीं",
    "i drank tea yesterday": "मैंने कल चाय पी",
    "mother will drink water tomorrow": "माँ कल पानी पिएँगी",
    "i will write a letter tomorrow": "मैं कल एक चिट्ठी लिखूँगा",
    "the girls do not eat mangoes": "लड़कियाँ आम नहीं खातीं",
    "you went to the city yesterday": "आप कल शहर गए",
    "priya came from the market yesterday": "प्रिया कल बाज़ार से आई",
    "what is ram eating?": "राम क्या खा रहा है?",
    "where are you going?": "आप कहाँ जा रहे हैं?",
    "i have a big apple": "मेरे पास एक बड़ा सेब है",
    "they want water": "उन्हें पानी चाहिए",
    "the boys like oranges": "लड़कों को संतरे पसंद हैं",
    "ravi is playing with the children": "रवि बच्चों के साथ खेल रहा है",
    "the man is working in the garden": "आदमी बग़ीचे में काम कर रहा है",
}
BY_ENGLISH = {spell(pair.english): pair for pair in pairs()}


@pytest.mark.parametrize(("english", "hindi"), KNOWN.items())
def test_the_hindi_is_what_a_grammar_book_says(english, hindi):
    assert spell(BY_ENGLISH[english].hindi) == hindi


def test_there_are_thousands_of_sentences_and_each_has_one_translation():
    assert len(pairs()) > 5000
    assert len(BY_ENGLISH) == len(pairs())


def test_every_word_is_plain_and_normalised():
    english, hindi = vocabulary()
    assert all(word.isascii() and word == word.lower() for word in english)
    for word in hindi:
        assert unicodedata.normalize("NFC", word) == word
        assert word == "?" or all("DEVANAGARI" in unicodedata.name(letter) for letter in word)


def test_alignments_point_at_words_that_are_there():
    for pair in pairs()[::97]:
        assert len(pair.alignment) == len(pair.hindi)
        assert all(0 <= place < len(pair.english) for places in pair.alignment for place in places)


def test_no_held_out_sentence_can_be_trained_on_in_either_language():
    training, held = held_out(20, seed=3)
    assert len(training) + len(held) == len(pairs())
    assert not {pair.hindi for pair in training} & {pair.hindi for pair in held}
    assert not {pair.english for pair in training} & {pair.english for pair in held}
    assert {pair.kind for pair in held} == set(translation.KINDS)
    assert held_out(20, seed=3)[1] == held
    assert held_out(20, seed=4)[1] != held


def test_every_held_out_word_is_known_from_training():
    training, held = held_out(60, seed=0)
    known = {word for pair in training for word in (*pair.english, *pair.hindi)}
    assert all({*pair.english, *pair.hindi} <= known for pair in held)


def test_a_sentence_is_read_whatever_its_capitals_and_marks():
    assert split("  We ARE friends. ") == ["we", "are", "friends"]
    assert split("Where is Sita’s book?") == ["where", "is", "sita's", "book", "?"]
    assert split("") == []


@pytest.mark.parametrize(
    ("word", "latin"),
    [("हम", "ham"), ("दोस्त", "dost"), ("हैं", "hain"), ("में", "mein"), ("लड़कियाँ", "larkiyaan"),
     ("किताबें", "kitaabein"), ("लंबा", "lamba"), ("पढ़ती", "padhti"), ("ख़रीदा", "khareeda"),
     ("आदमी", "aadmi"), ("उसने", "usne"), ("बाज़ार", "baazaar"), ("हूँ", "hoon"), ("?", "?")],
)  # fmt: skip
def test_hindi_in_latin_letters(word, latin):
    assert romanise(word) == latin
