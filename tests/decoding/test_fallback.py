"""A second search for outputs that loop or are cut; all other lines stay as they are."""

from collections.abc import Sequence

import pytest

from toy_translators import LINES, TOKENIZER, translator
from whyformer.decoding.by_sentence import translate_by_sentence
from whyformer.decoding.fallback import Fallback, period
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.lines import Line
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import TextTranslator
from whyformer.foundation.errors import UsageError

A, B, C = TOKENIZER.encode("a b c")
LOOP = " ".join("b" * 9)


class Stuck(TextTranslator):
    """Copies a line. A line with `c` loops, and a line with `d` is cut, unless n-grams may not be
    repeated."""

    def __init__(self) -> None:
        super().__init__(TOKENIZER, TOKENIZER)
        self.searched: list[tuple[str, SearchSettings]] = []

    def search_lines(
        self, lines: Sequence[Line], settings: SearchSettings
    ) -> list[list[Hypothesis]]:
        self.searched += [(line.source, settings) for line in lines]
        return [[self._found(line, settings)] for line in lines]

    def _found(self, line: Line, settings: SearchSettings) -> Hypothesis:
        tokens = tuple(line.ids[:-1])
        if not settings.no_repeat_ngram and C in tokens:
            tokens += (B,) * 9
        cut = "d" in line.source and not settings.no_repeat_ngram
        return Hypothesis(tokens, -1.0, -1.0, not (cut or "e" in line.source))


def test_the_period_of_a_loop_by_hand() -> None:
    assert period([A, B] * 4) == 2
    assert period([C, *[A, B] * 4, C]) == 2
    assert period([A, B] * 3) == 0  # three times is no loop
    assert period([A] * 7) == 0  # short
    assert period([A] * 8) == 1
    assert period([A, B, C] * 3 + [A, B]) == 0
    assert period(list(range(40)) * 4) == 0  # longer blocks are not looked for
    assert period([]) == 0


def test_the_second_search_is_wider_and_repeats_a_block_at_most_twice() -> None:
    fallback = Fallback(SearchSettings(beam=1))
    loop = Hypothesis((A, B, C, A) * 5, -1.0, -1.0, True)
    assert (fallback.settings(loop).beam, fallback.settings(loop).no_repeat_ngram) == (4, 5)
    short = Hypothesis((A,) * 9, -1.0, -1.0, True)
    assert Fallback(SearchSettings(beam=5)).settings(short).no_repeat_ngram == 3
    cut = Hypothesis((A, B), -1.0, -1.0, False)
    assert fallback.settings(cut).no_repeat_ngram == 8
    strict = Fallback(SearchSettings(beam=6, groups=3, no_repeat_ngram=2)).settings(loop)
    assert (strict.beam, strict.no_repeat_ngram) == (12, 2)


def test_only_bad_lines_are_searched_again_and_only_good_results_are_taken() -> None:
    stuck = Stuck()
    lines = ["a b", "c a", "", "d b", "e", LOOP, "b"]
    plain = Stuck().translate(lines, SearchSettings(beam=1))
    found = stuck.translate(lines, SearchSettings(beam=1), fallback=True)
    assert [one.fallback for one in found] == [None, True, None, True, False, None, None]
    again = [source for source, settings in stuck.searched if settings.no_repeat_ngram]
    assert sorted(again) == ["c a", "d b", "e"]
    assert found[1].text == "c a"
    assert found[3].hypotheses[0][1].finished
    for one, before in zip(found, plain, strict=True):
        if one.fallback is None:  # untouched
            assert one == before
    assert found[4].text == plain[4].text
    assert found[5].text == LOOP  # the source loops, too


def test_a_real_search_is_untouched_where_it_ends_by_itself() -> None:
    settings = SearchSettings(beam=2, max_length=12)
    plain = translator(1).translate(LINES, settings)
    found = translator(1).translate(LINES, settings, fallback=True)
    assert any(one.fallback is not None for one in found)
    for one, before in zip(found, plain, strict=True):
        if one.fallback is None:
            assert one == before
        elif one.fallback:
            assert one.hypotheses[0][1].finished
            assert not period(one.hypotheses[0][1].tokens)


def test_sentences_are_searched_again_one_by_one() -> None:
    """The sentence with `c` is replaced, the sentence before it is not."""
    line = "Ihr kommt. Nun c a."
    (found,) = translate_by_sentence(Stuck(), [line], SearchSettings(beam=1), fallback=True)
    assert [one.fallback for one in found.sentences] == [None, True]
    assert found.fallback is True
    assert found.text == line
    (found,) = translate_by_sentence(Stuck(), [line], SearchSettings(beam=1))
    assert found.text.endswith(LOOP)


def test_samples_have_no_fallback() -> None:
    settings = SearchSettings.model_validate({"method": "sample"})
    with pytest.raises(UsageError, match="A fallback needs a beam search"):
        translator(1).translate(["a"], settings, fallback=True)
