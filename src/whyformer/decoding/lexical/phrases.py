"""The phrases of a search: phrases that must occur, and phrases that must not occur."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from whyformer.decoding.constraints import Constraint
from whyformer.decoding.lexical.book import PhraseBook
from whyformer.decoding.lexical.forbidden import ForbiddenPhrases
from whyformer.decoding.lexical.required import Requirements


@dataclass(frozen=True)
class Phrases:
    """The phrases of one call of `search`.

    Args:
        required: the phrases that must occur in the target of each sentence; empty if no sentence
            requires a phrase.
        forbidden: at most one constraint, which forbids phrases in all targets.
    """

    required: Sequence[Requirements] = ()
    forbidden: Sequence[Constraint] = ()


NO_PHRASES = Phrases()


def forbidding(book: PhraseBook, phrases: Sequence[str]) -> list[Constraint]:
    """Return the constraint that forbids phrases, or an empty list if there are no phrases.

    Raises: UsageError when a phrase is empty.
    """
    return [_constraint(book.automaton(tuple(phrases)))] if phrases else []


_constraint = functools.lru_cache(4)(ForbiddenPhrases)
