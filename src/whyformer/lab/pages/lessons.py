"""What the laboratory has measured about each part of a model, in one line for each part."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.lab.method.bilingual import VERDICTS
from whyformer.lab.method.experiment import Experiment
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import result_of
from whyformer.lab.method.verdict import Judgement
from whyformer.lab.pages.cards import facts_of
from whyformer.lab.pages.page import where


@dataclass(frozen=True)
class Lesson:
    """The claims that answer why a model has a part.

    Args:
        question: name of the question of the laboratory.
        exact: whether the claims are about this part. If they are not, they are the nearest that
            the laboratory has measured.
        trained: whether the laboratory trained models without the part. The switch of the viewer
            removes it from a trained model, which is something else.
        asked: the question in words, if the claims answer another one than the whole experiment.
    """

    question: str
    claims: tuple[str, ...]
    exact: bool = True
    trained: bool = False
    asked: Bilingual | None = None


def _of_scheme(*claims: str) -> Lesson:
    """Return a lesson about the position scheme of a model, whichever it is."""
    asked = Bilingual(
        "Why does a Transformer need position information?",
        "트랜스포머에는 왜 위치 정보가 필요한가요?",
    )
    return Lesson("positions", ("order", *claims), trained=True, asked=asked)


LESSONS = {
    "scale": Lesson("scaling", ("variance", "saturation", "training"), trained=True),
    "positions": _of_scheme(),
    "positions.sinusoidal": Lesson("positions", ("both", "order"), trained=True),
    "positions.learned": _of_scheme("learned"),
    "positions.rotary": _of_scheme("offsets"),
    "skip": Lesson("gradients", ("collapse", "need"), trained=True),
    "head": Lesson("heads", ("alone", "half")),
    "layer": Lesson("gradients", ("need",), exact=False),
    "self_attention": Lesson("complexity", ("paths",), exact=False),
    "cross_attention": Lesson("bottleneck", ("falls", "flat"), trained=True),
    "beam": Lesson("beam", ("score", "better")),
    "lengthPenalty": Lesson("beam", ("length", "penalty")),
    "temperature": Lesson("smoothing", ("calibration",), exact=False),
}
"""For each kind of switch or setting of the viewer, the claims that are shown behind "why?".

A name such as `positions.rotary` is for the models whose setting `positions` has this value."""


def lessons(pages: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the lessons as JSON values, with the verdicts of the published results.

    A question without published results is left out.

    Args: pages: address of the pages of the laboratory, for links; None if it is not known.
    """
    found = {kind: _lesson(lesson) for kind, lesson in LESSONS.items()}
    return {kind: {**lesson, "pages": pages} for kind, lesson in found.items() if lesson}


def _lesson(lesson: Lesson) -> dict[str, Any] | None:
    if (judgements := _judgements(lesson.question)) is None:
        return None
    experiment = experiment_named(lesson.question)
    popular = {claim.name: claim.popular for claim in experiment.claims}
    return {
        "name": experiment.name,
        "nearest": not lesson.exact,
        "trained": lesson.trained,
        "question": _both(lesson.asked or experiment.question),
        "claims": [
            {"claim": _both(popular[name])} | _judged(experiment, judgements[name])
            for name in lesson.claims
        ],
    }


@functools.cache
def _judgements(question: str) -> Mapping[str, Judgement] | None:
    """Return the judgement of each claim by the published results, which do not change while a
    program runs; None if there are none. Several lessons are about one question."""
    record = result_of(question) if question in written() else None
    if record is None:
        return None
    return facts_of(experiment_named(question), record.results).judgements


def _judged(experiment: Experiment, judgement: Judgement) -> dict[str, Any]:
    """Return the verdict, and for which circumstances each result holds."""
    both = (where(experiment, judgement, one, between="; ") for one in Language)
    places = zip(*both, strict=True)  # the name of a circumstance may contain a comma
    return {
        "verdict": judgement.verdict.name.lower(),
        "words": _both(VERDICTS[judgement.verdict]),
        "where": [
            {"result": {"en": en[0], "ko": ko[0]}, "names": {"en": en[1], "ko": ko[1]}}
            for en, ko in places
        ],
    }


def _both(text: Bilingual) -> dict[str, str]:
    return {"en": text.en, "ko": text.ko}
