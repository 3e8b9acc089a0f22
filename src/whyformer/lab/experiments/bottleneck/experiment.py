"""Train an encoder-decoder LSTM to copy or to reverse rows of random symbols."""

from dataclasses import dataclass

import numpy as np
import torch

from whyformer.blocks.additive_attention import RecurrentAttention
from whyformer.data.batch import Batch
from whyformer.data.synthetic import Task, synthetic_pairs
from whyformer.foundation.errors import DivergedError
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method.batches import EndlessBatches
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.lab.method.learning import learn
from whyformer.models.build import build_model
from whyformer.models.recurrent.model import RecurrentModel
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.text.symbols import BOS, EOS, SYMBOLS

KINDS = 8
"""Number of different symbols."""
VOCABULARY = len(SYMBOLS) + KINDS
SHORTEST = 5
LONGEST = {Mode.QUICK: 30, Mode.FULL: 50}
STEPS = {Mode.QUICK: 400, Mode.FULL: 800}
RATES = (3e-3, 1e-2)
ROWS = 32
WIDTHS = {RecurrentAttention.NONE: 72, RecurrentAttention.GENERAL: 64}
"""Width of the model for each kind of attention. The model without attention is wider, so that it
has at least as many parameters as the model with attention."""
TWICE_AS_WIDE = 144
ONE_WAY, TWO_WAY = "one-way", "two-way"
WATCHED = 20
"""Length of the sources for which the accuracy is also measured at each position."""


@dataclass(frozen=True)
class Rows(EndlessBatches):
    """A `BatchSource` of random rows; all rows of a batch have the same length, without padding.

    Args: task: copy, or reverse: the source is in reverse order.
    """

    task: Task
    longest: int
    seed: int

    def batch(self, epoch: int, index: int) -> Batch:
        """Return the batch with this ``index``. The length of its rows is drawn uniformly."""
        number = self.seed * 1_000_003 + index
        length = int(np.random.default_rng(number).integers(SHORTEST, self.longest + 1))
        return self.of(length, number, ROWS)

    def of(self, length: int, number: int, rows: int) -> Batch:
        """Return random rows of one length. Args: number: the seed."""
        pairs = synthetic_pairs(
            Task.copy, rows, seed=number, symbols=KINDS, shortest=length, longest=length
        )
        return batch_of(torch.tensor([symbols(pair.target) for pair in pairs]), self.task)


def symbols(text: str) -> list[int]:
    """Return the ids of the symbols in a text.

    >>> symbols("s0 s3")
    [5, 8]
    """
    return [len(SYMBOLS) + int(name[1:]) for name in text.split()]


def batch_of(answer: torch.Tensor, task: Task) -> Batch:
    """Return the batch whose labels are ``answer`` (rows, length), followed by EOS."""
    source = answer.flip(1) if task is Task.reverse else answer
    begin, end = torch.full((len(answer), 1), BOS), torch.full((len(answer), 1), EOS)
    return Batch(
        source=torch.cat([source, end], 1),
        source_real=None,
        target=torch.cat([begin, answer], 1),
        labels=torch.cat([answer, end], 1),
        tokens=answer.numel() + len(answer),
        indices=np.arange(len(answer)),
    )


def measure(settings: Settings, seed: int) -> Numbers:
    """Train on all lengths; then measure the shares of correct symbols and of exact rows for each
    length.

    Each symbol is predicted from the correct earlier symbols (teacher forcing). Greedy search has
    the same share of exact rows, because a row without an error has the same prefixes.
    """
    task, longest = Task(settings["task"]), settings["longest"]
    model = fresh_model(settings, seed)
    parameters = sum(p.numel() for p in model.parameters())
    lengths = range(SHORTEST, longest + 1, 5)
    try:
        learn(
            model, Rows(task, longest, seed), updates=settings["steps"], warmup=50, clip=1.0,
            learning_rate=settings["rate"], d_model=settings["width"],
        )  # fmt: skip
    except DivergedError:
        nothing = [0.0] * len(lengths)
        return {"symbols": nothing, "exact": nothing, "places": [0.0] * WATCHED,
                "parameters": parameters, "mean": 0.0, "error": 1.0}  # fmt: skip
    right = {length: answers(model, task, length, seed) for length in {*lengths, WATCHED}}
    by_length = [right[length][:, :-1].mean().item() for length in lengths]
    return {
        "symbols": by_length,
        "exact": [right[length].prod(1).mean().item() for length in lengths],
        "places": right[WATCHED][:, :-1].mean(0).tolist(),
        "parameters": parameters,
        "mean": float(np.mean(by_length)),
        "error": 1 - float(np.mean(by_length)),
    }


@torch.no_grad()
def answers(model: RecurrentModel, task: Task, length: int, seed: int) -> torch.Tensor:
    """Predict new rows. Return (rows, length + 1): 1 for a correct prediction, otherwise 0.

    The last column is the prediction of EOS.
    """
    model.eval()
    fresh = Rows(task, length, seed).of(length, -1 - seed, 256)
    logits = model(fresh.source, None, fresh.target)
    return (logits.argmax(-1) == fresh.labels).double()


def fresh_model(settings: Settings, seed: int) -> RecurrentModel:
    """Return an encoder and a decoder of one LSTM layer each, with new weights."""
    seed_everything(seed)
    shape = RecurrentSettings(
        encoder_layers=1, decoder_layers=1, d_model=settings["width"], dropout=0.0,
        bidirectional=settings["encoder"] == TWO_WAY, attention=settings["attention"],
        input_feeding=False,
    )  # fmt: skip
    model = build_model(shape, (VOCABULARY, VOCABULARY), shared=True)
    assert isinstance(model, RecurrentModel)
    return model


def conditions(mode: Mode) -> list[Settings]:
    """Return three models on both tasks: with attention, without attention, and without attention
    and with a one-way encoder.

    The paper on reversed sources uses the one-way encoder. Quick mode has one learning rate. Full
    mode adds a model whose vector is twice as wide.
    """
    rates = RATES if mode is Mode.FULL else RATES[:1]
    none, general = RecurrentAttention.NONE, RecurrentAttention.GENERAL
    arms = [
        *((TWO_WAY, none, WIDTHS[none]), (TWO_WAY, general, WIDTHS[general])),
        (ONE_WAY, none, WIDTHS[none]),
    ]
    whole = [(*arm, task) for arm in arms for task in (Task.copy, Task.reverse)]
    if mode is Mode.FULL:
        whole.append((TWO_WAY, none, TWICE_AS_WIDE, Task.copy))
    return [
        {
            "encoder": encoder, "attention": str(attention), "width": width, "task": str(task),
            "rate": rate, "longest": LONGEST[mode], "steps": STEPS[mode],
        }
        for encoder, attention, width, task in whole
        for rate in rates
    ]  # fmt: skip


def arm(attention: str, task: str, encoder: str = TWO_WAY, width: int | None = None) -> Settings:
    """Return the settings that identify an arm."""
    chosen = WIDTHS[RecurrentAttention(attention)] if width is None else width
    return {"attention": attention, "task": task, "encoder": encoder, "width": chosen}
