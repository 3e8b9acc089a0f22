"""Weights of a model that only searches, arranged once for products with few rows.

Every step of a search multiplies a few rows, one a hypothesis, with the same matrices. BLAS
arranges a matrix for its kernel in every product, which for few rows takes longer than the product
itself; oneDNN, which torch carries, can keep the arrangement.
"""

import platform
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.blocks.linear import multiply
from whyformer.foundation.devices import has_onednn


class Weights(StrEnum):
    """How the large weights of a model that only searches are held on a CPU."""

    FLOAT32 = "float32"
    """As they were trained."""
    INT8 = "int8"
    """Rounded to eight bits: faster, and nearly the same."""


LARGE = 1 << 18
"""Numbers in a weight from which the arrangement pays: d_model · d_ff of a small model."""


class PackedLinear(nn.Linear):
    """An `nn.Linear` that keeps its weight a second time, as oneDNN wants it.

    Equal to its plain twin within floating-point tolerance. With gradients, or in another precision
    than float32, it is its plain twin. Holds the same parameters as the layer it was made from;
    when they are exchanged, changed in place or trained, they are arranged anew.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self._kept: tuple[tuple[int, int], Tensor] | None = None

    def forward(self, input: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return xWᵀ + b."""
        plain = torch.is_grad_enabled() or torch.is_autocast_enabled("cpu")
        plain |= self.weight.is_inference()  # such a weight has no version
        if plain or self.weight.device.type != "cpu" or self.weight.dtype != torch.float32:
            self._kept = None  # fused optimizers change a weight without raising its version
            return super().forward(input)
        return multiply(input, self._packed(), self.bias)

    def _packed(self) -> Tensor:
        state = (self.weight.data_ptr(), self.weight._version)
        if self._kept is None or self._kept[0] != state:
            self._kept = state, torch.ops.mkldnn._reorder_linear_weight(self.weight.detach())
        return self._kept[1]


class Int8Linear(nn.Linear):
    """An `nn.Linear` that multiplies in eight bits: weights rounded once, inputs in every product.

    Source: Dettmers et al. 2022 (arXiv:2208.07339), §3.1: a scale for each row of the input and for
        each output, so that a row's result does not depend on the rows beside it.
    Differs: no features are kept in higher precision. Without VNNI instructions weights take seven
        bits, for the processor's sums of two products would overflow with eight.
    Holds the parameters of the layer it was made from; what is done to them later has no effect.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        levels = 127 if torch.cpu._is_vnni_supported() else 63
        weight = linear.weight.detach()
        self._scale = (weight.abs().amax(1) / levels).clamp_min(TINY)  # (d_out,)
        self._rounded = (weight / self._scale[:, None]).round_().to(torch.int8).T  # (d_in, d_out)

    def forward(self, input: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return xWᵀ + b, nearly."""
        rows = input.reshape(-1, self.in_features)
        step = (rows.abs().amax(1, keepdim=True) / 127).clamp_min(TINY)  # (rows, 1)
        sums = torch._int_mm((rows / step).round_().to(torch.int8), self._rounded)
        product = (sums * step).mul_(self._scale)
        if self.bias is not None:
            product += self.bias
        return product.view(*input.shape[:-1], -1)


TINY = torch.finfo(torch.float32).tiny
"""The least step, by which a row of zeros is divided."""


def can_pack() -> bool:
    """Say whether this machine gains: measured on x86-64 alone, and torch must have oneDNN."""
    return (
        platform.machine().lower() in ("x86_64", "amd64")
        and has_onednn()
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    )


def pack(model: nn.Module, weights: Weights = Weights.FLOAT32) -> None:
    """Exchange the large linear layers of ``model`` for packed ones, where that is faster.

    For models that will search and not train: the weights in question are held twice.
    """
    kind = Int8Linear if weights is Weights.INT8 else PackedLinear
    if kind is PackedLinear and not can_pack():
        return
    for module in list(model.modules()):
        for name, layer in module.named_children():
            if not isinstance(layer, nn.Linear) or isinstance(layer, PackedLinear | Int8Linear):
                continue
            if layer.weight.numel() >= LARGE:
                setattr(module, name, kind(layer))
