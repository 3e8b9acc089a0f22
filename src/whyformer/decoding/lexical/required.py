"""Phrases that must occur in the output for a line, and how many tokens are still needed."""

import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int

from whyformer.decoding.lexical.automaton import FOUND, PhraseAutomaton, TokenBytes
from whyformer.text.symbols import FIRST_BYTE
from whyformer.text.tokenizer import Tokenizer

FAR = 1 << 20
"""Used as the number of needed tokens before the number is known."""


class RequiredPhrase:
    """A phrase that must occur, and the number of tokens that it still needs in each state.

    The states have new numbers: 0 means found, and 1 is the state before the first token.

    Attributes:
        after: the state after each token.
        needed: the smallest number of tokens until the phrase is found, including the token after
            the phrase.
        ends: whether the phrase is found if the text ends in this state.
        worst: the largest value of ``needed``.
    """

    def __init__(self, text: str, tokenizer: Tokenizer, spelled: TokenBytes) -> None:
        self.text = text
        automaton = PhraseAutomaton([text], tokenizer, spelled)
        numbers = {FOUND: 0, automaton.start: 1}
        rows: list[Int[np.ndarray, " tokens"]] = []
        while len(rows) < len(numbers):
            row = automaton.after(list(numbers)[len(rows)])
            states, places = np.unique(row, return_inverse=True)
            new = [numbers.setdefault(state, len(numbers)) for state in states.tolist()]
            rows.append(np.array(new, np.int32)[places])
        self.after: Int[np.ndarray, "states tokens"] = np.stack(rows)
        self.ends: Bool[np.ndarray, " states"] = np.array([automaton.ends(one) for one in numbers])
        self.needed = _distances(self.after[:, FIRST_BYTE:])
        self.worst = int(self.needed.max())


def _distances(after: Int[np.ndarray, "states tokens"]) -> Int[np.ndarray, " states"]:
    """Return the smallest number of tokens from each state to state 0."""
    needed = np.full(len(after), FAR)
    needed[0] = 0
    while True:
        nearer = np.minimum(needed, 1 + needed[after].min(1))
        if (nearer == needed).all():
            return needed
        needed = nearer


class Requirements:
    """The phrases that must occur in the output for one line.

    A hypothesis has one state for each phrase. All phrases can be completed within `left` more
    tokens: complete the phrase that needs the fewest tokens, then the others one after another.
    """

    def __init__(self, phrases: Sequence[RequiredPhrase]) -> None:
        self.phrases = list(phrases)

    def __len__(self) -> int:
        return len(self.phrases)

    @property
    def texts(self) -> list[str]:
        """The phrases."""
        return [one.text for one in self.phrases]

    @property
    def most(self) -> int:
        """The largest value of `left` in any state."""
        return sum(one.worst for one in self.phrases)

    @property
    def beams(self) -> int:
        """The number of different numbers of missing tokens, each of which has its own beam."""
        return 1 + int(self.missing(self.begin())[0])

    def begin(self) -> Int[np.ndarray, "1 phrases"]:
        """Return the states of one empty hypothesis."""
        return np.ones((1, len(self)), np.int32)

    def follow(
        self, states: Int[np.ndarray, "hypotheses phrases"], tokens: Int[np.ndarray, " hypotheses"]
    ) -> Int[np.ndarray, "hypotheses phrases"]:
        """Return the states after one more token in each hypothesis."""
        found = [one.after[states[:, n], tokens] for n, one in enumerate(self.phrases)]
        return np.stack(found, 1) if found else states[: len(tokens)]

    def missing(
        self, states: Int[np.ndarray, "hypotheses phrases"]
    ) -> Int[np.ndarray, " hypotheses"]:
        """Return the sum of the tokens that the phrases of each hypothesis still need."""
        found = [one.needed[states[:, n]] for n, one in enumerate(self.phrases)]
        return np.sum(found, 0) if found else np.zeros(len(states), int)

    def met(self, states: Int[np.ndarray, "hypotheses phrases"]) -> Bool[np.ndarray, " hypotheses"]:
        """Return whether each hypothesis contains all phrases if its text ends here."""
        found = [one.ends[states[:, n]] for n, one in enumerate(self.phrases)]
        return np.all(found, 0) if found else np.ones(len(states), bool)

    def left(self, states: Int[np.ndarray, "hypotheses phrases"]) -> Int[np.ndarray, " hypotheses"]:
        """Return a number of tokens within which each hypothesis can complete all phrases. The end
        of the text counts as a token."""
        return self._left([one.needed[states[:, n]] for n, one in enumerate(self.phrases)])

    def left_after(self, states: Int[np.ndarray, " phrases"]) -> Int[np.ndarray, " tokens"]:
        """Return `left` of a hypothesis after each token of the vocabulary."""
        return self._left(
            [one.needed[one.after[s]] for one, s in zip(self.phrases, states, strict=True)]
        )

    def advancing(self, states: Int[np.ndarray, " phrases"]) -> Bool[np.ndarray, " tokens"]:
        """Return which tokens bring a hypothesis nearer to the end of at least one phrase."""
        found = [_advancing(one, int(s)) for one, s in zip(self.phrases, states, strict=True)]
        return np.any(found, 0)

    def _left(self, needed: list[Int[np.ndarray, " items"]]) -> Int[np.ndarray, " items"]:
        worst = [one.worst * (n > 0) for one, n in zip(self.phrases, needed, strict=True)]
        first = [np.where(n > 0, n - w, 0) for n, w in zip(needed, worst, strict=True)]
        return np.sum(worst, 0) + np.min(first, 0)


@functools.lru_cache(4096)
def _advancing(phrase: RequiredPhrase, state: int) -> Bool[np.ndarray, " tokens"]:
    return phrase.needed[phrase.after[state]] < phrase.needed[state]
