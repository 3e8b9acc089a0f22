"""Weights of a model that only searches, arranged once for products with few rows.

Every step of a search multiplies a few rows, one a hypothesis, with the same matrices. BLAS
arranges a matrix for its kernel in every product, which for few rows takes longer than the product
itself; oneDNN, which torch carries, can keep the arrangement.
"""

import platform
from collections.abc import Iterable
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.blocks.linear import FEW_ROWS, multiply
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.foundation.devices import has_onednn


class Weights(StrEnum):
    """How the large weights of a model that only searches are held on a CPU."""

    FLOAT32 = "float32"
    """As they were trained."""
    INT8 = "int8"
    """Rounded to eight bits: faster, and nearly the same."""


SMALL, MEDIUM, LARGE = 1 << 15, 1 << 17, 1 << 18
"""Numbers in a weight from which the arrangement pays: with `FEW_ROWS` rows and more, with fewer,
and with one."""
LARGE_INT8 = 1 << 18
"""Numbers from which eight bits pay: d_model · d_ff of a small model."""


class Arranged:
    """The weights of layers that read the same input, one below the other, as oneDNN wants them.

    When the layers' weights are exchanged, changed in place or trained, they are arranged anew.
    """

    def __init__(self, *layers: nn.Linear) -> None:
        self.layers = layers
        self.size = sum(layer.weight.numel() for layer in layers)
        self._kept: tuple[list[tuple[int, int]], Tensor, Tensor | None] | None = None

    def __call__(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"] | None:
        """Return the layers' outputs side by side; None where it is for the layers to compute.

        That is so with gradients, in another precision than float32, and where it would be slower.
        """
        if torch.is_grad_enabled():
            self._kept = None  # fused optimizers change a weight without raising its version
            return None
        rows = x.numel() // x.shape[-1]
        if self.size < (LARGE if rows == 1 else MEDIUM if rows < FEW_ROWS else SMALL):
            return None
        weight = self.layers[0].weight
        plain = weight.device.type != "cpu" or weight.dtype != torch.float32
        plain |= any(layer.weight.is_inference() for layer in self.layers)  # they have no version
        if plain or torch.is_autocast_enabled("cpu"):
            return None
        return multiply(x, *self._weight_bias())

    def _weight_bias(self) -> tuple[Tensor, Tensor | None]:
        weights = [p for layer in self.layers for p in layer.parameters()]
        state = [(one.data_ptr(), one._version) for one in weights]
        if self._kept is None or self._kept[0] != state:
            weight = torch.cat([layer.weight.detach() for layer in self.layers])
            biases = [layer.bias.detach() for layer in self.layers if layer.bias is not None]
            bias = torch.cat(biases) if biases else None
            self._kept = state, torch.ops.mkldnn._reorder_linear_weight(weight), bias
        return self._kept[1:]


class PackedLinear(nn.Linear):
    """An `nn.Linear` that keeps its weight a second time, as oneDNN wants it.

    Equal to its plain twin within floating-point tolerance. Holds the same parameters as the layer
    it was made from.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.arranged = Arranged(self)

    def forward(self, input: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return xWᵀ + b."""
        found = self.arranged(input)
        return super().forward(input) if found is None else found


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


def is_rounded(models: Iterable[object]) -> bool:
    """Say whether any of the models holds weights in eight bits."""
    modules = [model for model in models if isinstance(model, nn.Module)]
    return any(isinstance(layer, Int8Linear) for model in modules for layer in model.modules())


def pack(model: nn.Module, weights: Weights = Weights.FLOAT32) -> None:
    """Exchange the linear layers of ``model`` for packed ones, where that is faster.

    For models that will search and not train: the weights in question are held twice.
    """
    for module in list(model.modules()):
        for name, layer in module.named_children():
            if not isinstance(layer, nn.Linear) or isinstance(layer, PackedLinear | Int8Linear):
                continue
            if weights is Weights.INT8 and layer.weight.numel() >= LARGE_INT8:
                setattr(module, name, Int8Linear(layer))
            elif can_pack() and layer.weight.numel() >= SMALL:
                setattr(module, name, PackedLinear(layer))
    if can_pack():
        for module in model.modules():
            if isinstance(module, MultiHeadAttention):
                projections = module.project_query, module.project_key, module.project_value
                module.joint = Arranged(*projections)
