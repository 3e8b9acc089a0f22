"""Causal convolution over positions: output t depends on position t and earlier positions."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


def convolve(
    x: Float[Tensor, "batch length inputs"],
    W: Float[Tensor, "outputs inputs k"],
    dilation: int = 1,
) -> Float[Tensor, "batch length outputs"]:
    """y_t = Σ_i W_i x_{t-(k-1-i)·dilation}; x is zero before the first position.

    This reference implementation computes k matrix products over all positions, shifts each
    product, and adds the shifted products.

    Source: van den Oord et al. 2016 (arXiv:1609.03499), §2.1 (causal and dilated convolution).
    """
    length, kernel = x.shape[1], W.shape[-1]
    padded = F.pad(x, (0, 0, (kernel - 1) * dilation, 0))
    shifted = [padded[:, i * dilation : i * dilation + length] for i in range(kernel)]
    return sum((one @ W[..., i].mT for i, one in enumerate(shifted)), x.new_zeros(1))


class CausalConvolution(nn.Module):
    """`convolve` with a learned kernel and bias, computed by `torch.nn.Conv1d`.

    Source: van den Oord et al. 2016 (arXiv:1609.03499), §2.1; compared with attention by Vaswani
        et al. 2017, §4 and Table 1.
    Args:
        kernel: kernel size, the number of positions that an output depends on (k in the paper).
        dilation: distance between two neighbouring positions that an output depends on; with 1, the
            positions are adjacent.
    """

    def __init__(self, d_model: int, kernel: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.convolution = nn.Conv1d(d_model, d_model, kernel, dilation=dilation)

    def forward(
        self, x: Float[Tensor, "batch length d_model"]
    ) -> Float[Tensor, "batch length d_model"]:
        """Return the convolution over each position and the positions before it."""
        return self.convolution(F.pad(x.mT, (self.reach, 0))).mT
