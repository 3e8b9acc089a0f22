"""What a search returns: hypotheses, and the few best of them for one sentence."""

from dataclasses import dataclass

from whyformer.decoding.penalties import length_penalty


@dataclass(frozen=True)
class Hypothesis:
    """One possible target sequence.

    Args:
        tokens: target ids, without bos and eos; a forced prefix is part of them.
        score: what hypotheses are ranked by: log-probability over length penalty.
        log_probability: ln P(tokens, eos | source) under the model, forced tokens included; without
            the eos when the hypothesis was cut.
        finished: True when it ended with eos. False when it was cut: at the length limit it would
            have gone on, or every continuation was forbidden.
    """

    tokens: tuple[int, ...]
    score: float
    log_probability: float
    finished: bool


def hypothesis(
    tokens: list[int], log_probability: float, finished: bool, alpha: float
) -> Hypothesis:
    """Make a scored hypothesis; its length for the penalty counts the eos when there is one."""
    length = len(tokens) + finished
    score = log_probability / length_penalty(length, alpha)
    return Hypothesis(tuple(tokens), score, log_probability, finished)


class Best:
    """The best few distinct hypotheses of one sentence met so far; of equals, the earliest.

    Args:
        count: how many to keep.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.kept: list[Hypothesis] = []

    @property
    def worst(self) -> float:
        """The score a newcomer must exceed; −∞ while there is room."""
        return self.kept[-1].score if len(self.kept) == self.count else float("-inf")

    def add(self, newcomer: Hypothesis) -> None:
        """Take the newcomer into the ranking, unless it is known or not good enough."""
        if any(known.tokens == newcomer.tokens for known in self.kept):
            return
        self.kept.append(newcomer)
        self.kept.sort(
            key=lambda known: -known.score
        )  # stable: of equals, the earliest stays first
        del self.kept[self.count :]
