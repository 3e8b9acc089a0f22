"""BERT, an encoder-only model: it predicts masked tokens, and every token attends to all tokens."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from whyformer.blocks.character_ngrams import CharacterNgrams
from whyformer.blocks.dropout import Dropout
from whyformer.blocks.feedforward import Activation
from whyformer.blocks.initialization import INITIALIZATIONS, Initialization
from whyformer.blocks.masks import padding_mask
from whyformer.blocks.ngrams import NgramEmbedding
from whyformer.blocks.normalization import NORMS, set_epsilon
from whyformer.blocks.positions import POSITIONS, Position
from whyformer.foundation.bounds import (
    MAX_HEADS,
    MAX_IDS,
    MAX_INNER,
    MAX_LAYERS,
    MAX_NGRAM,
    MAX_POSITIONS,
    MAX_WIDTH,
)
from whyformer.foundation.wording import counted
from whyformer.models.encoder import EncoderLayer
from whyformer.models.parts import Biases, StackSettings

INITIAL_DEVIATION = 0.02
"""Standard deviation of the initial weights."""


class LayerSharing(StrEnum):
    """Whether the layers of a stack share their weights."""

    NONE = "none"
    ALL = "all"
    """A single layer is applied N times (ALBERT)."""


class AnswerOf(StrEnum):
    """The unit that a task head makes a prediction for."""

    TEXT = "text"
    """One prediction for the whole text, computed from its pooled vector."""
    TOKENS = "tokens"
    """One prediction for each token, computed from the vector of that token."""


class Pooling(StrEnum):
    """How the vectors of the tokens become one vector for the whole text."""

    FIRST = "first"
    """The vector of the first token (BERT)."""
    MEAN = "mean"
    """The mean of the vectors of all tokens."""


class HeadLayer(StrEnum):
    """The layer of a task head before its output layer: a linear map and an activation."""

    NONE = "none"
    """There is no such layer."""
    TANH = "tanh"
    GELU = "gelu"


class EncoderSettings(StackSettings):
    """Sizes and variants of an encoder-only model; the defaults are those of BERT base."""

    layers: int = Field(default=12, ge=1, le=MAX_LAYERS)
    """Number of layers (BERT base: 12)."""
    d_model: int = Field(default=768, ge=1, le=MAX_WIDTH)
    """Width of the residual stream (BERT base: 768)."""
    heads: int = Field(default=12, ge=1, le=MAX_HEADS)
    """Number of attention heads per layer (BERT base: 12)."""
    d_ff: int = Field(default=3072, ge=1, le=MAX_INNER)
    """Inner width of the feed-forward network (BERT base: 3072)."""
    activation: Activation = "gelu"
    """Activation of the feed-forward network (BERT: gelu)."""
    biases: Biases = Biases.ALL
    """Which linear layers of the stack have a bias: none, feed-forward or all (BERT)."""
    positions: Position = "learned"
    """Position scheme (BERT: learned)."""
    max_length: int = Field(default=512, ge=1, le=MAX_POSITIONS)
    """Longest sequence in tokens (BERT: 512)."""
    embedding_width: int | None = Field(default=None, ge=1, le=MAX_WIDTH)
    """Width of the embeddings, projected to d_model (ALBERT: 128); None means d_model (BERT)."""
    sharing: LayerSharing = LayerSharing.NONE
    """Whether all layers share the same weights (ALBERT: all; BERT: none)."""
    initialization: Initialization = Initialization.NORMAL
    """Weight initialization (BERT: normal)."""
    ngrams: int = Field(default=1, ge=1, le=MAX_NGRAM)
    """Length of the longest n-gram of tokens that has a vector. The vectors of all n-grams that end
    at a token are added to the vector of the token. With 1, only single tokens have vectors (BERT).
    N-grams help most with little training."""
    ngram_rows: int = Field(default=131_071, ge=1, le=MAX_IDS)
    """Number of vectors of n-grams. A hash function chooses the vector of an n-gram; with a prime
    number, the fewest n-grams share a vector."""
    ngram_width: int = Field(default=64, ge=1, le=MAX_WIDTH)
    """Width of the vectors of n-grams, which are projected to the width of the embeddings."""
    ngram_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability that an n-gram is dropped in training."""

    @property
    def width_of_embeddings(self) -> int:
        """The width of the embeddings: `embedding_width`, or `d_model` if it is not set."""
        return self.embedding_width or self.d_model

    @property
    def summary(self) -> str:
        """A one-line description of the sizes."""
        shared = ", one layer shared by all" if self.sharing is LayerSharing.ALL else ""
        layers, heads = counted(self.layers, "layer"), counted(self.heads, "head")
        return f"{layers}, d_model {self.d_model}, {heads}{shared}"


class BERTSettings(EncoderSettings):
    """Settings of an encoder with the pre-training heads, or with one task head (`outputs`).

    >>> BERTSettings(layers=2, d_model=16, heads=2, outputs=3).summary
    '2 layers, d_model 16, 2 heads'
    """

    family: Literal["bert"] = "bert"
    """The model family."""
    outputs: int = Field(default=0, ge=0, le=MAX_IDS)
    """Number of outputs of the task head: the number of classes, or 1 for regression. With 0, the
    model has the pre-training heads instead."""
    answer_of: AnswerOf = AnswerOf.TEXT
    """What the task head makes a prediction for: text (the whole text) or tokens (each token)."""
    pooling: Pooling = Pooling.FIRST
    """How the vectors of the tokens become one vector for the whole text: first (the vector of the
    first token, BERT) or mean (the mean of the vectors of all tokens)."""
    head_layer: HeadLayer | None = None
    """The layer of the task head before its output layer: none, tanh or gelu (ELECTRA). None means
    that of BERT: tanh for a text, none for tokens."""
    character_ngrams: int = Field(default=0, ge=0, le=MAX_NGRAM)
    """Length of the longest n-gram of characters for a linear classifier, whose outputs are added
    to those of the task head. With 0, there is no such classifier (BERT). It needs `answer_of`
    text."""
    character_ngram_rows: int = Field(default=262_139, ge=1, le=MAX_IDS)
    """Number of rows of weights of this classifier. A hash function chooses the row of an n-gram;
    with a prime number, the fewest n-grams share a row."""
    character_ngram_dropout: float = Field(default=0.3, ge=0, lt=1)
    """Probability that this classifier does not see an n-gram in training."""

    @property
    def reads_characters(self) -> bool:
        """Whether the task head has a linear classifier on n-grams of characters."""
        of_text = self.answer_of is AnswerOf.TEXT
        return self.character_ngrams > 0 and self.outputs > 0 and of_text

    @property
    def layer_of_head(self) -> HeadLayer:
        """The layer of the task head: `head_layer`, or that of BERT if it is not set."""
        of_bert = HeadLayer.TANH if self.answer_of is AnswerOf.TEXT else HeadLayer.NONE
        return self.head_layer or of_bert


class SegmentEmbedding(nn.Module):
    """The sum of token, segment and position embeddings, with norm, dropout and a projection.

    If `ngrams` is above 1, the sum also contains the embeddings of n-grams of tokens.

    The projection to `d_model` exists only if the embeddings are narrower than `d_model`.

    Paper: Devlin et al. 2018 (arXiv:1810.04805), §3 and Figure 2; the projection: Lan et al. 2019
        (arXiv:1909.11942), §3.1.
    """

    def __init__(self, vocabulary: int, settings: BERTSettings) -> None:
        super().__init__()
        width = settings.width_of_embeddings
        self.tokens = nn.Embedding(vocabulary, width)
        self.segments = nn.Embedding(2, width)
        if settings.ngrams > 1:
            self.ngrams = NgramEmbedding(
                settings.ngrams,
                settings.ngram_rows,
                settings.ngram_width,
                width,
                settings.ngram_dropout,
            )
        self.norm = NORMS[settings.norm](width)
        self.longest_ngram = settings.ngrams
        self.dropout = Dropout(settings.dropout)
        self.widen = (
            nn.Identity() if width == settings.d_model else nn.Linear(width, settings.d_model)
        )

    def forward(
        self,
        ids: Int[Tensor, "batch length"],
        segments: Int[Tensor, "batch length"] | None,
        positions: nn.Module,
    ) -> Float[Tensor, "batch length d_model"]:
        """Embed tokens. Args: segments: 0 or 1 for each token; None means 0 for all."""
        x = self.tokens(ids)
        if self.longest_ngram > 1:
            x = x + self.ngrams(ids)
        x = x + (self.segments.weight[0] if segments is None else self.segments(segments))
        where = positions.embed(ids.shape[1], 0, x)  # pyright: ignore[reportCallIssue]
        return self.widen(self.dropout(self.norm(x if where is None else x + where)))


class MaskedHead(nn.Module):
    """The head that predicts masked tokens: a small network, then the shared embedding matrix.

    Paper: Devlin et al. 2018, §3.1, Task #1 (the layers are those of the authors' code).
    """

    def __init__(self, vocabulary: int, settings: BERTSettings, embeddings: nn.Embedding) -> None:
        super().__init__()
        width = settings.width_of_embeddings
        self.transform = nn.Linear(settings.d_model, width)
        self.norm = NORMS[settings.norm](width)
        self.weight = embeddings.weight
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def features(self, x: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows width"]:
        """Return the vectors that the embeddings are multiplied by. For the bias, each vector has
        an additional element 1."""
        x = self.norm(F.gelu(self.transform(x)))
        return torch.cat([x, x.new_ones(*x.shape[:-1], 1)], -1)

    def table(self) -> Float[Tensor, "vocab width"]:
        """Return the embeddings with the bias as an extra column, for `fused_cross_entropy`."""
        return torch.cat([self.weight, self.bias[:, None]], 1)

    def forward(self, x: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """Return logits over the vocabulary."""
        return F.linear(self.features(x), self.table())


class BERT(nn.Module):
    """Embeddings, N encoder layers, and either the pre-training heads or one task head.

    >>> model = BERT(BERTSettings(layers=2, d_model=16, heads=2, d_ff=32), (100, 100))
    >>> x = model(torch.randint(100, (2, 5)))
    >>> x.shape, model.pooled(x).shape, model.masked(x).shape
    (torch.Size([2, 5, 16]), torch.Size([2, 16]), torch.Size([2, 5, 100]))

    Paper: Devlin et al. 2018 (arXiv:1810.04805), §3; sharing and narrow embeddings: Lan et al. 2019
        (arXiv:1909.11942), §3.1.
    Differs: the tokens bos and eos replace [CLS] and [SEP]; the attention weights have no dropout
        unless `attention_dropout` is set (paper: 0.1).
    Args: vocabularies: the vocabulary size, given twice (source and target are the same).
    """

    def __init__(self, settings: BERTSettings, vocabularies: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        size = vocabularies[0]
        parts = settings.parts()
        self.embedding = SegmentEmbedding(size, settings)
        self.positions = POSITIONS[settings.positions](
            settings.width_of_embeddings,
            settings.head_width,
            settings.heads,
            causal=False,
            max_length=settings.max_length,
        )
        distinct = 1 if settings.sharing is LayerSharing.ALL else settings.layers
        self.layers = nn.ModuleList(EncoderLayer(parts) for _ in range(distinct))
        self.final_norm = parts.final_norm()
        if not settings.outputs or settings.layer_of_head is not HeadLayer.NONE:
            self.pooler = nn.Linear(settings.d_model, settings.d_model)
        if settings.outputs:
            self.dropout = Dropout(settings.dropout)
            self.answer = nn.Linear(settings.d_model, settings.outputs)
            if settings.reads_characters:
                self.characters = CharacterNgrams(
                    settings.character_ngrams,
                    settings.character_ngram_rows,
                    settings.outputs,
                    settings.character_ngram_dropout,
                )
        else:
            self.masked = MaskedHead(size, settings, self.embedding.tokens)
            self.next_sentence = nn.Linear(settings.d_model, 2)
        set_epsilon(self, settings.norm_epsilon)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=INITIAL_DEVIATION)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for table in self.positions.parameters():
            nn.init.normal_(table, std=INITIAL_DEVIATION)
        if settings.ngrams > 1:
            self.embedding.ngrams.initialize(INITIAL_DEVIATION)
        if settings.reads_characters:
            self.characters.initialize()
        INITIALIZATIONS[settings.initialization](self.layers, 1.0)

    def forward(
        self,
        ids: Int[Tensor, "batch length"],
        real: Bool[Tensor, "batch length"] | None = None,
        segments: Int[Tensor, "batch length"] | None = None,
    ) -> Float[Tensor, "batch length d_model"]:
        """Return a vector for each token; the vectors of padding have no meaning.

        Args:
            ids: each row begins with bos.
            segments: 0 for the first text and 1 for the second; None means 0 for all.
        """
        allowed = padding_mask(real)
        x = self.embedding(ids, segments, self.positions)
        layers = cast(list[EncoderLayer], list(self.layers))
        for number in range(self.settings.layers):
            x = layers[number % len(layers)](x, self.positions, allowed)
        return self.final_norm(x)

    def pooled(self, x: Float[Tensor, "batch length d_model"]) -> Float[Tensor, "batch d_model"]:
        """Return one vector for each text: tanh(W x + b), where x is the first token's vector. This
        vector predicts whether the second text follows the first."""
        return self._hidden(x[:, 0])

    def _text_vector(
        self, x: Float[Tensor, "batch length d_model"], real: Bool[Tensor, "batch length"] | None
    ) -> Float[Tensor, "batch d_model"]:
        """Return the vector of each text that the task head reads, as `pooling` says."""
        if self.settings.pooling is Pooling.FIRST:
            return x[:, 0]
        if real is None:
            return x.mean(1)
        return x.masked_fill(~real[..., None], 0.0).sum(1) / real.sum(1, keepdim=True)

    def _hidden(self, x: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_model"]:
        """Apply the layer of the head before its output layer."""
        layer = self.settings.layer_of_head if self.settings.outputs else HeadLayer.TANH
        if layer is HeadLayer.NONE:
            return x
        x = self.pooler(x)
        return torch.tanh(x) if layer is HeadLayer.TANH else F.gelu(x)

    def answers(
        self,
        ids: Int[Tensor, "batch length"],
        real: Bool[Tensor, "batch length"] | None,
        segments: Int[Tensor, "batch length"] | None,
    ) -> Float[Tensor, "batch outputs"]:
        """Return the outputs of the task head for each text.

        Paper: Devlin et al. 2018, §4.1.
        Differs: the head can also read the mean of the vectors of all tokens (`pooling`), and a
            linear classifier on n-grams of characters can be added (`character_ngrams`).
        """
        x = self._text_vector(self(ids, real, segments), real)
        answers = self.answer(self.dropout(self._hidden(x)))
        return answers + self.characters(ids) if self.settings.reads_characters else answers

    def learn_spellings(self, spellings: Sequence[bytes]) -> None:
        """Tell the model the characters of each id, if it reads them. See `CharacterNgrams`."""
        if self.settings.reads_characters:
            self.characters.learn_spellings(spellings)

    def token_answers(
        self,
        ids: Int[Tensor, "batch length"],
        real: Bool[Tensor, "batch length"] | None,
        segments: Int[Tensor, "batch length"] | None = None,
    ) -> Float[Tensor, "batch length outputs"]:
        """Return the outputs of the task head for each token.

        Paper: Devlin et al. 2018, §5.3 and Figure 4 (d).
        """
        return self.answer(self.dropout(self._hidden(self(ids, real, segments))))
