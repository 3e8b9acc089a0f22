"""A translator of one model or of an ensemble: text in, text out."""

import contextlib
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from whyformer.decoding.candidates import Stepper
from whyformer.decoding.capacity import SearchCapacity
from whyformer.decoding.coverage import all_hypotheses, ranked_by_coverage
from whyformer.decoding.ensemble import Ensemble
from whyformer.decoding.expected import USUAL, Expected
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.lexical.phrases import Phrases, forbidding
from whyformer.decoding.lexical.required import Requirements
from whyformer.decoding.lexical.shortlist import Shortlist, Shortlisted
from whyformer.decoding.limits import limit_of
from whyformer.decoding.lines import Line
from whyformer.decoding.padding import pad
from whyformer.decoding.pair_scorer import PairScorer
from whyformer.decoding.queue import Cohort, Queue, SupportsJoin
from whyformer.decoding.scoring import token_log_probabilities
from whyformer.decoding.search import search, search_all
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.decoding.wellformed import WellFormed
from whyformer.foundation.errors import UsageError
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.models.interface import SequenceModel
from whyformer.models.vocabulary import EncoderDecoder
from whyformer.text.symbols import BOS, EOS
from whyformer.text.tokenizer import Tokenizer

COHORTS_PER_BATCH = 4
"""Number of cohorts in a full batch. With fewer cohorts, a place in the search stays empty for
longer after its sentence has ended. With more cohorts, each step costs more, because every cohort
computes its attention separately."""


class Translator(PairScorer):
    """Translates with one model or an ensemble, and with the tokenizers of both languages.

    Args:
        models: at least one model. Several models form an ensemble: the mean of their
            probabilities is used.
        device: device to move the models to; None does not move the models.
        max_source_tokens: see `TextTranslator`; the limit of the models also applies.
        warn, expected, ranks: see `TextTranslator`.
        shortlist: likely target tokens; the search scores only the tokens on the shortlist of a
            line. None scores all tokens.
    """

    def __init__(
        self,
        models: Sequence[SequenceModel],
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        device: torch.device | str | None = None,
        *,
        max_source_tokens: int = 1024,
        warn: bool = True,
        expected: Expected = USUAL,
        ranks: Ranks = ALONE,
        shortlist: Shortlist | None = None,
    ) -> None:
        if not models:
            raise UsageError("A translator needs at least one model, but none was given.")
        super().__init__(
            source_tokenizer,
            target_tokenizer,
            max_source_tokens=min([max_source_tokens, *_ends(models, "longest_source")]),
            warn=warn,
            expected=expected,
            ranks=ranks,
        )
        self.models = list(models)
        self.longest = min(_ends(models, "longest_target"), default=None)
        self.device = torch.device(device) if device is not None else _device_of(models)
        for model in models:
            if device is not None and isinstance(model, nn.Module):
                model.to(self.device)
        self.shortlist = shortlist
        searched: list[Stepper] = list(models)
        if shortlist is not None:
            searched = [Shortlisted(cast(EncoderDecoder, one), shortlist) for one in models]
        self.searched: Stepper = searched[0] if len(searched) == 1 else Ensemble(searched)

    @functools.cached_property
    def _text(self) -> WellFormed:
        """The rules for valid text in samples."""
        target = self.target_tokenizer
        return WellFormed(
            target.spellings, self.expected.target_bytes, first_piece=target.first_piece
        )

    @property
    def longest_target(self) -> int | None:
        """See `PairScorer`."""
        return self.longest

    def score_lines(self, lines: Sequence[Line]) -> list[list[float]]:
        """See `PairScorer`."""
        source, source_real = pad([line.ids or [EOS] for line in lines], self.device)
        target, target_real = pad([[BOS, *line.prefix] for line in lines], self.device)
        with self._ready():
            values = token_log_probabilities(self.models, source, source_real, target, target_real)
        return [row[: len(one.prefix)] for row, one in zip(values.tolist(), lines, strict=True)]

    def search_lines(
        self, lines: Sequence[Line], settings: SearchSettings
    ) -> list[list[Hypothesis]]:
        """See `TextTranslator`."""
        source, source_real = self._padded(lines)
        with self._ready():
            return search(
                self.searched,
                source,
                source_real,
                settings,
                prefixes=[line.opening or self.target_tokenizer.lead for line in lines],
                indices=[line.index for line in lines],
                longest=self.longest,
                expected=self.expected,
                text=self._text,
                phrases=self._phrases(lines, settings),
            )

    def _phrases(self, lines: Sequence[Line], settings: SearchSettings) -> Phrases:
        required = [self._requirements(one, settings) for one in lines]
        return Phrases(
            required if any(map(len, required)) else (), forbidding(self.phrases, settings.forbid)
        )

    def _requirements(self, line: Line, settings: SearchSettings) -> Requirements:
        return self.phrases.required(line.required, settings.forbid)

    def cohorts(
        self,
        lines: Sequence[Line],
        settings: SearchSettings,
        capacity: SearchCapacity,
    ) -> list[list[Line]]:
        """Divide the lines into cohorts, smaller than a batch if lines may join a running search.

        Lines with required phrases are in separate cohorts. The size of such a cohort depends on
        the number of beams that the phrases need.
        """
        divided = super().cohorts  # `super()` does not work in a comprehension
        bound: dict[int, list[Line]] = {}
        for line in lines:
            if line.required:
                bound.setdefault(self._requirements(line, settings).beams, []).append(line)
        apart = [
            cohort
            for beams, some in sorted(bound.items())
            for cohort in divided(some, settings, capacity.part(beams))
        ]
        if self._joins(settings):
            capacity = capacity.part(COHORTS_PER_BATCH)
        free = [line for line in lines if not line.required]
        return [*divided(free, settings, capacity), *apart]

    def search_cohorts(
        self,
        cohorts: Sequence[Sequence[Line]],
        settings: SearchSettings,
        capacity: SearchCapacity,
    ) -> Iterator[tuple[Line, list[Hypothesis]]]:
        """Search all cohorts, then rank the hypotheses by coverage if the settings ask for it.

        Raises: UsageError when a line has a prefix or required phrases, and a shortlist is used.
        """
        bound = (one.opening or one.required for lines in cohorts for one in lines)
        if self.shortlist is not None and any(bound):
            raise UsageError(
                "A shortlist limits the tokens of an output, so it cannot be combined with a "
                "prefix, required phrases or a glossary. Leave one of them out."
            )
        if not settings.coverage_penalty:
            yield from self._found(cohorts, settings, capacity)
            return
        pairs = list(self._found(cohorts, all_hypotheses(settings), capacity))
        lines, found = [line for line, _ in pairs], [one for _, one in pairs]
        with self._ready():
            ranked = ranked_by_coverage(self.models, lines, found, settings, self.device)
        yield from zip(lines, ranked, strict=True)

    def _found(
        self,
        cohorts: Sequence[Sequence[Line]],
        settings: SearchSettings,
        capacity: SearchCapacity,
    ) -> Iterator[tuple[Line, list[Hypothesis]]]:
        """Translate all cohorts in one search: when lines end, waiting lines join."""
        if not self._joins(settings):
            yield from super().search_cohorts(cohorts, settings, capacity)
            return
        apart = [lines for lines in cohorts if lines[0].required]
        yield from super().search_cohorts(apart, settings, capacity)
        cohorts = [lines for lines in cohorts if not lines[0].required]
        waiting = []
        for lines in cohorts:
            limits = [
                limit_of(settings, len(line.ids), self.longest, self.expected) for line in lines
            ]
            openings = [line.opening or self.target_tokenizer.lead for line in lines]
            waiting.append(Cohort(*self._padded(lines), limits, openings))
        queue = Queue(waiting, capacity, forbidding(self.phrases, settings.forbid))
        with self._ready():
            found = search_all(self.searched, queue, settings)
        yield from zip(itertools.chain.from_iterable(cohorts), found, strict=True)

    def _joins(self, settings: SearchSettings) -> bool:
        """Return whether lines may join a running search. Always False on a GPU, because joining
        was never measured there."""
        able = self.device.type == "cpu" and all(
            isinstance(one, SupportsJoin) for one in self.models
        )
        return able and settings.method is Method.BEAM

    def _padded(self, lines: Sequence[Line]) -> tuple[Tensor, Tensor | None]:
        source, source_real = pad([line.ids for line in lines], self.device)
        padded = len(lines[0].ids) != len(lines[-1].ids)  # the lines are sorted by length
        return source, source_real if padded else None

    @contextlib.contextmanager
    def _ready(self) -> Iterator[None]:
        """Turn off dropout and gradients in a `with` block; then restore the `training` flag of
        every module."""
        modules = [
            module
            for model in self.models
            if isinstance(model, nn.Module)
            for module in model.modules()
            if module.training
        ]
        try:
            for module in modules:
                module.training = False
            with torch.inference_mode():
                yield
        finally:
            for module in modules:
                module.training = True


def _ends(models: Sequence[SequenceModel], which: str) -> list[int]:
    """Return the maximum length of each model that has a maximum.

    Args: which: the limit to read, "longest_source" or "longest_target".
    """
    ends = [getattr(getattr(model, "settings", None), which, None) for model in models]
    return [end for end in ends if end is not None]


def _device_of(models: Sequence[object]) -> torch.device:
    for model in models:
        if isinstance(model, nn.Module):
            for weight in model.parameters():
                return weight.device
    return torch.device("cpu")
