"""Layer normalization and RMS normalization."""

from typing import Annotated

from torch import nn

from whyformer.foundation.registry import Registry

NORMS = Registry[type[nn.Module]]("norm", nn.Module)
Norm = Annotated[str, NORMS]
"""Name of a norm: a module that normalizes the vector of each position. The only argument of its
class is `d_model`. If it has an attribute `eps`, `set_epsilon` sets it."""

EPSILON = 1e-5
"""The constant ε under the root of every norm, unless `norm_epsilon` is set."""


@NORMS.register("layer")
class LayerNorm(nn.LayerNorm):
    """(x - mean) / √(variance + ε) · gain + shift over d_model.

    Source: Ba et al. 2016 (arXiv:1607.06450), Eq. 4; used by Vaswani et al. 2017, §3.1.
    """


@NORMS.register("rms")
class RMSNorm(nn.RMSNorm):
    """x / √(mean of squares + ε) · gain: no mean, no shift. Source: arXiv:1910.07467, Eq. 4."""

    def __init__(self, d_model: int) -> None:
        super().__init__(d_model, eps=EPSILON)


def set_epsilon(model: nn.Module, epsilon: float) -> None:
    """Set the constant ε of every norm in a model."""
    for module in model.modules():
        if isinstance(getattr(module, "eps", None), float):
            vars(module)["eps"] = epsilon
