"""Check the laws of a position scheme; see `whyformer.blocks.positions.Positions`."""

import torch
from torch import Tensor

from whyformer.blocks.positions import Positions
from whyformer.foundation.wording import counted
from whyformer.testing.laws import (
    build_module,
    name_of,
    repeatable,
    require,
    require_base,
    require_close,
    require_finite,
    require_shape,
    stating_failures,
    unchanged,
)
from whyformer.testing.models import check_stacks

HEADS, D_K = 2, 8
D_MODEL = HEADS * D_K
LENGTH = 9
MOST = 200
"""The `max_length` of the checked scheme. This number is larger than the initial table of any
scheme."""


@stating_failures
def check_positions(kind: type[Positions], *, in_models: bool = True) -> None:
    """Check that a position scheme works in training, step-by-step decoding and saving.

    Laws: every result has the correct shape and is finite. The result for a position is the same,
    whichever position is computed first. This law holds for a single offset and for one offset per
    row. Calls do not change the saved state. Training works after a search. In a small Transformer
    and a small GPT, the laws of `check_model` hold.
    Args: in_models: whether to check the scheme in the two models, too.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    require_base(kind, Positions)
    methods = ("embed", "rotate", "bias")
    overrides = any(getattr(kind, one) is not getattr(Positions, one) for one in methods)
    law = "it must override `embed`, `rotate` or `bias`"
    require(kind is Positions or overrides, name, law, "it overrides none of them")
    with repeatable():
        for causal in (True, False):
            with torch.inference_mode():
                _check_lengths(_scheme(kind, causal), name)
            scheme = _scheme(kind, causal)
            with unchanged(scheme, name, "a call"), torch.no_grad():
                _check_embed(scheme, name)
                _check_rotate(scheme, name)
                _check_bias(scheme, name)
            _check_growth(_scheme(kind, causal), name)
    if in_models:
        check_stacks(name, "positions", kind)


def _scheme(kind: type[Positions], causal: bool) -> Positions:
    scheme = build_module(kind, name_of(kind), D_MODEL, D_K, HEADS, causal=causal, max_length=MOST)
    assert isinstance(scheme, Positions)
    return scheme


def _check_lengths(scheme: Positions, name: str) -> None:
    """Check the shapes and numbers of the results for one, two and many positions."""
    like = torch.zeros(())
    for length in (1, 2, MOST):
        if (found := scheme.embed(length, 0, like)) is not None:
            require_shape(found, (length, D_MODEL), name, f"`embed({length}, 0, …)`")
            require_finite(found, name, f"`embed({length}, 0, …)`")
        x = torch.randn(1, HEADS, length, D_K)
        what = f"`rotate` of {counted(length, 'position')}"
        require_shape(scheme.rotate(x, 0), tuple(x.shape), name, what)
        require_finite(scheme.rotate(x, 0), name, what)
        if (found := scheme.bias(length, length)) is not None:
            shape = (1, HEADS, length, length)
            require_shape(found, shape, name, f"`bias({length}, {length})`")
            require_finite(found, name, f"`bias({length}, {length})`")


def _check_embed(scheme: Positions, name: str) -> None:
    like = torch.zeros(())
    whole = scheme.embed(LENGTH, 0, like)
    if whole is None:
        return
    for offset in (1, LENGTH - 1):
        require_close(
            _present(scheme.embed(LENGTH - offset, offset, like), name, "embed"),
            whole[offset:],
            name,
            f"`embed({LENGTH - offset}, {offset}, …)` must equal the last rows of "
            f"`embed({LENGTH}, 0, …)`",
            f"length {LENGTH}, d_model {D_MODEL}",
        )
    offsets = torch.tensor([0, 3, 5])
    rows = torch.stack([whole[one : one + 4] for one in offsets.tolist()])
    require_close(
        _present(scheme.embed(4, offsets, like), name, "embed"),
        rows,
        name,
        "`embed` with an offset for each row must equal `embed` with each of them",
        "offsets 0, 3 and 5, length 4",
    )


def _check_rotate(scheme: Positions, name: str) -> None:
    x = torch.randn(3, HEADS, LENGTH, D_K)
    whole = scheme.rotate(x, 0)
    kept = x.clone()
    scheme.rotate(x, 2)
    require(torch.equal(x, kept), name, "`rotate` must not change its input", "it does")
    for offset in (1, LENGTH - 1):
        require_close(
            scheme.rotate(x[:, :, offset:], offset),
            whole[:, :, offset:],
            name,
            f"`rotate(x[:, :, {offset}:], {offset})` must equal the last positions of "
            "`rotate(x, 0)`",
            f"x is {tuple(x.shape)}",
        )
    offsets = torch.tensor([0, 3, 5])
    rows = torch.cat([scheme.rotate(x[i : i + 1], int(one)) for i, one in enumerate(offsets)])
    require_close(
        scheme.rotate(x, offsets),
        rows,
        name,
        "`rotate` with an offset for each row must equal `rotate` with each of them",
        f"offsets 0, 3 and 5, x is {tuple(x.shape)}",
    )


def _check_bias(scheme: Positions, name: str) -> None:
    whole = scheme.bias(LENGTH, LENGTH)
    if whole is None:
        return
    for queries in (1, 4):
        require_close(
            _present(scheme.bias(queries, LENGTH), name, "bias"),
            whole[:, :, -queries:],
            name,
            f"`bias({queries}, {LENGTH})` must equal the last rows of `bias({LENGTH}, {LENGTH})`",
            f"{queries} queries, {LENGTH} keys, {HEADS} heads",
        )
    if scheme.causal:
        shorter = _present(scheme.bias(5, 5), name, "bias").tril()
        require_close(
            whole[:, :, :5, :5].tril(),
            shorter,
            name,
            "the bias between two positions must not depend on the number of later positions",
            f"5 of {LENGTH} positions",
        )


def _check_growth(scheme: Positions, name: str) -> None:
    """Check that training works after many positions were computed in inference mode, as a search
    does."""
    with torch.inference_mode():
        scheme.embed(MOST, 0, torch.zeros(()))
        scheme.rotate(torch.zeros(1, HEADS, MOST, D_K), 0)
        scheme.bias(MOST, MOST)
    x = torch.randn(1, HEADS, 3, D_K, requires_grad=True)
    try:
        total = scheme.rotate(x, 0).square().sum()
        for found in (scheme.embed(3, 0, torch.zeros(())), scheme.bias(3, 3)):
            total = total if found is None else total + (found * x.detach().mean()).sum()
        total.backward()
    except RuntimeError as error:
        require(False, name, "training after a search must work", f"it failed: {error}")


def _present(found: Tensor | None, name: str, method: str) -> Tensor:
    require(
        found is not None,
        name,
        f"`{method}` must return a tensor for every length or for none",
        "it returned None for some lengths",
    )
    assert found is not None
    return found
