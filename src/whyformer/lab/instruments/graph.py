"""What has to wait for what: depth of the executed graph, and which input reaches which output."""

from collections.abc import Callable, Iterable, Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.graph import Node

Layer = Callable[[Tensor], Tensor]
"""From (1, length, width) to the same shape."""


def depth(output: Tensor) -> int:
    """Return the operations on the longest chain that ends in ``output``, inputs' nodes counted.

    Each must wait for the one before it, whatever the machine; operations side by side count once.
    The chain is read off the graph that autograd recorded, so a fused kernel counts as one.

    >>> x = torch.ones(1, requires_grad=True)
    >>> depth(x), depth(x + 1), depth((x + 1) * (x * x))
    (0, 2, 3)
    """
    last = output.grad_fn
    if last is None:
        return 0
    longest: dict[Node, int] = {}
    waiting: list[tuple[Node, bool]] = [(last, False)]
    while waiting:  # no recursion: a recurrence is as deep as its sequence is long
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
    """Yield, after each layer on the way down, the inputs on which the last output depends.

    By gradients through one layer at a time, where nothing underflows; layers must compute in
    float64. The projection of the outputs is random, for their plain sum may have gradient 0 (a
    normalised vector has a constant sum).

    Args: layers: the last one first; endless is fine.
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
    """Return the fewest layers after which the last output depends on the first input.

    None: all of ``layers`` are not enough.
    """
    for number, inputs in enumerate(reached(layers, length, width, seed=seed), start=1):
        if inputs[0]:
            return number
    return None
