"""The protocol that training and decoding need from a sequence model.

The searches in `decoding` and the loop in `training` use a model only through this protocol. So the
same beam search and the same training loop work with every architecture.

A search arranges its hypotheses in slots, (sentences, beams). `step` receives one token for each
slot. A slot with the token `EMPTY` has no hypothesis, and `step` returns no logits for this slot.
The encoded source of a sentence is stored once, regardless of the beam width.
"""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

State = Any
"""The state of a model between two steps of a search; the search never reads it."""
EMPTY = -1
"""Token id that marks a slot without a hypothesis."""


@runtime_checkable
class SequenceModel(Protocol):
    """A model that reads a source sequence and predicts a target sequence token by token."""

    @property
    def projection(self) -> nn.Module:
        """The layer from features to logits over the target vocabulary. Its `weight` has the shape
        (vocab, d_model)."""
        ...

    def features(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target d_model"]:
        """Return the vector before the projection at each target position, with teacher forcing.

        Args:
            source_real: True = a real token, False = padding; None when nothing is padded.
            target: starts with bos; the vector at position t depends only on target[0..t].
        """
        ...

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> State:
        """Read the sources and return the state of a search with one beam per sentence."""
        ...

    def step(
        self, state: State, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], State]:
        """Feed one token to every hypothesis; return the logits of the next token and the new
        state.

        The new state may share memory with the old state, so do not use the old state again.
        Args: tokens: `EMPTY` in slots without a hypothesis; the logits have no rows for these
            slots.
        """
        ...

    def select(
        self,
        state: State,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> State:
        """Keep some sentences, and select beams of each sentence by index. An index may occur more
        than once.

        Args:
            sentences: the sentences to keep; None keeps all, in order.
            beams: for each kept sentence, the old beam that each new beam continues.
        """
        ...

    def join(self, state: State, newcomers: State) -> State:
        """Append new sentences to a running search. New sentences get as many beams as the others.

        Args: newcomers: the state that `begin` returned for the new sentences. This state has one
            beam per sentence, from which all beams of the sentence start.
        """
        ...

    def source_weights(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target source"]:
        """Return the attention weights of each target position over the source, with teacher
        forcing.

        Raises: LookupError when the model has no attention to its source.
        """
        ...
