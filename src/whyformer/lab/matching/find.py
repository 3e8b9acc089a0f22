"""Find the question of the laboratory, or the open question, that a user means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from whyformer.foundation.bilingual import Language
from whyformer.lab.matching.index import Field, Index
from whyformer.lab.matching.open_questions import OpenQuestion, open_questions
from whyformer.lab.method.experiment import Experiment
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.pages.cards import read_card

ANSWERED = 0.32
"""A question is answered if the best match has at least this share of its information.

The value was chosen on the groups `dev` and `tuning` of tests/lab/data/questions.tsv.
"""
RELATED = 0.5
"""Other cards are near if their share is at least this part of the best share, or of `ANSWERED`
without an answer."""
MOST_RELATED = 3
QUESTION, CLAIMS, CARD = 3.0, 1.0, 0.1
"""Weights of the fields: the question with its keywords, the claims, and the text of the card."""


@dataclass(frozen=True)
class Found:
    """What the laboratory can say about a user's question.

    Args:
        answer: the question that the user means; None if the laboratory does not know it.
        near: other questions with an answer that are near, best match first.
    """

    answer: Experiment | OpenQuestion | None
    near: tuple[Experiment, ...]


def find(asked: str) -> Found:
    """Return the question that a user means, asked in English or Korean."""
    cards = {name: experiment_named(name) for name in written()}
    topics = open_questions()
    ranked = _index(tuple(cards)).rank(asked)
    best = ranked[0] if ranked and ranked[0].share >= ANSWERED else None
    least = RELATED * (best.share if best else ANSWERED)
    near = [one.name for one in ranked if one.name in cards and one.share >= least]
    if best is None:
        return Found(None, _first(cards, near))
    if best.name in topics:
        topic = topics[best.name]
        return Found(topic, _first(cards, [*topic.related, *near]))
    return Found(cards[best.name], _first(cards, [one for one in near if one != best.name]))


def _first(cards: dict[str, Experiment], names: list[str]) -> tuple[Experiment, ...]:
    """Return the experiments with the first few names."""
    return tuple(cards[name] for name in list(dict.fromkeys(names))[:MOST_RELATED])


@cache
def _index(names: tuple[str, ...]) -> Index:
    """Return an index of the questions with these names and of the open questions."""
    documents = {name: list(_fields(experiment_named(name))) for name in names}
    for name, topic in open_questions().items():
        said = (topic.question.en, topic.question.ko, *topic.keywords)
        documents[name] = [
            *(Field(QUESTION, one) for one in said),
            *(Field(CLAIMS, one) for one in (topic.text.en, topic.text.ko)),
        ]
    return Index(documents)


def _fields(experiment: Experiment) -> Iterator[Field]:
    for text in (experiment.question.en, experiment.question.ko, *experiment.keywords):
        yield Field(QUESTION, text)
    for claim in experiment.claims:
        yield Field(CLAIMS, claim.popular.en)
        yield Field(CLAIMS, claim.popular.ko)
    for language in Language:
        card = read_card(experiment.name, language)
        for body in card.bodies if card else ():
            yield Field(CARD, re.sub(r"\{[^{}]*\}|\\[a-z]+|[${}\d]", " ", body))
