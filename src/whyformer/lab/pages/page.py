"""The contents of a page, and the names of its parts."""

from collections.abc import Mapping
from dataclasses import dataclass

from whyformer.foundation.bilingual import Language
from whyformer.lab.method.experiment import Experiment, Mode
from whyformer.lab.method.record import Record
from whyformer.lab.method.verdict import Judgement
from whyformer.lab.pages.cards import Card, Facts
from whyformer.lab.pages.frame import say
from whyformer.lab.pages.wording import WORDS


@dataclass(frozen=True)
class Page:
    """A question with everything that its page shows."""

    experiment: Experiment
    record: Record | None
    facts: Facts
    cards: Mapping[Language, Card | None]


def is_quick(record: Record | None) -> bool:
    """Return whether a record comes from a quick run, so that its verdicts are provisional."""
    return record is not None and record.results.mode is Mode.QUICK


def circumstance(experiment: Experiment, name: str, language: Language) -> str:
    """Return the name of a circumstance, an arm or a test on the pages."""
    said = experiment.names.get(name)
    return name if said is None else said.in_(language)


def where(
    experiment: Experiment, judgement: Judgement, language: Language, *, between: str = ", "
) -> list[tuple[str, str]]:
    """Return pairs: a result (holds in, fails in, open in) and the circumstances with this result.
    If all circumstances have the same result, return an empty list.

    Args: between: the text between two circumstances.
    """
    kinds = (
        ("holds_in", judgement.holds),
        ("fails_in", judgement.fails),
        ("open_in", judgement.open),
    )
    if sum(map(bool, (judgement.holds, judgement.fails, judgement.open))) < 2:
        return []
    return [
        (
            WORDS[word].in_(language),
            between.join(circumstance(experiment, n, language) for n in names),
        )
        for word, names in kinds
        if names
    ]


def not_yet(language: Language) -> str:
    """Return the HTML label of a claim that was not measured."""
    return f'<span class="absent">{say("not_yet", language)}</span>'
