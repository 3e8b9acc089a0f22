"""Filters for pairs that are empty, too long or too different in length, and a report of the pairs
that were left out."""

from dataclasses import dataclass, field

from pydantic import Field

from whyformer.foundation.bounds import MAX_CHARACTERS, MAX_FACTOR, MAX_POSITIONS
from whyformer.foundation.config import Settings
from whyformer.foundation.wording import counted

SHORT = 20
"""Pairs whose longer side has at most this many tokens are exempt from `max_ratio`."""

SHOWN_LINES = 5


class Filters(Settings):
    """Which pairs are left out of a corpus. Pairs with an empty side are always left out."""

    max_tokens: int = Field(default=256, ge=1, le=MAX_POSITIONS)
    """Maximum number of tokens of a side, excluding EOS."""
    max_ratio: float = Field(default=9.0, ge=0.0, le=MAX_FACTOR)
    """Maximum ratio between the lengths of the two sides in tokens; 0 allows any ratio. Pairs whose
    longer side has at most 20 tokens are exempt."""
    max_characters: int = Field(default=20_000, ge=1, le=MAX_CHARACTERS)
    """Maximum number of characters of a side. This length is checked before tokenization."""

    def reason_by_text(self, source: str, target: str) -> str | None:
        """Return the reason to leave out the pair, based on its text, or None."""
        if not source.strip():
            return "empty source"
        if not target.strip():
            return "empty target"
        if max(len(source), len(target)) > self.max_characters:
            return f"more than {counted(self.max_characters, 'character')}"
        return None

    def reason_by_tokens(self, source: int, target: int) -> str | None:
        """Return the reason to leave out the pair, based on its numbers of tokens, or None."""
        longer, shorter = max(source, target), min(source, target)
        if longer > self.max_tokens:
            return f"more than {counted(self.max_tokens, 'token')}"
        if self.max_ratio and longer > SHORT and longer > self.max_ratio * shorter:
            return f"one side more than {self.max_ratio:g} times as long as the other"
        return None


@dataclass
class Occurrences:
    """A counter of lines, with the numbers of the first lines that were counted."""

    count: int = 0
    first_lines: list[int | str] = field(default_factory=list)
    """Line numbers, or files with line numbers ("pairs.tsv:4")."""

    def add(self, line: int | str) -> None:
        """Count one occurrence on ``line``."""
        self.count += 1
        if len(self.first_lines) < SHOWN_LINES:
            self.first_lines.append(line)

    def __str__(self) -> str:
        return f"{self.count:,} {self._places()}"

    def of(self, noun: str) -> str:
        """Return the count, the noun and the first lines as text: "1 source (line 3)", "2 pairs
        (a.tsv:1, a.tsv:7)"."""
        return f"{counted(self.count, noun)} {self._places()}"

    def _places(self) -> str:
        lines = ", ".join(map(str, self.first_lines))
        more = ", …" if self.count > len(self.first_lines) else ""
        numbers = all(isinstance(line, int) for line in self.first_lines)
        word = f"line{'' if self.count == 1 else 's'} " if numbers else ""
        return f"({word}{lines}{more})"


@dataclass
class SideReport:
    """Statistics of one side of a corpus."""

    tokens: int = 0
    """Number of tokens, including the EOS of each line."""
    words: int = 0
    """Number of words: runs of non-space characters."""
    longest: int = 0
    """Number of tokens of the longest line, including EOS."""
    unknown: int = 0
    """Number of UNK tokens; the tokenizers of this package never produce any."""
    spelled: int = 0
    """Number of single-byte tokens, used for text outside the vocabulary."""
    fertility: float = 0.0
    """Mean number of tokens per word, excluding EOS."""


@dataclass
class CorpusReport:
    """The report of a corpus: pairs read, pairs left out with reasons, and statistics of the
    rest."""

    read: int = 0
    kept: int = 0
    dropped: dict[str, Occurrences] = field(default_factory=dict)
    source: SideReport = field(default_factory=SideReport)
    target: SideReport = field(default_factory=SideReport)
    round_trip_failures: Occurrences = field(default_factory=Occurrences)
    """Lines of the corpus whose text changes when it is encoded and decoded."""

    def drop(self, reason: str, line: int | str) -> None:
        """Count a pair on ``line`` that is left out for ``reason``."""
        self.dropped.setdefault(reason, Occurrences()).add(line)

    def nothing_left(self) -> str:
        """Return the error message for data from which all pairs were left out."""
        if not self.read:
            return "A corpus must have at least one pair, but none was read. Check the input files."
        reasons = "; ".join(f"{reason}: {found}" for reason, found in self.dropped.items())
        return (
            f"A corpus must keep at least one pair, but none of "
            f"{self.read:,} was kept: {reasons}. "
            "Change the data or its filters."
        )
