"""The recurrent encoder, which can read the source in both directions."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.recurrence import Recurrence, last_real, reverse
from whyformer.models.recurrent.settings import (
    RecurrentSettings,
    dropout_of,
    no_positions,
    state_dropout_of,
)


class EncoderLayer(nn.Module):
    """A forward recurrent layer and, if bidirectional, a backward one.

    Paper: Schuster and Paliwal 1997; as used by Bahdanau et al. 2014 (arXiv:1409.0473), §3.2.
    """

    def __init__(self, settings: RecurrentSettings) -> None:
        super().__init__()
        width = settings.d_model // 2 if settings.bidirectional else settings.d_model
        self.onward = Recurrence(settings.cell, settings.d_model, width)
        self.backward = (
            Recurrence(settings.cell, settings.d_model, width) if settings.bidirectional else None
        )
        self.state_dropout = state_dropout_of(settings)

    def forward(self, x: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return a vector for each position, and one vector for the whole row."""
        after, _ = self.onward(x, None, self._state_mask(self.onward, x))
        summary = last_real(after, real)
        if self.backward is None:
            return after, summary
        turned = reverse(x, real)
        before, _ = self.backward(turned, None, self._state_mask(self.backward, x))
        both = torch.cat([after, reverse(before, real)], -1)
        return both, torch.cat([summary, last_real(before, real)], -1)

    def _state_mask(self, layer: Recurrence, x: Tensor) -> Tensor | None:
        return self.state_dropout.mask(x.new_empty(len(x), layer.width))


class Encoder(nn.Module):
    """Embedding and N recurrent layers."""

    def __init__(self, settings: RecurrentSettings, embedding: TokenEmbedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = no_positions(settings)
        self.dropout = dropout_of(settings)
        self.layers = nn.ModuleList(EncoderLayer(settings) for _ in range(settings.encoder_layers))

    def forward(
        self, source: Int[Tensor, "batch source"], real: Bool[Tensor, "batch source"] | None
    ) -> tuple[Float[Tensor, "batch source d_model"], Float[Tensor, "batch d_model"]]:
        """Return a vector for each source token, and one vector for the whole source.

        The vectors of padding have no meaning.
        """
        x = self.embedding(source, self.positions)
        summary = x[:, -1]
        for number, layer in enumerate(self.layers):
            x, summary = layer(self.dropout(x) if number else x, real)
        return x, summary
