"""The input of an encoder-decoder model: padded ids and masks."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.foundation.devices import sent


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch of sequence pairs. All sources are padded to one length, and all targets to
    another."""

    source: Int[Tensor, "batch source"]
    """Source ids; each row ends with EOS, then PAD."""
    source_real: Bool[Tensor, "batch source"] | None
    """True where a source token is real; None when no source is padded and no mask is needed."""
    target: Int[Tensor, "batch target"]
    """The input of the decoder: BOS, then the target shifted right by one, then PAD."""
    labels: Int[Tensor, "batch target"]
    """The expected output of the decoder: the target ending with EOS, then PAD."""
    tokens: int
    """Number of real labels in the batch, including EOS: the divisor of the mean loss."""
    indices: Int[np.ndarray, " batch"]
    """Index of each pair in the corpus."""

    def __len__(self) -> int:
        return self.source.shape[0]

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch with its tensors on ``device``."""
        real = self.source_real
        return replace(
            self,
            source=sent(self.source, device),
            source_real=None if real is None else sent(real, device),
            target=sent(self.target, device),
            labels=sent(self.labels, device),
        )
