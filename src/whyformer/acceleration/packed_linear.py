"""Weights stored in the packed layout of oneDNN, for products with few rows.

Every step of a search multiplies a few rows, one for each hypothesis, by the same matrices. In
every product, BLAS rearranges the matrix for its kernel. With few rows, rearranging takes longer
than the product itself. oneDNN can store the rearranged ("packed") matrix.
"""

import platform

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.acceleration.processor import has_onednn
from whyformer.acceleration.products import FEW_ROWS, onednn_product
from whyformer.acceleration.thresholds import PACKED_FEW_ROWS, PACKED_MANY_ROWS, PACKED_ONE_ROW


class PackedWeights:
    """The joined weights of layers with the same input, packed for oneDNN.

    The weights are packed again after a weight of a layer was replaced, changed in place or
    trained.
    """

    def __init__(self, *layers: nn.Linear) -> None:
        self.layers = layers
        self.size = sum(layer.weight.numel() for layer in layers)
        self._kept: tuple[list[tuple[int, int]], Tensor, Tensor | None] | None = None

    def __call__(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"] | None:
        """Return the concatenated outputs of the layers; None if the caller must call each layer.

        The result is None while gradients are recorded, in a precision other than float32, and for
        sizes for which packing is slower.
        """
        if torch.is_grad_enabled():
            self._kept = None  # fused optimizers change a weight, but not its version number
            return None
        rows = x.numel() // x.shape[-1]
        if self.size < _least_weights(rows):
            return None
        weight = self.layers[0].weight
        plain = weight.device.type != "cpu" or weight.dtype != torch.float32
        # A weight made in inference mode has no version number.
        plain |= any(layer.weight.is_inference() for layer in self.layers)
        if plain or torch.is_autocast_enabled("cpu"):
            return None
        return onednn_product(x, *self._weight_bias())

    def _weight_bias(self) -> tuple[Tensor, Tensor | None]:
        weights = [p for layer in self.layers for p in layer.parameters()]
        state = [(one.data_ptr(), one._version) for one in weights]
        if self._kept is None or self._kept[0] != state:
            weight = torch.cat([layer.weight.detach() for layer in self.layers])
            biases = [layer.bias.detach() for layer in self.layers if layer.bias is not None]
            bias = torch.cat(biases) if biases else None
            self._kept = state, packed(weight), bias
        return self._kept[1:]


def _least_weights(rows: int) -> int:
    if rows == 1:
        return PACKED_ONE_ROW()
    return PACKED_FEW_ROWS() if rows < FEW_ROWS else PACKED_MANY_ROWS()


def packed(weight: Float[Tensor, "d_out d_in"]) -> Tensor:
    """Return a weight in the packed layout of oneDNN, for `products.onednn_product`."""
    return torch.ops.mkldnn._reorder_linear_weight(weight)


class PackedLinear(nn.Linear):
    """An `nn.Linear` that also stores its weight packed for oneDNN.

    This layer and the original layer share their parameters. The original layer is the reference
    implementation; the results of both layers are equal within floating-point tolerance.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.packed = PackedWeights(self)

    def forward(self, input: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return xWᵀ + b."""
        found = self.packed(input)
        return super().forward(input) if found is None else found


def worth_packing(weights: int) -> bool:
    """Return whether packing this number of weights is faster for any number of rows."""
    least = min(PACKED_ONE_ROW(), PACKED_FEW_ROWS(), PACKED_MANY_ROWS())
    return can_pack() and weights >= least


def can_pack() -> bool:
    """Return whether packing can be faster on this machine: true on x86-64 (measured), if torch
    contains oneDNN."""
    return (
        platform.machine().lower() in ("x86_64", "amd64")
        and has_onednn()
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    )
