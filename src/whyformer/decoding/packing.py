"""Replace the linear layers of a model with faster ones for inference.

The package `acceleration` defines the faster layers. This file selects the layers to replace. In an
attention, projections with the same input are packed into one layer.
"""

from collections.abc import Iterable

from torch import nn

from whyformer.acceleration.int8_linear import LARGE_INT8, Int8Linear
from whyformer.acceleration.packed_linear import (
    PackedLinear,
    PackedWeights,
    can_pack,
    worth_packing,
)
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.decoding.weights import Weights


def is_rounded(models: Iterable[object]) -> bool:
    """Return whether any of the models has weights rounded to eight bits."""
    modules = [model for model in models if isinstance(model, nn.Module)]
    return any(isinstance(layer, Int8Linear) for model in modules for layer in model.modules())


def pack(model: nn.Module, weights: Weights = Weights.FLOAT32) -> None:
    """Replace those linear layers of ``model`` for which a packed layer is faster.

    Use this function for inference only. Afterwards, memory holds each packed weight twice.
    """
    for module in list(model.modules()):
        for name, layer in module.named_children():
            if not isinstance(layer, nn.Linear) or isinstance(layer, PackedLinear | Int8Linear):
                continue
            if weights is Weights.INT8 and layer.weight.numel() >= LARGE_INT8:
                setattr(module, name, Int8Linear(layer))
            elif worth_packing(layer.weight.numel()):
                setattr(module, name, PackedLinear(layer))
    if can_pack():
        for module in model.modules():
            if isinstance(module, MultiHeadAttention):
                projections = module.project_query, module.project_key, module.project_value
                module.joint = PackedWeights(*projections)
