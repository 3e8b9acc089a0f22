"""Phrases that must not occur in the output, in any tokenization."""

import functools
import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from whyformer.decoding.constraints import Constraint
from whyformer.decoding.lexical.automaton import FOUND, PhraseAutomaton
from whyformer.text.symbols import EOS

REMEMBERED = 1 << 16
"""Number of hypotheses whose state is remembered between steps."""


class ForbiddenPhrases(Constraint):
    """No finished hypothesis contains one of the phrases.

    A token is forbidden when a phrase is complete after the token. `text.phrases` defines which
    characters must follow a phrase.
    """

    inside_characters = True

    def __init__(self, automaton: PhraseAutomaton) -> None:
        self.automaton = automaton
        self._states: dict[tuple[int, ...], int] = {}
        self._banned = functools.cache(self._find)

    def apply(
        self,
        scores: Float[Tensor, "hypotheses vocab"],
        tokens: Int[Tensor, "hypotheses length"],
    ) -> None:
        """See `Constraint`."""
        for row, ids in enumerate(tokens.tolist()):
            own = tuple(one for one in ids if one >= 0)
            banned = self._banned(self._state(own))
            scores[row, banned.to(scores.device)] = -math.inf

    def _state(self, tokens: tuple[int, ...]) -> int:
        """Return the state after some tokens. The states of the shorter hypotheses are usually
        remembered from the previous step."""
        if not tokens:
            return self.automaton.start
        before = self._states.get(tokens[:-1])
        if before is None:
            before = self.automaton.read(tokens[:-1])
        if len(self._states) >= REMEMBERED:
            self._states.clear()
        self._states[tokens] = int(self.automaton.after(before)[tokens[-1]])
        return self._states[tokens]

    def _find(self, state: int) -> Tensor:
        """Return the tokens that complete a phrase in this state."""
        if state == FOUND:  # a prefix contains the phrase
            return torch.empty(0, dtype=torch.long)
        banned = np.flatnonzero(self.automaton.after(state) == FOUND).tolist()
        return torch.tensor(banned + [EOS] * self.automaton.ends(state), dtype=torch.long)
