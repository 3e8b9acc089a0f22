"""GPT, a decoder-only model: it predicts each token of a text from the tokens before this token."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from whyformer.blocks.embeddings import EmbeddingScale, TokenEmbedding, Tying
from whyformer.blocks.feedforward import Activation
from whyformer.blocks.history import History, Layout, Past
from whyformer.blocks.initialization import INITIALIZATIONS, Initialization
from whyformer.blocks.masks import causal_mask
from whyformer.blocks.positions import Position
from whyformer.blocks.residual import Wiring
from whyformer.foundation.bounds import MAX_HEADS, MAX_INNER, MAX_LAYERS, MAX_WIDTH
from whyformer.foundation.wording import counted
from whyformer.models.interface import EMPTY
from whyformer.models.parts import Biases, Parts, StackSettings
from whyformer.models.vocabulary import LanguageModel, OutputBias


class GPTSettings(StackSettings):
    """Sizes and variants of a decoder-only model; the defaults are those of the smallest GPT-2.

    >>> GPTSettings(layers=2, d_model=16, heads=2).head_width
    8
    """

    family: Literal["gpt"] = "gpt"
    """The model family."""
    layers: int = Field(default=12, ge=1, le=MAX_LAYERS)
    """Number of layers (GPT-2: 12)."""
    d_model: int = Field(default=768, ge=1, le=MAX_WIDTH)
    """Width of the residual stream (GPT-2: 768)."""
    heads: int = Field(default=12, ge=1, le=MAX_HEADS)
    """Number of attention heads per layer (GPT-2: 12)."""
    d_ff: int = Field(default=3072, ge=1, le=MAX_INNER)
    """Inner width of the feed-forward network (GPT-2: 3072)."""
    wiring: Wiring = "pre-norm"
    """Residual wiring (GPT-2: pre-norm)."""
    activation: Activation = "gelu-tanh"
    """Activation of the feed-forward network (GPT-2: gelu-tanh)."""
    biases: Biases = Biases.ALL
    """Which linear layers have a bias: none, feed-forward or all (GPT-2)."""
    positions: Position = "learned"
    """Position scheme (GPT-2: learned)."""
    tying: Tying = Tying.DECODER
    """Whether embedding and projection share one matrix: decoder (yes, GPT-2) or none (no)."""
    output_bias: OutputBias = OutputBias.NONE
    """Whether the output projection has a bias: none (GPT-2), learned, or fixed, which training
    does not change (imported models of Hugging Face)."""
    initialization: Initialization = Initialization.NORMAL
    """Weight initialization of the layers (GPT-2: normal)."""
    embedding_scale: EmbeddingScale = EmbeddingScale.ONE
    """Factor applied to the embeddings: one (GPT-2) or sqrt-d-model (Vaswani et al. 2017)."""
    embedding_deviation: float = Field(default=0.02, gt=0, le=100)
    """Standard deviation of the initial embeddings (GPT-2: 0.02)."""

    @property
    def summary(self) -> str:
        """A one-line description of the sizes."""
        return (
            f"{counted(self.layers, 'layer')}, d_model {self.d_model}, "
            f"{counted(self.heads, 'head')}, {self.wiring}, {self.positions} positions"
        )


@dataclass(frozen=True)
class GPTState:
    """The state of a search: the cached past of each hypothesis."""

    past: Past


class GPTLayer(nn.Module):
    """Masked self-attention and the feed-forward network.

    Paper: Radford et al. 2018, §3.1; the norm before each sub-layer: Radford et al. 2019, §2.3.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.self_attention = parts.attention()
        self.feedforward = parts.feedforward()
        self.wire_self_attention = parts.residual()
        self.wire_feedforward = parts.residual()

    def forward(
        self, x: Tensor, positions, allowed: Tensor | None, history: History | None
    ) -> Tensor:
        """Return the residual stream after this layer. Args: history: the cached keys and values;
        this call appends to them."""

        def attend(x: Tensor) -> Tensor:
            offset = 0 if history is None else history.length
            queries, keys, values = self.self_attention.queries_keys_values(x, positions, offset)
            if history is not None:
                keys, values = history.append(keys, values)
            causal = allowed is None
            return self.self_attention(
                x, (keys, values), allowed, causal=causal, positions=positions, queries=queries
            )

        x = self.wire_self_attention(x, attend)
        return self.wire_feedforward(x, self.feedforward)


class GPT(LanguageModel):
    """Embedding, N causal layers, a final norm, and a projection onto the vocabulary.

    >>> import torch
    >>> model = GPT(GPTSettings(layers=2, d_model=16, heads=2, d_ff=32), (100, 100))
    >>> model(torch.randint(100, (2, 5))).shape
    torch.Size([2, 5, 100])

    Paper: Radford et al. 2018, "Improving language understanding by generative pre-training", §3.1;
        Radford et al. 2019, "Language models are unsupervised multitask learners", §2.3.
    Differs: the attention weights have no dropout unless `attention_dropout` is set (papers: 0.1).
    Args: vocabularies: the vocabulary size, given twice (source and target are the same).
    """

    def __init__(self, settings: GPTSettings, vocabularies: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        size = vocabularies[1]
        alpha, beta = deepnorm_decoder_constants(settings.layers)
        parts = settings.parts(depth_scale=alpha)
        scale = 1.0 if settings.embedding_scale is EmbeddingScale.ONE else None
        self.embedding = TokenEmbedding(size, settings.d_model, settings.dropout, scale=scale)
        self.positions = parts.positions(causal=True)
        self.layers = nn.ModuleList(GPTLayer(parts) for _ in range(settings.layers))
        self.final_norm = parts.final_norm()
        bias = settings.output_bias
        self.projection = nn.Linear(settings.d_model, size, bias=bias is not OutputBias.NONE)
        if self.projection.bias is not None:
            nn.init.zeros_(self.projection.bias).requires_grad_(bias is OutputBias.LEARNED)
        for table in (self.embedding.weight, self.projection.weight, *self.positions.parameters()):
            nn.init.normal_(table, std=settings.embedding_deviation)
        if settings.tying.of_projection:
            self.projection.weight = self.embedding.weight
        residuals = 2 * settings.layers
        deep = settings.initialization is Initialization.DEEPNORM
        INITIALIZATIONS[settings.initialization](self.layers, beta if deep else residuals**-0.5)

    def features(
        self,
        target: Int[Tensor, "batch target"],
        documents: Int[Tensor, "batch target"] | None = None,
        histories: list[History] | None = None,
    ) -> Float[Tensor, "batch target d_model"]:
        """Return a vector for each token, computed from this and earlier tokens.

        Args:
            target: starts with bos.
            documents: for each token, the number of its document. Tokens attend only to tokens of
                the same document. None means that each row is one document.
            histories: cached keys and values, one history for each layer; this call appends to
                them.
        """
        allowed = None if documents is None else same_document(documents)
        x = self.embedding(target, self.positions, histories[0].length if histories else 0)
        for number, layer in enumerate(self.layers):
            x = layer(x, self.positions, allowed, histories[number] if histories else None)
        return self.final_norm(x)

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> GPTState:
        """Return the state for one new text per row; the content of the rows is not read."""
        return GPTState(Past.of(len(self.layers), source))

    def read(
        self, state: GPTState, tokens: Int[Tensor, "rows length"]
    ) -> tuple[Float[Tensor, "rows length d_model"], GPTState]:
        """Feed the same number of tokens to each hypothesis, in one pass."""
        return self.features(tokens, None, state.past.cohorts[0].histories), state

    def step(
        self, state: GPTState, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], GPTState]:
        """Feed one token to each hypothesis. See `interface`."""
        layout = Layout.of(tokens != EMPTY)
        x, state = self.read(GPTState(state.past.at(layout)[0]), layout.rows(tokens)[:, None])
        return self.projection(x[:, 0]), state

    def select(
        self,
        state: GPTState,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> GPTState:
        """Reorder beams and drop sentences. See `interface`."""
        return GPTState(state.past.select(sentences, beams))


def deepnorm_decoder_constants(layers: int) -> tuple[float, float]:
    """Return DeepNorm's (α, β) for a decoder-only model: (2M)^¼ and (8M)^-¼.

    Source: Wang et al. 2022 (arXiv:2203.00555), Figure 2, decoder-only column.
    """
    return (2 * layers) ** 0.25, (8 * layers) ** -0.25


def same_document(
    documents: Int[Tensor, "batch length"],
) -> Bool[Tensor, "batch 1 length length"]:
    """Return a mask: True where the key is in the query's document and not after the query.

    >>> import torch
    >>> same_document(torch.tensor([[1, 1, 2]]))[0, 0].int().tolist()
    [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    """
    same = documents[:, :, None] == documents[:, None, :]
    length = documents.shape[1]
    return same[:, None] & causal_mask(length, length, documents.device)
