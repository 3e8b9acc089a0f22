"""The training and test data."""

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from whyformer.data.catalog import topics
from whyformer.data.documents import Documents, build_documents
from whyformer.data.pretraining_rows import Fill, PretrainingBatch, PretrainingRows
from whyformer.lab.method.batches import TensorBatch
from whyformer.text.symbols import PAD
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

PIECES, ROW, BUDGET, WIDTH = 1000, 96, 2048, 64
LINES, HELD_OUT_EVERY, FEWEST_HELD_OUT = 8, 6, 4
"""Every sixth block of eight lines is held out. The probe uses topics with at least four held-out
blocks."""
PUBLISHED, LEFT_TO_RIGHT = "published", "left to right"


@dataclass(frozen=True)
class Text:
    """The tokenized topics. Lines that several topics share occur only once.

    Args:
        train: one document per topic.
        held_out: one document per held-out block of lines.
        asked: for each topic of the probe, the index of its document and the indices of its
            held-out blocks.
    """

    tokenizer: Tokenizer
    train: Documents
    held_out: Documents
    asked: tuple[tuple[int, tuple[int, ...]], ...]
    directory: tempfile.TemporaryDirectory


@cache
def text() -> Text:
    """Return the text, which is tokenized once per process."""
    seen: set[str] = set()
    kept: list[list[str]] = []
    blocks: list[list[str]] = []
    of_topic: list[list[int]] = []
    for topic in topics():
        stripped = dict.fromkeys(line.strip() for line in topic.split("\n") if line.strip())
        lines = [line for line in stripped if line not in seen]
        seen.update(lines)
        cut = [lines[at : at + LINES] for at in range(0, len(lines), LINES)]
        out = [
            place % HELD_OUT_EVERY == HELD_OUT_EVERY // 2 and len(block) == LINES
            for place, block in enumerate(cut)
        ]
        rest = [line for block, held in zip(cut, out, strict=True) if not held for line in block]
        if not rest:
            continue
        kept.append(rest)
        held = [block for block, here in zip(cut, out, strict=True) if here]
        of_topic.append(list(range(len(blocks), len(blocks) + len(held))))
        blocks += held
    lines = ["\n", *(line for document in kept for line in document)]
    tokenizer = train_tokenizer("bpe", lines, vocabulary=PIECES)
    directory = tempfile.TemporaryDirectory()
    train, held_out = (
        build_documents(documents, tokenizer, Path(directory.name) / name, key=name)
        for name, documents in (("train", kept), ("held-out", blocks))
    )
    asked = [
        (topic, tuple(b for b in mine if len(held_out.document(b)) > ROW - 2))
        for topic, mine in enumerate(of_topic)
    ]
    return Text(
        tokenizer,
        train,
        held_out,
        tuple(one for one in asked if len(one[1]) >= FEWEST_HELD_OUT),
        directory,
    )


def rows_of(
    documents: Documents, form: str, *, seed: int = 0, shuffle: bool = True, share: float = 1.0
) -> PretrainingRows:
    """Return rows of one format. Args: share: number of tokens in a batch, as a fraction of the
    usual number."""
    (line_end,) = text().tokenizer.encode("\n")
    return PretrainingRows(
        documents,
        row_tokens=ROW,
        budget_tokens=int(BUDGET * share),
        vocabulary=len(text().tokenizer),
        line_end=line_end,
        next_sentence=form == "pairs",
        fill=Fill.FULL,
        seed=seed,
        shuffle=shuffle,
    )


@dataclass(frozen=True)
class TwoLosses(TensorBatch):
    """Rows for the masked-token loss, and pairs for the next-sentence loss if it is used."""

    hidden: PretrainingBatch
    pairs: PretrainingBatch | None

    @property
    def tokens(self) -> int:
        """Return the number of masked tokens in the rows of the masked-token loss."""
        return self.hidden.tokens


class ArmRows:
    """The `BatchSource` of an arm.

    The next-sentence loss has separate pairs, with half as many tokens. In the published arm, both
    losses use the same pairs.
    """

    def __init__(self, arm: str, seed: int) -> None:
        form, _, loss = arm.partition(", ")
        self.same = arm == PUBLISHED
        self.hidden = rows_of(text().train, "pairs" if self.same else form, seed=seed)
        self.pairs = (
            rows_of(text().train, "pairs", seed=seed + 1000, share=0.5) if loss == "with" else None
        )

    def count(self, epoch: int) -> int:
        """Return the number of batches in an epoch of the rows of the masked-token loss."""
        return self.hidden.count(epoch)

    def batch(self, epoch: int, index: int) -> TwoLosses:
        """Return the batch with this ``index`` in this ``epoch``."""
        hidden = self.hidden.batch(epoch, index)
        if self.same:
            return TwoLosses(hidden, hidden)
        if self.pairs is None:
            return TwoLosses(hidden, None)
        return TwoLosses(hidden, self.pairs.batch(epoch, index % self.pairs.count(epoch)))


@dataclass(frozen=True)
class NextTokens(TensorBatch):
    """Full rows for a left-to-right model. The label is the next token; without a next token, the
    label is PAD."""

    ids: Int[Tensor, "batch length"]
    labels: Int[Tensor, "batch length"]

    @property
    def tokens(self) -> int:
        """Return the number of labels."""
        return int((self.labels != PAD).sum())


class CausalRows:
    """The `BatchSource` of the left-to-right arm: the same full rows, without masking."""

    def __init__(self, seed: int) -> None:
        self.rows = rows_of(text().train, "full", seed=seed)

    def count(self, epoch: int) -> int:
        """Return the number of batches in an epoch."""
        return self.rows.count(epoch)

    def batch(self, epoch: int, index: int) -> NextTokens:
        """Return the batch with this ``index`` in this ``epoch``."""
        found = self.rows.batch(epoch, index)
        whole = torch.where(found.labels == PAD, found.ids, found.labels)
        return NextTokens(whole[:, :-1], whole[:, 1:])
