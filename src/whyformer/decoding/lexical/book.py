"""The automata of phrases that must or must not occur in the output, for one vocabulary."""

import functools
from collections.abc import Sequence

from whyformer.decoding.lexical.automaton import FOUND, PhraseAutomaton, TokenBytes
from whyformer.decoding.lexical.required import RequiredPhrase, Requirements
from whyformer.foundation.errors import UsageError
from whyformer.text.tokenizer import Tokenizer

REMEMBERED = 1000
"""Number of required phrases whose automata are kept in memory."""


class PhraseBook:
    """Makes the automata of phrases for one vocabulary, and remembers them."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._required = functools.lru_cache(REMEMBERED)(
            lambda text: RequiredPhrase(text, tokenizer, self._spelled)
        )
        self.automaton = functools.lru_cache(1)(
            lambda phrases: PhraseAutomaton(phrases, tokenizer, self._spelled)
        )
        """Return the automaton of a tuple of phrases."""

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
        automaton = self.automaton(tuple(forbidden))
        state = automaton.read(self._tokenizer.encode(text))
        if state == FOUND or (automaton.ends(state) and not continues):
            named = ", ".join(f"`{one}`" for one in forbidden)
            raise UsageError(
                f"{what} must not contain a forbidden phrase, but `{text}` does: the forbidden "
                f"phrases are {named}."
                " Change one of them."
            )
