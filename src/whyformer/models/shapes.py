"""Models of shapes alone: built on the device `meta`, where tensors have no memory.

Arithmetic and random numbers on `meta` are computed by torch's Python decompositions, whose first
use imports a compiler: two seconds of every command that loads a model. Here they return shapes.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_ELEMENTWISE = frozenset(
    ("add", "sub", "rsub", "mul", "div", "pow", "__rpow__", "__rsub__", "__rdiv__", "__rmul__",
     "neg", "sin", "cos", "log", "exp", "sqrt", "abs", "flip")
)  # fmt: skip
_REAL = frozenset(("div", "__rdiv__", "sin", "cos", "log", "exp", "sqrt"))
"""Whole numbers become real ones."""
_UNCHANGED = frozenset(("normal_", "trunc_normal_", "uniform_"))


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """Build modules in this block without memory and without touching random streams."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"), _Shapes():
        yield


class _Shapes(TorchFunctionMode):
    """Answers with shapes what models compute while they are built; leaves the rest to torch."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name, given = getattr(func, "__name__", ""), kwargs or {}
        if name in _UNCHANGED:
            return args[0] if args else given["tensor"]
        if name == "randn":
            return torch.empty(*args, **given)
        if name == "arange" and all(isinstance(one, int) for one in args):
            return torch.empty(len(range(*args)), dtype=given.get("dtype", torch.int64))
        if name in _ELEMENTWISE:
            tensors = [one for one in args if isinstance(one, Tensor)]
            shape = np.broadcast_shapes(*(one.shape for one in tensors))
            others = [one for one in args if isinstance(one, Tensor | int | float)]
            kind = functools.reduce(
                torch.promote_types, (torch.result_type(tensors[0], one) for one in others)
            )
            if not kind.is_floating_point and name in _REAL:
                kind = torch.get_default_dtype()
            return torch.empty(shape, dtype=kind)
        if name == "stack" and len(args[0]) > 0:
            whole = torch.empty((len(args[0]), *args[0][0].shape), dtype=args[0][0].dtype)
            return whole.movedim(0, given.get("dim", args[1] if len(args) > 1 else 0))
        return func(*args, **given)
