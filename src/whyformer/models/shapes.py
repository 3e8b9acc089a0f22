"""Build models on the device `meta`, where tensors have a shape but no memory.

On `meta`, torch computes arithmetic and random numbers with Python decompositions. The first use of
a decomposition imports a compiler, which would add two seconds to every command that loads a model.
The mode in this file avoids decompositions: it only returns tensors of the right shape.
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
"""Operations whose results are floating-point numbers even if the inputs are integers."""
_UNCHANGED = frozenset(("normal_", "trunc_normal_", "uniform_"))


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """In this `with` block, build modules without memory for their weights and without changing the
    state of random generators."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"), _Shapes():
        yield


class _Shapes(TorchFunctionMode):
    """For the operations that build models, returns a tensor of the right shape. torch runs all
    other operations."""

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
