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
from whyformer.foundation.wording import counted
from whyformer.training.averaging import Averaging
from whyformer.training.distributed import Parallel
from whyformer.training.optimizers import Optimizer
from whyformer.training.schedules import Schedule

Decay = Annotated[float, Field(ge=0, lt=1)]


class TrainingSettings(Settings):
    """How a model is trained. One update uses `accumulate` batches."""

    updates: int = Field(default=10_000, ge=1, le=MAX_UPDATES)
    """Number of updates of the run. Learning-rate schedules with an end finish at this update."""
    minutes: float | None = Field(default=None, gt=0, le=MAX_MINUTES)
    """Time limit in minutes, instead of `updates`. The time includes validations and checkpoints.
    The number of updates is computed from the measured speed and adjusted during training."""
    epochs: float | None = Field(default=None, gt=0, le=MAX_UPDATES)
    """Maximum number of epochs. The run ends after them, even if `updates` or `minutes` allow
    more."""
    batch_tokens: int = Field(default=4096, ge=16, le=MAX_BATCH_TOKENS)
    """Maximum number of source tokens, and of target tokens, in a batch, including padding (paper:
    25,000)."""
    accumulate: int = Field(default=1, ge=1, le=1_000_000)
    """Number of batches in one update. Under torchrun, the ranks divide these batches among
    them."""
    parallel: Parallel = Parallel.DDP
    """How the ranks of torchrun store the model: ddp (each rank has the whole model) or fsdp (each
    rank has a shard of weights, gradients and optimizer state). A run may resume with the other
    value."""
    optimizer: Optimizer = "adam"
    """adam (paper), adamw, radam, sgd (momentum 0.9), or muon (for the matrices of layers; all
    other parameters use adam)."""
    betas: tuple[Decay, Decay] = (0.9, 0.98)
    """Adam's decay rates (paper: 0.9, 0.98)."""
    epsilon: float = Field(default=1e-9, gt=0, le=1)
    """Adam's ε (paper: 1e-9)."""
    weight_decay: float = Field(default=0.0, ge=0, le=1000)
    """Decoupled weight decay of the matrices of layers; only for adamw and muon."""
    matrix_ratio: float = Field(default=1.5, gt=0, le=MAX_FACTOR)
    """Only for muon: the learning rate of the matrices divided by the learning rate of all other
    parameters."""
    learning_rate: float = Field(default=1.0, gt=0, le=MAX_FACTOR)
    """Peak learning rate. With the schedule noam, a factor that Eq. 3 is multiplied by (paper:
    1)."""
    schedule: Schedule = "noam"
    """Schedule of the learning rate (paper: noam, Eq. 3)."""
    warmup: int = Field(default=4000, ge=0, le=MAX_UPDATES)
    """Number of updates until the peak learning rate (paper: 4,000)."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """ε of §5.4 (paper: 0.1)."""
    clip: float = Field(default=0.0, ge=0, le=1e9)
    """Maximum norm of the gradient; a larger gradient is scaled down to it. 0 means no clipping
    (paper)."""
    average: Averaging = Averaging.NONE
    """The weights that are validated and saved: none (those of the last update), ema (their moving
    average), or checkpoints (the mean of the last checkpoints)."""
    ema_decay: float = Field(default=0.999, gt=0, lt=1)
    """With `average: ema`: the weight of the previous average in each update of the average."""
    average_last: int = Field(default=5, ge=1, le=1000)
    """With `average: checkpoints`: the number of checkpoints in the mean (paper, §6.1: 5 for base,
    20 for big)."""
    precision: Precision = Precision.FP32
    """fp32, or bf16 autocast if the device supports it."""
    compile: bool = False
    """Compile the layers with torch.compile before the first update. This setting is for GPUs. On a
    CPU, compiling needs a C++ compiler and saves time only in long runs without dropout. Equal
    runs, and resumed runs, give identical results only if the compiler generates the same code each
    time."""
    gradient_checkpointing: bool = False
    """Keep only the input of each layer and compute the layer again in the backward pass. Training
    then needs less memory and about a third more computation; the gradients are the same. Only for
    Transformer layers."""
    convert: bool | None = None
    """Whether the run ends with a conversion to CTranslate2, which translates faster on CPUs. The
    conversion is kept only if its translations are those of the run. None means yes, if the
    training took at least 20 seconds or if the run has an earlier conversion. Only for the task
    `translate`."""
    seed: int = Field(default=1, ge=0, le=MAX_SEED)
    """Seed for initialization, data order, dropout and subword sampling."""

    def problem_of_warmup(self, updates: int | None) -> str | None:
        """Return a warning if the warm-up takes the whole training; None if it does not.

        Args: updates: number of updates of the training; None if it is not known.

        >>> print(TrainingSettings(warmup=10).problem_of_warmup(100))
        None
        >>> (TrainingSettings(warmup=400).problem_of_warmup(100) or "").split(", ")[0]
        'The warm-up takes 400 updates'
        """
        if updates is None or updates > self.warmup or not self.warmup:
            return None
        return (
            f"The warm-up takes {counted(self.warmup, 'update')}, but the training has only "
            f"{updates:,}, so the learning rate never reaches its maximum. Shorten the warm-up "
            f"(--training.warmup {updates // 10}), or train longer."
        )
