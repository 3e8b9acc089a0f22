"""Exported models with the methods that a search needs (see `models.interface`)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.history import Layout
from whyformer.interop.onnx.models import DECODER, ENCODER, KEY, MODEL, VALUE
from whyformer.interop.onnx.session import Session
from whyformer.models.interface import EMPTY


@dataclass(frozen=True)
class Lengths:
    """The maximum lengths of a model; None means that there is no limit."""

    longest_source: int | None
    longest_target: int | None


@dataclass(frozen=True)
class OnnxState:
    """The state of a search.

    Args:
        memories: for each sentence, the inputs of the decoder that contain its source: keys, values
            and the padding mask. A language model has none.
        past: keys and values of the earlier positions, one row for each hypothesis.
        rows: for each slot of the search, its row in ``past``.
        sentences: the sentence of each row in ``spread``.
        spread: ``memories`` with one row for each hypothesis, computed in the previous step.
    """

    memories: dict[str, Tensor]
    past: list[Tensor]
    rows: Int[Tensor, "sentences beams"]
    sentences: Int[Tensor, "rows"] | None = None
    spread: dict[str, Tensor] | None = None


class OnnxModel:
    """A causal graph with a cache, which a search feeds token by token.

    `features` and `read` return logits instead of vectors, because the graph contains the
    projection. So `projection` changes nothing.
    Args:
        rows: maximum number of positions; None if there is no limit.
    """

    def __init__(self, path: Path, threads: int, rows: int | None) -> None:
        self.session = Session(path, threads)
        self.settings = Lengths(rows, rows)
        self.projection = nn.Identity()
        layers = range(sum(name.startswith(f"past_{KEY}_") for name in self.session.shapes))
        self._cache = [f"{one}_{number}" for number in layers for one in (KEY, VALUE)]

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> OnnxState:
        """Start a search with one hypothesis for each row; see `interface`."""
        return OnnxState({}, self._empty(len(source)), torch.arange(len(source))[:, None])

    def step(
        self, state: OnnxState, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], OnnxState]:
        """Feed one token to each hypothesis; see `interface`."""
        layout = Layout.of(tokens != EMPTY)
        past = _rows(state.past, layout.rows(state.rows))
        sentences = layout.rows(torch.arange(len(tokens))[:, None].expand_as(tokens))
        spread = state.spread
        if spread is None or not torch.equal(sentences, _known(state.sentences)):
            names = list(state.memories)
            found = _rows([state.memories[name] for name in names], sentences)
            spread = dict(zip(names, found, strict=True))
        logits, past = self._run(layout.rows(tokens)[:, None], spread, past)
        rows = layout.spread(torch.arange(len(sentences)))
        state = replace(state, past=past, rows=rows, sentences=sentences, spread=spread)
        return logits[:, 0], state

    def select(
        self,
        state: OnnxState,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> OnnxState:
        """Reorder beams and drop sentences; see `interface`."""
        if sentences is None:
            return replace(state, rows=state.rows.gather(1, beams))
        memories = {name: one.index_select(0, sentences) for name, one in state.memories.items()}
        return OnnxState(memories, state.past, state.rows[sentences].gather(1, beams))

    def _empty(self, rows: int) -> list[Tensor]:
        """Return the keys and values of an empty past."""
        shapes = [self.session.shapes[f"past_{name}"] for name in self._cache]
        return [torch.zeros(rows, int(heads), 0, int(d_k)) for _, heads, _, d_k in shapes]

    def _run(
        self, tokens: Int[Tensor, "rows length"], memories: dict[str, Tensor], past: list[Tensor]
    ) -> tuple[Float[Tensor, "rows length vocab"], list[Tensor]]:
        inputs = {f"past_{name}": one for name, one in zip(self._cache, past, strict=True)}
        outputs = ["logits", *(f"present_{name}" for name in self._cache)]
        logits, *past = self.session({"tokens": tokens, **memories, **inputs}, outputs)
        return logits, past


class OnnxTransformer(OnnxModel):
    """An exported Transformer.

    Args: directory: the directory with ``encoder.onnx`` and ``decoder.onnx``.
    """

    def __init__(self, directory: Path, threads: int, rows: int | None) -> None:
        super().__init__(directory / f"{DECODER}.onnx", threads, rows)
        self.encoder = Session(directory / f"{ENCODER}.onnx", threads)
        self._memories = [f"memory_{name}" for name in self._cache]

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> OnnxState:
        """Encode the sources; see `interface`."""
        state = super().begin(source, source_real)
        return replace(state, memories=self._encoded(source, source_real))

    def features(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target vocab"]:
        """Return the logits at each target position."""
        memories = self._encoded(source, source_real)
        return self._run(target, memories, self._empty(len(target)))[0]

    def source_weights(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target source"]:
        """Raise LookupError, because attention weights are not computed here; see `interface`."""
        raise LookupError("an exported model returns no attention weights")

    def _encoded(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
    ) -> dict[str, Tensor]:
        real = torch.ones_like(source, dtype=torch.bool) if source_real is None else source_real
        mask = {"source_mask": real}
        found = self.encoder({"source": source, **mask}, self._memories)
        return dict(zip(self._memories, found, strict=True)) | mask


class OnnxGPT(OnnxModel):
    """An exported GPT. Args: directory: the directory with ``model.onnx``."""

    def __init__(self, directory: Path, threads: int, rows: int | None) -> None:
        super().__init__(directory / f"{MODEL}.onnx", threads, rows)

    def __call__(self, target: Int[Tensor, "batch target"]) -> Float[Tensor, "batch target vocab"]:
        """Return the logits of the token that follows each position."""
        return self._run(target, {}, self._empty(len(target)))[0]

    def read(
        self, state: OnnxState, tokens: Int[Tensor, "rows length"]
    ) -> tuple[Float[Tensor, "rows length vocab"], OnnxState]:
        """Feed the same number of tokens to each hypothesis; see `decoding.prompt`."""
        logits, past = self._run(tokens, {}, state.past)
        return logits, replace(state, past=past)


def _rows(tensors: Sequence[Tensor], rows: Int[Tensor, "rows"]) -> list[Tensor]:
    """Return the given rows of each tensor, without a copy if these are all rows in order."""
    if not tensors or torch.equal(rows, torch.arange(len(tensors[0]))):
        return list(tensors)
    return [one.index_select(0, rows) for one in tensors]


def _known(sentences: Tensor | None) -> Tensor:
    return torch.empty(0, dtype=torch.long) if sentences is None else sentences
