"""Part `nan`: if a value is not finite, training stops before the update and names the module.

A trial trains a small model and sets one value of one update to NaN or infinity: the output of a
module, the gradient of a module's output, the gradient of a parameter, a parameter, or the loss.
"""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from soak_parts.forks import in_child, run_command
from soak_parts.tiny_runs import KINDS, TRAINED, training_command, write_data
from soak_parts.verdicts import Verdict

PLACES = ("output", "output gradient", "gradient", "weight", "loss")
VALUES = (float("nan"), float("inf"), float("-inf"))
UPDATES = int(TRAINED["updates"])


def set_up(place: Path) -> Path:
    """Write the training data of the trials; return ``place``."""
    if not (place / "data" / "pairs.tsv").exists():
        write_data(place / "data")
    return place


def trial(seed: int, index: int, place: Path) -> Verdict:
    """Train with one injected value and check the end. Args: place: directory from `set_up`."""
    rng = random.Random(f"nan/{seed}/{index}")
    name, where = rng.choice(list(KINDS)), rng.choice(PLACES)
    # In a forward pass, infinity can correctly become finite (a sigmoid returns 1).
    value = rng.choice(VALUES) if "gradient" in where else VALUES[0]
    step, draw = rng.randint(1, UPDATES), rng.random()
    extra = rng.choice(
        (
            (),
            ("--training.accumulate", "2"),
            ("--training.clip", "1.0"),
            ("--training.average", "ema"),
            ("--training.precision", "bf16"),
        )
    )
    out = place / f"nan-{index}"
    shutil.rmtree(out, ignore_errors=True)
    argv = [*training_command(name, place / "data", out), *extra]
    label = f"{name} {' '.join(extra)}: {value} in the {where}, update {step}, draw {draw:.4f}"
    try:
        ending = in_child(_train, argv, where, value, step, draw, out, seconds=120, memory=None)
    finally:
        shutil.rmtree(out, ignore_errors=True)
    if ending.fault:
        return Verdict(False, "crash", f"{label}: {ending.fault[-800:]}")
    faults = ending.value
    kind = "wrong" if faults else where
    return Verdict(not faults, kind, f"{label}: {'; '.join(faults)}" if faults else label)


class _Injection:
    """Injects the value during one update, and keeps a copy of the weights before it."""

    def __init__(self, where: str, value: float, step: int, draw: float) -> None:
        self.where, self.value, self.step, self.draw = where, value, step, draw
        self.target, self.kind = "", where
        self.state: Any = None
        self.before: dict[str, Any] = {}

    def watched(self, real: Any) -> Any:
        """Return a function like `fit` that injects the value."""
        from whyformer.training.loop import sequence_loss

        def fit(state: Any, batches: Any, settings: Any, **rest: Any) -> Iterator[Any]:
            self.state = state
            if self.where != "loss":
                self._choose(rest.get("loss_of", sequence_loss), batches.batch(0, 0))
            if "output" in self.where:
                module = state.model.get_submodule(self.target)
                module.register_forward_hook(self._forward(self.target))
            if self.where == "loss":
                self.target, loss_of = "the loss", rest["loss_of"]
                rest["loss_of"] = lambda *args: self._spoiled_loss(loss_of(*args))
            reports = real(state, batches, settings, **rest)
            while True:
                if state.step + 1 == self.step:
                    self._arm()
                try:
                    report = next(reports)
                except StopIteration:
                    return
                yield report

        return fit

    @property
    def now(self) -> bool:
        """Whether the current update is the one with the injected value."""
        return self.state.step + 1 == self.step and self.state.model.training

    def _arm(self) -> None:
        import torch

        parameters = [p for p in self.state.model.named_parameters() if p[1].requires_grad]
        parameter = dict(parameters).get(self.target)
        if self.where == "weight":
            with torch.no_grad():
                parameter.fill_(self.value)
        elif self.where == "gradient":
            parameter.register_hook(lambda g: g * self.value if self.now else g)
        self.before = {n: p.detach().clone() for n, p in parameters}

    def _forward(self, name: str) -> Any:
        def hook(_module: Any, _inputs: Any, output: Any) -> Any:
            if not self.now or name != self.target or "output" not in self.where:
                return None
            return _changed(output, self._spoiled)

        return hook

    def _spoiled(self, tensor: Any) -> Any:
        if self.where == "output":
            return tensor * self.value
        if tensor.requires_grad:
            tensor.register_hook(lambda g: g * self.value)
        return tensor

    def _choose(self, loss_of: Any, batch: Any) -> None:
        """Choose one of the modules or parameters that a backward pass reaches."""
        from whyformer.blocks.taps import Tap  # outputs of taps are not used

        reached: set[str] = set()

        def note(name: str) -> Any:
            def hook(_module: Any, _inputs: Any, output: Any) -> None:
                for tensor in _tensors(output):
                    if tensor.requires_grad:
                        tensor.register_hook(lambda _: reached.add(name))

            return hook

        model = self.state.model
        used = [(n, m) for n, m in model.named_modules() if n and not isinstance(m, Tap)]
        handles = [module.register_forward_hook(note(name)) for name, module in used]
        loss_of(model, batch, 0.0).smoothed.backward()
        for handle in handles:
            handle.remove()
        if "output" not in self.where:
            reached = {n for n, p in model.named_parameters() if p.grad is not None}
        model.zero_grad(set_to_none=True)
        found = sorted(reached)
        self.target = found[int(self.draw * len(found))]

    def _spoiled_loss(self, loss: Any) -> Any:
        return type(loss)(loss.smoothed * self.value, loss.nll) if self.now else loss


def _train(
    argv: list[str], where: str, value: float, step: int, draw: float, out: Path
) -> list[str]:
    """Train with the injected value; return the errors in the way training ended."""
    import torch

    from whyformer.workflows import train as training

    injection = _Injection(where, value, step, draw)
    training.fit = injection.watched(training.fit)
    result = run_command(*argv)
    faults: list[str] = []
    if not result.orderly or result.code != 1:
        tail = (result.fault or result.err)[-500:]
        return [f"exit code {result.code} with target `{injection.target}`: {tail}"]
    if f"stopped before update {step}:" not in result.err:
        faults.append(f"not stopped before update {step}: {result.err[-300:]}")
    if f"`{injection.target}`" not in result.err:
        faults.append(f"`{injection.target}` is not named: {result.err[-500:]}")
    now = dict(injection.state.model.named_parameters())
    moved = [n for n, p in injection.before.items() if not _equal(torch, p, now[n])]
    if moved:
        faults.append(f"weights changed: {moved[:3]}")
    story = out / "diagnosis" / "diagnosis.json"
    if not story.exists():
        faults.append("no diagnosis was written")
    elif json.loads(story.read_text(encoding="utf-8"))["first"] != injection.target:
        faults.append("the diagnosis names another place")
    return faults


def _tensors(output: Any) -> list[Any]:
    if isinstance(output, tuple | list):
        return [tensor for one in output for tensor in _tensors(one)]
    return [output] if hasattr(output, "requires_grad") and output.is_floating_point() else []


def _changed(output: Any, change: Any) -> Any:
    """Return the output of a module with every tensor changed."""
    if isinstance(output, tuple | list):
        return type(output)(_changed(one, change) for one in output)
    return change(output) if _tensors(output) else output


def _equal(torch: Any, a: Any, b: Any) -> bool:
    return torch.equal(a.nan_to_num(7.0), b.detach().nan_to_num(7.0))
