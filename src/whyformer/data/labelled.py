"""Texts, or pairs of texts, with a label or a number: reading, truncation and batches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whyformer.data.formats.recognition import Wanted, delimiter_hint
from whyformer.data.formats.roles import Roles, roles_of_labelled
from whyformer.data.formats.tables import cells_of
from whyformer.data.padded_rows import PaddedRows
from whyformer.data.reading import DEFAULT, Reading
from whyformer.foundation.devices import sent
from whyformer.foundation.errors import DataError
from whyformer.text.normalization import normalize
from whyformer.text.symbols import BOS, EOS
from whyformer.text.tokenizer import Tokenizer


class Example(NamedTuple):
    """One or two texts with their label."""

    line: int
    first: str
    second: str | None
    label: str
    path: str = ""

    @property
    def place(self) -> str:
        """The file and the line, for error messages."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class LabelledBatch:
    """A batch of texts with their labels."""

    ids: Int[Tensor, "batch length"]
    """BOS, the text, EOS, the second text and EOS if there is one, then PAD."""
    real: Bool[Tensor, "batch length"] | None
    """True where a token is real; None when no row is padded."""
    segments: Int[Tensor, "batch length"]
    """0 for the tokens up to the first EOS (the first text), 1 for later tokens (the second
    text)."""
    labels: Int[Tensor, "batch"] | Float[Tensor, "batch"]
    """For each text, the number of its class, or its value in a regression."""
    indices: Int[np.ndarray, " batch"]
    """Index of each example in the data."""

    @property
    def tokens(self) -> int:
        """Number of texts in the batch. The mean loss is the sum divided by this number."""
        return len(self.labels)

    def to(self, device: torch.device | str) -> "LabelledBatch":
        """Return the batch with its tensors on ``device``."""
        real = self.real
        return replace(
            self,
            ids=sent(self.ids, device),
            real=None if real is None else sent(real, device),
            segments=sent(self.segments, device),
            labels=sent(self.labels, device),
        )


def read_examples(
    path: str,
    *,
    text: str | None = None,
    second: str | None = None,
    label: str | None = None,
    reading: Reading = DEFAULT,
    number: bool = False,
) -> Iterator[Example]:
    """Yield the examples of a table. An empty cell gives an empty text or label.

    Args:
        text, second, label: names or numbers of columns, or keys. None chooses a column by its name
            and its content.
        number: whether the label is a number.
    Raises: DataError with the path and line of the error.
    """
    roles = example_roles(
        path, text=text, second=second, label=label, reading=reading, number=number
    )
    for line, (one, *rest) in cells_of(roles.table, [*roles.columns.values()], strict=False):
        second_text = rest[0] if len(rest) == 2 else None
        yield Example(line, one, second_text, normalize(rest[-1]).strip(), path)


def example_roles(
    path: str,
    *,
    text: str | None = None,
    second: str | None = None,
    label: str | None = None,
    reading: Reading = DEFAULT,
    number: bool = False,
) -> Roles:
    """Return the columns of a file that `read_examples` reads."""
    table = reading.table(path, Wanted.LABELLED, (text, second, label))
    if table is None or len(table.columns) == 1:
        raise DataError(
            f"`{path}` must have labelled texts (a text, a tab and its label per line), but it "
            "has one column. Give a TSV, CSV or JSONL file."
            + delimiter_hint(path, reading.encoding)
        )
    return roles_of_labelled(table, text, second, label, number=number)


def examples_to_score(examples: Iterable[Example]) -> list[Example]:
    """Return the examples without blank lines.

    Raises: DataError for a text without a label, because it must not be left out of a score
        silently.
    """
    found: list[Example] = []
    for one in examples:
        if one.label:
            found.append(one)
        elif one.first.strip() or (one.second or "").strip():
            raise DataError(
                f"{one.place}: a text to score must have a label, but the label is empty. To leave "
                "out such lines, run `whyformer data FILE --task classify --clean OUT`."
            )
    return found


def cut(
    tokenizer: Tokenizer, first: str, second: str | None, longest: int, *, separators: int = 1
) -> tuple[list[int], int]:
    """Return the ids of a row with one or two texts, and the position at which the second segment
    starts.

    If a row is longer than ``longest``, the texts are truncated at their ends, the longer text
    first.
    Args: separators: number of EOS between two texts (RoBERTa: 2).
    """
    a = tokenizer.encode(first)
    if second is None:
        row = [BOS, *a[: longest - 2], EOS]
        return row, len(row)
    b = tokenizer.encode(second)
    max_tokens = longest - 2 - separators
    if len(a) + len(b) > max_tokens:
        short = min(len(a), len(b), max_tokens // 2)
        a, b = (
            (a[: max_tokens - short], b[:short])
            if len(a) > len(b)
            else (a[:short], b[: max_tokens - short])
        )
    return [BOS, *a, *[EOS] * separators, *b, EOS], len(a) + 1 + separators


class LabelledRows(PaddedRows):
    """Batches of examples.

    Args:
        rows: for each example, its ids and the start of its second segment.
        labels: for each example, the number of its class, or its value.
        budget_tokens: see `PaddedRows`.
    """

    def __init__(
        self,
        rows: Sequence[tuple[list[int], int]],
        labels: Sequence[int] | Sequence[float],
        *,
        budget_tokens: int,
        seed: int = 0,
    ) -> None:
        super().__init__([ids for ids, _ in rows], budget_tokens=budget_tokens, seed=seed)
        self._seconds = np.array([second for _, second in rows], dtype=np.int64)
        self._labels = np.array(labels)
        self.seal(self._seconds, self._labels)

    def batch(self, epoch: int, index: int) -> LabelledBatch:
        """Return one batch."""
        indices = self.plan(epoch)[index]
        where, real = self.places(indices)
        ids, padding = self.padded(where, real)
        columns = np.arange(real.shape[1])
        segments = (real & (columns >= self._seconds[indices][:, None])).astype(np.int64)
        return LabelledBatch(
            ids=ids,
            real=padding,
            segments=torch.from_numpy(segments),
            labels=torch.from_numpy(self._labels[indices]),
            indices=indices,
        )
