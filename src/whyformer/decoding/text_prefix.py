"""A text that a target must start with, in any tokenization.

A text prefix may end in the middle of a token of the full text, so that the tokens of the prefix
are not the first tokens of the full text. So a hypothesis may use every token that is compatible
with the rest of the prefix: the rest starts with the token, or the token starts with the rest.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from whyformer.text.symbols import FIRST_BYTE
from whyformer.text.tokenizer import Tokenizer

IMPOSSIBLE = 1 << 30
"""Used as the number of needed tokens if no tokens can spell the rest of the text."""


class Position(NamedTuple):
    """A position in a text: the number of bytes spelled so far (``place``), and whether the last
    token was a byte."""

    place: int
    in_bytes: bool


class Spellings:
    """The tokens of a vocabulary, indexed by the bytes they spell."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.of = list(tokenizer.spellings)
        self.gaps, self.first_piece = tokenizer.gaps, tokenizer.first_piece
        self.tokens: dict[bytes, list[int]] = defaultdict(list)
        for token in range(FIRST_BYTE, len(self.of)):
            self.tokens[self.of[token]].append(token)
        self.tokens.pop(b"", None)
        self.sorted = sorted(self.tokens)
        self.longest = max(map(len, self.sorted), default=0)

    def agreeing(self, rest: bytes) -> list[int]:
        """Return the tokens that ``rest`` starts with, and the tokens that start with ``rest``."""
        found: list[int] = []
        for length in range(1, min(len(rest), self.longest + 1)):
            found += self.tokens.get(rest[:length], ())
        place = bisect_left(self.sorted, rest)
        while place < len(self.sorted) and self.sorted[place].startswith(rest):
            found += self.tokens[self.sorted[place]]
            place += 1
        return found


class TextPrefix:
    """A text that every hypothesis must start with, in any tokenization.

    Attributes: ids: the tokens of the text; the length limit must be larger than their number.
    """

    def __init__(self, text: str, tokenizer: Tokenizer, spellings: Spellings) -> None:
        self.ids = tokenizer.encode(text)
        # Without gaps, the bytes of the tokens are the text that tokens can spell. They can differ
        # from the decoded text: an imported tokenizer may put a space before the first word.
        spelled = b"".join(spellings.of[i] for i in self.ids)
        self._text = tokenizer.normalize(text).encode() if spellings.gaps else spelled
        self._spellings = spellings
        self._steps: dict[Position, list[tuple[int, Position]]] = {}
        self._needed: dict[Position, int] = {}
        for place in range(len(self._text) - 1, -1, -1):  # a place needs results of later places
            for in_bytes in (False, True):
                self._find(Position(place, in_bytes))

    def __len__(self) -> int:
        """Return the largest number of tokens that can spell the text: its number of bytes."""
        return len(self._text)

    def allowed(self, tokens: Sequence[int], remaining: int) -> list[int] | None:
        """Return the tokens that may follow ``tokens``; None when ``tokens`` spell the whole text.

        Args: remaining: maximum number of tokens that may follow.
        """
        at = Position(0, False)
        for token in tokens:
            if token >= FIRST_BYTE:
                at = self._after(at, token)
        if at.place >= len(self._text):
            return None
        return [token for token, after in self._steps[at] if self._tokens_to_end(after) < remaining]

    def _find(self, at: Position) -> None:
        found: list[tuple[int, Position]] = []
        rest = self._text[at.place :]
        gap = self._spellings.gaps and at.place > 0
        if gap and rest.startswith(b" "):  # a space that is part of the next token
            found += [(t, self._after(at, t)) for t in self._agreeing(rest[1:])]
            found = [
                (t, after)
                for t, after in found
                if not (at.in_bytes and t < self._spellings.first_piece)
            ]
        if not gap or at.in_bytes:
            more = self._agreeing(rest)
            found += [
                (t, self._after(at, t)) for t in more if not gap or t < self._spellings.first_piece
            ]
        needed = [(self._tokens_to_end(after), token, after) for token, after in found]
        self._steps[at] = [(token, after) for count, token, after in needed if count < IMPOSSIBLE]
        self._needed[at] = 1 + min((count for count, _, _ in needed), default=IMPOSSIBLE)

    def _agreeing(self, rest: bytes) -> list[int]:
        return self._spellings.agreeing(rest) if rest else []

    def _after(self, at: Position, token: int) -> Position:
        is_byte = token < self._spellings.first_piece
        gap = self._spellings.gaps and at.place > 0 and not (is_byte and at.in_bytes)
        return Position(at.place + gap + len(self._spellings.of[token]), is_byte)

    def _tokens_to_end(self, at: Position) -> int:
        return 0 if at.place >= len(self._text) else self._needed[at]
