"""Scaling of QKᵀ before the softmax: the paper's 1/√d_k and alternatives."""

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.blocks.normalization import RMSNorm
from whyformer.foundation.registry import Registry


class Scaling(nn.Module):
    """Multiplies the scores by a fixed factor; subclasses may transform queries and keys instead.

    `queries` and `keys` transform the projected queries and keys before positions rotate them.
    `forward` transforms the rotated queries and keys. A search caches keys after the rotation.
    """

    def __init__(self, d_k: int, heads: int, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def queries(self, Q: Float[Tensor, "batch heads queries d_k"]) -> Tensor:
        """Return the projected queries after the transformation of the subclass, if any."""
        return Q

    def keys(self, K: Float[Tensor, "batch kv_heads keys d_k"]) -> Tensor:
        """Return the projected keys after the transformation of the subclass, if any."""
        return K

    def forward(
        self,
        Q: Float[Tensor, "batch heads queries d_k"],
        K: Float[Tensor, "batch kv_heads keys d_k"],
    ) -> tuple[Tensor, Tensor, float]:
        """Return the queries, the keys, and the factor that QKᵀ is multiplied by."""
        return Q, K, self.factor


SCALINGS = Registry[type[Scaling]]("score scaling", Scaling)
ScoreScale = Annotated[str, SCALINGS]
"""Name of a score scaling: how attention scores are scaled."""


@SCALINGS.register("inverse-sqrt")
class InverseSqrt(Scaling):
    """1/√d_k. Paper: Vaswani et al. 2017, §3.2.1, Eq. 1."""

    def __init__(self, d_k: int, heads: int) -> None:
        super().__init__(d_k, heads, d_k**-0.5)


@SCALINGS.register("none")
class Unscaled(Scaling):
    """Factor 1: dot-product attention without scaling, which §3.2.1 advises against."""

    def __init__(self, d_k: int, heads: int) -> None:
        super().__init__(d_k, heads)


@SCALINGS.register("inverse")
class Inverse(Scaling):
    """1/d_k. Source: Yang et al. 2022 (arXiv:2203.03466), §4: hyperparameters transfer to other
    widths."""

    def __init__(self, d_k: int, heads: int) -> None:
        super().__init__(d_k, heads, 1.0 / d_k)


@SCALINGS.register("learned")
class Learned(Scaling):
    """One learned factor for each head, initially 1/√d_k."""

    def __init__(self, d_k: int, heads: int) -> None:
        super().__init__(d_k, heads)
        self.gain = nn.Parameter(torch.full((heads, 1, 1), d_k**-0.5))

    def forward(self, Q: Tensor, K: Tensor) -> tuple[Tensor, Tensor, float]:
        """Multiply the queries by the learned factor."""
        return Q * self.gain, K, self.factor


@SCALINGS.register("cosine")
class Cosine(Scaling):
    """Queries and keys of length 1, with one learned gain for each head.

    Source: Henry et al. 2020 (arXiv:2010.04245), Eq. 2.
    Differs: the gain starts at √d_k instead of log₂(L² − L), where L is a length of the corpus.
    """

    def __init__(self, d_k: int, heads: int) -> None:
        super().__init__(d_k, heads)
        self.gain = nn.Parameter(torch.full((heads, 1, 1), math.sqrt(d_k)))

    def forward(self, Q: Tensor, K: Tensor) -> tuple[Tensor, Tensor, float]:
        """Normalize queries and keys to length 1, and multiply the queries by the gain."""
        return F.normalize(Q, dim=-1) * self.gain, F.normalize(K, dim=-1), self.factor


@SCALINGS.register("qk-norm")
class QKNorm(Scaling):
    """Scores RMSNorm(Q) RMSNorm(K)ᵀ / √d_k, which do not grow when Q and K grow.

    Source: Dehghani et al. 2023 (arXiv:2302.05442), §2 (QK Normalization), where LayerNorm has no
        bias and no centering; based on Henry et al. 2020 (arXiv:2010.04245).
    Differs: with rotary positions, the norm comes before the rotation, as in later models; the
        paper's model has no rotation. There is one gain per dimension of d_k, shared by all heads.
    """

    def __init__(self, d_k: int, heads: int) -> None:
        super().__init__(d_k, heads, d_k**-0.5)
        self.query_norm, self.key_norm = RMSNorm(d_k), RMSNorm(d_k)

    def queries(self, Q: Tensor) -> Tensor:
        """Normalize each head's query."""
        return self.query_norm(Q)

    def keys(self, K: Tensor) -> Tensor:
        """Normalize each head's key."""
        return self.key_norm(K)
