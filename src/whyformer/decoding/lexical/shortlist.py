"""Lexical shortlists: the output projection scores only the likely target tokens of a source."""

import copy
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.history import Layout
from whyformer.decoding.candidates import Stepper
from whyformer.decoding.queue import SupportsJoin
from whyformer.models.interface import EMPTY
from whyformer.models.vocabulary import EncoderDecoder
from whyformer.text.symbols import FIRST_BYTE


@dataclass(frozen=True)
class Shortlist:
    """The likely target tokens of each source token.

    The shortlist of a sentence consists of the targets of its tokens, the common targets and the
    symbols, such as eos.
    Args:
        targets: the likely targets of each source id; −1 fills the rows.
        common: targets that every sentence may use.
        vocabulary: size of the target vocabulary.
    """

    targets: Int[Tensor, "sources count"]
    common: Int[Tensor, " common"]
    vocabulary: int

    def allowed(self, source: Int[Tensor, "sentences source"]) -> Bool[Tensor, "sentences vocab"]:
        """Return which target tokens the shortlist of each sentence has.

        Padding must not add targets: the row of the padding symbol must be empty.
        """
        found = torch.zeros(len(source), self.vocabulary + 1, dtype=torch.bool)
        rows = self.targets[source.cpu()].flatten(1)
        found.scatter_(1, rows.masked_fill(rows < 0, self.vocabulary), True)
        found[:, self.common] = True
        found[:, :FIRST_BYTE] = True
        return found[:, : self.vocabulary].to(source.device)


class SelectedRows(nn.Module):
    """A linear layer that computes only some of its outputs, or all if ``ids`` is None.

    It shares the parameters of the original layer, which is the reference implementation.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.ids: Int[Tensor, " selected"] | None = None
        self._kept: tuple[Tensor, Tensor, Tensor | None] | None = None

    def forward(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows selected"]:
        """Return the selected outputs."""
        if self.ids is None:
            return self.layer(x)
        if self._kept is None or self._kept[0] is not self.ids:
            bias = None if self.layer.bias is None else self.layer.bias[self.ids]
            self._kept = self.ids, self.layer.weight[self.ids], bias
        return F.linear(x, *self._kept[1:])


@dataclass(frozen=True)
class ShortlistState:
    """The state of a model, and the shortlist of each sentence.

    Args:
        allowed: whether each token is on the shortlist of each sentence.
        ids: the tokens on at least one shortlist; None means all tokens.
        own: the columns of ``allowed`` for ``ids``.
    """

    inner: Any
    allowed: Bool[Tensor, "sentences vocab"]
    ids: Int[Tensor, " selected"] | None
    own: Bool[Tensor, "sentences selected"]


class Shortlisted:
    """A model that scores only the tokens on the shortlist of each sentence.

    All other tokens have logit −∞, so the probabilities of the tokens on the shortlist sum to 1.
    The projection computes the tokens that are on the shortlist of any sentence in the search. The
    result of a sentence does not depend on the other sentences.
    """

    def __init__(self, model: EncoderDecoder, shortlist: Shortlist) -> None:
        self.shortlist = shortlist
        self._rows = SelectedRows(model.projection)
        self._model = copy.copy(model)  # shares all layers except the projection
        self._model._modules = {**model._modules, "projection": self._rows}

    @property
    def _stepper(self) -> Stepper:
        return cast(Stepper, self._model)

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> ShortlistState:
        """See `SequenceModel.begin`."""
        inner = self._stepper.begin(source, source_real)
        return _state(inner, self.shortlist.allowed(source))

    def step(
        self, state: ShortlistState, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], ShortlistState]:
        """See `SequenceModel.step`."""
        self._rows.ids = state.ids
        logits, inner = self._stepper.step(state.inner, tokens)
        if state.ids is not None:
            owner = torch.arange(len(tokens), device=tokens.device)[:, None].expand(tokens.shape)
            own = state.own[Layout.of(tokens != EMPTY).rows(owner)]
            whole = logits.new_full((len(logits), self.shortlist.vocabulary), -torch.inf)
            logits = whole.index_copy_(1, state.ids, logits.masked_fill(~own, -torch.inf))
        return logits, replace(state, inner=inner)

    def select(
        self,
        state: ShortlistState,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> ShortlistState:
        """See `SequenceModel.select`."""
        inner = self._stepper.select(state.inner, sentences, beams)
        if sentences is None:
            return replace(state, inner=inner)
        return _state(inner, state.allowed[sentences])

    def join(self, state: ShortlistState, newcomers: ShortlistState) -> ShortlistState:
        """See `SequenceModel.join`."""
        inner = cast(SupportsJoin, self._model).join(state.inner, newcomers.inner)
        return _state(inner, torch.cat([state.allowed, newcomers.allowed]))


def _state(inner: Any, allowed: Bool[Tensor, "sentences vocab"]) -> ShortlistState:
    if bool(allowed.all()):
        return ShortlistState(inner, allowed, None, allowed)
    ids = allowed.any(0).nonzero()[:, 0]
    return ShortlistState(inner, allowed, ids, allowed[:, ids])
