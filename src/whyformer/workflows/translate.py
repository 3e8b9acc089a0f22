"""Translate lines as they arrive."""

import itertools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from whyformer.decoding.by_sentence import SentenceSplitter, refuse_several
from whyformer.decoding.fallback import Fallback
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.decoding.text_translator import WINDOW, TextTranslator, Translation
from whyformer.foundation.errors import UsageError

PAUSE_SECONDS = 0.02
"""If a live input sends nothing for this time, the lines read so far are translated."""


def answers(
    translator: TextTranslator,
    lines: Iterable[str],
    settings: SearchSettings,
    *,
    prefix: str = "",
    live: bool = False,
    split_sentences: bool = False,
    split_long: bool = False,
    required: Callable[[str], Sequence[str]] | None = None,
    fallback: bool = False,
) -> Iterator[Translation]:
    """Translate lines in order.

    Args:
        prefix: text that every translation must begin with.
        split_sentences: translate each sentence of a line separately and join the translations.
        split_long: the same, only for the lines that are too long for the model.
        required, fallback: see `TextTranslator.translate`.
        live: whether the input is interactive. With an interactive input, the lines read so far are
            translated whenever the input pauses. With any other input, many lines are read ahead.
    """
    if split_sentences or split_long:
        refuse_several(settings)
        if prefix:
            raise UsageError(
                "A prefix applies to a whole line, so it cannot be combined with splitting lines "
                "into sentences. Leave one of them out."
            )
        splitter = SentenceSplitter(None if split_sentences else translator.is_too_long)
        found = answers(
            translator,
            splitter.split(lines),
            settings,
            live=live,
            required=required,
            fallback=fallback,
        )
        yield from splitter.joined(found)
        return
    if fallback:
        Fallback(settings)  # raises an error for a search that does not support it
    if settings.method is Method.SAMPLE:  # samples depend on line numbers, so use one stream
        window = 1 if live else WINDOW
        taken = itertools.count(1)
        seen = 0

        def counted() -> Iterator[str]:
            nonlocal seen
            for line in lines:
                seen = next(taken)
                yield line

        def prefixes() -> Iterator[str]:
            given = 0
            while given < seen:  # one prefix for each line that was read
                given += 1
                yield prefix

        yield from translator.stream(counted(), settings, prefixes=prefixes(), window=window)
        return
    for window in arrived(lines) if live else _windows(lines):
        yield from translator.translate(
            window,
            settings,
            prefixes=[prefix] * len(window),
            required=required,
            fallback=fallback,
        )


def arrived(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines read so far whenever the input pauses or a window is full.

    If reading fails, the lines before the error are yielded first.
    """
    waiting: queue.Queue[str | BaseException | None] = queue.Queue(2 * WINDOW)

    def read() -> None:
        try:
            for line in lines:
                waiting.put(line)
        except BaseException as error:  # noqa: BLE001 -- raised again in the main thread
            waiting.put(error)
        else:
            waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    item: str | BaseException | None = ""
    while isinstance(item, str):
        window: list[str] = []
        item = waiting.get()
        while isinstance(item, str):
            window.append(item)
            if len(window) == WINDOW:
                break
            try:
                item = waiting.get(timeout=PAUSE_SECONDS)
            except queue.Empty:
                break
        if window:
            yield window
    if item is not None:
        raise item


def _windows(lines: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(lines)
    while window := list(itertools.islice(iterator, WINDOW)):
        yield window
