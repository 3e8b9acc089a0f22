"""Score given targets with teacher forcing, without a search."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whyformer.decoding.banned import refuse_nan
from whyformer.models.interface import SequenceModel

ROWS = 2048
"""Number of target positions that are projected onto the vocabulary at a time, to save memory. The
value does not change the results."""


def token_log_probabilities(
    models: Sequence[SequenceModel],
    source: Int[Tensor, "batch source"],
    source_real: Bool[Tensor, "batch source"] | None,
    target: Int[Tensor, "batch target"],
    target_real: Bool[Tensor, "batch target"],
) -> Float[Tensor, "batch predicted"]:
    """Return ln P of every target token after the first; 0 at padding.

    With several models, P is the mean of their probabilities, as in `Ensemble`.
    Args:
        target: each row starts with bos and ends with eos, followed by padding.
    """
    wanted, real = target[:, 1:], target_real[:, 1:]
    opinions: list[Tensor] = []
    for model in models:
        features = model.features(source, source_real, target[:, :-1])[real]  # (tokens, d_model)
        pieces = [
            _log_probabilities(model.projection(rows).float(), ids)
            for rows, ids in zip(features.split(ROWS), wanted[real].split(ROWS), strict=True)
        ]
        opinions.append(torch.cat(pieces) if pieces else features.new_zeros(0))
    for opinion in opinions:
        refuse_nan(bool(opinion.isnan().any()))
    values = torch.stack(opinions).logsumexp(0) - math.log(len(models))
    result = torch.zeros(wanted.shape, dtype=values.dtype, device=values.device)
    result[real] = values
    return result


def _log_probabilities(logits: Tensor, ids: Tensor) -> Tensor:
    return logits.gather(-1, ids[:, None])[:, 0] - logits.logsumexp(-1)
