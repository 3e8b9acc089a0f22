"""Read prompts in one forward pass, although a search feeds one token per step."""

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
    """A `Stepper` that can also read several tokens in one pass."""

    @property
    def projection(self) -> nn.Module:
        """The layer from features to logits over the vocabulary."""
        ...

    def read(
        self, state: Any, tokens: Int[Tensor, "rows length"]
    ) -> tuple[Float[Tensor, "rows length d_model"], Any]:
        """Feed ``length`` tokens to each row; return a vector for each token, and the new state."""
        ...


@dataclass(frozen=True)
class PromptState:
    """The state of a model and the position of a search in its prompts.

    Args:
        state: the state of the model after the whole prompts.
        features: the vectors of bos and the tokens of the prompt; None after the search has used
            all vectors.
        beams: number of beams per sentence.
        place: number of tokens that the search has fed so far: bos and tokens of the prompt.
    """

    state: Any
    features: Float[Tensor, "rows length d_model"] | None
    beams: int
    place: int = 0


class PromptReader:
    """A language model that reads its prompts in one pass at the start of a search.

    The search still feeds the prompts token by token, as it does with any forced prefix. In these
    steps, this class only looks up vectors that it has already computed. The scores are the same as
    without this class, up to rounding.
    Args: prompts: ids without bos, of equal length; the search must force them as prefixes.
    """

    def __init__(self, model: PromptModel, prompts: Sequence[Sequence[int]]) -> None:
        self._model = model
        self._prompts = torch.tensor([[BOS, *prompt] for prompt in prompts])

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> PromptState:
        """Read all prompts; the content of ``source`` is not used."""
        state = self._model.begin(source, source_real)
        features, state = self._model.read(state, self._prompts.to(source.device))
        return PromptState(state, features, beams=1)

    def step(
        self, state: PromptState, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], PromptState]:
        """Return the logits of the next token. In the prompt, the logits are computed from the
        stored vectors; after the prompt, the model computes the logits."""
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
