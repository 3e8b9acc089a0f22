"""Weights of a model that only searches, arranged once for products with few rows.

Every step of a search multiplies a few rows, one a hypothesis, with the same matrices. BLAS
arranges a matrix for its kernel in every product, which for few rows takes longer than the product
itself; oneDNN, which torch carries, can keep the arrangement.
"""

import platform

import torch
from jaxtyping import Float
from torch import Tensor, nn

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
        return torch.ops.mkldnn._linear_pointwise(input, self._packed(), self.bias, "none", [], "")

    def _packed(self) -> Tensor:
        state = (self.weight.data_ptr(), self.weight._version)
        if self._kept is None or self._kept[0] != state:
            self._kept = state, torch.ops.mkldnn._reorder_linear_weight(self.weight.detach())
        return self._kept[1]


def can_pack() -> bool:
    """Say whether this machine gains: measured on x86-64 alone, and torch must have oneDNN."""
    return (
        platform.machine().lower() in ("x86_64", "amd64")
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    )


def pack(model: nn.Module) -> None:
    """Exchange the large linear layers of ``model`` for packed ones, where that is faster.

    For models that will search and not train: the weights in question are held twice.
    """
    if not can_pack():
        return
    for module in list(model.modules()):
        for name, layer in module.named_children():
            if type(layer) is nn.Linear and layer.weight.numel() >= LARGE:
                setattr(module, name, PackedLinear(layer))
