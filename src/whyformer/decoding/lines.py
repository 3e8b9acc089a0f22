"""Lines to be translated, as ids, and the batches they are put into."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from whyformer.decoding.prefixes import TextPrefix
from whyformer.foundation.errors import UsageError
from whyformer.text.symbols import PAD


@dataclass(frozen=True)
class Line:
    """A line to be translated, as ids.

    Args:
        index: its number among all lines given.
        source: the line as it was given.
        ids: its tokens with eos; none when it is empty.
        prefix: tokens that its translation begins with, as the tokenizer cuts them.
        truncated: True when it was longer than what is read.
        opening: what its translation must begin with, however it is cut; None: nothing.
    """

    index: int
    source: str
    ids: list[int]
    prefix: list[int]
    truncated: bool
    opening: TextPrefix | None = None


def pad(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return rows as one matrix padded on the right, and where it holds real tokens."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])
    lengths = torch.tensor([[len(row)] for row in rows])
    return ids.to(device), (torch.arange(longest) < lengths).to(device)


def batches(
    lines: Sequence[Line], batch_tokens: int, batch_lines: int | None = None
) -> Iterator[list[Line]]:
    """Group lines of like length, longest first, so that each batch padded fits the budget.

    A line longer than the whole budget gets a batch for itself alone.
    """
    batch: list[Line] = []
    for line in sorted(lines, key=lambda line: (-len(line.ids), -len(line.prefix), line.index)):
        widest = max(len(line.ids), *(len(one.ids) for one in batch[:1]), 1)
        full = batch_lines is not None and len(batch) >= batch_lines
        if batch and (full or widest * (len(batch) + 1) > batch_tokens):
            yield batch
            batch = []
        batch.append(line)
    if batch:
        yield batch


def pair_batches(lines: Sequence[Line], batch_tokens: int) -> Iterator[list[Line]]:
    """Group pairs of like length so that sources and targets, padded, both fit the budget.

    Args: lines: the `prefix` of each is its target.
    """
    batch: list[Line] = []
    source = target = 0
    for line in sorted(lines, key=lambda one: (-len(one.prefix), -len(one.ids), one.index)):
        wider = max(source, len(line.ids)), max(target, len(line.prefix))
        if batch and max(wider) * (len(batch) + 1) > batch_tokens:
            yield batch
            batch, wider = [], (len(line.ids), len(line.prefix))
        source, target = wider
        batch.append(line)
    if batch:
        yield batch


def with_prefixes(
    texts: Iterable[str], prefixes: Iterable[str] | None
) -> Iterator[tuple[str, str]]:
    """Yield each text with its prefix, "" without prefixes.

    Raises: UsageError when there are not as many prefixes as texts.
    """
    if prefixes is None:
        yield from ((text, "") for text in texts)
        return
    for text, prefix in itertools.zip_longest(texts, prefixes):
        if text is None or prefix is None:
            more = "prefixes than lines" if text is None else "lines than prefixes"
            raise UsageError(
                f"There must be one prefix for each line, but there are more {more}. "
                'Give "" for a line without a prefix.'
            )
        yield text, prefix
