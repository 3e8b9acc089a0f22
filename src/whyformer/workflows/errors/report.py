"""The error report: its content, and its form as text and JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from whyformer.evaluation.calibration import Curve
from whyformer.evaluation.score import Score
from whyformer.foundation.wording import counted

SHOWN_CONFUSIONS = 12
SHOWN_CONTRADICTIONS = 5
WIDTH = 100
"""Maximum number of characters of a text in the terminal."""


@dataclass(frozen=True)
class TrainingNeighbour:
    """A training item with a similar text, and its target. `similarity` is from 0 to 1."""

    source: str
    target: str
    similarity: float


@dataclass(frozen=True)
class Mistake:
    """A wrong answer.

    Args:
        item: number of the item, from 1.
        right: the closest reference.
        rate: errors per reference symbol; for labels, 1.
        confidence: the probability that the model gives to its answer; None if unknown.
        kinds: the kinds of the error; see `whyformer.evaluation.error_kinds`.
    """

    item: int
    source: str
    answer: str
    right: str
    rate: float
    confidence: float | None
    kinds: tuple[str, ...]
    neighbours: tuple[TrainingNeighbour, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of error, and the number of wrong answers with it.

    Args: items: number of items of this kind, right or wrong; None if the kind is defined only for
        wrong answers.
    """

    name: str
    wrong: int
    items: int | None = None


@dataclass(frozen=True)
class Contradiction:
    """A training source with several targets, and how often each occurs."""

    source: str
    targets: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ErrorReport:
    """The wrong answers of a run.

    Args:
        where: the origin of the items, in words.
        unit: what a symbol of `confusions` is, such as "word" or "label".
        items, wrong: number of items, and of items with a wrong answer.
        confusions: (symbol of the reference, symbol of the answer, times); "" means no symbol.
        contradictory: number of training sources with different targets.
        curve: calibration of the confidences; None if they are unknown or the items are too few.
        verdict: the lines of the verdict of the run.
    """

    run: str
    where: str
    unit: str
    items: int
    wrong: int
    scores: tuple[Score, ...]
    kinds: tuple[Kind, ...]
    confusions: tuple[tuple[str, str, int], ...]
    mistakes: tuple[Mistake, ...]
    contradictory: int
    contradictions: tuple[Contradiction, ...]
    curve: Curve | None
    verdict: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        shown = [
            f"{self.run}: {self.wrong:,} of {counted(self.items, 'answer')} "
            f"{'is' if self.wrong == 1 else 'are'} wrong on {self.where}",
            ", ".join(map(str, self.scores)),
            *self.verdict,
            *self.notes,
        ]
        shown += self._kinds() + self._confusions() + self._mistakes()
        if self.contradictory:
            shown += ["", self.contradictions_line()]
            shown += [
                f"  {cut(one.source)}: "
                + "; ".join(f"{cut(target)} ({times}×)" for target, times in one.targets)
                for one in self.contradictions
            ]
        return shown + self._calibration()

    def contradictions_line(self) -> str:
        """Return a sentence on the training sources with different targets."""
        return f"training sources with different targets: {self.contradictory:,}"

    def _kinds(self) -> list[str]:
        if not self.kinds:
            return []
        lines = ["", "kinds of errors (an error can have several)"]
        for kind in self.kinds:
            rate = ""
            if kind.items is not None:
                rest, wrong = self.items - kind.items, self.wrong - kind.wrong
                with_it = kind.wrong / max(1, kind.items)
                without = wrong / max(1, rest)
                rate = (
                    f"; of {counted(kind.items, 'item')} of this kind {with_it:.0%} are wrong, of "
                    f"the others {without:.0%}"
                )
            lines.append(f"  {kind.name:<24}{kind.wrong:>6,}{rate}")
        return lines

    def _confusions(self) -> list[str]:
        if not self.confusions:
            return []
        lines = ["", f"confused {self.unit}s (right → answer)"]
        return lines + [
            f"  {right or '(none)'} → {answer or '(none)'}  {times:,}×"
            for right, answer, times in self.confusions[:SHOWN_CONFUSIONS]
        ]

    def _mistakes(self) -> list[str]:
        lines = ["", "worst answers"] if self.mistakes else []
        for one in self.mistakes:
            sure = "" if one.confidence is None else f"  confidence {one.confidence:.2f}"
            kinds = f"  [{', '.join(one.kinds)}]" if one.kinds else ""
            lines += [
                f"  {one.item}. {cut(one.source)}{sure}{kinds}",
                f"     answer     {cut(one.answer)}",
                f"     right      {cut(one.right)}",
            ]
            lines += [
                f"     training   {cut(n.source)} → {cut(n.target)}  ({n.similarity:.2f})"
                for n in one.neighbours
            ]
        return lines

    def _calibration(self) -> list[str]:
        if self.curve is None:
            return []
        lines = [
            "",
            "calibration: confidence, and how many of these answers are right "
            f"(expected calibration error {100 * self.curve.error:.1f} points)",
        ]
        for one in self.curve.bins:
            low, high = one.interval
            lines.append(
                f"  {one.confidence:6.2f}  {one.right:6.2f} [{low:.2f}, {high:.2f}]  "
                f"{counted(one.items, 'item')}"
            )
        return lines


def cut(text: str) -> str:
    """Return a text of one line, shortened for the terminal."""
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def most_common(counts: Sequence[tuple[tuple[str, str], int]]) -> tuple[tuple[str, str, int], ...]:
    """Return confusions with their counts, the most frequent first."""
    ordered = sorted(counts, key=lambda one: (-one[1], one[0]))
    return tuple((right, answer, times) for (right, answer), times in ordered)
