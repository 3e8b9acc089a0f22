"""Translate lines of several sentences: split the lines, translate each sentence, and join the
translations."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import TextTranslator, Translation
from whyformer.foundation.errors import UsageError, each_text
from whyformer.text.sentences import sentences


class SentenceSplitter:
    """Splits lines into sentences before translation and joins the translations afterwards.

    Use `split` and `joined` of the same object: `joined` must know how many sentences `split` found
    in each line.

    Args: splits: function that returns whether a line is split; None splits every line.
    """

    def __init__(self, splits: Callable[[str], bool] | None = None) -> None:
        self._splits = splits
        self._lines: deque[tuple[str, int]] = deque()

    def split(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the sentences of every line; an empty line is one empty sentence."""
        for line in lines:
            found = sentences(line) if self._splits is None or self._splits(line) else [line]
            self._lines.append((line, len(found)))
            yield from found

    def joined(self, translations: Iterable[Translation]) -> Iterator[Translation]:
        """Join the translations of the sentences; yield one translation for each line."""
        iterator = iter(translations)
        for first in iterator:
            line, count = self._lines.popleft()
            yield join(line, [first, *islice(iterator, count - 1)])


def join(line: str, parts: Sequence[Translation]) -> Translation:
    """Join the translations of the sentences of a line.

    The translation of a single sentence is returned unchanged. With several sentences, the texts
    are joined with spaces, the score is the sum of the scores, and `Translation.sentences` holds
    the translations of the sentences.
    """
    if len(parts) == 1:
        return parts[0]
    return Translation(
        source=line,
        text=" ".join(text for part in parts if (text := part.text.strip())),
        score=sum(part.score for part in parts),
        source_truncated=any(part.source_truncated for part in parts),
        sentences=tuple(parts),
        fallback=_fallback(parts),
    )


def _fallback(parts: Sequence[Translation]) -> bool | None:
    """Return False if the second search of a sentence failed, True if all were successful, and None
    if no sentence was searched again."""
    tried = [part.fallback for part in parts if part.fallback is not None]
    return all(tried) if tried else None


def translate_by_sentence(
    translator: TextTranslator,
    lines: Iterable[str],
    settings: SearchSettings | None = None,
    *,
    long_only: bool = False,
    **options: Any,
) -> list[Translation]:
    """Translate each sentence of each line; return one translation for each line.

    Args:
        long_only: split only the lines that are too long for the model.
        options: keyword arguments of `TextTranslator.translate`.
    Raises: UsageError when `nbest` is more than 1, or when ``lines`` is a single string.
    """
    lines = list(each_text("texts", lines))
    settings = settings or SearchSettings()
    refuse_several(settings)
    splitter = SentenceSplitter(translator.is_too_long if long_only else None)
    found = translator.translate(list(splitter.split(lines)), settings, **options)
    return list(splitter.joined(found))


def refuse_several(settings: SearchSettings) -> None:
    """Raise UsageError when `nbest` is more than 1: several translations cannot be joined."""
    if settings.nbest > 1:
        raise UsageError(
            "Sentences can be joined only if each has a single translation, but `nbest` is "
            f"{settings.nbest}. Set nbest to 1 or do not split sentences."
        )
