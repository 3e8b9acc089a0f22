"""What the laboratory has measured about each part of a model, in one line for each part."""

from dataclasses import dataclass
from typing import Any

from whyformer.lab.method.bilingual import VERDICTS, Bilingual, Language
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import result_of
from whyformer.lab.pages.cards import facts_of
from whyformer.lab.pages.page import where


@dataclass(frozen=True)
class Lesson:
    """The claim that answers why a model has a part.

    Args:
        exact: whether the claim is about this part. If it is not, it is the nearest claim that
            the laboratory has measured.
    """

    question: str
    claim: str
    exact: bool = True


LESSONS = {
    "scale": Lesson("scaling", "training"),
    "positions": Lesson("positions", "order"),
    "skip": Lesson("gradients", "need"),
    "head": Lesson("heads", "alone"),
    "layer": Lesson("gradients", "need", exact=False),
    "self_attention": Lesson("complexity", "paths", exact=False),
    "cross_attention": Lesson("bottleneck", "falls"),
    "beam": Lesson("beam", "better"),
    "lengthPenalty": Lesson("beam", "penalty"),
    "temperature": Lesson("smoothing", "calibration", exact=False),
}
"""For each kind of switch or setting of the viewer, the claim that is shown behind "why?"."""


def lessons(pages: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the lessons as JSON values, with the verdicts of the published results.

    A question without published results is left out.

    Args: pages: address of the pages of the laboratory, for links; None if it is not known.
    """
    found = {kind: _lesson(lesson) for kind, lesson in LESSONS.items()}
    return {kind: {**lesson, "pages": pages} for kind, lesson in found.items() if lesson}


def _lesson(lesson: Lesson) -> dict[str, Any] | None:
    record = result_of(lesson.question) if lesson.question in written() else None
    if record is None:
        return None
    experiment = experiment_named(lesson.question)
    claim = next(one for one in experiment.claims if one.name == lesson.claim)
    judgement = facts_of(experiment, record.results).judgements[lesson.claim]
    places = zip(*(where(experiment, judgement, one) for one in Language), strict=True)
    return {
        "name": experiment.name,
        "nearest": not lesson.exact,
        "question": _both(experiment.question),
        "claim": _both(claim.popular),
        "verdict": judgement.verdict.name.lower(),
        "words": _both(VERDICTS[judgement.verdict]),
        "where": [
            {"result": {"en": en[0], "ko": ko[0]}, "names": {"en": en[1], "ko": ko[1]}}
            for en, ko in places
        ],
    }


def _both(text: Bilingual) -> dict[str, str]:
    return {"en": text.en, "ko": text.ko}
