"""Settings of a recurrent encoder-decoder, and the blocks that they select."""

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
from whyformer.foundation.bounds import MAX_LAYERS, MAX_POSITIONS, MAX_WIDTH
from whyformer.foundation.config import Settings


class RecurrentSettings(Settings):
    """Sizes and variants of a recurrent encoder-decoder with attention.

    >>> RecurrentSettings(cell="gru", d_model=16, attention="additive").summary
    '2+2 layers of gru, d_model 16, additive attention, input feeding'
    """

    family: Literal["rnn"] = "rnn"
    """The model family."""
    cell: Cell = Cell.LSTM
    """Type of the recurrent layers: rnn (tanh), gru or lstm."""
    encoder_layers: int = Field(default=2, ge=1, le=MAX_LAYERS)
    """Number of encoder layers (Luong et al. 2015: 4)."""
    decoder_layers: int = Field(default=2, ge=1, le=MAX_LAYERS)
    """Number of decoder layers (Luong et al. 2015: 4)."""
    d_model: int = Field(default=256, ge=1, le=MAX_WIDTH)
    """Width of the embeddings and of the decoder state. Each direction of a bidirectional encoder
    has width d_model / 2."""
    bidirectional: bool = True
    """Whether the encoder also reads backwards (Bahdanau et al. 2014: yes)."""
    attention: RecurrentAttention = RecurrentAttention.GENERAL
    """Attention of the decoder to the source: none, additive, dot, general or location."""
    input_feeding: bool = True
    """Whether the attention output is an input of the next state (Luong et al. 2015, §3.3)."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout rate after the embeddings, between layers and before the projection."""
    dropout_form: DropoutForm = DropoutForm.STANDARD
    """standard: a new dropout mask for every position. variational: one mask per sequence, which is
    also applied to the state; this needs the explicit loop, which is slower."""
    tying: Tying = Tying.THREE_WAY
    """Which embeddings and projections share a matrix."""
    initialization: RecurrentInitialization = RecurrentInitialization.ORTHOGONAL
    """Weight initialization of the recurrent layers: uniform, xavier, orthogonal or chrono."""
    forget_bias: float = Field(default=1.0, ge=-100, le=100)
    """Initial bias of the forget gate of an LSTM; ignored with chrono."""
    chrono_span: int = Field(default=100, ge=2, le=MAX_POSITIONS)
    """Only for chrono: the longest span, in positions, that the gates initially remember."""
    max_length: int = Field(default=1024, ge=1, le=MAX_POSITIONS)
    """Maximum sequence length in tokens. This length also limits the source positions that
    `location` attention can score."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "RecurrentSettings":
        if self.bidirectional and self.d_model % 2:
            raise ValueError(
                "`d_model` must be even for a bidirectional encoder, whose directions have width "
                f"d_model / 2, but it is {self.d_model}. Choose an even d_model."
            )
        if self.input_feeding and self.attention is RecurrentAttention.NONE:
            raise ValueError(
                "`input_feeding` needs an attention, but `attention` is none. "
                "Set model.input_feeding to false, or choose an attention."
            )
        return self

    @property
    def longest_source(self) -> int | None:
        """Maximum number of source tokens; None if there is no limit."""
        return self.max_length if self.attention is RecurrentAttention.LOCATION else None

    @property
    def longest_target(self) -> int | None:
        """None: a recurrent decoder has no length limit."""
        return None

    @property
    def summary(self) -> str:
        """A one-line description of the sizes."""
        fed = ", input feeding" if self.input_feeding else ""
        return (
            f"{self.encoder_layers}+{self.decoder_layers} layers of {self.cell}, d_model "
            f"{self.d_model}, {self.attention} attention{fed}"
        )


def embedding_of(settings: RecurrentSettings, size: int) -> TokenEmbedding:
    """Return a token embedding for ``size`` tokens, with the dropout rate of the settings."""
    embedding = TokenEmbedding(size, settings.d_model, settings.dropout)
    embedding.dropout = dropout_of(settings)
    return embedding


def dropout_of(settings: RecurrentSettings) -> Dropout:
    """Return the dropout module that is applied between layers."""
    return DROPOUTS[settings.dropout_form](settings.dropout)


def state_dropout_of(settings: RecurrentSettings) -> VariationalDropout:
    """Return the dropout module of the state. Unless `dropout_form` is variational, the module
    drops nothing."""
    varied = settings.dropout_form is DropoutForm.VARIATIONAL
    return VariationalDropout(settings.dropout if varied else 0.0)


def no_positions(settings: RecurrentSettings):
    """Return the position scheme that does nothing: a recurrent network needs no positions."""
    return POSITIONS["none"](
        settings.d_model, settings.d_model, 1, causal=True, max_length=settings.max_length
    )
