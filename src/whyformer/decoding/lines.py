"""Lines to translate as token ids, and their batches."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from whyformer.decoding.text_prefix import TextPrefix
from whyformer.foundation.errors import UsageError


@dataclass(frozen=True)
class Line:
    """A line to translate, as token ids.

    Args:
        index: the position of the line among all given lines.
        source: the given line, unchanged.
        ids: the tokens of the line with eos; empty for an empty line.
        prefix: the text that the translation must start with, as token ids.
        truncated: whether the line was longer than the maximum, so that its end was dropped.
        opening: the same prefix as text, in any tokenization; None means no prefix.
        required: the phrases that must occur in the translation.
    """

    index: int
    source: str
    ids: list[int]
    prefix: list[int]
    truncated: bool
    opening: TextPrefix | None = None
    required: tuple[str, ...] = ()


def batches(
    lines: Sequence[Line], batch_tokens: int, batch_lines: int | None = None
) -> Iterator[list[Line]]:
    """Group lines of similar length, longest first; yield the batches.

    A batch has at most ``batch_tokens`` tokens, including padding. Only a batch of a single line
    may be larger.
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
    """Group pairs of similar length; yield the batches.

    The sources of a batch have at most ``batch_tokens`` tokens, including padding, and so do the
    targets.
    Args: lines: one line for each pair; the `prefix` of the line is the target of the pair.
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
    """Yield each text with its prefix, or with "" if there are no prefixes.

    Raises: UsageError when the number of prefixes differs from the number of texts.
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
