"""Restrict sampling to tokens whose bytes form valid UTF-8 text.

A character that is not in the vocabulary is spelled in bytes, and randomly drawn bytes may not be
valid text. This file implements a state machine over bytes: in each state, a token is either
forbidden or leads to the next state. The states follow the table of well-formed UTF-8 (Unicode 16,
Table 3-7).
"""

from collections.abc import Collection, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE

CONTINUATION = (0x80, 0xBF)
NEXT: tuple[tuple[tuple[int, int, int], ...], ...] = (
    (  # 0: a character may start, and a text may end
        (0x00, 0x7F, 0), (0xC2, 0xC2, 4), (0xC3, 0xDF, 1), (0xE0, 0xE0, 5), (0xE1, 0xEC, 2),
        (0xED, 0xED, 6), (0xEE, 0xEF, 2), (0xF0, 0xF0, 7), (0xF1, 0xF3, 3), (0xF4, 0xF4, 8),
    ),
    ((*CONTINUATION, 0),),
    ((*CONTINUATION, 1),),
    ((*CONTINUATION, 2),),
    ((*CONTINUATION, 0),),  # 4: after C2, which starts U+0080 to U+00BF
    ((0xA0, 0xBF, 1),),  # 5: after E0: no overlong forms
    ((0x80, 0x9F, 1),),  # 6: after ED: no surrogates
    ((0x90, 0xBF, 2),),  # 7: after F0
    ((0x80, 0x8F, 2),),  # 8: after F4: nothing above U+10FFFF
)  # fmt: skip
"""For each state: first byte, last byte and next state of each allowed range."""
NEEDED = (0, 1, 2, 3, 1, 2, 2, 3, 3)
"""For each state, the number of bytes that complete the character."""
BEGINS = 0
AFTER_C2 = 4
CONTROLS = frozenset({*range(0x20), 0x7F} - {0x09, 0x0A, 0x0D})
"""Control characters of one byte, except tab, line feed and carriage return."""


def step(state: int, byte: int) -> int | None:
    """Return the state after a byte, or None if the byte is not allowed.

    >>> step(0, 0x41), step(0, 0xE2), step(2, 0x82), step(0, 0x80)
    (0, 2, 1, None)
    """
    for first, last, after in NEXT[state]:
        if first <= byte <= last:
            return after
    return None


class WellFormed:
    """The tokens that may follow a text, depending on the state of its bytes.

    Args:
        spellings: the bytes that each id of the vocabulary spells.
        seen: bytes that occur in the training texts; other bytes are never allowed. None means that
            these bytes are unknown; then all bytes except control characters are allowed.
        first_piece: id of the first piece; see `Tokenizer`.
    """

    def __init__(
        self,
        spellings: Sequence[bytes],
        seen: Collection[int] | None = None,
        *,
        first_piece: int = FIRST_PIECE,
    ) -> None:
        states = len(NEXT)
        self.after = torch.zeros(states, len(spellings), dtype=torch.long)
        self.allowed = torch.zeros(states, len(spellings), dtype=torch.bool)
        self.allowed[BEGINS, :FIRST_BYTE] = True
        for token, spelling in enumerate(spellings[FIRST_BYTE:], start=FIRST_BYTE):
            whole = token >= first_piece and _is_text(spelling)
            for state in (BEGINS,) if whole else range(states):
                after = _follow(state, spelling)
                if after is not None:
                    self.after[state, token], self.allowed[state, token] = after, True
        if first_piece > FIRST_BYTE:  # the vocabulary has byte tokens
            banned = CONTROLS if seen is None else set(range(256)).difference(seen)
            self.allowed[:, [FIRST_BYTE + byte for byte in sorted(banned)]] = False
            controls = slice(FIRST_BYTE + 0x80, FIRST_BYTE + 0xA0)
            self.allowed[AFTER_C2, controls] = False
        for _ in range(max(NEEDED)):  # remove tokens that lead to a state without a continuation
            dead = ~self.allowed.any(1)
            self.allowed &= ~dead[self.after]
        self.needed = torch.tensor(NEEDED)[self.after]

    def begin(self, sentences: int, draws: int) -> Int[Tensor, "sentences draws"]:
        """Return the states of empty texts."""
        return torch.full((sentences, draws), BEGINS)

    def follow(
        self, state: Int[Tensor, "sentences draws"], tokens: Int[Tensor, "sentences draws"]
    ) -> Int[Tensor, "sentences draws"]:
        """Return the states after one more token in each text.

        Forced tokens are accepted even if the state forbids them.
        """
        return self.after[state, tokens]

    def hide(
        self,
        logits: Float[Tensor, "sentences draws vocab"],
        state: Int[Tensor, "sentences draws"],
        remaining: Int[Tensor, "sentences"],
    ) -> Float[Tensor, "sentences draws vocab"]:
        """Return the logits with −∞ for tokens that are not allowed.

        Args: remaining: number of tokens that each sentence may have after this token. A character
            that needs more tokens is not started.
        """
        vocab = min(logits.shape[-1], self.allowed.shape[1])
        fits = self.needed[state] <= remaining[:, None, None]
        allowed = (self.allowed[state] & fits)[..., :vocab].to(logits.device)
        hidden = torch.full_like(logits, float("-inf"))
        hidden[..., :vocab] = logits[..., :vocab].where(allowed, hidden[..., :vocab])
        return hidden


def _follow(state: int, spelling: bytes) -> int | None:
    for byte in spelling:
        after = step(state, byte)
        if after is None:
            return None
        state = after
    return state


def _is_text(spelling: bytes) -> bool:
    try:
        spelling.decode()
    except UnicodeDecodeError:
        return False
    return True
