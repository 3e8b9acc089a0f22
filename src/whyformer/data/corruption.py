"""Mask tokens for a masked language model: BERT's 80/10/10 rule, for tokens or whole words."""

import numpy as np
from jaxtyping import Bool, Int

from whyformer.text.symbols import FIRST_BYTE, MASK, PAD

RATE = 0.15
SHARES = (0.8, 0.1)
"""Two fractions of the chosen tokens: 80 % become MASK, and 10 % become a random token. The other
chosen tokens stay unchanged."""


def mask_tokens(
    ids: Int[np.ndarray, "batch length"],
    rng: np.random.Generator,
    vocabulary: int,
    *,
    rate: float = RATE,
    shares: tuple[float, float] = SHARES,
    starts: Bool[np.ndarray, "batch length"] | None = None,
) -> tuple[Int[np.ndarray, "batch length"], Int[np.ndarray, "batch length"]]:
    """Return the masked ids and the labels. A label is the original token at a chosen position, and
    PAD elsewhere.

    Paper: Devlin et al. 2018 (arXiv:1810.04805), §3.1, Task #1 and A.1: 15 % of the tokens are
        chosen; 80 % of these become [MASK], 10 % become a random token, and 10 % stay unchanged.
    Differs: every token is chosen independently with probability ``rate``, so the number of chosen
    tokens in a row is binomial; the paper's code chooses a fixed number per row.
    Args:
        ids: the ids of a batch; symbols (bos, eos, padding, …) in it are never chosen.
        vocabulary: number of ids; random tokens are drawn from all of them except symbols.
        shares: see `SHARES`.
        starts: True where a token starts a word. If ``starts`` is given, all tokens of a chosen
            word are masked together.
    """
    choosable = ids >= FIRST_BYTE
    chance = rng.random(ids.shape)
    if starts is not None:  # every token of a word uses the random number of its first token
        word = np.cumsum(starts | ~choosable, axis=1, dtype=np.int64)
        first = np.zeros((len(ids), ids.shape[1] + 1))
        np.put_along_axis(first, word[:, ::-1], chance[:, ::-1], axis=1)
        chance = np.take_along_axis(first, word, axis=1)
    chosen = choosable & (chance < rate)
    how = rng.random(ids.shape)
    hidden = chosen & (how < shares[0])
    drawn = chosen & (how >= shares[0]) & (how < sum(shares))
    read = np.where(hidden, MASK, ids)
    read = np.where(drawn, rng.integers(FIRST_BYTE, vocabulary, ids.shape), read)
    return read, np.where(chosen, ids, PAD)
