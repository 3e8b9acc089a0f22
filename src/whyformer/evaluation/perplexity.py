"""Perplexity and bits per character or byte, from a sum of negative log-likelihoods."""

import math

from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError


def perplexity_scores(
    nll: float, tokens: int, *, characters: int | None = None, bytes_: int | None = None
) -> list[Score]:
    """Return the perplexity per token and, if the counts are given, bits per character and byte.

    Perplexities are comparable only between models with the same tokenizer; bits per character or
    byte of the same text are comparable between all models. Eos counts as a token.
    Args:
        nll: sum over all tokens of −ln P(token | previous tokens), in nats.
        tokens: number of tokens in that sum.
        characters: Unicode characters of the same text, without line ends.
        bytes_: UTF-8 bytes of the same text, without line ends.
    Raises: DataError if a count is not positive, or the sum is negative or not a number.

    >>> [round(s.value, 3) for s in perplexity_scores(math.log(2) * 8, 4, characters=16)]
    [4.0, 0.5]
    """
    if not nll >= 0:
        raise DataError(f"`nll` must be a sum of −ln P, 0 or more, but it is {nll}.")
    scores = [_score("perplexity", _exp(nll / _positive("tokens", tokens)), "per token", tokens)]
    for name, label, count in (
        ("characters", "character", characters),
        ("bytes_", "byte", bytes_),
    ):
        if count is not None:
            bits = nll / math.log(2) / _positive(name, count)
            scores.append(_score(f"bits_per_{label}", bits, f"bits per {label}", count))
    return scores


def _score(name: str, value: float, unit: str, count: int) -> Score:
    return Score(name, value, f"{unit}, lower is better", None, f"{name}|eos:counted", count)


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def _positive(name: str, count: int) -> int:
    if count <= 0:
        raise DataError(f"`{name}` must be at least 1, but it is {count}.")
    return count
