"""n-best lists hold different texts, and scores are those of the tokens that were searched."""

import pytest
import torch

from toy_runs import toy_bundle
from whyformer.bundle import Bundle
from whyformer.decoding.alignment import align
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.text.symbols import EOS, FIRST_BYTE, FIRST_PIECE

SOURCES = ["a b c", "c b", "e", "f g h i j", "c c b a"]
WANTED = SearchSettings(beam=4, nbest=4, max_length=3, length_penalty=0.0)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """A model that writes a letter as a character or as a byte, one as probable as the other."""
    made = toy_bundle(shared=False)
    weight = made.model.projection.weight
    with torch.no_grad():
        for token in range(FIRST_PIECE, len(weight)):
            letter = made.target_tokenizer.decode([token]).encode()[0]
            weight[FIRST_BYTE + letter] = 1.05 * weight[token]
        weight[EOS] = 0.9 * weight[FIRST_PIECE]  # some hypotheses end, others are cut
    return made


@pytest.fixture(scope="module")
def translator(bundle: Bundle) -> Translator:
    return Translator([bundle.model], bundle.source_tokenizer, bundle.target_tokenizer)


def test_no_text_is_listed_twice_and_every_list_is_full(translator: Translator) -> None:
    assert any(  # else nothing is merged here
        len({text for text, _ in answer.hypotheses}) == 4
        and translator.target_tokenizer.encode(text) != list(one.tokens)
        for answer in translator.translate(SOURCES, WANTED)
        for text, one in answer.hypotheses
    )
    for answer in translator.translate(SOURCES, WANTED):
        texts = [text for text, _ in answer.hypotheses]
        assert len(texts) == len(set(texts)) == WANTED.nbest
        scores = [one.score for _, one in answer.hypotheses]
        assert scores == sorted(scores, reverse=True)


def test_lists_do_not_depend_on_the_company(translator: Translator) -> None:
    together = translator.translate(SOURCES, WANTED)
    alone = [translator.translate([source], WANTED)[0] for source in SOURCES]
    assert [[text for text, _ in one.hypotheses] for one in together] == [
        [text for text, _ in one.hypotheses] for one in alone
    ]


def test_samples_are_not_merged(translator: Translator) -> None:
    wanted = SearchSettings(method="sample", nbest=40, max_length=1)  # pyright: ignore[reportArgumentType]
    assert len(translator.translate(["a"], wanted)[0].hypotheses) == 40


def test_a_hypothesis_is_scored_by_the_tokens_that_were_searched(translator: Translator) -> None:
    answers = translator.translate(SOURCES, WANTED)
    asked = [(answer.source, one) for answer in answers for _, one in answer.hypotheses]
    assert {one.finished for _, one in asked} == {True, False}
    found = translator.score([source for source, _ in asked], [one for _, one in asked])
    assert [pair and pair.log_probability for pair in found] == pytest.approx(
        [one.log_probability for _, one in asked], abs=1e-4
    )


def test_alignments_show_the_tokens_that_were_searched(
    bundle: Bundle, translator: Translator
) -> None:
    for answer in translator.translate(SOURCES, WANTED):
        for _, one in answer.hypotheses:
            (found,) = align(bundle, [answer.source], [one])
            ids = [*one.tokens, *[EOS] * one.finished]
            assert found.target_tokens == bundle.target_tokenizer.tokens(ids)
