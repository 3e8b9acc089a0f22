"""Ensembles: several models that predict together."""

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from whyformer.decoding.candidates import Stepper
from whyformer.decoding.queue import SupportsJoin
from whyformer.foundation.errors import UsageError


class Ensemble:
    """A model whose next-token probability is the mean of its members' probabilities.

    The logits of the ensemble are log-probabilities: log Σᵢ pᵢ − log n. Every search can use an
    ensemble. To score given targets, use `scoring`, which averages in the same way.
    Raises: UsageError when there is no model, or the vocabularies differ in size.
    """

    def __init__(self, models: Sequence[Stepper]) -> None:
        if not models:
            raise UsageError("An ensemble must have at least one model, but none was given.")
        self.models = list(models)
        _same_vocabulary([size for size in map(vocabulary, models) if size is not None])

    def begin(self, source: Tensor, source_real: Tensor | None) -> list[Any]:
        """See `SequenceModel.begin`."""
        return [model.begin(source, source_real) for model in self.models]

    def step(self, state: list[Any], tokens: Tensor) -> tuple[Tensor, list[Any]]:
        """See `SequenceModel.step`."""
        results = [model.step(one, tokens) for model, one in zip(self.models, state, strict=True)]
        _same_vocabulary([logits.shape[-1] for logits, _ in results])
        opinions = torch.stack([logits.float().log_softmax(-1) for logits, _ in results])
        mean = opinions.logsumexp(0) - math.log(len(self.models))
        return mean, [one for _, one in results]

    def select(self, state: list[Any], sentences: Tensor | None, beams: Tensor) -> list[Any]:
        """See `SequenceModel.select`."""
        return [
            model.select(one, sentences, beams)
            for model, one in zip(self.models, state, strict=True)
        ]

    def join(self, state: list[Any], newcomers: list[Any]) -> list[Any]:
        """See `SequenceModel.join`."""
        return [
            cast(SupportsJoin, model).join(one, more)
            for model, one, more in zip(self.models, state, newcomers, strict=True)
        ]


def vocabulary(model: object) -> int | None:
    """Return the size of the target vocabulary, or None when it is unknown before the first
    step."""
    weight = getattr(getattr(model, "projection", None), "weight", None)
    return None if weight is None else int(weight.shape[0])


def _same_vocabulary(sizes: list[int]) -> None:
    if len(set(sizes)) > 1:
        raise UsageError(
            "Models of an ensemble must share one target vocabulary, but their sizes are "
            f"{', '.join(map(str, sizes))}. Choose models trained with the same tokenizer."
        )
