"""What training and decoding ask of any sequence model, and nothing more.

Every search in `decoding` and the loop in `training` know a model only by this protocol, so that
one beam search and one trainer serve every architecture.

A search lays its hypotheses out as (sentences, beams): `step` receives one token for each place. A
place whose token is `EMPTY` holds no hypothesis, and no logits come for it. What belongs to a
sentence (its encoded source) is held once, however wide the beam.
"""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

State = Any
"""What a model remembers between two steps of a search; opaque to the search."""
EMPTY = -1
"""Instead of a token: no hypothesis is here."""


@runtime_checkable
class SequenceModel(Protocol):
    """A model that reads a source sequence and predicts a target sequence token by token."""

    @property
    def projection(self) -> nn.Module:
        """From features to logits over the target vocabulary; holds `weight` (vocab, d_model)."""
        ...

    def features(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target d_model"]:
        """Teacher forcing: what the model knows at each target position, before the projection.

        Args:
            source_real: True = a real token, False = padding; None when nothing is padded.
            target: starts with bos; position t sees target[0..t] only.
        """
        ...

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> State:
        """Read the sources and return the state of a search with one beam a sentence."""
        ...

    def step(
        self, state: State, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], State]:
        """Feed one token to every hypothesis; return the next token's logits and the new state.

        The state passed in may share memory with the one returned and must not be used again.
        Args: tokens: `EMPTY` where there is no hypothesis; logits come without those, in order.
        """
        ...

    def select(
        self,
        state: State,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> State:
        """Reorder: keep some sentences and, in each, take beams by their index (repeats allowed).

        Args:
            sentences: which sentences go on; None keeps all, in order.
            beams: for each kept sentence, the old beam that each new beam continues.
        """
        ...

    def join(self, state: State, newcomers: State) -> State:
        """Let more sentences begin, behind those that are on their way and with as many beams.

        Args: newcomers: what `begin` returned for them; each new beam continues their one.
        """
        ...

    def source_weights(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target source"]:
        """Where each target position looks in the source, by teacher forcing.

        Raises: LookupError when the model does not look at its source while it writes.
        """
        ...
