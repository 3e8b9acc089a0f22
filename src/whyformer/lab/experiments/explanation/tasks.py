"""A task whose cause is known, a task on real text, and the training of a model on each of them.

In training, a token of the input is a blank with a probability of 10 %, so a trained model knows
what a missing token is. To remove a token, the measurement replaces it by the blank.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.batches import EndlessBatches, generator_of
from whyformer.lab.method.exercises import Exercise, exercise_loss
from whyformer.lab.method.learning import learn
from whyformer.models.build import build_model
from whyformer.models.gpt import GPT

LOOKUP, LANGUAGE = "lookup", "language"
ITEMS, ANSWERS = 12, 8
"""Number of items in a row, which is also the number of keys; number of different values."""
LENGTH = 32
"""Number of characters that the language model reads."""
BLANKS = 0.1
ROWS, WIDTH = 32, 64
RATE = 3e-3
"""Peak learning rate. It was chosen on seeds that are not judged."""


@dataclass(frozen=True)
class Lookup(EndlessBatches):
    """Rows of 12 items and a question. An item is one token with a key and a value; the last token
    of a row is the key whose value is asked for."""

    seed: int
    rows: int = ROWS
    blanks: float = BLANKS

    def batch(self, epoch: int, index: int) -> Exercise:
        """Return the batch with this ``index``; ``epoch`` is ignored."""
        generator = generator_of(self.seed, index)
        keys, values, asked = self._draw(generator)
        each = torch.arange(self.rows)
        question = ANSWERS + keys[each, asked]
        items = ANSWERS + ITEMS + keys * ANSWERS + values
        items = blanked(items, symbols_of(LOOKUP) - 1, self.blanks, generator)
        row = torch.cat([items, question[:, None]], 1)
        labels = torch.full_like(row, -1)
        labels[:, -1] = values[each, asked]
        return Exercise(row, labels)

    def causes(self, index: int) -> Tensor:
        """Return the place of the item that is asked for, in each row of a batch."""
        return self._draw(generator_of(self.seed, index))[2]

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return the keys of the items, their values, and the place of the item asked for."""
        keys = torch.rand(self.rows, ITEMS, generator=generator).argsort(1)
        values = torch.randint(ANSWERS, (self.rows, ITEMS), generator=generator)
        return keys, values, torch.randint(ITEMS, (self.rows,), generator=generator)


@dataclass(frozen=True)
class Text(EndlessBatches):
    """Windows of the reference text. The label of each character is the next character."""

    windows: lm.Windows

    def batch(self, epoch: int, index: int) -> Exercise:
        """Return the batch with this ``index``; ``epoch`` is ignored."""
        window = self.windows.batch(epoch, index)
        generator = generator_of(self.windows.seed + 500_000, index)
        row = blanked(window.target, symbols_of(LANGUAGE) - 1, BLANKS, generator)
        return Exercise(row, window.labels)


def blanked(ids: Tensor, blank: int, share: float, generator: torch.Generator) -> Tensor:
    """Replace a random share of the tokens by the blank."""
    return ids.masked_fill(torch.rand(ids.shape, generator=generator) < share, blank)


def symbols_of(task: str) -> int:
    """Return the number of different tokens; the last one is the blank.

    The tokens of the lookup are the values, the keys, all pairs of a key and a value, and the
    blank.
    """
    if task == LANGUAGE:
        return lm.text().vocabulary + 1
    return ANSWERS + ITEMS + ITEMS * ANSWERS + 1


def trained(task: str, layers: int, seed: int, updates: int) -> GPT:
    """Return a GPT that has learned a task."""
    seed_everything(seed)
    size = symbols_of(task)
    model = build_model(lm.reference(layers=layers, d_model=WIDTH), (size, size), shared=True)
    assert isinstance(model, GPT)
    windows = lm.Windows(lm.text().train, LENGTH, ROWS, seed)
    learn(
        model, Text(windows) if task == LANGUAGE else Lookup(seed), updates=updates, warmup=50,
        learning_rate=RATE, clip=1.0, d_model=WIDTH, loss_of=exercise_loss,
    )  # fmt: skip
    return model.eval()


def new_rows(task: str, rows: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return rows without blanks that the training did not contain, and the right answer at the
    last position of each row."""
    if task == LANGUAGE:
        window = next(lm.dev_windows(LENGTH, rows, rows))
        return window.target, window.labels[:, -1]
    batch = unseen(rows, seed).batch(0, 0)
    return batch.target, batch.labels[:, -1]


def unseen(rows: int, seed: int) -> Lookup:
    """Return the batches of the lookup on which a model of this seed is tested."""
    return Lookup(seed + 1000, rows, 0.0)
