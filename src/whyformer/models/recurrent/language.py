"""The recurrent language model: it stores the earlier tokens in a state of fixed size."""

from dataclasses import dataclass
from typing import Literal, cast

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from whyformer.blocks.dropout import DROPOUTS, DropoutForm, VariationalDropout
from whyformer.blocks.embeddings import TokenEmbedding, Tying
from whyformer.blocks.history import Layout, flat_rows
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.recurrence import Cell, Recurrence, State
from whyformer.blocks.recurrent_initialization import (
    RECURRENT_INITIALIZATIONS,
    RecurrentInitialization,
)
from whyformer.foundation.bounds import MAX_LAYERS, MAX_POSITIONS, MAX_WIDTH
from whyformer.foundation.config import Settings
from whyformer.foundation.wording import counted
from whyformer.models.interface import EMPTY
from whyformer.models.vocabulary import LanguageModel, tied_projection


class RecurrentLanguageSettings(Settings):
    """Sizes and variants of a recurrent language model.

    >>> RecurrentLanguageSettings(cell="lstm", layers=2, d_model=16).layers
    2
    """

    family: Literal["rnn-lm"] = "rnn-lm"
    """The model family."""
    cell: Cell = Cell.LSTM
    """Type of the recurrent layers: rnn (tanh), gru or lstm."""
    layers: int = Field(default=2, ge=1, le=MAX_LAYERS)
    """Number of layers (Zaremba et al. 2014: 2)."""
    d_model: int = Field(default=650, ge=1, le=MAX_WIDTH)
    """Width of embeddings and states (Zaremba et al. 2014: 650, the medium model)."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Dropout rate after the embeddings, between layers and before the projection (Zaremba et al.
    2014: 0.5)."""
    dropout_form: DropoutForm = DropoutForm.STANDARD
    """standard: a new dropout mask for every position. variational: one mask per sequence, which is
    also applied to the state; this needs the explicit loop, which is slower."""
    tying: Tying = Tying.DECODER
    """Whether embedding and projection share one matrix: decoder (yes, as in Press and Wolf 2016)
    or none (no)."""
    initialization: RecurrentInitialization = RecurrentInitialization.ORTHOGONAL
    """Weight initialization of the recurrent layers: uniform, xavier, orthogonal or chrono."""
    forget_bias: float = Field(default=1.0, ge=-100, le=100)
    """Initial bias of the forget gate of an LSTM; ignored with chrono."""
    chrono_span: int = Field(default=100, ge=2, le=MAX_POSITIONS)
    """Only for chrono: the longest span, in positions, that the gates initially remember."""
    max_length: int = Field(default=1024, ge=1, le=MAX_POSITIONS)
    """Maximum length of a training row and of a generated text, in tokens. The recurrent state
    would allow any length."""

    @property
    def summary(self) -> str:
        """A one-line description of the sizes."""
        return f"{counted(self.layers, 'layer')} of {self.cell}, d_model {self.d_model}"


@dataclass(frozen=True)
class RecurrentLanguageState:
    """The state of a search: a recurrent state for each layer, one row per beam."""

    states: list[State]
    beams: int


class RecurrentLanguageModel(LanguageModel):
    """Embedding, N recurrent layers, and a projection.

    >>> import torch
    >>> model = RecurrentLanguageModel(RecurrentLanguageSettings(d_model=16), (100, 100))
    >>> model(torch.randint(100, (2, 5))).shape
    torch.Size([2, 5, 100])

    Paper: Mikolov et al. 2010, "Recurrent neural network based language model", §2; LSTM layers
        with dropout only between them: Zaremba et al. 2014 (arXiv:1409.2329), §3.1-3.2, Eq. 7-9;
        one matrix for embedding and projection: Press and Wolf 2016 (arXiv:1608.05859), §3.
    Differs: every row starts with a state of zeros. In the papers, a row of a long text starts with
        the last state of the previous row. Embeddings are multiplied by √d_model, so that one
        matrix is suitable for both embedding and projection.
    Args: vocabularies: the vocabulary size, given twice (source and target are the same).
    """

    def __init__(self, settings: RecurrentLanguageSettings, vocabularies: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        size, width = vocabularies[1], settings.d_model
        self.embedding = TokenEmbedding(size, width, settings.dropout)
        self.dropout = DROPOUTS[settings.dropout_form](settings.dropout)
        self.embedding.dropout = self.dropout
        varied = settings.dropout_form is DropoutForm.VARIATIONAL
        self.state_dropout = VariationalDropout(settings.dropout if varied else 0.0)
        self.positions = POSITIONS["none"](
            width, width, 1, causal=True, max_length=settings.max_length
        )
        self.layers = nn.ModuleList(
            Recurrence(settings.cell, width, width) for _ in range(settings.layers)
        )
        initialize = RECURRENT_INITIALIZATIONS[settings.initialization]
        for layer in self._layers:
            initialize(layer, settings.forget_bias, settings.chrono_span)
        self.projection = tied_projection(settings.tying, self.embedding)

    def features(
        self,
        target: Int[Tensor, "batch target"],
        documents: Int[Tensor, "batch target"] | None = None,
    ) -> Float[Tensor, "batch target d_model"]:
        """Return a vector for each token, computed from this and earlier tokens.

        Args:
            target: starts with bos.
            documents: for each token, the number of its document. The state is reset to zero at the
                start of each document. None means that each row is one document.
        """
        x = self.embedding(target, self.positions)
        if documents is None:
            return self._read(x, None)[0]
        row, position = document_rows(documents)
        separate = x.new_zeros(int(row.max()) + 1, int(position.max()) + 1, x.shape[-1])
        separate = separate.index_put((row, position), x)
        return self._read(separate, None)[0][row, position]

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> RecurrentLanguageState:
        """Return the state for one new text per row; the content of the rows is not read."""
        rows = self.embedding.weight.new_zeros(len(source), 1)
        return RecurrentLanguageState([layer.zero_state(rows) for layer in self._layers], beams=1)

    def read(
        self, state: RecurrentLanguageState, tokens: Int[Tensor, "rows length"]
    ) -> tuple[Float[Tensor, "rows length d_model"], RecurrentLanguageState]:
        """Feed the same number of tokens to each row, in one pass."""
        x, states = self._read(self.embedding(tokens, self.positions), state.states)
        return x, RecurrentLanguageState(states, state.beams)

    def step(
        self, state: RecurrentLanguageState, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], RecurrentLanguageState]:
        """Feed one token to each hypothesis. See `interface`."""
        x, state = self.read(state, tokens.reshape(-1, 1).clamp_min(0))
        hypotheses = Layout.of(tokens != EMPTY).rows(x.view(*tokens.shape, -1))
        return self.projection(hypotheses), state

    def select(
        self,
        state: RecurrentLanguageState,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> RecurrentLanguageState:
        """Reorder beams and drop sentences. See `interface`."""
        rows = flat_rows(beams, sentences, state.beams)
        states = [tuple(part.index_select(0, rows) for part in one) for one in state.states]
        return RecurrentLanguageState(states, beams.shape[1])

    def _read(self, x: Tensor, before: list[State] | None) -> tuple[Tensor, list[State]]:
        """Return the vectors of the last layer, and the state of each layer after the last
        position."""
        states: list[State] = []
        for number, layer in enumerate(self._layers):
            mask = self.state_dropout.mask(x[:, 0])
            state = None if before is None else before[number]
            x, after = layer(self.dropout(x) if number else x, state, mask)
            states.append(after)
        return self.dropout(x), states

    @property
    def _layers(self) -> list[Recurrence]:
        return cast(list[Recurrence], list(self.layers))


def document_rows(
    documents: Int[Tensor, "batch length"],
) -> tuple[Int[Tensor, "batch length"], Int[Tensor, "batch length"]]:
    """Return, for each token, the number of its document and its position in that document.

    Documents are numbered across the batch. With these numbers, each document is copied to a
    separate row of a larger batch. So the fused kernel can process all documents together, and no
    state passes from one document to the next.

    >>> document_rows(torch.tensor([[1, 1, 2], [1, 1, 1]]))
    (tensor([[0, 0, 1],
            [2, 2, 2]]), tensor([[0, 1, 0],
            [0, 1, 2]]))
    """
    begins = torch.ones_like(documents, dtype=torch.bool)
    begins[:, 1:] = documents[:, 1:] != documents[:, :-1]
    where = torch.arange(documents.numel(), device=documents.device)
    flat = begins.flatten()
    row = flat.cumsum(0) - 1
    position = where - where[flat][row]
    return row.view_as(documents), position.view_as(documents)
