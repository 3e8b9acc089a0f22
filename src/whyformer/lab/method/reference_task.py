"""The reference task of the laboratory: a small GPT on the characters of Python's own help."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyformer.data.catalog import topics
from whyformer.foundation.errors import DivergedError
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method.batches import EndlessBatches, TensorBatch, generator_of
from whyformer.lab.method.learning import largest_gap
from whyformer.models.build import build_model
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.training.loop import fit, start
from whyformer.training.loss import Loss, fused_cross_entropy
from whyformer.training.reports import StepReport
from whyformer.training.settings import TrainingSettings
from whyformer.training.state import TrainingState

DEV_SHARE = 0.1
FAILED_WITHIN = 0.05
"""A run has failed if its final loss is not at least this far (in nats) below the unigram
entropy."""


@dataclass(frozen=True)
class Text:
    """Texts as character ids: the first 90 % are the train text and the rest is the dev text."""

    train: Tensor
    dev: Tensor
    vocabulary: int
    unigram_entropy: float
    """Cross-entropy of the dev text under the character frequencies of the train text, in nats per
    character."""


@cache
def text() -> Text:
    """Return the help topics of the installed Python. The topics differ slightly between versions
    of Python."""
    whole = "\n".join(topics())
    symbols = {c: number for number, c in enumerate(sorted(set(whole)))}
    ids = torch.tensor([symbols[c] for c in whole])
    cut = round(len(ids) * (1 - DEV_SHARE))
    train, dev = ids[:cut], ids[cut:]
    counts = torch.bincount(train, minlength=len(symbols)).double() + 1
    entropy = -(counts / counts.sum()).log()[dev].mean().item()
    return Text(train, dev, len(symbols), entropy)


@dataclass(frozen=True)
class Window(TensorBatch):
    """Rows of consecutive characters. The label of each character is the character after it."""

    target: Tensor
    labels: Tensor

    @property
    def tokens(self) -> int:
        """Return the number of labels in the batch."""
        return self.labels.numel()


@dataclass(frozen=True)
class Windows(EndlessBatches):
    """A `BatchSource` of ``rows`` windows per batch. The places of the windows depend only on the
    seed and the index of the batch."""

    ids: Tensor
    length: int
    rows: int
    seed: int

    def batch(self, epoch: int, index: int) -> Window:
        """Return the batch with this ``index``; ``epoch`` is ignored."""
        generator = generator_of(self.seed, index)
        starts = torch.randint(len(self.ids) - self.length - 1, (self.rows,), generator=generator)
        rows = self.ids[starts[:, None] + torch.arange(self.length + 1)]
        return Window(rows[:, :-1], rows[:, 1:])


def window_loss(model: nn.Module, batch: Window, smoothing: float) -> Loss:
    """Return the sum of the loss over all positions."""
    assert isinstance(model, GPT)
    features = model.features(batch.target).flatten(0, 1)
    return fused_cross_entropy(features, model.projection.weight, batch.labels.flatten(), smoothing)


def reference(**changes: Any) -> GPTSettings:
    """Return the reference model: 6 layers, width 64, 4 heads, Xavier, unit embeddings, no dropout.

    The embeddings are initialized from N(0, 1/d_model) and multiplied by √d_model, as in the paper.
    """
    d_model = changes.get("d_model", 64)
    settings: dict[str, Any] = {
        "layers": 6, "d_model": d_model, "heads": 4, "d_ff": 4 * d_model, "dropout": 0.0,
        "wiring": "pre-norm", "positions": "sinusoidal", "initialization": "xavier",
        "activation": "relu", "embedding_scale": "sqrt-d-model",
        "embedding_deviation": d_model**-0.5, "max_length": 512,
    }  # fmt: skip
    return GPTSettings.model_validate(settings | changes)


@dataclass(frozen=True)
class Trained:
    """The result of training a model.

    Args: loss: mean loss on the dev text in nats per character; NaN if the run diverged.
    """

    model: GPT
    loss: float
    reports: list[StepReport]

    @property
    def failed(self) -> bool:
        """Whether the model is no better than the character frequencies; see `FAILED_WITHIN`."""
        return not self.loss < text().unigram_entropy - FAILED_WITHIN


def fresh_model(settings: GPTSettings, seed: int) -> GPT:
    """Return a new model with the initial weights of a seed."""
    seed_everything(seed)
    size = text().vocabulary
    model = build_model(settings, (size, size), shared=True)
    assert isinstance(model, GPT)
    return model


def train(
    settings: GPTSettings,
    seed: int,
    *,
    steps: int,
    learning_rate: float,
    warmup: int = 0,
    length: int = 64,
    rows: int = 16,
    optimizer: str = "adam",
    clip: float = 0.0,
    smoothing: float = 0.0,
    schedule: str = "trapezoid",
    model: GPT | None = None,
    state: TrainingState | None = None,
    ids: Tensor | None = None,
) -> Trained:
    """Train a model from scratch and return its loss on the dev text.

    The seed determines the initial weights and the places of the windows.
    Args:
        model: a model to train instead of a new one.
        state: a training state to use instead of a new one; the model of this state is trained.
        ids: training data instead of the whole train text.
    """
    training = TrainingSettings(
        updates=steps, learning_rate=learning_rate, warmup=warmup, schedule=schedule,
        optimizer=optimizer, clip=clip, label_smoothing=smoothing, betas=(0.9, 0.98),
    )  # fmt: skip
    if state is None:
        state = start(fresh_model(settings, seed) if model is None else model, training)
    learned = state.model
    assert isinstance(learned, GPT)
    windows = Windows(text().train if ids is None else ids, length, rows, seed)
    reports: list[StepReport] = []
    try:
        for report in fit(state, windows, training, d_model=settings.d_model, loss_of=window_loss):
            reports.append(report)
    except DivergedError:
        return Trained(learned, math.nan, reports)
    return Trained(learned, dev_loss(learned, length), reports)


def course(
    model: nn.Module, optimizer: torch.optim.Optimizer, updates: int, seed: int
) -> list[float]:
    """Train on small windows with a given optimizer and return the loss of each update.

    This function is for float64 models whose losses are compared bit by bit.
    """
    windows = Windows(text().train, 32, 8, seed)
    losses: list[float] = []
    for step in range(updates):
        batch = windows.batch(0, step)
        loss = F.cross_entropy(model(batch.target).flatten(0, 1), batch.labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


Twin = tuple[nn.Module, Callable[[str], bool], float]
"""A model; a function that chooses parameters by name; the factor of their learning rate."""


def twin_gap(
    make: Callable[[bool], Twin], rate: float, updates: int, seed: int, *, optimizer: str = "adam"
) -> float:
    """Train a model and its twin in float64; return the largest difference between their losses.

    Adam divides by √v + ε. With the usual ε, the two trainings would differ slightly, because the
    sizes of the gradients differ. So ε is 1e-300 here.

    Args: make: function that returns the twin, or with False the model.
    """
    losses: list[list[float]] = []
    for twin in (False, True):
        model, chosen, factor = make(twin)
        named = list(model.double().named_parameters())
        groups = [
            {"params": [p for name, p in named if chosen(name)], "lr": rate * factor},
            {"params": [p for name, p in named if not chosen(name)], "lr": rate},
        ]
        losses.append(
            course(
                model,
                torch.optim.Adam(groups, betas=(0.9, 0.98), eps=1e-300)
                if optimizer == "adam"
                else torch.optim.SGD(groups, momentum=0.9),
                updates,
                seed,
            )
        )
    return largest_gap(*losses)


def dev_windows(length: int, count: int = 128, rows: int = 32) -> Iterator[Window]:
    """Yield windows at equal distances in the dev text."""
    dev = text().dev
    starts = torch.linspace(0, len(dev) - length - 2, count).long()
    for some in starts.split(rows):
        chosen = dev[some[:, None] + torch.arange(length + 1)]
        yield Window(chosen[:, :-1], chosen[:, 1:])


def dev_loss(model: GPT, length: int, count: int = 128) -> float:
    """Return the mean loss over the dev windows, in nats per character."""
    return dev_losses(model, length, count).mean().item()


@torch.no_grad()
def dev_losses(model: GPT, length: int, count: int = 128) -> Tensor:
    """Return the loss at each position of a window, averaged over the dev windows."""
    model.eval()
    losses = [
        F.cross_entropy(model(w.target).transpose(1, 2), w.labels, reduction="none")
        for w in dev_windows(length, count)
    ]
    return torch.cat(losses).double().mean(0)
