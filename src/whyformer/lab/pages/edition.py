"""What changed since the first edition: the answers to the review, and the verdicts before and
after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from whyformer.foundation.bilingual import Bilingual
from whyformer.foundation.parsing import read_json
from whyformer.lab.method.experiment import Claim
from whyformer.lab.method.verdict import Judgement, Verdict
from whyformer.lab.pages.page import Page

CHANGES = Path(__file__).parents[1] / "changes"


class Status(StrEnum):
    """What became of a point of the review."""

    CORRECTED = "corrected"
    REMEASURED = "re-measured"
    REFUTED = "refuted"
    PLANNED = "planned"
    OPEN = "open"


@dataclass(frozen=True)
class Answer:
    """The answer to a point of the review. Args: question: "" for a point about all questions."""

    question: str
    status: Status
    text: Bilingual


@dataclass(frozen=True)
class Point:
    """A point of the review with its answers."""

    name: str
    text: Bilingual
    answers: Sequence[Answer]


class Cause(StrEnum):
    """Why a verdict differs from the verdict of the first edition."""

    NEW = "new_claim"
    DATA = "new_data"
    CLAIM = "new_tests"
    INTERVAL = "wider_interval"
    CORRECTION = "correction"


@dataclass(frozen=True)
class Change:
    """The verdict on a claim in both editions.

    Args:
        before: the verdict of the first edition; None for a new claim.
        plain: the verdict with intervals that are not corrected for the number of tests.
        cause: None if the verdict is the same.
    """

    page: Page
    claim: Claim
    before: Judgement | None
    plain: Judgement
    after: Judgement
    cause: Cause | None


@cache
def points() -> Sequence[Point]:
    """Return the points of the review in order, each with its answers."""
    answers = read_json(CHANGES / "answers.json")
    return [
        Point(
            one["point"],
            Bilingual(one["en"], one["ko"]),
            [
                Answer(a["question"], Status(a["status"]), Bilingual(a["en"], a["ko"]))
                for a in answers
                if a["point"] == one["point"]
            ],
        )
        for one in read_json(CHANGES / "points.json")
    ]


@cache
def first_edition() -> Mapping[str, Any]:
    """Return for each question of the first edition: dates and commits of criterion and data, the
    verdicts, and the criteria that changed after the data."""
    return read_json(CHANGES / "first_edition.json")


def is_first_edition(page: Page) -> bool:
    """Return whether the data of a question are those of the first edition, which did not record
    when it was measured."""
    known = page.experiment.name in first_edition()
    return known and page.record is not None and "measured" not in page.record.made


def changes_of(page: Page) -> Iterator[Change]:
    """Yield the verdict on each claim of a measured question in both editions."""
    if page.record is None or page.experiment.command:
        return
    known = first_edition().get(page.experiment.name, {}).get("verdicts", {})
    for claim in page.experiment.claims:
        after = page.facts.judgements[claim.name]
        plain = claim.judge(page.record.results, corrected=False)
        before = _judgement(known[claim.name]) if claim.name in known else None
        cause = _cause(page, claim, before, plain, after)
        yield Change(page, claim, before, plain, after, cause)


def removed_claims(page: Page) -> Iterator[tuple[Bilingual, Judgement]]:
    """Yield the text and the verdict of each claim that only the first edition has."""
    known = first_edition().get(page.experiment.name, {}).get("verdicts", {})
    present = {claim.name for claim in page.experiment.claims}
    for name, one in known.items():
        if name not in present:
            yield Bilingual(one["en"], one["ko"]), _judgement(one)


def _cause(
    page: Page, claim: Claim, before: Judgement | None, plain: Judgement, after: Judgement
) -> Cause | None:
    if before is None:
        return Cause.NEW
    if before.verdict is after.verdict:
        return None
    if not is_first_edition(page):
        return Cause.DATA
    if plain.verdict is before.verdict:
        return Cause.CORRECTION
    return Cause.INTERVAL if claim.changed_after_data is None else Cause.CLAIM


def _judgement(one: Mapping[str, Any]) -> Judgement:
    places = (tuple(one[kind]) for kind in ("holds", "fails", "open"))
    return Judgement(Verdict(one["verdict"]), *places)
