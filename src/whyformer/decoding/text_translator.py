"""Translate lines of text: tokenization, batching and the order of lines. Subclasses implement the
search."""

import copy
import functools
import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from whyformer.decoding.capacity import SearchCapacity
from whyformer.decoding.distinct import Named, distinct
from whyformer.decoding.expected import USUAL, Expected
from whyformer.decoding.fallback import Fallback
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.lines import Line, batches, with_prefixes
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.decoding.text_prefix import Spellings, TextPrefix
from whyformer.foundation.errors import UsageError, each_text, refuse_string
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.text.symbols import EOS
from whyformer.text.tokenizer import Tokenizer

log = logging.getLogger(__name__)

BATCH_TOKENS = 4096
"""Default maximum number of source tokens in a batch, including padding."""
WIDE = 16
"""If the beam is at most this wide, batches have their full size. With a wider beam, a batch has
fewer source tokens."""
WINDOW = 2048
"""Default number of lines read ahead, so that lines of similar length share a batch."""


Kind = TypeVar("Kind", bound="TextTranslator")


@dataclass(frozen=True)
class Translation:
    """The translation of one line.

    Args:
        source: the given line, unchanged.
        text: the best hypothesis as text; empty for an empty line.
        score: the score of the best hypothesis; 0 for an empty line.
        hypotheses: all returned hypotheses with their texts, best first. The texts of a beam search
            differ; samples may have equal texts.
        source_truncated: True when the source was too long for the model and its end was dropped.
        sentences: if the line was split into several sentences, the translations of the sentences.
            In this case, only these translations have hypotheses, and ``hypotheses`` is empty.
        fallback: None if the line was searched once. If it was searched again (`fallback`), whether
            this translation is that of the second search.
    """

    source: str
    text: str
    score: float
    hypotheses: tuple[tuple[str, Hypothesis], ...] = ()
    source_truncated: bool = False
    sentences: "tuple[Translation, ...]" = ()
    fallback: bool | None = None


class TextTranslator(ABC):
    """Translates lines: tokenizes the lines, forms batches, and restores the order. Subclasses
    implement the search.

    The translation of a line does not depend on the other lines (up to floating-point rounding,
    which depends on the shape of the batch).
    Args:
        max_source_tokens: maximum source length, including eos. Only the beginning of a longer line
            is translated, and `Translation.source_truncated` is True.
        warn: whether to log a warning with the number of each truncated line.
        expected: facts about the training data: whether to keep spaces at the ends of lines, and
            how long outputs may be.
        ranks: the processes that translate together. Every rank gets all lines, translates its
            share of them, and returns all translations.
    """

    def __init__(
        self,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        max_source_tokens: int = 1024,
        warn: bool = True,
        expected: Expected = USUAL,
        ranks: Ranks = ALONE,
    ) -> None:
        if max_source_tokens < 2:
            raise UsageError(
                "`max_source_tokens` must be at least 2 (a token and eos), but it is "
                f"{max_source_tokens}. Raise it."
            )
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.max_source_tokens = max_source_tokens
        self.warn = warn
        self.expected = expected
        self.ranks = ranks

    def with_tag(self: Kind, tag: str | None) -> Kind:
        """Return a translator that adds a tag to each source that begins with none; see
        `Expected.with_tag`."""
        if tag is None:
            return self
        found = copy.copy(self)
        found.expected = self.expected.with_tag(tag)
        return found

    @abstractmethod
    def search_lines(
        self, lines: Sequence[Line], settings: SearchSettings
    ) -> list[list[Hypothesis]]:
        """Return the hypotheses of each line of a batch, best first. The first line is the
        longest."""

    def cohorts(
        self,
        lines: Sequence[Line],
        settings: SearchSettings,
        capacity: SearchCapacity,
    ) -> list[list[Line]]:
        """Divide the lines into cohorts: the lines of a cohort start together."""
        return list(batches(lines, capacity.tokens or BATCH_TOKENS, capacity.sentences))

    def search_cohorts(
        self,
        cohorts: Sequence[Sequence[Line]],
        settings: SearchSettings,
        capacity: SearchCapacity,
    ) -> Iterator[tuple[Line, list[Hypothesis]]]:
        """Yield every line with its hypotheses; search one cohort after another."""
        for lines in cohorts:
            yield from zip(lines, self.search_lines(lines, settings), strict=True)

    def translate(
        self,
        texts: Iterable[str],
        settings: SearchSettings | None = None,
        *,
        batch_tokens: int = BATCH_TOKENS,
        batch_lines: int | None = None,
        prefixes: Iterable[str] | None = None,
        required: Callable[[str], Sequence[str]] | None = None,
        fallback: bool = False,
    ) -> list[Translation]:
        """Translate lines; the translations are in the order of the lines.

        Args:
            batch_tokens: maximum number of source tokens in a batch, including padding.
            batch_lines: maximum number of lines in a batch; None limits only the tokens.
            prefixes: for each line, the text that its translation must start with; "" for none.
            required: function that returns, for a line, phrases that must occur in its translation,
                in addition to `SearchSettings.force`.
            fallback: search lines again if their output loops or is cut; see `Fallback`.
        """
        refuse_string("texts", texts)
        lines = texts if isinstance(texts, Sequence) else list(texts)
        openings = None
        if prefixes is not None:
            given = with_prefixes(lines, each_text("prefixes", prefixes))
            openings = [prefix for _, prefix in given]

        def found(rows: Sequence[int], settings: SearchSettings) -> list[Translation]:
            return list(
                self.stream(
                    [lines[row] for row in rows],
                    settings,
                    batch_tokens=batch_tokens,
                    batch_lines=batch_lines,
                    prefixes=None if openings is None else [openings[row] for row in rows],
                    required=required,
                    window=max(len(rows), 1),
                )
            )

        settings = settings or SearchSettings()
        answers = found(range(len(lines)), settings)
        return self._searched_again(answers, Fallback(settings), found) if fallback else answers

    def _searched_again(
        self,
        answers: list[Translation],
        fallback: Fallback,
        search: Callable[[Sequence[int], SearchSettings], list[Translation]],
    ) -> list[Translation]:
        """Return the translations; a bad one is replaced if a second search finds a good one."""

        def bad(answer: Translation) -> bool:
            source = self.source_tokenizer.encode(answer.source)
            return bool(answer.hypotheses) and fallback.is_bad(source, answer.hypotheses[0][1])

        groups: dict[str, tuple[SearchSettings, list[int]]] = {}
        for row, answer in enumerate(answers):
            if bad(answer):
                how = fallback.settings(answer.hypotheses[0][1])
                groups.setdefault(how.model_dump_json(), (how, []))[1].append(row)
        for how, rows in groups.values():
            for row, other in zip(rows, search(rows, how), strict=True):
                better = not bad(other)
                answers[row] = replace(other if better else answers[row], fallback=better)
        return answers

    def stream(
        self,
        texts: Iterable[str],
        settings: SearchSettings | None = None,
        *,
        batch_tokens: int = BATCH_TOKENS,
        batch_lines: int | None = None,
        prefixes: Iterable[str] | None = None,
        required: Callable[[str], Sequence[str]] | None = None,
        window: int = WINDOW,
    ) -> Iterator[Translation]:
        """Translate lines as they arrive and yield the translations in the same order.

        Args:
            required: see `translate`.
            window: number of lines read ahead. Batches are formed from these lines, so a larger
                window is faster. With a window of 1, each line is translated before the next line
                is read. Use a window of 1 for interactive input.
        Raises: UsageError when the number of prefixes differs from the number of lines, or when
            ``texts`` or ``prefixes`` is a single string.
        """
        texts = each_text("texts", texts)
        if prefixes is not None:
            prefixes = each_text("prefixes", prefixes)
        sizes = {"window": window, "batch_tokens": batch_tokens, "batch_lines": batch_lines}
        for name, size in sizes.items():
            if size is not None and size < 1:
                raise UsageError(f"`{name}` must be at least 1, but it is {size}. Raise it.")
        settings = settings or SearchSettings()
        numbered = enumerate(with_prefixes(texts, prefixes))
        while lines := [
            self._with_phrases(self._line(index, text, prefix), prefix, settings, required)
            for index, (text, prefix) in itertools.islice(numbered, window)
        ]:
            answers: dict[int, Translation] = {
                line.index: Translation(line.source, "", 0.0) for line in lines if not line.ids
            }
            asked = [line for line in lines if line.ids]
            width = settings.nbest if settings.method is Method.SAMPLE else settings.beam
            capacity = SearchCapacity(max(batch_tokens * WIDE // max(width, WIDE), 1), batch_lines)
            full = self.cohorts(asked, settings, capacity)
            shared = self.ranks.share(full)
            searched = self.search_cohorts(shared, settings, capacity)
            own = dict(self._answers(list(searched), settings, capacity))
            for part in self.ranks.gather(own):
                answers |= part
            for line in lines:
                yield answers[line.index]

    def is_too_long(self, text: str) -> bool:
        """Return whether the model cannot read the end of a source."""
        return len(self._source_ids(text)) >= self.max_source_tokens  # 1 for eos

    def _source_ids(self, text: str) -> list[int]:
        """Return the ids of a source without eos; an empty list for a source of spaces."""
        source = self.expected.source(text) if text.strip() else ""
        return self.source_tokenizer.encode(source) if source else []

    def _line(self, index: int, text: str, prefix: str) -> Line:
        trimmed = self.expected.trimmed
        ids = self._source_ids(text)
        opening = self._opening(trimmed(prefix)) if prefix else None
        longest = self.max_source_tokens - 1
        if len(ids) > longest and self.warn:
            log.warning(
                "Line %d has %d tokens, but the model reads at most %d: the end of the line is not "
                "translated.",
                index + 1,
                len(ids),
                longest,
            )
        whole = [*ids[:longest], EOS] if ids else []
        target = [] if opening is None else opening.ids
        return Line(index, text, whole, target, len(ids) > longest, opening)

    @functools.cached_property
    def phrases(self) -> Any:
        """The automata of phrases that must or must not occur in translations: a `PhraseBook`."""
        # Imported here: it needs numpy, without which a command starts faster.
        from whyformer.decoding.lexical.book import PhraseBook

        return PhraseBook(self.target_tokenizer)

    def _with_phrases(
        self,
        line: Line,
        prefix: str,
        settings: SearchSettings,
        required: Callable[[str], Sequence[str]] | None,
    ) -> Line:
        """Return the line with the phrases that must occur in its translation."""
        if not line.ids:
            return line
        if settings.forbid:
            self.phrases.refuse_forbidden("A prefix", prefix, settings.forbid, continues=True)
        asked = [*settings.force, *(() if required is None else required(line.source))]
        if not asked:
            return line
        self.phrases.required(asked, settings.forbid)  # refuses phrases that cannot occur
        return replace(line, required=tuple(asked))

    @functools.cached_property
    def _opening(self) -> Callable[[str], TextPrefix]:
        """Return a function that makes the `TextPrefix` of a text. The function caches its results,
        because lines often have the same prefix."""
        spellings = Spellings(self.target_tokenizer)
        return functools.lru_cache(WINDOW)(
            lambda text: TextPrefix(text, self.target_tokenizer, spellings)
        )

    def _trimmed_text(self, ids: Sequence[int]) -> str:
        """Return the text of target ids; remove spaces at its ends if training removes them."""
        return self.expected.trimmed(self.target_tokenizer.decode(ids))

    def _answers(
        self,
        searched: Sequence[tuple[Line, list[Hypothesis]]],
        settings: SearchSettings,
        capacity: SearchCapacity,
    ) -> Iterator[tuple[int, Translation]]:
        def again(lines: Sequence[Line], wider: SearchSettings) -> list[list[Hypothesis]]:
            cohorts = self.cohorts(lines, wider, capacity)
            found = {line.index: one for line, one in self.search_cohorts(cohorts, wider, capacity)}
            return [found[line.index] for line in lines]

        lines = [line for line, _ in searched]
        found = [one for _, one in searched]
        lists = distinct(lines, found, settings, self._trimmed_text, again)
        for line, texts in zip(lines, lists, strict=True):
            yield line.index, _translation(line, texts)


def _translation(line: Line, texts: Named) -> Translation:
    text, best = texts[0]
    return Translation(line.source, text, best.score, tuple(texts), source_truncated=line.truncated)
