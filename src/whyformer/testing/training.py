"""Check the laws of schedules and optimizers; see `whyformer.training`."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from whyformer.testing.laws import name_of, repeatable, require, require_close, stating_failures
from whyformer.testing.models import registered
from whyformer.training.optimizers import OPTIMIZERS, make_optimizer
from whyformer.training.schedules import ScheduleFunction
from whyformer.training.settings import TrainingSettings

TOTALS = (1, 10, 1000)
WARMUPS = (0, 4, 2000)
"""Numbers of warm-up updates to test. `check_schedule` also tests a warm-up of all updates, because
a run can consist of warm-up only."""
STEPS, RATE = 40, 0.05


@stating_failures
def check_schedule(schedule: ScheduleFunction) -> None:
    """Check a learning-rate schedule.

    Laws: the factor is a finite number of at least 0, for every step of short and long runs, with
    and without warm-up, and for fractional steps. The same arguments always give the same factor. A
    schedule that is declared `without_end` does not depend on the number of updates.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(schedule)
    for total in TOTALS:
        for warmup in (*WARMUPS, total):
            for step in (1, min(1.5, total), min(2, total), total // 2 + 1, total):
                asked = {"total": total, "warmup": warmup, "d_model": 64}
                where = f"step {step}, total {total}, warmup {warmup}, d_model 64"
                factor = schedule(step, **asked)
                number = isinstance(factor, int | float) and math.isfinite(factor)
                law = "the factor must be a finite number of at least 0"
                require(number and factor >= 0, name, law, f"it is {factor!r} ({where})")
                again = schedule(step, **asked)
                law = "the same step must always have the same factor"
                require(again == factor, name, law, f"it was {factor} and then {again} ({where})")
                if not getattr(schedule, "ends", True):
                    other = schedule(step, **(asked | {"total": total + 7}))
                    law = "a schedule without end must not depend on the number of updates"
                    require(other == factor, name, law, f"it was {factor} and {other} ({where})")


@stating_failures
def check_optimizer(maker: Callable[..., torch.optim.Optimizer]) -> None:
    """Check a function that returns an optimizer.

    Laws: the optimizer lowers the loss of a linear model. A learning rate of 0 changes no weight,
    because the schedule controls the rate. The state consists of tensors, so that checkpoints can
    store it. A run that resumes from a copy of weights and state equals an uninterrupted run, bit
    for bit.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(maker)
    with registered(OPTIMIZERS, maker) as chosen, repeatable():
        whole, optimizer = _model(chosen)
        first, _ = _trained(whole, optimizer, STEPS, RATE)
        copied, other = _model(chosen)
        _trained(copied, other, STEPS // 2, RATE)
        for parameter in copied.parameters():
            for key, value in other.state.get(parameter, {}).items():
                law = "its state must consist of tensors"
                require(isinstance(value, Tensor), name, law, f"`{key}` is {value!r}")
        resumed, third = _model(chosen)
        resumed.load_state_dict(copied.state_dict())
        third.load_state_dict(other.state_dict())
        _, last = _trained(resumed, third, STEPS - STEPS // 2, RATE)
        law = f"the loss must fall within {STEPS} updates at a rate of {RATE}"
        require(last < first, name, law, f"it went from {first:.3g} to {last:.3g}")
        for one, same in zip(whole.parameters(), resumed.parameters(), strict=True):
            law = "a resumed run must equal an uninterrupted run, bit for bit"
            apart = (one - same).abs().max().item()
            require(torch.equal(one, same), name, law, f"a weight differs by {apart:.2g}")
        before = [p.detach().clone() for p in resumed.parameters()]
        _trained(resumed, third, 1, 0.0)
        for one, same in zip(before, resumed.parameters(), strict=True):
            law = "a learning rate of 0 must not change any weight"
            require_close(same, one, name, law, "one update")


def _model(chosen: str) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 3))
    settings: dict[str, Any] = TrainingSettings().model_dump()
    return model, make_optimizer(model, chosen, settings)


def _trained(
    model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, rate: float
) -> tuple[float, float]:
    """Train a model, and return the losses before the first and before the last update."""
    x, y = torch.randn(32, 6, generator=torch.Generator().manual_seed(1)), torch.ones(32, 3)
    losses = []
    for _ in range(steps):
        loss = (model(x) - y).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = rate * group["ratio"]
        optimizer.step()
    return losses[0], losses[-1]
