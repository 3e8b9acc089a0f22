"""Rank documents by the terms that they share with a question.

The count of a term saturates as in BM25F, and the weight of a term is its log-entropy: a term of
one document weighs more than a term of all documents.
"""

import difflib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from whyformer.lab.matching.terms import terms_of

SATURATION = 1.0
"""The k1 of BM25: a term that occurs with this weight counts half of a term that occurs very often.
The length of a document has no effect (b = 0), because topics are short and cards are long."""
UNKNOWN_PAIR = 0.2
"""Information of a pair of Korean letters that no document contains. It is smaller than the 1 of an
unknown English word, because a Korean word has several pairs."""
LEAST = 1.5
"""Least information of a question. It makes the share small if a question has only one word and the
word is common."""
SHORTEST_TYPO = 5
"""Shorter words are not corrected."""
SIMILAR = 0.8
"""Similarity of an unknown word to the known word that replaces it (`difflib`)."""


class Field(NamedTuple):
    """A part of a document. Its terms count with the weight."""

    weight: float
    text: str


class Match(NamedTuple):
    """How well a document matches a question."""

    name: str
    share: float
    """The part of the question's information that the document contains, 0 to 1.

    It is the score of the document, divided by the score of a document that contains every term of
    the question very often. A term counts with the square of its information, as in the product of
    two weighted vectors.
    """


class Index:
    """An index of documents by name."""

    def __init__(self, documents: Mapping[str, Sequence[Field]]) -> None:
        self._counts = {name: _counts(fields) for name, fields in documents.items()}
        counts_of: dict[str, list[float]] = {}
        for counts in self._counts.values():
            for term, count in counts.items():
                counts_of.setdefault(term, []).append(count)
        self._information = {
            term: _information(term, found, len(documents)) for term, found in counts_of.items()
        }
        self._words = [term for term in self._information if term.isascii() and term.isalpha()]

    def rank(self, asked: str) -> list[Match]:
        """Return the documents that share a term with a question, best match first."""
        weights = {term: self._information_in(term) ** 2 for term in self._terms(asked)}
        most = max(sum(weights.values()), LEAST)
        found = []
        for name, counts in self._counts.items():
            shared = weights.keys() & counts.keys()
            if shared:
                score = sum(weights[term] * _saturated(counts[term]) for term in shared)
                found.append(Match(name, score / most))
        return sorted(found, key=lambda match: -match.share)

    def _terms(self, asked: str) -> set[str]:
        """Return the terms of a question. Unknown numbers are left out."""
        own, joined = terms_of(asked)
        known = {term for term in joined if term.isascii() and term in self._information}
        return known | {
            self._known(one) for one in own if one in self._information or not one[0].isdigit()
        }

    def _information_in(self, term: str) -> float:
        return self._information.get(term, 1.0 if term.isascii() else UNKNOWN_PAIR)

    def _known(self, term: str) -> str:
        """Return the known word that an unknown word was probably meant to be, or the word."""
        typo = term.isascii() and term.isalpha() and len(term) >= SHORTEST_TYPO
        if term in self._information or not typo:
            return term
        return next(iter(difflib.get_close_matches(term, self._words, 1, SIMILAR)), term)


def _information(term: str, counts: Sequence[float], documents: int) -> float:
    """Return how much a term says about the document that is meant, 0 to 1: 1 if one document
    contains all its occurrences, 0 if they are spread evenly over all documents (log-entropy)."""
    shares = [count / sum(counts) for count in counts]
    concentration = 1 + sum(one * math.log(one) for one in shares) / math.log(documents)
    if term.isascii():
        return concentration
    return concentration * max(UNKNOWN_PAIR, _saturated(max(counts)))


def _saturated(count: float) -> float:
    """Return a number from 0 to 1 that grows with the number of occurrences of a term."""
    return count / (count + SATURATION)


def _counts(fields: Sequence[Field]) -> dict[str, float]:
    """Return how often a document contains each term, weighted by field."""
    counts: Counter[str] = Counter()
    for weight, text in fields:
        own, joined = terms_of(text)
        for term in (*own, *joined):
            counts[term] += weight  # pyright: ignore[reportArgumentType]
    return dict(counts)
