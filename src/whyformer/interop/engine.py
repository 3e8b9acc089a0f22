"""Translate with CTranslate2, with the same interface as `Translator`.

CTranslate2 searches by log-probability and returns every finished hypothesis. This file ranks these
hypotheses with the length penalty of whyformer. The engines differ in two ways. In CTranslate2, a
length limit applies to a whole batch, and the probability of banned tokens is distributed among the
other tokens. If one of these differences affects a line, the line is searched again with its own
limit, and the model scores the result without bans. A greedy translation that exceeds its limit is
only truncated and scored again.
"""

import contextlib
import copy
import functools
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from whyformer.decoding.banned import banned_tokens, refuse_nan
from whyformer.decoding.capacity import SearchCapacity
from whyformer.decoding.expected import Expected
from whyformer.decoding.hypotheses import Best, Hypothesis, hypothesis
from whyformer.decoding.limits import limit_of
from whyformer.decoding.lines import Line
from whyformer.decoding.pair_scorer import PairScorer
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.decoding.text_translator import BATCH_TOKENS
from whyformer.foundation.errors import BundleError, UsageError
from whyformer.foundation.integrity import note_without_checksums
from whyformer.foundation.out_of_memory import ran_out
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.foundation.wording import counted
from whyformer.interop.conversion import read_record, read_tokenizers
from whyformer.interop.ctranslate2_package import library
from whyformer.text.symbols import BOS, EOS

Found = list[tuple[list[str], float]]
"""The hypotheses of CTranslate2 for one line: tokens as text, including a final eos, and ln P."""
END = str(EOS)
NO_PENALTY = 1e-9
"""Length penalty for CTranslate2, too small to change a score. With 0, CTranslate2 stops as soon as
the best hypothesis is finished."""
SPREAD = 3
"""Rows whose limits differ by a larger factor are not searched together for the best hypothesis."""
PATIENCE = 2
"""CTranslate2 stops after this number of finished hypotheses per beam. The search of whyformer
continues while the length penalty can still make a longer hypothesis win. With a patience of 1,
CTranslate2 stops too early in 1 of 100 sentences."""


def search_refusal(settings: SearchSettings, prefix: str = "") -> str | None:
    """Return why CTranslate2 does not support these search settings; None if it supports them."""
    asked = {
        "sampling": settings.method is Method.SAMPLE,
        "diverse groups": settings.groups > 1,
        "a minimum length": settings.min_length > 0,
        "a ban on repeated n-grams": settings.no_repeat_ngram > 0,
        "constraints": bool(settings.constraints),
        "a coverage penalty": settings.coverage_penalty > 0,
        "phrases that must or must not occur": bool(settings.force or settings.forbid),
        "a prefix": bool(prefix),
    }
    named = [name for name, wanted in asked.items() if wanted]
    if not named:
        return None
    return (
        "The ctranslate2 engine supports greedy and plain beam search, but not "
        f"{' or '.join(named)}"
    )


class CTranslate2Translator(PairScorer):
    """Translates with a conversion, with the same results as `Translator`.

    A single batch uses all cores. With many batches, each core computes a separate batch, and the
    weights are in memory twice from then on. Eight-bit models always use one core per batch,
    because a second core makes CTranslate2 slower (docs/performance.md).
    Args:
        directory: directory of a conversion.
        threads: number of cores; None uses all that are available to this process.
        warn, ranks: see `TextTranslator`.
    Raises: BundleError when the conversion is damaged; MissingPackageError without CTranslate2.
    """

    def __init__(
        self,
        directory: Path,
        *,
        threads: int | None = None,
        warn: bool = True,
        ranks: Ranks = ALONE,
    ) -> None:
        self.record = read_record(directory)
        if self.record.format == 1:
            note_without_checksums(directory, "Run `whyformer convert` again to add them.")
        source, target = read_tokenizers(directory)
        longest = self.record.max_source_tokens
        super().__init__(
            source,
            target,
            max_source_tokens=longest,
            warn=warn,
            expected=Expected.from_facts(self.record.facts),
            ranks=ranks,
        )
        if self.record.family != "transformer":
            raise UsageError(
                f"`{directory}` contains a model of kind `{self.record.family}`, which does not "
                "translate. Use `whyformer generate` with the original run."
            )
        self.directory, self.threads = directory.absolute(), threads or cores()
        self._one_core = self.record.quantization == "int8"
        cores_batches = (1, self.threads) if self._one_core else (self.threads, 1)
        self._engine = open_engine("Translator", directory, *cores_batches)
        self._words = [str(number) for number in range(max(len(source), len(target)))]

    def search_lines(
        self, lines: Sequence[Line], settings: SearchSettings
    ) -> list[list[Hypothesis]]:
        """Translate some lines, and return the hypotheses of each line; see `TextTranslator`.

        Raises: UsageError when the engine does not support the search or a length.
        """
        prefixed = any(line.prefix for line in lines)
        if refusal := search_refusal(settings, "some" if prefixed else ""):
            raise UsageError(f"{refusal}. Use the torch engine.")
        sources = [self._spelled(line.ids) for line in lines]
        limits = [self._limit(line, settings) for line in lines]
        found = self._surely_best(sources, limits, settings)
        rest = [row for row in range(len(lines)) if row not in found]
        wide = self._finished(
            [sources[row] for row in rest], [limits[row] for row in rest], settings
        )
        found |= dict(zip(rest, wide, strict=True))
        answers = [_ranked(found[row], settings) for row in range(len(lines))]
        for line, limit, best in zip(lines, limits, answers, strict=True):
            shorter = limit < limit_of(settings, len(line.ids), None, self.expected)
            whole = self.record.ends_with_run or all(one.finished for one in best)
            if shorter and not whole:
                raise UsageError(
                    f"A translation is longer than {counted(limit, 'token')}, the maximum of this "
                    "conversion. Use the torch engine."
                )
        return answers

    def search_cohorts(
        self, cohorts: Sequence[Sequence[Line]], settings: SearchSettings, capacity: SearchCapacity
    ) -> Iterator[tuple[Line, list[Hypothesis]]]:
        """Yield every line with its hypotheses. If there are enough cohorts, each core searches
        a different cohort."""
        if self.threads == 1 or len(cohorts) < (2 if self._one_core else self.threads):
            yield from super().search_cohorts(cohorts, settings, capacity)
            return
        twin = copy.copy(self)
        twin._engine = self._engine_of_many
        search = functools.partial(twin.search_lines, settings=settings)
        pool = ThreadPoolExecutor(self.threads + 1)  # one more cohort waits, so no core is idle
        try:
            for lines, found in zip(cohorts, pool.map(search, cohorts), strict=True):
                yield from zip(lines, found, strict=True)
        finally:
            pool.shutdown(cancel_futures=True)

    @functools.cached_property
    def _engine_of_many(self) -> Any:
        if self._one_core:
            return self._engine
        return open_engine("Translator", self.directory, 1, self.threads)

    @property
    def longest_target(self) -> int | None:
        """See `PairScorer`."""
        return self.record.rows if self.record.ends_with_run else None

    def score_lines(self, lines: Sequence[Line]) -> list[list[float]]:
        """See `PairScorer`.

        Raises: UsageError when a target is too long for the conversion, but not for the run.
        """
        rows, most = self.record.rows, max(len(line.prefix) for line in lines)
        if rows is not None and most > rows:
            raise UsageError(
                f"The conversion supports targets of up to {counted(rows, 'token')}, but one has "
                f"{most:,}. Use the torch engine."
            )
        targets = [line.prefix[: -1 if line.prefix[-1] == EOS else None] for line in lines]
        found = self.token_log_probabilities([line.ids or [EOS] for line in lines], targets)
        return [row[: len(line.prefix)] for row, line in zip(found, lines, strict=True)]

    def token_log_probabilities(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Return the log-probability of each target token and of a final eos, given the ids of the
        source."""
        return self._scores(
            [self._spelled(ids) for ids in sources], [self._spelled(ids) for ids in targets]
        )

    def _surely_best(
        self, sources: list[list[str]], limits: list[int], settings: SearchSettings
    ) -> dict[int, Found]:
        """Return the best hypothesis of each row for which a shorter search is exact.

        Every further token lowers the log-probability. So without a length penalty, nothing beats
        a finished hypothesis that leads the beam, and CTranslate2 stops there. The search must end
        within the limit of each row; rows whose search does not are left out.
        """
        if settings.beam == 1 or settings.nbest > 1 or settings.length_penalty > 0:
            return {}
        banned = {str(number) for number in banned_tokens(settings, 0)}
        found: dict[int, Found] = {}
        rows = sorted(range(len(sources)), key=limits.__getitem__)
        while rows:
            shortest = limits[rows[0]]
            near = [row for row in rows if limits[row] <= SPREAD * shortest]
            rows = rows[len(near) :]
            results = self._search([sources[row] for row in near], shortest, settings, first=True)
            for row, one in zip(near, results, strict=True):
                if one[0][0][-1:] == [END] and not _holds(one, banned):
                    found[row] = one
        return found

    def _finished(
        self, sources: list[list[str]], limits: list[int], settings: SearchSettings
    ) -> list[Found]:
        """Return all finished hypotheses of each row, each within its own limit."""
        if not sources:
            return []
        found = self._search(sources, max(limits), settings)

        def again(rows: Sequence[int], *, ban: bool) -> None:
            for limit in {limits[row] for row in rows}:
                some = [row for row in rows if limits[row] == limit]
                results = self._search([sources[row] for row in some], limit, settings, ban=ban)
                for row, result in zip(some, results, strict=True):
                    found[row] = result

        ends = settings.beam > 1  # the limit of beam search includes eos
        long = [row for row, limit in enumerate(limits) if _longest(found[row], ends) > limit]
        if settings.beam > 1:
            again(long, ban=False)
        elif long:  # the tokens of greedy search do not depend on the limit
            cut = [[(found[row][0][0][: limits[row]], 0.0)] for row in long]
            scored = self._rescored([sources[row] for row in long], cut)
            for row, result in zip(long, scored, strict=True):
                found[row] = result
        banned = {str(number) for number in banned_tokens(settings, 0)}
        again([row for row, one in enumerate(found) if _holds(one, banned)], ban=True)
        self._end(sources, found, limits, settings)
        return found

    def _limit(self, line: Line, settings: SearchSettings) -> int:
        return limit_of(settings, len(line.ids), self.record.rows, self.expected)

    def _spelled(self, ids: Sequence[int]) -> list[str]:
        return [self._words[number] for number in ids]

    def _search(
        self,
        sources: list[list[str]],
        limit: int,
        settings: SearchSettings,
        *,
        ban: bool = False,
        first: bool = False,
    ) -> list[Found]:
        patience = PATIENCE if settings.beam > 1 and not first else 1
        with _explained(self.directory):
            results = self._engine.translate_batch(
                sources,
                beam_size=settings.beam,
                patience=patience,
                num_hypotheses=1 if first else settings.beam * patience,
                length_penalty=0 if first else NO_PENALTY,
                max_input_length=0,
                max_decoding_length=limit,
                min_decoding_length=0,
                return_end_token=True,
                return_scores=True,
                suppress_sequences=[[str(number)] for number in banned_tokens(settings, 0)]
                if ban
                else None,
            )
        refuse_nan(any(math.isnan(score) for one in results for score in one.scores))
        found = [list(zip(one.hypotheses, one.scores, strict=True)) for one in results]
        return self._rescored(sources, found) if ban else found

    def _end(
        self,
        sources: list[list[str]],
        found: list[Found],
        limits: list[int],
        settings: SearchSettings,
    ) -> None:
        """Add eos to each hypothesis that has reached its length limit, if eos is its most probable
        next token."""
        at_limit: dict[int, list[tuple[int, int]]] = {}
        for row, (one, limit) in enumerate(zip(found, limits, strict=True)):
            for place, (words, _) in enumerate(one):
                if len(words) == limit and words[-1] != END:
                    at_limit.setdefault(limit, []).append((row, place))
        for limit, cut in at_limit.items():
            pasts = [found[row][place][0] for row, place in cut]
            with _explained(self.directory):
                results = self._engine.translate_batch(
                    [sources[row] for row, _ in cut],
                    target_prefix=pasts,
                    beam_size=1,
                    max_input_length=0,
                    max_decoding_length=limit + 1,
                    min_decoding_length=0,
                    return_end_token=True,
                    max_batch_size=BATCH_TOKENS,
                    batch_type="tokens",
                    suppress_sequences=[[str(number)] for number in banned_tokens(settings, limit)],
                )
            ended = [
                (where, past)
                for where, past, result in zip(cut, pasts, results, strict=True)
                if result.hypotheses[0][limit:] == [END]
            ]
            whole = [[([*past, END], 0.0)] for _, past in ended]
            scored = self._rescored([sources[row] for (row, _), _ in ended], whole)
            for ((row, place), _), (one,) in zip(ended, scored, strict=True):
                found[row][place] = one

    def _rescored(self, sources: list[list[str]], found: list[Found]) -> list[Found]:
        """Return the hypotheses with their log-probabilities under the model, computed without
        banned tokens."""
        pairs = [(row, words) for row, one in enumerate(found) for words, _ in one]
        bare = [words[:-1] if words[-1] == END else words for _, words in pairs]
        scores = self._scores([sources[row] for row, _ in pairs], bare)
        again: list[Found] = [[] for _ in found]
        for (row, words), tokens in zip(pairs, scores, strict=True):
            again[row].append((words, sum(tokens[: len(words)])))
        return again

    def _scores(self, sources: list[list[str]], targets: list[list[str]]) -> list[list[float]]:
        with _explained(self.directory):
            results = self._engine.score_batch(
                sources,
                targets,
                max_batch_size=BATCH_TOKENS,
                batch_type="tokens",
                max_input_length=0,
            )
        scores = [list(result.log_probs) for result in results]
        refuse_nan(any(math.isnan(score) for one in scores for score in one))
        return scores


class CTranslate2Generator:
    """A converted language model; see `gate.ScoringGenerator`."""

    def __init__(self, directory: Path) -> None:
        self._engine = open_engine("Generator", directory, cores())

    def score(self, pairs: list[tuple[list[int], list[int]]]) -> list[list[float]]:
        """Return, for each pair of prompt and output, the log-probability of each output token."""
        rows = [[str(number) for number in (BOS, *prompt, *ids)] for prompt, ids in pairs]
        results = self._engine.score_batch(rows, max_input_length=0)
        return [
            list(result.log_probs)[len(prompt) :]
            for result, (prompt, _) in zip(results, pairs, strict=True)
        ]

    def continue_greedily(self, prompts: list[list[int]], tokens: int) -> list[list[int]]:
        """Return the ids that follow each prompt, at most ``tokens``, with eos if it is reached."""
        greedy = SearchSettings(beam=1, nbest=1)
        results = self._engine.generate_batch(
            [[str(number) for number in (BOS, *prompt)] for prompt in prompts],
            max_length=tokens,
            min_length=0,
            sampling_topk=1,
            include_prompt_in_result=False,
            return_end_token=True,
            suppress_sequences=[[str(number)] for number in banned_tokens(greedy, 0)],
        )
        return [[int(word) for word in result.sequences[0]] for result in results]


def open_engine(kind: str, directory: Path, threads: int, batches: int = 1) -> Any:
    """Open the model of a conversion on the CPU with CTranslate2.

    Args:
        kind: name of the class of CTranslate2: Translator or Generator.
        threads: number of cores per batch.
        batches: number of batches that are computed at the same time.
    Raises: BundleError when the conversion is damaged; MissingPackageError without CTranslate2.
    """
    try:
        return getattr(library(), kind)(
            str(directory), intra_threads=threads, inter_threads=batches
        )
    except (RuntimeError, ValueError) as error:
        raise BundleError(
            f"`{directory}` is damaged ({error}). Run `whyformer convert` again."
        ) from None


@contextlib.contextmanager
def _explained(directory: Path) -> Iterator[None]:
    """In a `with` block, turn errors that CTranslate2 raises into a BundleError with one
    sentence."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if ran_out(error):
            raise
        raise BundleError(
            f"`{directory}` cannot be used ({error}). Run `whyformer convert` again."
        ) from None


def cores() -> int:
    """Return the number of cores available to this process, limited by OMP_NUM_THREADS."""
    affinity = getattr(os, "sched_getaffinity", None)  # missing on some systems
    allowed = len(affinity(0)) if affinity else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(allowed, int(asked)) if asked.isdigit() and int(asked) else allowed


def _longest(found: Found, ends: bool) -> int:
    """Return the length of the longest hypothesis.

    Args: ends: whether eos counts as a token.
    """
    return max(len(words) - (words[-1] == END and not ends) for words, _ in found)


def _holds(found: Found, banned: set[str]) -> bool:
    return any(not banned.isdisjoint(words) for words, _ in found)


def _ranked(found: Found, settings: SearchSettings) -> list[Hypothesis]:
    """Return the best hypotheses. The others are not built, because there are many of them."""
    scored = []
    for words, score in found:
        finished = words[-1] == END
        length = len(words)  # with eos if it is finished
        value = min(score, 0.0) / length_penalty(length, settings.length_penalty)
        scored.append((value, words[:-1] if finished else words, min(score, 0.0), finished))
    best = Best(settings.nbest)
    scored.sort(key=lambda one: -one[0])  # stable: of equal scores, the first one is better
    for _, words, score, finished in scored:
        best.add(
            hypothesis([int(word) for word in words], score, finished, settings.length_penalty)
        )
        if len(best.kept) == settings.nbest:
            break
    return best.kept
