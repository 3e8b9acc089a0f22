"""ELECTRA: a small encoder predicts masked tokens; a larger encoder detects replaced tokens."""

from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from whyformer.blocks.positions import POSITIONS
from whyformer.foundation.bounds import MAX_FACTOR
from whyformer.models.bert import BERT, AnswerOf, BERTSettings, EncoderSettings


class ElectraSettings(EncoderSettings):
    """Sizes of the discriminator, and the relative size of the generator.

    >>> ElectraSettings(layers=2, d_model=64, heads=4).generator.d_model
    16
    """

    family: Literal["electra"] = "electra"
    """The model family."""
    generator_share: float = Field(default=0.25, gt=0, le=1)
    """Size of the generator relative to the discriminator: a factor for d_model, d_ff and heads
    (Clark et al. 2020: 1/4 to 1/2)."""
    detection_weight: float = Field(default=50.0, gt=0, le=MAX_FACTOR)
    """Weight λ of the detection loss relative to the masked-token loss (Clark et al. 2020: 50)."""

    @property
    def summary(self) -> str:
        """A one-line description of the sizes."""
        return f"{super().summary}; generator of {self.generator.d_model}"

    @property
    def discriminator(self) -> BERTSettings:
        """Settings of the discriminator, which has one output for each token."""
        return BERTSettings(outputs=1, answer_of=AnswerOf.TOKENS, **self._shape())

    @property
    def generator(self) -> BERTSettings:
        """Settings of the generator, which has as many layers as the discriminator, but is
        narrower."""
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
        """Return the number of key and value heads of the generator: scaled down, then lowered to a
        divisor of ``heads``."""
        if self.kv_heads is None:
            return None
        most = max(1, round(self.kv_heads * self.generator_share))
        return max(g for g in range(1, most + 1) if heads % g == 0)

    def _shape(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in EncoderSettings.model_fields}


class Electra(nn.Module):
    """A generator that predicts masked tokens, and a discriminator that detects wrong predictions.

    >>> settings = ElectraSettings(layers=2, d_model=16, heads=2, d_ff=32)
    >>> Electra(settings, (100, 100)).detect(torch.randint(100, (2, 5)), None, None).shape
    torch.Size([2, 5])

    Paper: Clark et al. 2020 (arXiv:2003.10555), §2 and §3.2 (embeddings of tokens and positions
        are shared, the generator is 1/4 to 1/2 as wide).
    Differs: generator and discriminator also share the segment embeddings, the embeddings of
        n-grams and the norm of the sum.
        The sigmoid of the discriminator's output is the probability that a token was replaced; in
        the paper, it is the probability that the token is original.
    Args: vocabularies: the vocabulary size, given twice (source and target are the same).
    """

    def __init__(self, settings: ElectraSettings, vocabularies: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        self.discriminator = BERT(settings.discriminator, vocabularies)
        self.generator = generator = BERT(settings.generator, vocabularies)
        del generator.pooler, generator.next_sentence  # ELECTRA has no next-sentence prediction
        shared = self.discriminator.embedding
        generator.embedding.tokens = shared.tokens
        generator.embedding.segments = shared.segments
        generator.embedding.norm = shared.norm
        if settings.ngrams > 1:
            generator.embedding.ngrams = shared.ngrams
        generator.masked.weight = shared.tokens.weight
        # Share the learned vectors of the position scheme.
        if POSITIONS[settings.positions].limited:
            generator.positions = self.discriminator.positions

    def restore(
        self,
        ids: Int[Tensor, "batch length"],
        real: Bool[Tensor, "batch length"] | None,
        segments: Int[Tensor, "batch length"] | None,
        chosen: Bool[Tensor, "batch length"],
    ) -> Float[Tensor, "chosen vocab"]:
        """Return the generator's logits at the chosen positions.

        Paper: Clark et al. 2020, §2, the equation of p_G.
        Args:
            ids: tokens, with masks at the chosen positions.
            chosen: True at the positions to predict.
        """
        return self.generator.masked(self.generator(ids, real, segments)[chosen])

    def detect(
        self,
        ids: Int[Tensor, "batch length"],
        real: Bool[Tensor, "batch length"] | None,
        segments: Int[Tensor, "batch length"] | None,
    ) -> Float[Tensor, "batch length"]:
        """Return, for each token, the log-odds that it was replaced.

        Paper: Clark et al. 2020, §2, the equation of D.
        """
        return self.discriminator.token_answers(ids, real, segments)[:, :, 0]


def draw(
    logits: Float[Tensor, "rows vocab"], generator: torch.Generator | None = None
) -> Int[Tensor, "rows"]:
    """Sample a token from the softmax of each row, without gradients.

    Source: the Gumbel-max trick: argmax of logits - ln e, with e ~ Exp(1), is a sample.
    Args: generator: None uses torch's global generator.
    """
    noise = torch.empty_like(logits, dtype=torch.float32).exponential_(generator=generator)
    return (logits.detach().float() - noise.log()).argmax(-1)
