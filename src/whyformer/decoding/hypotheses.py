"""Hypotheses, the results of a search, and the list of the best hypotheses of a sentence."""

from dataclasses import dataclass

from whyformer.decoding.penalties import length_penalty


@dataclass(frozen=True)
class Hypothesis:
    """One possible target sequence.

    Args:
        tokens: target ids without bos and eos, including a forced prefix.
        score: the score for the ranking: the log-probability divided by the length penalty.
        log_probability: ln P(tokens, eos | source) of the model, including forced tokens. For an
            unfinished hypothesis, it is ln P(tokens | source).
        finished: True when the hypothesis ended with eos. False when the hypothesis reached the
            length limit, or when every next token was forbidden.
    """

    tokens: tuple[int, ...]
    score: float
    log_probability: float
    finished: bool


def hypothesis(
    tokens: list[int], log_probability: float, finished: bool, alpha: float
) -> Hypothesis:
    """Make a hypothesis with its score. If the hypothesis is finished, its length for the length
    penalty includes eos."""
    length = len(tokens) + finished
    score = log_probability / length_penalty(length, alpha)
    return Hypothesis(tuple(tokens), score, log_probability, finished)


class Best:
    """The best distinct hypotheses of one sentence so far. Of hypotheses with equal scores, the
    hypotheses that were added first are better.

    Args:
        count: number of hypotheses to keep.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.kept: list[Hypothesis] = []

    @property
    def worst(self) -> float:
        """The score that a new hypothesis must exceed; −∞ while the list is not full."""
        return self.kept[-1].score if len(self.kept) == self.count else float("-inf")

    def add(self, newcomer: Hypothesis) -> None:
        """Add a hypothesis, unless it is a duplicate or its score is too low."""
        if any(known.tokens == newcomer.tokens for known in self.kept):
            return
        self.kept.append(newcomer)
        self.kept.sort(
            key=lambda known: -known.score
        )  # stable: with equal scores, the first one stays first
        del self.kept[self.count :]
