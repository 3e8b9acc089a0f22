"""The error report of a run of the task `translate`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from whyformer.evaluation.accuracy import edit_distance
from whyformer.evaluation.baselines.pairs import are_symbols
from whyformer.evaluation.calibration import cross_fitted, curve
from whyformer.evaluation.edits import aligned, confusions
from whyformer.evaluation.error_kinds import OF_SOURCE, output_kinds
from whyformer.evaluation.metric import METRICS
from whyformer.evaluation.report import evaluate_texts
from whyformer.tasks.pair_data import Item
from whyformer.tasks.translation import Translation
from whyformer.text.normalization import lower, normalize
from whyformer.workflows.confidence import confidence_features
from whyformer.workflows.engines import Engines
from whyformer.workflows.errors.report import (
    SHOWN_CONTRADICTIONS,
    ErrorReport,
    Kind,
    Mistake,
    most_common,
)
from whyformer.workflows.errors.training import TrainingItems
from whyformer.workflows.verdict.effort import sampled
from whyformer.workflows.verdict.pairs import MOST_PAIRS

SAMPLE = 1000


@dataclass(frozen=True)
class TextSymbols:
    """How texts are divided to compare them: into words, or into characters.

    Args: unit: name of a symbol.
    """

    unit: str
    lowercase: bool

    @staticmethod
    def of(texts: Sequence[str], *, lowercase: bool) -> "TextSymbols":
        """Choose characters for texts without spaces."""
        if are_symbols(texts):
            return TextSymbols("symbol", lowercase)
        spaces = sum(" " in text.strip() for text in texts)
        return TextSymbols("word" if 2 * spaces >= len(texts) else "character", lowercase)

    def split(self, text: str) -> list[str]:
        """Return the symbols of a text."""
        text = lower(text) if self.lowercase else normalize(text)
        return list(text.strip()) if self.unit == "character" else text.split()


def errors_of_pairs(
    task: Translation, run: Path, items: Sequence[Item], where: str, count: int
) -> ErrorReport:
    """Translate the items with the run, and describe the wrong translations.

    Args: count: maximum number of mistakes to show.
    """
    chosen = Engines([run]).choose({})
    answers = chosen.translator.translate([item.source for item in items], chosen.settings)
    corpus = task.data.corpus
    training = TrainingItems(
        corpus.texts(number) for number in sampled(range(len(corpus)), MOST_PAIRS)
    )
    lowercase = task.recipe.text.lowers_target
    symbols = TextSymbols.of([t for _, t in training.items[:SAMPLE]], lowercase=lowercase)
    nearest = [
        closest(symbols, answer.text, item.references)
        for answer, item in zip(answers, items, strict=True)
    ]
    written = [symbols.split(answer.text) for answer in answers]
    rights = [symbols.split(one) for one in nearest]
    distances = [edit_distance(a, b) for a, b in zip(written, rights, strict=True)]
    features = [confidence_features(answer) for answer in answers]
    probabilities = cross_fitted(features, [not distance for distance in distances])
    sources = [training.sources.kinds(item.source) for item in items]
    kinds: list[list[str]] = []
    for item, answer, a, b, distance, of_source in zip(
        items, answers, written, rights, distances, sources, strict=True
    ):
        finished = not answer.hypotheses or answer.hypotheses[0][1].finished
        own = output_kinds(item.source, a, b, finished=finished) if distance else []
        kinds.append([*of_source, *own])
    wrong = [n for n, distance in enumerate(distances) if distance]
    worst = sorted(wrong, key=lambda n: (-distances[n] / max(1, len(rights[n])), -distances[n], n))
    metrics = list(dict.fromkeys([task.metric if task.metric in METRICS else "chrf", "exact"]))
    report = evaluate_texts(
        [[answer.text for answer in answers]],
        [item.references for item in items],
        metrics,
        names=["run"],
        lowercase=lowercase,
    )
    edits = confusions(aligned(written[n], rights[n]) for n in wrong)
    contradictions = training.contradictions()
    return ErrorReport(
        run=str(run),
        where=where,
        unit=symbols.unit,
        items=len(items),
        wrong=len(wrong),
        scores=tuple(report.scores["run"]),
        kinds=counted_kinds(kinds, wrong),
        confusions=most_common(list(edits.items())),
        mistakes=tuple(
            Mistake(
                n + 1,
                items[n].source,
                answers[n].text,
                nearest[n],
                distances[n] / max(1, len(rights[n])),
                probabilities[n] if probabilities else None,
                tuple(kinds[n]),
                training.neighbours(items[n].source),
            )
            for n in worst[:count]
        ),
        contradictory=len(contradictions),
        contradictions=tuple(contradictions[:SHOWN_CONTRADICTIONS]),
        curve=curve(probabilities, [not d for d in distances]) if probabilities else None,
    )


def closest(symbols: TextSymbols, text: str, references: Sequence[str]) -> str:
    """Return the reference with the fewest edits; of several, the first."""
    written = symbols.split(text)
    return min(references, key=lambda one: edit_distance(written, symbols.split(one)))


def counted_kinds(kinds: Sequence[Sequence[str]], wrong: Sequence[int]) -> tuple[Kind, ...]:
    """Return each kind with its numbers of wrong answers and items, the most frequent first.

    Args: kinds: the kinds of every item. wrong: the items with wrong answers.
    """
    every = Counter(kind for one in kinds for kind in one)
    of_wrong = Counter(kind for n in wrong for kind in kinds[n])
    found = [
        Kind(name, times, every[name] if name in OF_SOURCE else None)
        for name, times in of_wrong.most_common()
    ]
    without = sum(not kinds[n] for n in wrong)
    return (*found, Kind("other", without)) if without else tuple(found)
