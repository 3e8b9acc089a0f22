"""Prompts read in one pass, behind the same steps that every search takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.history import Layout, flat_rows
from whyformer.decoding.candidates import Stepper
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import BOS


class PromptModel(Stepper, Protocol):
    """A `Stepper` that can also be fed many tokens at once."""

    @property
    def projection(self) -> nn.Module:
        """From features to logits over the vocabulary."""
        ...

    def read(
        self, state: Any, tokens: Int[Tensor, "rows length"]
    ) -> tuple[Float[Tensor, "rows length d_model"], Any]:
        """Feed the same number of tokens to each row; return a vector for each, and the state."""
        ...


@dataclass(frozen=True)
class PromptState:
    """How far a search has come in its prompts.

    Args:
        state: the model's own, in which the prompts are read to their end.
        features: what the model made of bos and each prompt's tokens; None once all are used.
        place: how many of them the search has stepped through.
    """

    state: Any
    features: Float[Tensor, "rows length d_model"] | None
    beams: int
    place: int = 0


class PromptReader:
    """A language model that reads its prompts in one pass when a search begins.

    The search still steps through them, as through any prefix that it is held to, but each step
    only looks up what was read. Scores are those of a model that steps, up to rounding.
    Args: prompts: ids without bos, of the same length; the search must force them as prefixes.
    """

    def __init__(self, model: PromptModel, prompts: Sequence[Sequence[int]]) -> None:
        self._model = model
        self._prompts = torch.tensor([[BOS, *prompt] for prompt in prompts])

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> PromptState:
        """Read all prompts; what the rows of ``source`` hold is not read."""
        state = self._model.begin(source, source_real)
        features, state = self._model.read(state, self._prompts.to(source.device))
        return PromptState(state, features, beams=1)

    def step(
        self, state: PromptState, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], PromptState]:
        """Look up what follows the next token of the prompts; after them, let the model step."""
        if state.features is None:
            logits, inner = self._model.step(state.state, tokens)
            return logits, PromptState(inner, None, state.beams)
        x, place = state.features[:, state.place], state.place + 1
        features = state.features if place < state.features.shape[1] else None
        hypotheses = Layout.of(tokens != EMPTY).rows(x.view(*tokens.shape, -1))
        logits = self._model.projection(hypotheses)
        return logits, PromptState(state.state, features, state.beams, place)

    def select(
        self,
        state: PromptState,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> PromptState:
        """Reorder beams and drop sentences. See `interface`."""
        features = state.features
        if features is not None:
            features = features.index_select(0, flat_rows(beams, sentences, state.beams))
        inner = self._model.select(state.state, sentences, beams)
        return PromptState(inner, features, beams.shape[1], state.place)
