"""Translating the sentences of a line one by one."""

import pytest

from toy_runs import toy_bundle
from whyformer.decoding.by_sentence import translate_by_sentence
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import UsageError
from whyformer.workflows.translate import answers

WANTED = SearchSettings(beam=2, max_length=4)
LINES = ["a bc. Cc dd. Ee!", "", "a b", "f? G", "  ", "h"]


@pytest.fixture(scope="module")
def translator() -> Translator:
    made = toy_bundle()
    return Translator([made.model], made.source_tokenizer, made.target_tokenizer)


def test_a_line_is_the_translations_of_its_sentences_joined_by_spaces(translator):
    found = translate_by_sentence(translator, LINES, WANTED)
    assert [one.source for one in found] == LINES
    parts = translator.translate(["a bc.", "Cc dd.", "Ee!"], WANTED)
    assert found[0].text == " ".join(one.text for one in parts)
    assert found[0].score == pytest.approx(sum(one.score for one in parts), abs=1e-5)
    assert [one.source for one in found[0].sentences] == ["a bc.", "Cc dd.", "Ee!"]


def test_a_line_of_one_sentence_has_the_translation_it_has_without_splitting(translator):
    lines = ["a b", "", "c d e", "  "]
    assert translate_by_sentence(translator, lines, WANTED) == translator.translate(lines, WANTED)


@pytest.mark.parametrize("live", [False, True])
def test_streams_give_the_same_lines(translator, live):
    found = answers(translator, iter(LINES), WANTED, live=live, split_sentences=True)
    texts = [one.text for one in translate_by_sentence(translator, LINES, WANTED)]
    assert [one.text for one in found] == texts


def test_samples_of_sentences_are_joined_too(translator):
    sampled = SearchSettings(method="sample", beam=1, max_length=4, seed=3)
    found = list(answers(translator, iter(LINES), sampled, split_sentences=True))
    assert [one.source for one in found] == LINES
    assert len(found[0].sentences) == 3


def test_what_belongs_to_a_whole_line_is_refused(translator):
    several = SearchSettings(beam=2, nbest=2)
    with pytest.raises(UsageError, match="Set nbest to 1"):
        translate_by_sentence(translator, LINES, several)
    with pytest.raises(UsageError, match="prefix applies to a whole line"):
        list(answers(translator, LINES, WANTED, prefix="a", split_sentences=True))
    with pytest.raises(UsageError, match="must be a list of texts"):
        translate_by_sentence(translator, "a bb. Cc d.", WANTED)
