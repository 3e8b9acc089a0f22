"""The parity check of a conversion: compare it with the run on sentences.

Three results of the converted model are compared with those of the PyTorch engine: the
log-probability (ln P) of every token of PyTorch's greedy translations; the greedy translations; and
the best hypotheses with the search settings of the run. The last comparison is only reported,
because the beam search of CTranslate2 stops by a different rule (docs/decoding.md). A quantized
model has different weights, so it is evaluated by the quality of its translations.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.padding import pad
from whyformer.decoding.scoring import token_log_probabilities
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import Translation
from whyformer.decoding.translator import Translator
from whyformer.evaluation.report import evaluate_texts
from whyformer.foundation.wording import counted
from whyformer.interop.engine import search_refusal
from whyformer.models.gpt import GPT
from whyformer.text.symbols import BOS, EOS, FIRST_PIECE, MASK

TOLERANCE = 1e-3
"""Maximum difference of the log-probability of a token between the two engines, in nats. Two tokens
whose log-probabilities differ by less are a tie."""
CHRF_LIMIT = 0.5
"""Maximum loss of a quantized model in chrF points, with the search settings of the run."""
GREEDY = SearchSettings(beam=1, nbest=1)
CONTINUED = 24
"""Number of tokens that a language model generates after each prompt."""

Pairs = list[tuple[list[int], list[int]]]
"""A list of pairs: source ids (for a language model, the prompt) and output ids."""
Score = Callable[[Pairs], list[list[float]]]
"""A function that returns, for each pair, the log-probability of each output token."""


@runtime_checkable
class ScoringTranslator(Protocol):
    """A translator that also scores given targets."""

    def translate(
        self, texts: Iterable[str], settings: SearchSettings | None = None
    ) -> list[Translation]:
        """See `TextTranslator`."""
        ...

    def token_log_probabilities(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Return the log-probability of each target token, given the ids of the source with eos.

        A row may have one more number: the log-probability of an eos after the target.
        """
        ...


@runtime_checkable
class ScoringGenerator(Protocol):
    """A language model that continues prompts by greedy search, and scores given continuations."""

    def score(self, pairs: Pairs) -> list[list[float]]:
        """Return, for each pair of prompt and output, the log-probability of each output token."""
        ...

    def continue_greedily(self, prompts: list[list[int]], tokens: int) -> list[list[int]]:
        """Return the ids that follow each prompt, at most ``tokens``, with eos if it is reached."""
        ...


@dataclass(frozen=True)
class Parity:
    """The results of the parity check.

    Args:
        sentences: number of compared sentences.
        tokens: number of compared token probabilities.
        difference: largest difference of the log-probability of a token, in nats.
        greedy_same: number of equal greedy translations.
        greedy_ties: number of greedy translations whose first difference is at a tie (see
            `TOLERANCE`).
        beam: the compared search settings as text; "" if no beam search was compared.
        beam_same: number of lines with the same best hypothesis.
        beam_better: number of lines whose best hypothesis has a higher score in the converted
            model.
        beam_worse: number of lines whose best hypothesis has a lower score in the converted
            model.
        chrf: chrF of the two engines, with the search settings of the run; None without references.
    """

    sentences: int
    tokens: int
    difference: float
    greedy_same: int
    greedy_ties: int
    beam: str = ""
    beam_same: int = 0
    beam_better: int = 0
    beam_worse: int = 0
    chrf: tuple[float, float] | None = None

    def faults(self, *, quantized: bool) -> list[str]:
        """Return the reasons why the conversion does not pass the check; an empty list if it
        passes."""
        found: list[str] = []
        if quantized:
            if self.chrf is None:
                return ["a quantized model is evaluated by chrF, but there are no references"]
            loss = self.chrf[0] - self.chrf[1]
            if not loss <= CHRF_LIMIT:
                found.append(f"it loses {loss:.2f} points of chrF, and the limit is {CHRF_LIMIT}")
            return found
        if not self.difference <= TOLERANCE:
            found.append(
                f"ln P of a token differs by {self.difference:.2g} nats, and the limit is "
                f"{TOLERANCE:g}"
            )
        other = self.sentences - self.greedy_same - self.greedy_ties
        if other:
            found.append(
                f"{other} of {self.sentences} greedy translations "
                f"{'differs' if other == 1 else 'differ'}"
            )
        return found

    def lines(self, *, quantized: bool) -> list[str]:
        """Return the measurements as lines of text for the user."""
        ties = f", {self.greedy_ties} diverging at a tie" if self.greedy_ties else ""
        shown = [
            f"token probabilities: differ by at most {self.difference:.1e} nats "
            f"({counted(self.tokens, 'token')})",
            f"greedy: {self.greedy_same} of {self.sentences} the same{ties}",
        ]
        if self.beam:
            same = f"{self.beam}: {self.beam_same} of {self.sentences} the same best hypothesis"
            order = f"; {self.beam_better} score higher, {self.beam_worse} lower than with torch"
            shown.append(
                same if quantized else same + order
            )  # the two models differ, so scores are not comparable
        if self.chrf:
            shown.append("chrF: torch {:.2f}, converted {:.2f}".format(*self.chrf))
        return shown


def compare_translators(
    translator: Translator,
    engine: ScoringTranslator,
    sources: Sequence[str],
    references: Sequence[Sequence[str]] | None,
    settings: SearchSettings | None,
) -> Parity:
    """Translate with both engines, and compare the results.

    Args: settings: search settings of the run. If the engine does not support them, plain beam
        search is used instead. None compares greedy translations only.
    """

    def ids_of(text: str) -> list[int]:
        return [*translator.source_tokenizer.encode(text)[: translator.max_source_tokens - 1], EOS]

    def score_converted(pairs: Pairs) -> list[list[float]]:
        rows = engine.token_log_probabilities([s for s, _ in pairs], [t for _, t in pairs])
        return [row[: len(ids)] for row, (_, ids) in zip(rows, pairs, strict=True)]

    ours = translator.translate(sources, GREEDY)
    theirs = engine.translate(sources, GREEDY)
    found = _compare(
        [ids_of(text) for text in sources],
        [_output_ids(one.hypotheses[0][1]) for one in ours],
        [_output_ids(one.hypotheses[0][1]) for one in theirs],
        functools.partial(scores_of, translator),
        score_converted,
    )
    if settings is not None:
        plain = settings if search_refusal(settings) is None else SearchSettings()
        found |= _compare_beams(translator, engine, sources, references, plain)
    return Parity(sentences=len(sources), **found)


def scores_of(translator: Translator, pairs: Pairs) -> list[list[float]]:
    """Return, for each pair of source and target, the log-probability of each target token."""
    source, source_real = pad([ids for ids, _ in pairs], translator.device)
    target, target_real = pad([[BOS, *ids] for _, ids in pairs], translator.device)
    with torch.inference_mode():
        values = token_log_probabilities(
            translator.models, source, source_real, target, target_real
        )
    return [row[: len(ids)] for row, (_, ids) in zip(values.tolist(), pairs, strict=True)]


def _compare_beams(
    translator: Translator,
    engine: ScoringTranslator,
    sources: Sequence[str],
    references: Sequence[Sequence[str]] | None,
    settings: SearchSettings,
) -> dict[str, Any]:
    ours, theirs = translator.translate(sources, settings), engine.translate(sources, settings)
    pairs = list(zip(ours, theirs, strict=True))
    different = [(a.score, b.score) for a, b in pairs if not _same(a, b)]
    found: dict[str, Any] = {
        "beam": f"beam {settings.beam}, length penalty {settings.length_penalty:g}",
        "beam_same": len(pairs) - len(different),
        "beam_better": sum(b > a for a, b in different),
        "beam_worse": sum(b < a for a, b in different),
    }
    if references is not None:
        texts = [[one.text for one in ours], [one.text for one in theirs]]
        names = ["torch", "converted"]
        scored = evaluate_texts(texts, references, ["chrf"], names=names, resamples=0)
        found["chrf"] = tuple(scored.scores[name][0].value for name in names)
    return found


def _same(a: Translation, b: Translation) -> bool:
    return a.hypotheses[0][1].tokens == b.hypotheses[0][1].tokens


def compare_generators(
    model: GPT, engine: ScoringGenerator, vocabulary: int, sentences: int
) -> Parity:
    """Continue random prompts with both language models, and compare the results.

    Args: engine: the converted model.
    """
    random = torch.Generator().manual_seed(1)
    continued = max(1, min(CONTINUED, model.settings.max_length // 2))
    longest = max(1, min(32, model.settings.max_length - continued - 1))
    prompts = [
        torch.randint(MASK + 1, vocabulary, (1 + number % longest,), generator=random).tolist()
        for number in range(sentences)
    ]
    own = StepperGenerator(model)
    ours = own.continue_greedily(prompts, continued)
    theirs = engine.continue_greedily(prompts, continued)
    return Parity(sentences=sentences, **_compare(prompts, ours, theirs, own.score, engine.score))


class StepperGenerator:
    """A `ScoringGenerator` for a model of PyTorch, or for a model with the same methods."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def score(self, pairs: Pairs) -> list[list[float]]:
        """See `ScoringGenerator`."""
        rows: list[list[float]] = []
        for prompt, ids in pairs:
            with torch.inference_mode():
                log_p = self.model(torch.tensor([[BOS, *prompt, *ids][:-1]])).log_softmax(-1)[0]
            wanted = torch.tensor([*prompt, *ids])
            rows.append(log_p.gather(-1, wanted[:, None])[len(prompt) :, 0].tolist())
        return rows

    def continue_greedily(self, prompts: list[list[int]], tokens: int) -> list[list[int]]:
        """See `ScoringGenerator`."""
        found: list[list[int]] = []
        for prompt in prompts:
            settings = SearchSettings(beam=1, max_length=len(prompt) + tokens)
            with torch.inference_mode():
                ((best,),) = search(
                    self.model, torch.tensor([[EOS]]), None, settings, prefixes=[prompt]
                )
            found.append(_output_ids(best)[len(prompt) :])
        return found


def _output_ids(found: Hypothesis) -> list[int]:
    """Return the tokens of a hypothesis, including eos if the hypothesis is finished."""
    return [*found.tokens, EOS] if found.finished else list(found.tokens)


def _compare(
    sources: list[list[int]],
    ours: list[list[int]],
    theirs: list[list[int]],
    score: Score,
    score_converted: Score,
) -> dict[str, Any]:
    """Compare the greedy outputs ``ours`` (PyTorch) and ``theirs`` (the converted model), and the
    log-probabilities of ``ours`` under both models."""
    pairs = list(zip(sources, ours, strict=True))
    rows = [
        (a, b)
        for some in _chunks(pairs)
        for a, b in zip(score(some), score_converted(some), strict=True)
    ]
    difference = max((abs(x - y) for a, b in rows for x, y in zip(a, b, strict=True)), default=0.0)
    same = ties = 0
    for source, a, b in zip(sources, ours, theirs, strict=True):
        if a == b:
            same += 1
        elif (place := _first_difference(a, b)) is not None:
            one, other = (
                score([(source, [*a[:place], token])])[0][-1] for token in (a[place], b[place])
            )
            ties += abs(one - other) <= TOLERANCE
    return {
        "tokens": sum(len(ids) for ids in ours),
        "difference": difference,
        "greedy_same": same,
        "greedy_ties": ties,
    }


def _first_difference(a: list[int], b: list[int]) -> int | None:
    """Return the first position at which two outputs differ; None if one output is a prefix of the
    other."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)


def _chunks(pairs: Pairs, size: int = 32) -> list[Pairs]:
    return [pairs[start : start + size] for start in range(0, len(pairs), size)]


def random_pieces(vocabulary: int, count: int) -> list[list[int]]:
    """Return sequences of random pieces, for a run whose data is not available."""
    random = torch.Generator().manual_seed(1)
    first = FIRST_PIECE if vocabulary > FIRST_PIECE else MASK + 1
    return [
        torch.randint(first, vocabulary, (1 + number % 24,), generator=random).tolist()
        for number in range(count)
    ]
