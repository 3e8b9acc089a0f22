"""The laws of what a layer is made of: wirings, norms, feed-forward networks, score scalings."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from whyformer.blocks.feedforward import FeedForward
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.blocks.residual import Residual
from whyformer.blocks.scaling import Scaling
from whyformer.testing.laws import (
    made,
    name_of,
    repeatable,
    require,
    require_base,
    require_close,
    require_finite,
    require_gradients,
    require_shape,
    stating_failures,
)
from whyformer.testing.models import check_stacks

BATCH, LENGTH, D_MODEL, D_FF = 2, 5, 12, 20
HEADS, D_K = 2, 6
SHAPE = (BATCH, LENGTH, D_MODEL)


@stating_failures
def check_wiring(kind: type[Residual], *, in_models: bool = True) -> None:
    """Check how a sub-layer joins the residual stream.

    Laws: the stream keeps its shape; outputs and gradients are finite and reach all parameters,
    with dropout and without; without dropout two calls are equal; no position and no row depends
    on another one, for that is attention's task. Then the laws of `check_model` in two models.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, Residual)
    with repeatable():
        for rate in (0.0, 0.5):
            wiring = made(kind, name, D_MODEL, "layer", rate, 1.5)
            sublayer = nn.Linear(D_MODEL, D_MODEL)
            joined = functools.partial(_joined, wiring, sublayer)
            _check_by_position(joined, name, f"dropout {rate}")
            x = torch.randn(SHAPE, requires_grad=True)
            wiring.train()
            wiring(x, sublayer).square().sum().backward()
            for module in (wiring, sublayer):
                require_gradients(module, name, f"dropout {rate}")
            assert isinstance(x, Tensor)
            require(x.grad is not None, name, "a gradient must reach the stream", "none does")
    if in_models:
        check_stacks(name, "wiring", kind)


@stating_failures
def check_norm(kind: type[nn.Module], *, in_models: bool = True) -> None:
    """Check a norm, which is made with `d_model` alone and treats every position alike.

    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, nn.Module)
    with repeatable():
        norm = made(kind, name, D_MODEL)
        _check_by_position(norm, name, "a norm")
        norm(torch.randn(SHAPE)).square().sum().backward()
        require_gradients(norm, name, f"x is {SHAPE}")
        constant = torch.full(SHAPE, 3.0)
        require_finite(norm(constant), name, "the output for a vector of equal numbers")
    if in_models:
        check_stacks(name, "norm", kind)


@stating_failures
def check_feedforward(kind: type[FeedForward], *, in_models: bool = True) -> None:
    """Check a feed-forward network, which treats every position alike.

    Laws: besides those of any layer, `matrices` must count its d_model × d_ff matrices, because
    the counter of operations relies on it.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, FeedForward)
    with repeatable():
        network = made(kind, name, D_MODEL, D_FF)
        _check_by_position(network, name, f"d_model {D_MODEL}, d_ff {D_FF}")
        network(torch.randn(SHAPE)).square().sum().backward()
        require_gradients(network, name, f"x is {SHAPE}")
        weights = sum(p.numel() for p in network.parameters() if p.ndim > 1)
        require(
            weights == kind.matrices * D_MODEL * D_FF,
            name,
            f"`matrices` is {kind.matrices}, so its matrices must hold {kind.matrices} × d_model × "
            "d_ff weights",
            f"they hold {weights / (D_MODEL * D_FF):.2f} × d_model × d_ff",
        )
    if in_models:
        check_stacks(name, "activation", kind)


@stating_failures
def check_attention(
    kind: type[MultiHeadAttention], *, kv_heads: int | None = None, in_models: bool = True
) -> None:
    """Check an attention.

    Laws: the fused and the explicit path give the same numbers; then those of `check_model` in two
    models, where step-by-step decoding reads keys and values from the cache.
    Args: kv_heads: 1 or 2, for an attention that needs the number; there are 2 heads.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, MultiHeadAttention)
    with repeatable():
        attention = made(kind, name, D_MODEL, HEADS, D_K, kv_heads=kv_heads)
        assert isinstance(attention, MultiHeadAttention)
        x, source = torch.randn(SHAPE), torch.randn(BATCH, LENGTH + 2, D_MODEL)
        found = []
        for path in AttentionPath:
            attention.path = path
            with torch.no_grad():
                output = attention(x, attention.keys_values(source))
            require_shape(output, SHAPE, name, f"the output ({path} path)")
            require_finite(output, name, f"the output ({path} path)")
            found.append(output)
        law = "the fused and the explicit path must give the same output"
        require_close(found[0], found[1], name, law, f"{HEADS} heads, d_k {D_K}")
    if in_models:
        check_stacks(name, "attention", kind, kv_heads=kv_heads)


@stating_failures
def check_score_scaling(kind: type[Scaling], *, in_models: bool = True) -> None:
    """Check what is done to queries and keys before their product.

    Laws: queries and keys keep their shapes; the factor is a finite number; no position depends on
    another one, so that cached keys stay right.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, Scaling)
    with repeatable():
        scaling = made(kind, name, D_K, HEADS)
        queries = torch.randn(BATCH, HEADS, 3, D_K)
        looked_at = torch.randn(BATCH, HEADS, LENGTH, D_K)
        for one, given in (("queries", queries), ("keys", looked_at)):
            transform = getattr(scaling, one)
            whole = transform(given)
            require_shape(whole, tuple(given.shape), name, f"what `{one}` returns")
            law = f"`{one}` must treat every position alike"
            require_close(transform(given[:, :, 1:2]), whole[:, :, 1:2], name, law, f"d_k {D_K}")
        found = scaling(queries, looked_at)
        fits = isinstance(found, tuple) and len(found) == 3
        require(fits, name, "it must return queries, keys and a factor", f"it returned {found!r}")
        scaled, keys, factor = found
        require_shape(scaled, tuple(queries.shape), name, "the queries")
        require_shape(keys, tuple(looked_at.shape), name, "the keys")
        finite = isinstance(factor, float | int) and abs(factor) < float("inf")
        require(finite, name, "the factor must be a finite number", f"it is {factor!r}")
        for place in range(LENGTH):
            alone = scaling(queries[:, :, :1], looked_at[:, :, place : place + 1])
            where = f"key {place} of {LENGTH}, d_k {D_K}"
            law = "a key must not depend on other keys"
            require_close(alone[1], keys[:, :, place : place + 1], name, law, where)
        law = "a query must not depend on other queries"
        alone = scaling(queries[:, :, :1], looked_at)[0]
        require_close(alone, scaled[:, :, :1], name, law, f"query 0 of 3, d_k {D_K}")
    if in_models:
        check_stacks(name, "score_scale", kind)


def _joined(wiring: nn.Module, sublayer: nn.Module, x: Tensor) -> Tensor:
    return wiring(x, sublayer)


def _check_by_position(layer: Callable[[Tensor], Tensor], name: str, where: str) -> None:
    """Require the shape of the stream, finite numbers, and no look at other positions or rows."""
    x = torch.randn(SHAPE)
    with torch.no_grad():
        whole = layer(x)
        require_shape(whole, SHAPE, name, f"the output ({where})")
        require_finite(whole, name, f"the output ({where})")
        require_close(layer(x), whole, name, "two calls must give the same output", where)
        law = "a position must not depend on other positions"
        require_close(layer(x[:, 2:3]), whole[:, 2:3], name, law, where)
        law = "a row must not depend on other rows of the batch"
        require_close(layer(x[:1]), whole[:1], name, law, where)
