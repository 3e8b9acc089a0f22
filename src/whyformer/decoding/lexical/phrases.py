"""The phrases of a search: phrases that must occur, and phrases that must not occur."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from whyformer.decoding.constraints import Constraint
from whyformer.decoding.lexical.automaton import FOUND, PhraseAutomaton, TokenBytes
from whyformer.decoding.lexical.forbidden import ForbiddenPhrases
from whyformer.decoding.lexical.required import RequiredPhrase, Requirements
from whyformer.foundation.errors import UsageError
from whyformer.text.tokenizer import Tokenizer

REMEMBERED = 1000
"""Number of required phrases whose automata are kept in memory."""


@dataclass(frozen=True)
class Phrases:
    """The phrases of one call of `search`.

    Args:
        required: the phrases that must occur in the target of each sentence; empty if no sentence
            requires a phrase.
        forbidden: at most one constraint, which forbids phrases in all targets.
    """

    required: Sequence[Requirements] = ()
    forbidden: Sequence[Constraint] = ()


NO_PHRASES = Phrases()


class PhraseBook:
    """Makes the automata of phrases for one vocabulary, and remembers them."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._required = functools.lru_cache(REMEMBERED)(
            lambda text: RequiredPhrase(text, tokenizer, self._spelled)
        )
        self._automaton = functools.lru_cache(1)(
            lambda phrases: PhraseAutomaton(phrases, tokenizer, self._spelled)
        )
        self._constraint = functools.lru_cache(1)(
            lambda phrases: ForbiddenPhrases(self._automaton(phrases))
        )

    @functools.cached_property
    def _spelled(self) -> TokenBytes:
        return TokenBytes(self._tokenizer)

    def required(self, phrases: Sequence[str], forbidden: Sequence[str] = ()) -> Requirements:
        """Return the automata of phrases that must occur; equal phrases count once.

        Raises: UsageError when a phrase is empty or contains a forbidden phrase.
        """
        for phrase in phrases:
            self.refuse_forbidden("A required phrase", phrase, forbidden)
        return Requirements([self._required(one) for one in dict.fromkeys(phrases)])

    def forbidden(self, phrases: Sequence[str]) -> list[Constraint]:
        """Return the constraint that forbids phrases, or an empty list if there are no phrases.

        Raises: UsageError when a phrase is empty.
        """
        return [self._constraint(tuple(phrases))] if phrases else []

    def refuse_forbidden(
        self, what: str, text: str, forbidden: Sequence[str], *, continues: bool = False
    ) -> None:
        """Raise UsageError when a text contains a forbidden phrase.

        Args:
            what: the name of the text, which begins the message.
            continues: whether more text follows, so that the last word may not be complete.
        """
        if not forbidden or not text:
            return
        automaton = self._automaton(tuple(forbidden))
        state = automaton.read(self._tokenizer.encode(text))
        if state == FOUND or (automaton.ends(state) and not continues):
            named = ", ".join(f"`{one}`" for one in forbidden)
            raise UsageError(
                f"{what} must not contain a forbidden phrase, but `{text}` does: the forbidden "
                f"phrases are {named}."
                " Change one of them."
            )
