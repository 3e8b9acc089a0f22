"""ELECTRA: a small encoder restores hidden tokens, and a large one finds what was replaced."""

from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from whyformer.blocks.positions import POSITIONS
from whyformer.foundation.bounds import MOST_FACTOR
from whyformer.models.bert import BERT, AnswerOf, BERTSettings, EncoderSettings


class ElectraSettings(EncoderSettings):
    """Shape of the discriminator, and how much smaller the generator is."""

    family: Literal["electra"] = "electra"
    """Which kind of model this is."""
    generator_share: float = Field(default=0.25, gt=0, le=1)
    """Width, inner width and heads of the generator over those of the discriminator (Clark et al.
    2020: 1/4 to 1/2)."""
    detection_weight: float = Field(default=50.0, gt=0, le=MOST_FACTOR)
    """Weight of the detection beside the restoring: λ (Clark et al. 2020: 50)."""

    @property
    def summary(self) -> str:
        """The shape in a few words."""
        return f"{super().summary}; generator of {self.generator.d_model}"

    @property
    def discriminator(self) -> BERTSettings:
        """The encoder that is kept: one number for each token."""
        return BERTSettings(outputs=1, answer_of=AnswerOf.TOKENS, **self._shape())

    @property
    def generator(self) -> BERTSettings:
        """The encoder that restores: the discriminator's layers, but narrow."""
        heads = max(1, round(self.heads * self.generator_share))
        narrow: dict[str, Any] = {
            "d_model": max(1, round(self.d_model * self.generator_share)),
            "d_ff": max(1, round(self.d_ff * self.generator_share)),
            "heads": heads,
            "d_k": self.head_width,
            "kv_heads": self._narrow_kv_heads(heads),
            "embedding_width": self.width_of_embeddings,
        }
        return BERTSettings(**(self._shape() | narrow))

    def _narrow_kv_heads(self, heads: int) -> int | None:
        """Return as large a share of the heads of keys and values as divides ``heads``."""
        if self.kv_heads is None:
            return None
        most = max(1, round(self.kv_heads * self.generator_share))
        return max(g for g in range(1, most + 1) if heads % g == 0)

    def _shape(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in EncoderSettings.model_fields}


class Electra(nn.Module):
    """A generator that restores hidden tokens, and a discriminator that finds what it got wrong.

    Paper: Clark et al. 2020 (arXiv:2003.10555), §2 and §3.2 (embeddings of tokens and positions
        are shared, the generator is 1/4 to 1/2 as wide).
    Differs: the segments' embeddings and the norm of the sum are shared as well. D's sigmoid gives
        the probability that a token was replaced, the paper's that it was not.
    Args: vocabularies: both must be the size of the one vocabulary.
    """

    def __init__(self, settings: ElectraSettings, vocabularies: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        self.discriminator = BERT(settings.discriminator, vocabularies)
        self.generator = generator = BERT(settings.generator, vocabularies)
        del generator.pooler, generator.next_sentence  # no sentence follows another
        shared = self.discriminator.embedding
        generator.embedding.tokens = shared.tokens
        generator.embedding.segments = shared.segments
        generator.embedding.norm = shared.norm
        generator.masked.weight = shared.tokens.weight
        if POSITIONS[settings.positions].limited:  # a learned vector each
            generator.positions = self.discriminator.positions

    def restore(
        self,
        ids: Int[Tensor, "batch length"],
        real: Bool[Tensor, "batch length"] | None,
        segments: Int[Tensor, "batch length"] | None,
        chosen: Bool[Tensor, "batch length"],
    ) -> Float[Tensor, "chosen vocab"]:
        """Return the generator's logits at the chosen places.

        Paper: Clark et al. 2020, §2, the equation of p_G.
        Args: ids: with the chosen ones hidden.
        """
        return self.generator.masked(self.generator(ids, real, segments)[chosen])

    def detect(
        self,
        ids: Int[Tensor, "batch length"],
        real: Bool[Tensor, "batch length"] | None,
        segments: Int[Tensor, "batch length"] | None,
    ) -> Float[Tensor, "batch length"]:
        """Return for each token the log-odds that it was replaced.

        Paper: Clark et al. 2020, §2, the equation of D.
        """
        return self.discriminator.token_answers(ids, real, segments)[:, :, 0]


def draw(
    logits: Float[Tensor, "rows vocab"], generator: torch.Generator | None = None
) -> Int[Tensor, "rows"]:
    """Draw a token from each softmax; no gradient passes.

    Source: Gumbel's trick: argmax of logits - ln e, with e ~ Exp(1), is a draw from the softmax.
    Args: generator: None draws from torch's global stream.
    """
    noise = torch.empty_like(logits, dtype=torch.float32).exponential_(generator=generator)
    return (logits.detach().float() - noise.log()).argmax(-1)
