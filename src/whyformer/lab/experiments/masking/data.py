"""The training and test data."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from whyformer.data.catalog import topics
from whyformer.data.corruption import RATE, mask_tokens
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.batches import EndlessBatches, TensorBatch
from whyformer.text.symbols import PAD, SYMBOLS

FIRST = len(SYMBOLS)
RECIPES = {"80-10-10": (0.8, 0.1), "100-0-0": (1.0, 0.0), "0-0-100": (0.0, 1.0)}
"""For each recipe, the share of the chosen tokens that become MASK and the share that become a
random token; the other chosen tokens do not change. As in Table 8 of Devlin et al., a name lists
the shares of MASK, the same token and a random token."""
CAUSAL = {"causal": 1.0, "causal-15": RATE}
"""Share of the positions that contribute to the loss of a left-to-right model."""
LENGTH, ROWS, WARMUP, BLOCK = 64, 32, 20, 10
NAMED_WORDS, SHORTEST_WORD = 50, 3
BERTS = "80-10-10"


@dataclass(frozen=True)
class Masked(TensorBatch):
    """Rows with masked characters. The label of a position without a prediction is PAD."""

    ids: Int[Tensor, "batch length"]
    labels: Int[Tensor, "batch length"]

    @property
    def tokens(self) -> int:
        """Return the number of characters to predict, at least 1."""
        return max(1, int((self.labels != PAD).sum()))


@dataclass(frozen=True)
class Corrupted(EndlessBatches):
    """A `BatchSource` of windows of the text. The seed and the index determine windows and masks.

    Args: task: a recipe of `RECIPES`, or a key of `CAUSAL`. With `CAUSAL`, the label is the next
        character.
    """

    seed: int
    task: str

    def batch(self, epoch: int, index: int) -> Masked:
        """Return the batch with this ``index``; ``epoch`` is ignored."""
        rng = np.random.default_rng([self.seed, index])
        text = characters()
        starts = rng.integers(len(text) - LENGTH - 1, size=ROWS)
        rows = text[starts[:, None] + np.arange(LENGTH + 1)]
        if self.task in RECIPES:
            shares = RECIPES[self.task]
            read, labels = mask_tokens(rows[:, :-1], rng, vocabulary(), shares=shares)
        else:
            read, labels = rows[:, :-1], rows[:, 1:].copy()
            labels[rng.random(labels.shape) >= CAUSAL[self.task]] = PAD
        return Masked(torch.from_numpy(read), torch.from_numpy(labels))


def vocabulary() -> int:
    """Return the number of ids: special symbols plus characters of the text."""
    return FIRST + lm.text().vocabulary


@cache
def characters() -> np.ndarray:
    """Return the training text as ids."""
    return (lm.text().train + FIRST).numpy()


@dataclass(frozen=True)
class Examples:
    """Windows of text without masks, and the word of each letter; -1 if the probe ignores it."""

    ids: Int[Tensor, "windows length"]
    words: Int[Tensor, "windows length"]


def examples(text: Tensor, windows: int, seed: int) -> Examples:
    """Return windows at random places of a text; the probe ignores words cut by a window."""
    words, begins, ends = spans(text)
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(len(text) - LENGTH, (windows, 1), generator=generator)
    places = starts + torch.arange(LENGTH)
    whole = (begins[places] >= starts) & (ends[places] <= starts + LENGTH)
    return Examples(text[places] + FIRST, torch.where(whole, words[places], -1))


def spans(text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return three numbers for each character: the index of its word in `common_words`, and the
    begin and the end of the word.

    All three numbers are -1 for a character outside these words.
    """
    numbers = {word: number for number, word in enumerate(common_words())}
    words, begins, ends = (torch.full((len(text),), -1) for _ in range(3))
    for match in re.finditer("[A-Za-z]+", as_text(text)):
        if match.group() in numbers:
            here = slice(*match.span())
            words[here], (begins[here], ends[here]) = numbers[match.group()], match.span()
    return words, begins, ends


@cache
def common_words() -> tuple[str, ...]:
    """Return the most frequent words of the training text with at least three letters."""
    found = re.findall(f"[A-Za-z]{{{SHORTEST_WORD},}}", as_text(lm.text().train))
    return tuple(word for word, _ in Counter(found).most_common(NAMED_WORDS))


def as_text(text: Tensor) -> str:
    """Convert character ids to text."""
    alphabet = sorted(set("\n".join(topics())))
    return "".join(alphabet[number] for number in text.tolist())
