"""Named observation points: record the tensors inside a model without changing it.

>>> from torch import nn
>>> import torch
>>> class Doubled(nn.Module):
...     def __init__(self):
...         super().__init__()
...         self.result = Tap()
...     def forward(self, x):
...         return self.result(2 * x)
>>> model = Doubled()
>>> with observe(model, "result") as seen:
...     _ = model(torch.tensor([1.0]))
>>> seen["result"]
[tensor([2.])]
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from fnmatch import fnmatchcase

from torch import Tensor, nn

_collecting: ContextVar[bool] = ContextVar("collecting", default=True)


class Tap(nn.Module):
    """A module that returns its input; `observe` finds a tap by its name and records its output."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` unchanged."""
        return x


@contextlib.contextmanager
def observe(model: nn.Module, pattern: str) -> Iterator[dict[str, list[Tensor]]]:
    """Record the outputs of all taps whose dotted name matches ``pattern``, in a `with` block.

    The model is unchanged after the block. Tensors keep their graph for gradients.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(3, 4), Tap())
    >>> with observe(model, "1") as seen:
    ...     result = model(torch.ones(2, 3))
    >>> seen["1"][0] is result
    True

    Args: pattern: shell-style pattern, such as ``"decoder.layers.*.cross_attention.weights"``.
    Raises: LookupError when no tap matches.
    """
    taps = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, Tap) and fnmatchcase(name, pattern)
    }
    if not taps:
        raise LookupError(f"no tap matches `{pattern}`")
    seen: dict[str, list[Tensor]] = {name: [] for name in taps}

    def collect(name: str):
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            if _collecting.get():
                seen[name].append(output)

        return hook

    handles = [module.register_forward_hook(collect(name)) for name, module in taps.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def unobserved() -> Iterator[None]:
    """Disable all taps in this `with` block. Otherwise, a layer that is computed again in the
    backward pass would be recorded twice."""
    token = _collecting.set(False)
    try:
        yield
    finally:
        _collecting.reset(token)
