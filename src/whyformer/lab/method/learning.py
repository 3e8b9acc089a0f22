"""Short trainings of an experiment's own models, and numbers that compare two trainings."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.blocks.initialization import Initialization
from whyformer.foundation.randomness import seed_everything
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.build import build_model
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.text.symbols import PAD
from whyformer.training.distributed import LossOf
from whyformer.training.loop import fit, sequence_loss, start
from whyformer.training.loss import Loss, fused_cross_entropy
from whyformer.training.reports import StepReport
from whyformer.training.settings import TrainingSettings
from whyformer.training.state import BatchSource


def learn(
    model: nn.Module,
    batches: BatchSource,
    *,
    updates: int,
    learning_rate: float,
    warmup: int,
    d_model: int,
    loss_of: LossOf = sequence_loss,
    label_smoothing: float = 0.0,
    clip: float = 0.0,
    schedule: str = "trapezoid",
) -> list[StepReport]:
    """Train a model with Adam and return the report of each update.

    Raises: DivergedError when the loss or a gradient is not finite.
    """
    training = TrainingSettings(
        updates=updates, learning_rate=learning_rate, warmup=warmup, schedule=schedule,
        label_smoothing=label_smoothing, clip=clip,
    )  # fmt: skip
    return list(fit(start(model, training), batches, training, d_model=d_model, loss_of=loss_of))


def states_of(model: BERT | GPT, ids: Int[Tensor, "rows length"]) -> Float[Tensor, "rows length d"]:
    """Return the states of the last layer."""
    return model(ids) if isinstance(model, BERT) else model.features(ids)


def labelled_loss(
    model: BERT | GPT,
    states: Float[Tensor, "rows length d"],
    labels: Int[Tensor, "rows length"],
    smoothing: float,
) -> Loss:
    """Return the sum of the loss over the positions whose label is not PAD."""
    chosen = labels != PAD
    if isinstance(model, BERT):
        features, table = model.masked.features(states[chosen]), model.masked.table()
    else:
        features, table = states[chosen], model.projection.weight
    return fused_cross_entropy(features, table, labels[chosen], smoothing)


def block_means(values: Sequence[float], size: int) -> list[float]:
    """Return the mean of each block of ``size`` values; an incomplete last block is dropped.

    >>> block_means([1, 3, 5, 7, 100], 2)
    [2.0, 6.0]
    """
    whole = len(values) // size * size
    return np.array(values[:whole]).reshape(-1, size).mean(1).tolist()


def fresh_small_model(
    kind: type[BERT] | type[GPT], vocabulary: int, seed: int, *, d_model: int = 64
) -> BERT | GPT:
    """Return a BERT or a GPT with two Pre-LN layers and the initial weights of a seed.

    The positions are rotary. With sinusoidal positions, such a small model would learn only the
    frequencies of the tokens during the whole run.
    """
    settings = BERTSettings if kind is BERT else GPTSettings
    shape = settings(
        layers=2, d_model=d_model, heads=4, d_ff=4 * d_model, dropout=0.0, wiring="pre-norm",
        positions="rotary", initialization=Initialization.XAVIER,
        activation="gelu",
    )  # fmt: skip
    seed_everything(seed)
    model = build_model(shape, (vocabulary, vocabulary), shared=True)
    assert isinstance(model, BERT | GPT)
    return model


def largest_gap(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the largest difference between the losses of two trainings at the same update.

    >>> largest_gap([3.0, 2.0], [3.0, 2.5])
    0.5
    """
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
