"""Check the laws of the parts of a layer: wirings, norms, feed-forward networks, attention,
scaling."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from whyformer.blocks.feedforward import FeedForward
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.blocks.residual import Residual
from whyformer.blocks.scaling import Scaling
from whyformer.testing.laws import (
    build_module,
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
    """Check a residual wiring of a sub-layer.

    Laws: the residual stream keeps its shape. Outputs are finite, and finite gradients reach all
    parameters, with and without dropout. Without dropout, two calls have the same result. No
    position or row depends on another one; only attention may mix positions. In two small models,
    the laws of `check_model` hold.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, Residual)
    with repeatable():
        for rate in (0.0, 0.5):
            wiring = build_module(kind, name, D_MODEL, "layer", rate, 1.5)
            sublayer = nn.Linear(D_MODEL, D_MODEL)
            joined = functools.partial(_joined, wiring, sublayer)
            _check_by_position(joined, name, f"dropout {rate}")
            x = torch.randn(SHAPE, requires_grad=True)
            wiring.train()
            wiring(x, sublayer).square().sum().backward()
            for module in (wiring, sublayer):
                require_gradients(module, name, f"dropout {rate}")
            assert isinstance(x, Tensor)
            law = "a gradient must reach the residual stream"
            require(x.grad is not None, name, law, "it has no gradient")
    if in_models:
        check_stacks(name, "wiring", kind)


@stating_failures
def check_norm(kind: type[nn.Module], *, in_models: bool = True) -> None:
    """Check a norm, which is built with `d_model` only.

    Laws: no position or row depends on another one. Outputs are finite, also for a vector of equal
    numbers, and finite gradients reach all parameters. In two small models, the laws of
    `check_model` hold.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, nn.Module)
    with repeatable():
        norm = build_module(kind, name, D_MODEL)
        _check_by_position(norm, name, "a norm")
        norm(torch.randn(SHAPE)).square().sum().backward()
        require_gradients(norm, name, f"x is {SHAPE}")
        constant = torch.full(SHAPE, 3.0)
        require_finite(norm(constant), name, "the output for a vector of equal numbers")
    if in_models:
        check_stacks(name, "norm", kind)


@stating_failures
def check_feedforward(kind: type[FeedForward], *, in_models: bool = True) -> None:
    """Check a feed-forward network.

    Laws: the laws of `check_norm`. In addition, `matrices` is the number of d_model × d_ff
    matrices, which the operation counter needs.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, FeedForward)
    with repeatable():
        network = build_module(kind, name, D_MODEL, D_FF)
        _check_by_position(network, name, f"d_model {D_MODEL}, d_ff {D_FF}")
        network(torch.randn(SHAPE)).square().sum().backward()
        require_gradients(network, name, f"x is {SHAPE}")
        weights = sum(p.numel() for p in network.parameters() if p.ndim > 1)
        require(
            weights == kind.matrices * D_MODEL * D_FF,
            name,
            f"`matrices` is {kind.matrices}, so its matrices must have {kind.matrices} × d_model × "
            "d_ff weights",
            f"they have {weights / (D_MODEL * D_FF):.2f} × d_model × d_ff",
        )
    if in_models:
        check_stacks(name, "activation", kind)


@stating_failures
def check_attention(
    kind: type[MultiHeadAttention], *, kv_heads: int | None = None, in_models: bool = True
) -> None:
    """Check an attention with 2 heads.

    Laws: the fused and the explicit path have the same output. In two small models, which decode
    step by step with cached keys and values, the laws of `check_model` hold.
    Args: kv_heads: number of key-value heads, 1 or 2, if the attention needs this number.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, MultiHeadAttention)
    with repeatable():
        attention = build_module(kind, name, D_MODEL, HEADS, D_K, kv_heads=kv_heads)
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
        law = "the fused and the explicit path must have the same output"
        require_close(found[0], found[1], name, law, f"{HEADS} heads, d_k {D_K}")
    if in_models:
        check_stacks(name, "attention", kind, kv_heads=kv_heads)


@stating_failures
def check_score_scaling(kind: type[Scaling], *, in_models: bool = True) -> None:
    """Check a scaling of queries and keys before their product.

    Laws: queries and keys keep their shapes. The factor is a finite number. No position depends on
    another one, so that cached keys stay valid.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, Scaling)
    with repeatable():
        scaling = build_module(kind, name, D_K, HEADS)
        queries = torch.randn(BATCH, HEADS, 3, D_K)
        given_keys = torch.randn(BATCH, HEADS, LENGTH, D_K)
        for one, given in (("queries", queries), ("keys", given_keys)):
            transform = getattr(scaling, one)
            whole = transform(given)
            require_shape(whole, tuple(given.shape), name, f"the result of `{one}`")
            law = f"`{one}` of a position must not depend on other positions"
            require_close(transform(given[:, :, 1:2]), whole[:, :, 1:2], name, law, f"d_k {D_K}")
        found = scaling(queries, given_keys)
        fits = isinstance(found, tuple) and len(found) == 3
        require(fits, name, "it must return queries, keys and a factor", f"it returned {found!r}")
        scaled, keys, factor = found
        require_shape(scaled, tuple(queries.shape), name, "the queries")
        require_shape(keys, tuple(given_keys.shape), name, "the keys")
        finite = isinstance(factor, float | int) and abs(factor) < float("inf")
        require(finite, name, "the factor must be a finite number", f"it is {factor!r}")
        for place in range(LENGTH):
            alone = scaling(queries[:, :, :1], given_keys[:, :, place : place + 1])
            where = f"key {place} of {LENGTH}, d_k {D_K}"
            law = "a key must not depend on other keys"
            require_close(alone[1], keys[:, :, place : place + 1], name, law, where)
        law = "a query must not depend on other queries"
        alone = scaling(queries[:, :, :1], given_keys)[0]
        require_close(alone, scaled[:, :, :1], name, law, f"query 0 of 3, d_k {D_K}")
    if in_models:
        check_stacks(name, "score_scale", kind)


def _joined(wiring: nn.Module, sublayer: nn.Module, x: Tensor) -> Tensor:
    return wiring(x, sublayer)


def _check_by_position(layer: Callable[[Tensor], Tensor], name: str, where: str) -> None:
    """Check that the output has the shape of the input and is finite, and that positions and rows
    are independent."""
    x = torch.randn(SHAPE)
    with torch.no_grad():
        whole = layer(x)
        require_shape(whole, SHAPE, name, f"the output ({where})")
        require_finite(whole, name, f"the output ({where})")
        require_close(layer(x), whole, name, "two calls must have the same output", where)
        law = "a position must not depend on other positions"
        require_close(layer(x[:, 2:3]), whole[:, 2:3], name, law, where)
        law = "a row must not depend on other rows of the batch"
        require_close(layer(x[:1]), whole[:1], name, law, where)
