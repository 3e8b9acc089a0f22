"""Distinguish the languages of the two sides by character trigrams, without knowing the languages.

The two sides of a pair differ in language, but some pairs may be swapped. Subtract the trigram
counts of the target from those of the source: for a swapped pair, the difference has the opposite
sign. So the first principal component of these differences shows which pairs have the same
direction, even if half of the pairs are swapped. Trigrams are hashed into `BUCKETS` buckets, so the
size of the model does not depend on the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from whyformer.data.survey.block import Block
from whyformer.data.survey.characters import DIGIT

BUCKETS = 1 << 16
LEAST_PAIRS = 200
"""With fewer pairs than this, no model of the languages is built."""
ITERATIONS = 12
"""Number of iterations of the power method."""
LEAST_COUNT = 3
"""Trigrams that occur less often than this are ignored. Otherwise, the score of a
line would depend on rare trigrams that were learned from this line itself."""
SEPARATION = 0.93
"""Fraction of the unseen pairs for which the model must distinguish the two sides."""
LONG_ENOUGH = 10
"""Minimum number of characters on each side of a pair that is used to measure the separation."""


def trigrams(block: Block) -> Int64[np.ndarray, " points"]:
    """Return, for each character, the bucket of the trigram that ends there. All digits count as
    the same character."""
    points = block.points.astype(np.uint32)
    points = np.where(block.classes == DIGIT, np.uint32(ord("0")), points)
    before = np.concatenate([[np.uint32(10)], points[:-1]]).astype(np.uint32)
    first = np.concatenate([[np.uint32(10)], before[:-1]]).astype(np.uint32)
    mixed = points * np.uint32(0x9E3779B1) ^ before * np.uint32(0x85EBCA6B)
    mixed ^= first * np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(15)
    return ((mixed * np.uint32(0x2C1B3C6D)) >> np.uint32(16)).astype(np.int64)


@dataclass(frozen=True)
class TwoLanguages:
    """A weight for each trigram: positive if it is typical of the source's language, negative if it
    is typical of the target's.

    Args:
        typical: median score per character of the texts in the source's language, and of those in
            the target's language.
        backward: fraction of the sampled pairs that are swapped.
    """

    weights: Float64[np.ndarray, " buckets"]
    typical: tuple[float, float]
    backward: float

    def scores(self, block: Block) -> Float64[np.ndarray, " texts"]:
        """Return, for each text, the log-odds that it is in the source's language.

        Each character is part of three trigrams, so the sum of their weights is divided by 3.
        """
        found = self.weights[trigrams(block)]
        return np.add.reduceat(found, block.starts) / 3


def two_languages(sources: Sequence[str], targets: Sequence[str]) -> TwoLanguages | None:
    """Return a model of the two languages, or None if it cannot distinguish the sides of unseen
    pairs."""
    if len(sources) < LEAST_PAIRS:
        return None
    sides = [Block.of([text.lower() for text in texts]) for texts in (sources, targets)]
    grams = [trigrams(block) for block in sides]
    direction = _directions(sides, grams)
    if direction.sum() < 0:
        direction = -direction
    even = np.arange(len(sources)) % 2 == 0
    weights = _weights(sides, grams, direction * even)
    scores = [_per_text(block, weights[found]) for block, found in zip(sides, grams, strict=True)]
    long = np.minimum(sides[0].lengths, sides[1].lengths) >= LONG_ENOUGH
    unseen = ~even & long
    if unseen.sum() < LEAST_PAIRS / 4:
        return None
    apart = (scores[0] * scores[1] < 0)[unseen].mean()
    if apart < SEPARATION:
        return None
    direction = np.where(scores[0] > scores[1], 1, -1)
    weights = _weights(sides, grams, direction)
    per_character = [
        _per_text(block, weights[found]) / 3 / np.maximum(1, block.lengths)
        for block, found in zip(sides, grams, strict=True)
    ]
    forward = direction > 0
    typical = [float(np.median(per_character[0][forward])), 0.0]
    typical[1] = float(np.median(per_character[1][forward]))
    return TwoLanguages(weights, (typical[0], typical[1]), float((~forward & long).mean()))


def _per_text(block: Block, values: Float64[np.ndarray, " points"]) -> np.ndarray:
    return np.add.reduceat(values, block.starts)


def _directions(sides: Sequence[Block], grams: Sequence[np.ndarray]) -> Int64[np.ndarray, " pairs"]:
    """Return 1 or -1 for each pair; pairs with the same direction have the same sign."""
    shares = [1 / (block.lengths + 1) for block in sides]  # each text has the same weight
    axis = np.random.default_rng(1).standard_normal(BUCKETS)
    projected = np.ones(len(shares[0]))
    for _ in range(ITERATIONS):
        axis /= np.linalg.norm(axis) or 1.0
        source, target = (
            _per_text(block, axis[found]) * share
            for block, found, share in zip(sides, grams, shares, strict=True)
        )
        projected = source - target
        axis = np.zeros(BUCKETS)
        for block, found, share, sign in zip(sides, grams, shares, (1, -1), strict=True):
            axis += np.bincount(
                found, weights=(sign * projected * share)[block.rows], minlength=BUCKETS
            )
    return np.where(projected >= 0, 1, -1)


def _weights(
    sides: Sequence[Block], grams: Sequence[np.ndarray], direction: Int64[np.ndarray, " pairs"]
) -> Float64[np.ndarray, " buckets"]:
    """Return the log-odds of each trigram.

    Args: direction: for each pair, 1 or -1, or 0 to leave the pair out.
    """
    counts = np.zeros((2, BUCKETS))
    for side, (block, found) in enumerate(zip(sides, grams, strict=True)):
        of_point = direction[block.rows]
        for language, sign in ((side, 1), (1 - side, -1)):
            counts[language] += np.bincount(found[of_point == sign], minlength=BUCKETS)
    smooth = 0.5
    totals = counts.sum(axis=1, keepdims=True) + smooth * BUCKETS
    odds = np.log((counts[0] + smooth) / totals[0]) - np.log((counts[1] + smooth) / totals[1])
    return np.where(counts.sum(axis=0) >= LEAST_COUNT, odds, 0.0)
