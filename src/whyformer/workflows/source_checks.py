"""Count sources that differ from the training data, and report them once."""

from collections.abc import Iterable, Sequence

from whyformer.data.filters import Occurrences
from whyformer.decoding.expected import USUAL, Expected
from whyformer.text.known import Known
from whyformer.text.sentences import sentences
from whyformer.text.tokenizer import Tokenizer

MOSTLY = 0.5
"""A source is reported if more than this fraction of its characters is unknown to the model."""
FAR_LONGER = 1.5
"""A source is reported if it has more than this many times the tokens of the longest source in
training. Slightly longer sources are rarely a problem."""


class SourceCheck:
    """Counts the sources for which the output of a model is not reliable, and stores their places.

    Args:
        tokenizer: the tokenizer of the sources.
        expected: lengths of the training sources; by default, they are unknown.
    """

    def __init__(self, tokenizer: Tokenizer, expected: Expected = USUAL) -> None:
        self._tokenizer = tokenizer
        self._expected = expected
        self._known = Known(tokenizer)
        self._start()

    def _start(self) -> None:
        self._unknown, self._long, self._many = Occurrences(), Occurrences(), Occurrences()

    def add(self, place: int | str, text: str, parts: Sequence[str] = ()) -> None:
        """Check a source.

        Args:
            place: number of the line of the source, from 1, or a name of the source.
            parts: the sentences of the source, if they are translated separately.
        """
        if self._known.unknown_share(text) > MOSTLY:
            self._unknown.add(place)
        elif any(self._has_many_sentences(part) for part in parts or (text,)):
            self._many.add(place)
        elif any(self._is_long(part) for part in parts or (text,)):
            self._long.add(place)

    def add_all(self, sources: Iterable[tuple[int | str, str]]) -> "SourceCheck":
        """Check several sources. Args: sources: the place and the text of each source; see
        `add`."""
        for place, text in sources:
            self.add(place, text)
        return self

    def findings(self) -> list[str]:
        """Return a message for each kind of source found since the last call."""
        found: list[str] = []
        if self._unknown.count:
            these = "this answer" if self._unknown.count == 1 else "these answers"
            found.append(
                f"In {self._unknown.of('source')} most characters are unknown to the model. Do not "
                f"rely on {these}."
            )
        if self._many.count:
            found.append(
                f"{self._many.of('source')} {_has(self._many)} more sentences than any source in "
                "training. Parts may be missing from the translation; `translate "
                "--split-sentences` translates each sentence alone."
            )
        if self._long.count:
            found.append(
                f"{self._long.of('source')} {_has(self._long)} more than {FAR_LONGER:g} times as "
                f"many tokens as the longest source in training ({self._expected.longest_source:,})"
                ". Parts may be missing from the translation; give shorter lines."
            )
        self._start()
        return found

    def _has_many_sentences(self, text: str) -> bool:
        most = self._expected.most_sentences
        return most > 0 and len(sentences(text)) > most

    def _is_long(self, text: str) -> bool:
        most = FAR_LONGER * self._expected.longest_source
        # Each token except eos has at least one byte, so a line with few bytes is never too long.
        return 0 < most < len(text.encode()) + 1 and most < len(self._tokenizer.encode(text)) + 1


def _has(which: Occurrences) -> str:
    return "has" if which.count == 1 else "have"
