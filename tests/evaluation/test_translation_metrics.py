import random

import numpy as np
import pytest
import sacrebleu

from whyformer.evaluation.metric import Metric, score
from whyformer.evaluation.translation import bleu, chrf, ter
from whyformer.foundation.errors import DataError, UsageError

WORDS = ["the", "a", "dog", "cat", "runs", "sits", "mat", "in", "house", "green", ".", ",", "!"]


def corpus(seed: int, lines: int = 60, alternatives: int = 2) -> tuple[list[str], list[list[str]]]:
    """Return outputs that are references with a third of their words replaced."""
    chance = random.Random(seed)

    def sentence() -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(3, 14)))

    references = [[sentence() for _ in range(alternatives)] for _ in range(lines)]
    outputs = [
        " ".join(word if chance.random() < 0.66 else "x" for word in answers[0].split())
        for answers in references
    ]
    return outputs, references


@pytest.mark.parametrize("alternatives", [1, 3])
@pytest.mark.parametrize(
    ("metric", "official"),
    [
        (bleu(), sacrebleu.BLEU()),
        (bleu(lowercase=True, tokenize="char"), sacrebleu.BLEU(lowercase=True, tokenize="char")),
        (bleu(tokenize="intl"), sacrebleu.BLEU(tokenize="intl")),
        (chrf(), sacrebleu.CHRF()),
        (ter(), sacrebleu.TER()),
    ],
)
def test_values_are_sacrebleus(metric: Metric, official: object, alternatives: int) -> None:
    outputs, references = corpus(1, alternatives=alternatives)
    streams = [list(stream) for stream in zip(*references, strict=True)]
    wanted = official.corpus_score(outputs, streams)  # pyright: ignore[reportAttributeAccessIssue]
    found = score(metric, outputs, references, resamples=50)
    assert found.value == pytest.approx(wanted.score, abs=1e-9)
    signature = official.get_signature().format()  # pyright: ignore[reportAttributeAccessIssue]
    assert signature in found.signature
    assert found.signature.endswith("bs:50|seed:12345")


def test_lines_may_have_different_numbers_of_references() -> None:
    outputs = ["a dog runs on the mat", "a cat sits in the house"]
    one, two = "a dog runs on the mat", "the cat sits in a house"
    found = score(bleu(), outputs, [[one, two], [two]], resamples=0)
    wanted = sacrebleu.BLEU().corpus_score(outputs, [[one, two], [two, None]])  # pyright: ignore
    assert found.value == pytest.approx(wanted.score)
    assert "nrefs:var" in found.signature
    assert found.interval is None


@pytest.mark.parametrize("metric", [bleu(), chrf(), ter()])
def test_a_reference_is_perfect(metric: Metric) -> None:
    references = corpus(2)[1]
    found = score(metric, [answers[1] for answers in references], references, resamples=20)
    best = 100.0 if metric.higher_is_better else 0.0
    assert found.value == pytest.approx(best)
    assert (
        found.interval is None
    )  # every resample is perfect, so nothing shows how far it may be off
    assert found.note is not None


@pytest.mark.parametrize("metric", [bleu(), chrf(), ter()])
def test_the_interval_holds_the_value_and_is_that_of_sacrebleu(metric: Metric) -> None:
    outputs, references = corpus(3, lines=200)
    found = score(metric, outputs, references)
    assert found.interval is not None
    low, high = found.interval
    assert low < found.value < high
    official = {"bleu": sacrebleu.BLEU, "chrf": sacrebleu.CHRF, "ter": sacrebleu.TER}[metric.name]()
    streams = [list(stream) for stream in zip(*references, strict=True)]
    wanted = official.corpus_score(outputs, streams, n_bootstrap=1000)
    assert (high - low) / 2 == pytest.approx(wanted._ci, rel=0.15)
    assert score(metric, outputs, references) == found  # seeded


def test_statistics_add_up_over_lines() -> None:
    outputs, references = corpus(4)
    for metric in (bleu(), chrf(), ter()):
        whole = metric.statistics(outputs, references)
        parts = [metric.statistics([o], [r]) for o, r in zip(outputs, references, strict=True)]
        np.testing.assert_allclose(np.concatenate(parts), whole)


def test_mistakes_are_explained() -> None:
    with pytest.raises(UsageError, match=r"it is `ko-mecab`.*Known: 13a, char"):
        bleu(tokenize="ko-mecab")
    with pytest.raises(DataError, match="2 hypotheses and 1 reference"):
        score(bleu(), ["a", "b"], [["a"]])
    with pytest.raises(DataError, match="input is empty"):
        score(bleu(), [], [])
    with pytest.raises(DataError, match="line 2 has none"):
        score(bleu(), ["a", "b"], [["a"], []])
    with pytest.raises(UsageError, match="a list of references for each line"):
        score(bleu(), ["a", "b"], ["a", "b"])
