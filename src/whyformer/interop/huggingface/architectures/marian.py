"""MarianMT: the post-norm Transformer of the paper with biases, as in the OPUS-MT models.

MarianMT is BART with sinusoids and without the norm of the embeddings. A target begins with the
embedding of padding, which becomes the embedding of bos.

Marian has the sines of a position before its cosines, and whyformer has them in pairs. A
permutation of d_model in all weights turns one order into the other.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from whyformer.blocks.embeddings import EmbeddingNorm
from whyformer.interop.huggingface.architectures.bart import BART, EXPRESSED

WRITERS = ("project_output", "contract", "norm")
"""Parts that write to the residual stream: the first axis of their weights is d_model. In the other
matrices, d_model is the last axis."""


class Marian(BART):
    """MarianMT. See the docstring of this file."""

    model_types = ("marian",)
    title = "MarianMT"
    class_name = "MarianMTModel"
    ignored = ("embed_positions.weight",)
    expressed = EXPRESSED | {
        "embedding_norm": (EmbeddingNorm.NONE,),
        "positions": ("sinusoidal",),
    }

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """Return the weight with the sinusoids in pairs; see `Architecture.read`."""
        tensor = super().read(name, tensor, settings, config)
        return _permuted(name, tensor, in_pairs(settings.d_model))

    def write(self, name: str, tensor: Tensor, settings: Any) -> Tensor:
        """Return the weight with the sines first; see `Architecture.write`."""
        tensor = _permuted(name, tensor, in_pairs(settings.d_model).argsort())
        return super().write(name, tensor, settings)


def in_pairs(d_model: int) -> Tensor:
    """Return the place of each dimension in a vector whose sines come first.

    >>> in_pairs(6).tolist()
    [0, 3, 1, 4, 2, 5]
    """
    number = torch.arange(d_model)
    return number // 2 + number % 2 * ((d_model + 1) // 2)


def _permuted(name: str, tensor: Tensor, order: Tensor) -> Tensor:
    if name.rpartition(".")[0].endswith(WRITERS):
        return tensor[order]
    return tensor if tensor.ndim == 1 else tensor[:, order]
