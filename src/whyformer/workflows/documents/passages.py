"""Divide the passages of a document into sentences, and build passages from the translations.

A passage is a piece of text without markup, such as the text between two tags. Its outer spaces,
its line breaks and its other long gaps are kept: a line break inside a sentence is put at the same
relative place in the translation. If the translation of each sentence equals the sentence, the
result equals the passage, character for character.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from whyformer.text.sentences import sentences

GAP = re.compile(r"\s*[\t\r\n\f\v]\s*|\s{2,}|[^\S ]")
"""A gap that is not a single space."""
OPENING = re.compile(r"[\s.,;:!?)\]}…·•*–—-]*")
"""Characters at the start of a passage that belong to the text before it, and list marks."""
FULL_WIDTH = frozenset("。！？｡」』")
"""Marks after which Chinese and Japanese put no space."""


@dataclass(frozen=True)
class Passage:
    """A passage of a document.

    Args:
        before, after: the spaces around the text; `before` also has marks such as a comma.
        parts: the sentences of the text, in which every gap is one space.
        spaces: the space between two sentences: one space or none.
        gaps: the gaps of the text that are not one space, each with its place in the text.
        length: number of characters of the text.
    """

    before: str
    after: str
    parts: tuple[str, ...]
    spaces: tuple[str, ...]
    gaps: tuple[tuple[int, str], ...]
    length: int

    @classmethod
    def of(cls, text: str) -> "Passage":
        """Divide a passage. A passage without letters has no sentences and is kept unchanged."""
        if not any(character.isalpha() for character in text):
            return cls(text, "", (), (), (), 0)
        opening = OPENING.match(text)
        start = opening.end() if opening else 0
        core = text[start:].rstrip()
        gaps: list[tuple[int, str]] = []
        shift = 0
        for gap in GAP.finditer(core):
            gaps.append((gap.start() - shift, gap[0]))
            shift += len(gap[0]) - 1
        core_text = GAP.sub(" ", core)
        parts, spaces, at = [], [], 0
        for part in sentences(core_text):
            place = core_text.index(part, at)
            if parts:
                spaces.append(core_text[at:place])
            parts.append(part)
            at = place + len(part)
        return cls(
            text[:start],
            text[start + len(core) :],
            tuple(parts),
            tuple(spaces),
            tuple(gaps),
            len(core_text),
        )

    def translated(self, parts: Sequence[str]) -> str:
        """Return the passage with the translations of its sentences."""
        if not self.parts:
            return self.before
        text = parts[0]
        for space, part in zip(self.spaces, parts[1:], strict=True):
            text += (space if text[-1:] in FULL_WIDTH else " ") + part
        return self.before + self._with_gaps(text) + self.after

    def _with_gaps(self, text: str) -> str:
        """Put the gaps at the spaces that are nearest to the same relative places."""
        spaces = [place for place, character in enumerate(text) if character == " "]
        found: dict[int, str] = {}
        left = len(self.gaps)
        first = 0
        for place, gap in self.gaps:
            left -= 1
            choices = spaces[first : len(spaces) - left] or spaces[first:]
            if not choices:
                break  # the translation has fewer spaces than the text has gaps
            wanted = place * len(text) / self.length
            nearest = min(choices, key=lambda one: abs(one - wanted))
            found[nearest] = gap
            first = spaces.index(nearest) + 1
        return "".join(found.get(place, character) for place, character in enumerate(text))


class Passages:
    """The passages of a document, and the sentences to translate in their order."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._passages = [Passage.of(text) for text in texts]

    @property
    def sentences(self) -> list[str]:
        """The sentences of all passages."""
        return [part for passage in self._passages for part in passage.parts]

    def translated(self, sentences: Sequence[str]) -> list[str]:
        """Return the passages with the translations of all sentences."""
        rest = iter(sentences)
        return [
            passage.translated([next(rest) for _ in passage.parts]) for passage in self._passages
        ]
