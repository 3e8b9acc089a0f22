"""Which pairs are too empty, too long or too unlike to learn from, and what became of them."""

from dataclasses import dataclass, field

from pydantic import Field

from whyformer.foundation.bounds import MOST_CHARACTERS, MOST_FACTOR, MOST_POSITIONS
from whyformer.foundation.config import Settings
from whyformer.foundation.wording import counted

SHORT = 20
"""Pairs whose longer side has at most this many tokens are never dropped for their ratio."""

SHOWN_LINES = 5


class Filters(Settings):
    """Which pairs are left out of a corpus. A side without text is always left out."""

    max_tokens: int = Field(default=256, ge=1, le=MOST_POSITIONS)
    """Most tokens a side may have, EOS not counted."""
    max_ratio: float = Field(default=9.0, ge=0.0, le=MOST_FACTOR)
    """Most times one side may be longer than the other, in tokens; 0 allows any. Pairs of at most
    20 tokens are exempt."""
    max_characters: int = Field(default=20_000, ge=1, le=MOST_CHARACTERS)
    """Most characters a side may have; looked at before anything is tokenized."""

    def reason_by_text(self, source: str, target: str) -> str | None:
        """Return why the pair is left out, judged by its text alone, or None."""
        if not source.strip():
            return "empty source"
        if not target.strip():
            return "empty target"
        if max(len(source), len(target)) > self.max_characters:
            return f"more than {self.max_characters} characters"
        return None

    def reason_by_tokens(self, source: int, target: int) -> str | None:
        """Return why the pair is left out, judged by its numbers of tokens, or None."""
        longer, shorter = max(source, target), min(source, target)
        if longer > self.max_tokens:
            return f"more than {self.max_tokens} tokens"
        if self.max_ratio and longer > SHORT and longer > self.max_ratio * shorter:
            return f"one side more than {self.max_ratio:g} times the other"
        return None


@dataclass
class Occurrences:
    """How often something happened, and on which lines first."""

    count: int = 0
    first_lines: list[int | str] = field(default_factory=list)
    """Lines, or files with lines ("pairs.tsv:4")."""

    def add(self, line: int | str) -> None:
        """Count one more, on ``line``."""
        self.count += 1
        if len(self.first_lines) < SHOWN_LINES:
            self.first_lines.append(line)

    def __str__(self) -> str:
        return f"{self.count:,} {self._places()}"

    def of(self, noun: str) -> str:
        """Return number, noun and places: "1 source (line 3)", "2 pairs (a.tsv:1, a.tsv:7)"."""
        return f"{counted(self.count, noun)} {self._places()}"

    def _places(self) -> str:
        lines = ", ".join(map(str, self.first_lines))
        more = ", …" if self.count > len(self.first_lines) else ""
        numbers = all(isinstance(line, int) for line in self.first_lines)
        word = f"line{'' if self.count == 1 else 's'} " if numbers else ""
        return f"({word}{lines}{more})"


@dataclass
class SideReport:
    """What one side of a corpus consists of."""

    tokens: int = 0
    """All tokens, EOS of each line included."""
    words: int = 0
    """Runs of non-space characters."""
    longest: int = 0
    """Tokens of the longest line, EOS included."""
    unknown: int = 0
    """Tokens that are UNK; our own tokenizers never give any."""
    spelled: int = 0
    """Tokens that are single bytes, spelling what the vocabulary has no piece for."""
    fertility: float = 0.0
    """Tokens per word, EOS not counted."""


@dataclass
class CorpusReport:
    """What was read, what was left out and why, and what the rest is made of."""

    read: int = 0
    kept: int = 0
    dropped: dict[str, Occurrences] = field(default_factory=dict)
    source: SideReport = field(default_factory=SideReport)
    target: SideReport = field(default_factory=SideReport)
    round_trip_failures: Occurrences = field(default_factory=Occurrences)
    """Kept lines whose ids do not decode to the text that was encoded."""

    def drop(self, reason: str, line: int | str) -> None:
        """Count a pair that is left out."""
        self.dropped.setdefault(reason, Occurrences()).add(line)

    def nothing_left(self) -> str:
        """Return the sentence that refuses data of which no pair is kept."""
        if not self.read:
            return "A corpus must have at least one pair, but none was read. Check the input files."
        reasons = "; ".join(f"{reason}: {found}" for reason, found in self.dropped.items())
        return (
            f"A corpus must keep at least one pair, but all {self.read} were left out: {reasons}. "
            "Change the data or its filters."
        )
