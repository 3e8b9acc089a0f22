"""The shape of a recurrent encoder-decoder, and the parts that it chooses."""

from typing import Literal

from pydantic import Field, model_validator

from whyformer.blocks.additive_attention import RecurrentAttention
from whyformer.blocks.dropout import DROPOUTS, Dropout, DropoutForm, VariationalDropout
from whyformer.blocks.embeddings import TokenEmbedding, Tying
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.recurrence import Cell
from whyformer.blocks.recurrent_initialization import (
    RecurrentInitialization,
)
from whyformer.foundation.bounds import MOST_LAYERS, MOST_POSITIONS, MOST_WIDTH
from whyformer.foundation.config import Settings


class RecurrentSettings(Settings):
    """Shape and choices of a recurrent encoder-decoder with attention."""

    family: Literal["rnn"] = "rnn"
    """Which kind of model this is."""
    cell: Cell = Cell.LSTM
    """Equations of a layer: rnn (tanh), gru or lstm."""
    encoder_layers: int = Field(default=2, ge=1, le=MOST_LAYERS)
    """Layers of the encoder (Luong et al. 2015: 4)."""
    decoder_layers: int = Field(default=2, ge=1, le=MOST_LAYERS)
    """Layers of the decoder (Luong et al. 2015: 4)."""
    d_model: int = Field(default=256, ge=1, le=MOST_WIDTH)
    """Width of embeddings and of the decoder's state; each direction of the encoder has half."""
    bidirectional: bool = True
    """Whether the encoder also reads from the end (Bahdanau et al. 2014: yes)."""
    attention: RecurrentAttention = RecurrentAttention.GENERAL
    """How the decoder looks at the source: none, additive, dot, general or location."""
    input_feeding: bool = True
    """Whether what was found in the source enters the next state (Luong et al. 2015, §3.3)."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of elements dropped from embeddings, between layers and before the projection."""
    dropout_form: DropoutForm = DropoutForm.STANDARD
    """standard: drawn for every position. variational: once a sequence, and on the state as well,
    which needs the explicit loop and is slower."""
    tying: Tying = Tying.THREE_WAY
    """Which embeddings and projections share a matrix."""
    initialization: RecurrentInitialization = RecurrentInitialization.ORTHOGONAL
    """Starting weights of the recurrent layers: uniform, xavier, orthogonal or chrono."""
    forget_bias: float = Field(default=1.0, ge=-100, le=100)
    """Starting bias of an LSTM's forget gate, with all but chrono."""
    chrono_span: int = Field(default=100, ge=2, le=MOST_POSITIONS)
    """Positions that the longest-lasting gates remember at the start, with chrono."""
    max_length: int = Field(default=1024, ge=1, le=MOST_POSITIONS)
    """Longest sequence in tokens; rows of the table of attention `location`."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "RecurrentSettings":
        if self.bidirectional and self.d_model % 2:
            raise ValueError(
                "a bidirectional encoder gives half of `d_model` to each direction, but it is "
                f"{self.d_model}. Choose an even d_model."
            )
        if self.input_feeding and self.attention is RecurrentAttention.NONE:
            raise ValueError(
                "`input_feeding` feeds what attention found, but `attention` is none. "
                "Set model.input_feeding to false."
            )
        return self

    @property
    def longest_source(self) -> int | None:
        """Most tokens that a source may have; None where there is no end."""
        return self.max_length if self.attention is RecurrentAttention.LOCATION else None

    @property
    def longest_target(self) -> int | None:
        """None: a recurrent decoder writes without end."""
        return None

    @property
    def summary(self) -> str:
        """The shape in a few words."""
        fed = ", input feeding" if self.input_feeding else ""
        return (
            f"{self.encoder_layers}+{self.decoder_layers} layers of {self.cell}, d_model "
            f"{self.d_model}, {self.attention} attention{fed}"
        )


def embedding_of(settings: RecurrentSettings, size: int) -> TokenEmbedding:
    """Return an embedding with the dropout of the settings."""
    embedding = TokenEmbedding(size, settings.d_model, settings.dropout)
    embedding.dropout = dropout_of(settings)
    return embedding


def dropout_of(settings: RecurrentSettings) -> Dropout:
    """Return what drops elements between layers."""
    return DROPOUTS[settings.dropout_form](settings.dropout)


def state_dropout_of(settings: RecurrentSettings) -> VariationalDropout:
    """Return what drops elements of the state; only the variational form does."""
    varied = settings.dropout_form is DropoutForm.VARIATIONAL
    return VariationalDropout(settings.dropout if varied else 0.0)


def no_positions(settings: RecurrentSettings):
    """Return the scheme that marks no position: a recurrence reads them in order."""
    return POSITIONS["none"](
        settings.d_model, settings.d_model, 1, causal=True, max_length=settings.max_length
    )
