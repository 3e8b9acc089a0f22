"""The maximum size of a running search."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchCapacity:
    """The maximum size of a running search; None means no limit. A single cohort always fits.

    Args:
        tokens: maximum number of source tokens, including padding to the longest sentence.
        sentences: maximum number of sentences.
    """

    tokens: int | None = None
    sentences: int | None = None

    def part(self, count: int) -> "SearchCapacity":
        """Return this capacity divided by ``count``, but at least one token and one sentence."""
        sizes = (size and max(size // count, 1) for size in (self.tokens, self.sentences))
        return SearchCapacity(*sizes)

    def holds(self, sentences: int, longest: int) -> bool:
        """Return whether ``sentences`` sentences of at most ``longest`` tokens fit."""
        few = self.sentences is None or sentences <= self.sentences
        return few and (self.tokens is None or sentences * longest <= self.tokens)
