"""Weight initialization of the layers of a stack. Embeddings are drawn from N(0, 1/d_model)."""

import math
from enum import StrEnum

from torch import Tensor, nn

from whyformer.blocks.feedforward import FeedForward
from whyformer.blocks.multihead import MultiHeadAttention


class Initialization(StrEnum):
    """Initialization scheme of the weight matrices."""

    XAVIER = "xavier"
    DEEPNORM = "deepnorm"
    SMALL = "small"
    NORMAL = "normal"


def xavier(stack: nn.Module, gain: float) -> None:
    """Draw weights uniformly from ±√(6 / (fan_in + fan_out)), and set biases to 0.

    Source: Glorot and Bengio 2010, Eq. 16. The Transformer paper states no initialization; its
    code, tensor2tensor, uses this one.
    """
    for matrix in _matrices(stack):
        nn.init.xavier_uniform_(matrix)


def deepnorm(stack: nn.Module, gain: float) -> None:
    """Draw weights by Xavier normal, with gain β for the value, output and feed-forward matrices.

    Source: Wang et al. 2022 (arXiv:2203.00555), Figure 2.
    """
    for matrix in _matrices(stack):
        nn.init.xavier_normal_(matrix, gain=gain)
    for module in stack.modules():
        if isinstance(module, MultiHeadAttention):
            nn.init.xavier_normal_(module.project_query.weight)
            nn.init.xavier_normal_(module.project_key.weight)


def small(stack: nn.Module, gain: float) -> None:
    """Draw weights from N(0, 2/(5 d_model)). Source: Nguyen and Salazar 2019 (arXiv:1910.05895)."""
    matrices = _matrices(stack)
    d_model = matrices[0].shape[1]  # input width of the first matrix
    for matrix in matrices:
        nn.init.normal_(matrix, std=math.sqrt(2 / (5 * d_model)))


def normal(stack: nn.Module, gain: float) -> None:
    """Draw weights with standard deviation 0.02, and multiply the last matrix of each sub-layer by
    ``gain``.

    Source: Radford et al. 2018 (GPT), §4.1: N(0, 0.02); Radford et al. 2019 (GPT-2), §2.3: the
        weights of residual layers are scaled by 1/√N, where N is the number of residual layers.
        BERT does not scale these weights.
    """
    for matrix in _matrices(stack):
        nn.init.normal_(matrix, std=0.02)
    for module in stack.modules():
        if isinstance(module, MultiHeadAttention):
            nn.init.normal_(module.project_output.weight, std=0.02 * gain)
        elif isinstance(module, FeedForward):
            nn.init.normal_(module.contract.weight, std=0.02 * gain)


def _matrices(stack: nn.Module) -> list[Tensor]:
    """Set the biases of all attention and feed-forward layers to 0, and return their matrices."""
    matrices: list[Tensor] = []
    for block in stack.modules():
        if isinstance(block, MultiHeadAttention | FeedForward):
            for child in block.children():
                if isinstance(child, nn.Linear):
                    matrices.append(child.weight)
                    if child.bias is not None:
                        nn.init.zeros_(child.bias)
    return matrices


INITIALIZATIONS = {
    Initialization.XAVIER: xavier,
    Initialization.DEEPNORM: deepnorm,
    Initialization.SMALL: small,
    Initialization.NORMAL: normal,
}
