"""Measure the depth of the executed graph, and find the inputs that an output depends on."""

from collections.abc import Callable, Iterable, Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.graph import Node

Layer = Callable[[Tensor], Tensor]
"""Function that maps a tensor (1, length, width) to a tensor of the same shape."""


def depth(output: Tensor) -> int:
    """Return the length of the longest chain of operations that ends in ``output``.

    The input at the start of the chain counts as an operation. Each operation of the chain must
    wait for the previous one on any machine; parallel operations count once. The chain is found in
    the graph that autograd recorded, so a fused kernel counts as one operation.

    >>> x = torch.ones(1, requires_grad=True)
    >>> depth(x), depth(x + 1), depth((x + 1) * (x * x))
    (0, 2, 3)
    """
    last = output.grad_fn
    if last is None:
        return 0
    longest: dict[Node, int] = {}
    waiting: list[tuple[Node, bool]] = [(last, False)]
    while waiting:  # a recursive function would be as deep as the sequence is long
        node, seen = waiting.pop()
        if node in longest:
            continue
        before = [one for one, _ in node.next_functions if one is not None]
        if seen:
            longest[node] = 1 + max((longest[one] for one in before), default=0)
        else:
            waiting.append((node, True))
            waiting += [(one, False) for one in before if one not in longest]
    return longest[last]


def reached(
    layers: Iterable[Layer], length: int, width: int, *, seed: int = 0
) -> Iterator[Bool[Tensor, "length"]]:
    """Yield, after each layer from the last to the first, the inputs that affect the last output.

    The function computes gradients through one layer at a time, so that no gradient underflows; the
    layers must compute in float64. The outputs are multiplied by a random vector, because the
    gradient of the plain sum of the outputs may be 0 (a normalized vector has a constant sum).

    Args: layers: the layers, the last layer first; the iterable may be infinite.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw() -> Float[Tensor, "1 length width"]:
        return torch.randn(1, length, width, generator=generator, dtype=torch.float64)

    asked = torch.zeros(length, dtype=torch.bool)
    asked[-1] = True
    for layer in layers:
        x = draw().requires_grad_()
        (gradient,) = torch.autograd.grad((layer(x) * draw())[0, asked].sum(), x)
        asked = gradient[0].ne(0).any(-1)
        yield asked


def path_length(layers: Iterable[Layer], length: int, width: int, *, seed: int = 0) -> int | None:
    """Return the smallest number of layers that connects the first input with the last output.

    Returns: the number of layers; None if all ``layers`` together do not connect input and output.
    """
    for number, inputs in enumerate(reached(layers, length, width, seed=seed), start=1):
        if inputs[0]:
            return number
    return None
