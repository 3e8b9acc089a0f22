"""Find phrases in the text that tokens spell, in any tokenization.

The same phrase can be spelled by several sequences of tokens: `dog`, ` dog`, `do|g`. So an
automaton reads the bytes of the text, and each token moves the automaton by the bytes that it
spells. `text.phrases` defines where a phrase may begin and end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from whyformer.foundation.errors import UsageError
from whyformer.text.phrases import begins_at_word_start, ends_at_word_end, is_word
from whyformer.text.symbols import FIRST_BYTE, UNK
from whyformer.text.tokenizer import Tokenizer

FOUND = 0
"""The state of an automaton that has found a phrase. The automaton never leaves this state."""
WORD, BREAK, FINAL_CONSONANT = range(3)
"""Classes of characters: part of a word; not part of a word; a Hangul consonant that ends a
syllable (only tokenizers of jamo spell it separately)."""
_BREAKS = (range(0x300), range(0x2000, 0x2C00), range(0x3000, 0x3040), range(0xFF00, 0xFF66))
"""Blocks with spaces, punctuation and symbols. All characters of other blocks count as parts of
words."""
_FINAL_CONSONANTS = range(0x11A8, 0x1200)
_INSIDE = len((WORD, BREAK, FINAL_CONSONANT))
"""The states of `_character_states` from this number on are positions inside a character."""


@cache
def _character_states() -> list[dict[int, int]]:
    """Return an automaton over bytes whose state is the class of the last character.

    For each state, the result has the states after the listed bytes; after any other byte, the
    state is WORD. Equal states are merged.
    """
    classes = {chr(c): BREAK for block in _BREAKS for c in block if not is_word(chr(c))}
    classes |= {chr(c): FINAL_CONSONANT for c in _FINAL_CONSONANTS}
    tree: dict[int, Any] = {}
    for character, kind in classes.items():
        *first, last = character.encode()
        node = tree
        for byte in first:
            node = node.setdefault(byte, {})
        node[last] = kind
    states: list[dict[int, int]] = []
    known: dict[tuple[tuple[int, int], ...], int] = {}

    def moves(node: dict[int, Any]) -> dict[int, int]:
        return {byte: add(to) if isinstance(to, dict) else to for byte, to in node.items()}

    def add(node: dict[int, Any]) -> int:
        found = moves(node)
        key = tuple(sorted(found.items()))
        if key not in known:
            known[key] = _INSIDE + len(states)
            states.append(found)
        return known[key]

    return [moves(tree)] * _INSIDE + states


@dataclass(frozen=True)
class Phrase:
    """A phrase as bytes, with the rules for its neighbours.

    Args:
        at_word_start: whether the phrase may only follow the start of the text or a BREAK.
        before: the classes of characters that may follow the phrase.
    """

    text: str
    spelling: bytes
    at_word_start: bool
    before: frozenset[int]

    @classmethod
    def of(cls, text: str, tokenizer: Tokenizer) -> "Phrase":
        """Return a phrase as the tokenizer spells it.

        Raises: UsageError when the phrase is empty, or when the vocabulary cannot spell it.
        """
        normal = tokenizer.normalize(text).strip()
        if not normal:
            raise UsageError(f"A phrase must have at least one character, but it is `{text}`.")
        ids = tokenizer.encode(normal)
        if UNK in ids:
            raise UsageError(
                f"The vocabulary of the run must be able to spell a phrase, but `{text}` has an "
                "unknown character. Leave this phrase out."
            )
        # A tokenizer of another tool may put a space before the first word.
        spelled = b"".join(tokenizer.spellings[one] for one in ids).lstrip(b" ")
        before = {BREAK} if ends_at_word_end(normal) else {BREAK, WORD}
        if spelled == normal.encode():
            before |= set() if ends_at_word_end(normal) else {FINAL_CONSONANT}
        return cls(
            text,
            normal.encode() if tokenizer.gaps else spelled,
            begins_at_word_start(normal),
            frozenset(before),
        )


_State = tuple[int, frozenset[tuple[int, int]]]
"""The state of the last character, and for each phrase that may be in progress, the number of the
phrase and the number of bytes read."""


class TokenBytes:
    """The bytes of all tokens of a vocabulary as one matrix, longest tokens first."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        spellings = tokenizer.spellings
        self.gaps, self.count = tokenizer.gaps, len(spellings)
        self.first_piece = tokenizer.first_piece
        lengths = np.array([len(one) for one in spellings])
        self.order = np.argsort(-lengths, kind="stable")
        lengths = lengths[self.order]
        longest = int(lengths[0])
        table = b"".join(spellings[token].ljust(longest, b"\0") for token in self.order)
        self.columns = np.frombuffer(table, np.uint8).reshape(-1, longest).T
        self.many = [int((lengths > column).sum()) for column in range(longest)]

    def walk(
        self, moves: Int[np.ndarray, "states 256"], start: Int[np.ndarray, " tokens"]
    ) -> Int[np.ndarray, " tokens"]:
        """Return the state after the bytes of each token. Args: start: a state for each token."""
        now = start[self.order]
        for column, many in zip(self.columns, self.many, strict=True):
            now[:many] = moves[now[:many], column[:many]]
        after = np.empty_like(now)
        after[self.order] = now
        return after


class PhraseAutomaton:
    """An automaton over tokens that finds the first occurrence of any of its phrases.

    A phrase is found when the character after the phrase shows that the phrase is complete, or when
    the text ends; see `ends`. State `FOUND` means that a phrase was found.

    >>> from whyformer.text.tokenizer import train_tokenizer
    >>> tokenizer = train_tokenizer("chars", ["a cat category"], vocabulary=300)
    >>> automaton = PhraseAutomaton(["cat"], tokenizer)
    >>> [automaton.contains(tokenizer.encode(one)) for one in ("a cat", "category", "cat a")]
    [True, False, True]
    """

    def __init__(
        self, phrases: Sequence[str], tokenizer: Tokenizer, spelled: TokenBytes | None = None
    ) -> None:
        self.phrases = [Phrase.of(one, tokenizer) for one in phrases]
        self._tokens = TokenBytes(tokenizer) if spelled is None else spelled
        self._moves, ends = self._states()
        self._rows: dict[int, Int[np.ndarray, " tokens"]] = {}
        self._flags = 3 if self._tokens.gaps else 1  # no token yet, after a byte, after a piece
        self._ends = ends
        self.start = self._flags

    def after(self, state: int) -> Int[np.ndarray, " tokens"]:
        """Return the state after each token of the vocabulary."""
        if state not in self._rows:
            self._rows[state] = self._row(state)
        return self._rows[state]

    def ends(self, state: int) -> bool:
        """Return whether a phrase is found if the text ends in this state."""
        return bool(self._ends[state // self._flags])

    def read(self, tokens: Sequence[int]) -> int:
        """Return the state after some tokens."""
        state = self.start
        for token in tokens:
            state = int(self.after(state)[token])
        return state

    def contains(self, tokens: Sequence[int]) -> bool:
        """Return whether the text of the tokens contains one of the phrases."""
        return self.ends(self.read(tokens))

    def _row(self, state: int) -> Int[np.ndarray, " tokens"]:
        base, flag = divmod(state, self._flags)
        count = self._tokens.count
        start = np.full(count, base)
        if self._flags == 1:
            return self._tokens.walk(self._moves, start)
        if base == FOUND:
            return np.full(count, FOUND)
        kinds = np.full(count, 2)
        kinds[FIRST_BYTE : self._tokens.first_piece] = 1
        if flag:  # a space, except between two bytes
            start[(kinds == 2) | (flag == 2)] = self._moves[base, ord(" ")]
        after = self._tokens.walk(self._moves, start)
        states = np.where(after == FOUND, FOUND, after * self._flags + kinds)
        states[:FIRST_BYTE] = state  # symbols are not part of the text
        return states

    def _states(self) -> tuple[Int[np.ndarray, "states 256"], Bool[np.ndarray, " states"]]:
        """Return the moves of all states over bytes, and whether each state ends a phrase."""
        numbers: dict[_State, int] = {(BREAK, frozenset()): 1}
        found: list[_State] = list(numbers)
        moves: list[list[int]] = [[FOUND] * 256]
        while len(moves) <= len(found):
            row: list[int] = []
            state = found[len(moves) - 1]
            for byte in range(256):
                after = self._move(state, byte)
                if after is not None and after not in numbers:
                    numbers[after] = len(found) + 1
                    found.append(after)
                row.append(FOUND if after is None else numbers[after])
            moves.append(row)
        ends = [any(at == len(self.phrases[n].spelling) for n, at in going) for _, going in found]
        return np.array(moves), np.array([True, *ends])

    def _move(self, state: _State, byte: int) -> _State | None:
        """Return the state after a byte; None when a phrase is found."""
        last, going = state
        now = _character_states()[last].get(byte, WORD)
        kept: set[tuple[int, int]] = set()
        for number, at in going:
            phrase = self.phrases[number]
            if at < len(phrase.spelling):
                if phrase.spelling[at] == byte:
                    kept.add((number, at + 1))
            elif now >= _INSIDE:
                kept.add((number, at))
            elif now in phrase.before:
                return None
        for number, phrase in enumerate(self.phrases):
            if phrase.spelling[0] == byte and (last == BREAK or not phrase.at_word_start):
                kept.add((number, 1))
        return now, frozenset(kept)
