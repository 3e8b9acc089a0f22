"""The settings of training: section `training` of a recipe."""

from typing import Annotated

from pydantic import Field

from whyformer.foundation.bounds import (
    MAX_BATCH_TOKENS,
    MAX_FACTOR,
    MAX_MINUTES,
    MAX_SEED,
    MAX_UPDATES,
)
from whyformer.foundation.config import Settings
from whyformer.foundation.devices import Precision
from whyformer.training.averaging import Averaging
from whyformer.training.distributed import Parallel
from whyformer.training.optimizers import Optimizer
from whyformer.training.schedules import Schedule

Decay = Annotated[float, Field(ge=0, lt=1)]


class TrainingSettings(Settings):
    """How a model is trained; one update is `accumulate` batches."""

    updates: int = Field(default=10_000, ge=1, le=MAX_UPDATES)
    """Length of the run in updates; schedules that end, end here."""
    minutes: float | None = Field(default=None, gt=0, le=MAX_MINUTES)
    """Instead of `updates`: minutes that training may take, validations and checkpoints included.
    The speed is measured all the time, and the number of updates follows from it."""
    batch_tokens: int = Field(default=4096, ge=16, le=MAX_BATCH_TOKENS)
    """Padded tokens of a batch, source or target, whichever are more (paper: 25,000)."""
    accumulate: int = Field(default=1, ge=1, le=1_000_000)
    """Batches summed into one update; under torchrun the ranks share them."""
    parallel: Parallel = Parallel.DDP
    """How the ranks of torchrun hold the model: ddp (each has all of it) or fsdp (each has a part
    of weights, gradients and optimizer). A run may resume with the other."""
    optimizer: Optimizer = "adam"
    """adam (paper), adamw, radam, sgd (momentum 0.9), or muon for matrices with adam for the
    rest."""
    betas: tuple[Decay, Decay] = (0.9, 0.98)
    """Adam's decay rates (paper: 0.9, 0.98)."""
    epsilon: float = Field(default=1e-9, gt=0, le=1)
    """Adam's ε (paper: 1e-9)."""
    weight_decay: float = Field(default=0.0, ge=0, le=1000)
    """Decoupled decay of the layers' matrices; adamw and muon only."""
    matrix_ratio: float = Field(default=1.5, gt=0, le=MAX_FACTOR)
    """Muon only: rate of the matrices over the rate of everything else."""
    learning_rate: float = Field(default=1.0, gt=0, le=MAX_FACTOR)
    """Peak rate; with schedule noam a factor on Eq. 3 (paper: 1)."""
    schedule: Schedule = "noam"
    """Shape of the learning rate (paper: noam, Eq. 3)."""
    warmup: int = Field(default=4000, ge=0, le=MAX_UPDATES)
    """Updates until the peak rate (paper: 4,000)."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """ε of §5.4 (paper: 0.1)."""
    clip: float = Field(default=0.0, ge=0, le=1e9)
    """Largest gradient norm; a longer gradient is shortened to it. 0 = no clipping (paper)."""
    average: Averaging = Averaging.NONE
    """Weights that are validated and kept: none (the last), ema, or checkpoints (their mean)."""
    ema_decay: float = Field(default=0.999, gt=0, lt=1)
    """Share of the former average kept at each update, with `average: ema`."""
    average_last: int = Field(default=5, ge=1, le=1000)
    """Checkpoints in the mean, with `average: checkpoints` (paper §6.1: 5 base, 20 big)."""
    precision: Precision = Precision.FP32
    """fp32, or bf16 autocast where the device has it."""
    compile: bool = False
    """Compile the layers with torch.compile before the first update. For GPUs; on a CPU it needs a
    C++ compiler and pays only for long runs without dropout. Two runs are then alike, and a resumed
    run like one that was never stopped, as far as the compiler makes the same code."""
    gradient_checkpointing: bool = False
    """Keep only the input of each layer and compute the layer again for its backward pass: less
    memory, about a third more computation, and the same gradients. Transformer layers only."""
    seed: int = Field(default=1, ge=0, le=MAX_SEED)
    """Seed of initialisation, data order, dropout and subword sampling."""
