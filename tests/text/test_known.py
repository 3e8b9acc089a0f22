"""Characters that a tokenizer has not learned."""

import pytest

from whyformer.text.known import Known
from whyformer.text.tokenizer import train_tokenizer

LEARNED = ["the dog runs", "a dog sings", "the cat runs"]


def known(units: str, *, lowercase: bool = False) -> Known:
    return Known(train_tokenizer(units, LEARNED, vocabulary=400, lowercase=lowercase))


@pytest.mark.parametrize("units", ["bpe", "unigram", "chars", "words"])
def test_training_texts_are_known_and_other_scripts_are_not(units):
    found = known(units)
    assert [found.unknown_share(text) for text in LEARNED] == [0, 0, 0]
    assert found.unknown_share("안녕하세요 여러분") == 1
    assert found.unknown_share("DOG") == 1
    assert found.unknown_share("") == found.unknown_share(" \u3000") == 0


def test_the_share_is_that_of_the_characters():
    assert known("chars").unknown_share("dog 안") == 0.25
    assert known("words").unknown_share("dog doggy") == 5 / 8


def test_case_that_the_tokenizer_removes_is_known():
    assert known("chars", lowercase=True).unknown_share("DOG") == 0


def test_every_byte_has_a_piece_in_byte_bpe():
    assert known("byte_bpe").unknown_share("안녕") == 0
