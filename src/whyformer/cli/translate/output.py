"""Write the answers of ``whyformer translate``, and warn about lines that are cut or unusual."""

import contextlib
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyformer.cli.shared.streams import json_text, warn, written
from whyformer.data.filters import Occurrences
from whyformer.decoding.pair_scorer import PairScorer
from whyformer.decoding.text_translator import TextTranslator, Translation
from whyformer.workflows.source_checks import SourceCheck

if TYPE_CHECKING:
    from whyformer.bundle import Bundle
    from whyformer.evaluation.calibration import Calibration
    from whyformer.workflows.confidence import TokenProbabilities
    from whyformer.workflows.lexicon import Lexicon

BATCH_SIZE = 64
"""Number of answers whose alignments or token probabilities are computed at once."""


@dataclass(frozen=True)
class Form:
    """The form of the output.

    Args:
        json: one JSON object per line of input.
        many: one line per hypothesis, with its score, instead of one line per translation.
        split: whether lines were split into sentences, which the JSON then lists.
        fallback: whether lines may be searched again, which the JSON then states.
        listed: number of hypotheses whose length is checked; None for all.
        live: whether the input is interactive. Each answer is then written at once.
        tag: tag of the sources that do not begin with one.
    """

    json: bool = False
    many: bool = False
    split: bool = False
    fallback: bool = False
    listed: int | None = 1
    live: bool = False
    tag: str | None = None


def write_answers(
    found: Iterator[Translation],
    output: Path | None,
    form: Form,
    check: SourceCheck,
    *,
    alignments: Path | None = None,
    bundle: "Bundle | None" = None,
    calibration: "Calibration | None" = None,
    lexicon: "Lexicon | None" = None,
    translator: TextTranslator | None = None,
) -> None:
    """Write all answers, and warn about lines that were cut or that differ from the training data.

    Args:
        output: file to write; None for standard output.
        alignments: file for the alignments, which the model of ``bundle`` computes.
        calibration: the confidence of the run, if it is written.
        lexicon: the lexicon that was applied to the lines, if there is one.
        translator: computes the probabilities of the tokens for the JSON; None writes none.
    """
    told: deque[tuple[str, ...]] = deque()
    if lexicon is not None:
        found = _noted(lexicon.with_known(found), told)
    if bundle is None:
        pairs = ((answer, "") for answer in found)
    else:
        pairs = with_alignments(bundle, found, live=form.live, tag=form.tag)
    cut, looked_up, improved, bad = (Occurrences() for _ in range(4))
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(written(output))
        aligned = None if alignments is None else stack.enter_context(written(alignments))
        answers = _with_tokens(translator, pairs, live=form.live)
        for index, (answer, alignment, scored) in enumerate(answers, start=1):
            entries = told.popleft() if lexicon is not None else None
            _warn(index, answer, split=form.split)
            if entries:
                looked_up.add(index)
            else:
                check.add(index, answer.source, [one.source for one in answer.sentences])
            more: dict[str, Any] = {} if entries is None else {"lexicon": entries}
            if answer.fallback is not None:
                (improved if answer.fallback else bad).add(index)
            if calibration is not None:
                more["confidence"] = _probability(calibration, answer)
            hypotheses = [
                h for one in answer.sentences or (answer,) for h in one.hypotheses[: form.listed]
            ]
            if not all(one.finished for _, one in hypotheses):
                cut.add(index)
                if form.live:  # warn now, because the input may never end
                    _warn_of_cut(f"1 translation (line {index})")
            for line in shown(index, answer, form, more, scored):
                print(line, file=stream)
            if aligned is not None:
                print(alignment, file=aligned)
            if form.live:  # warn now, because the input may never end
                _warn_of_sources(check)
                stream.flush()
    if looked_up.count:
        warn(f"{looked_up.of('translation')} taken from the lexicon.")
    if improved.count:
        warn(f"{improved.of('translation')} found by a second search (--fallback).")
    if bad.count:
        warn(
            f"{bad.of('translation')} searched again without success: the output still repeats "
            "itself or reaches the length limit."
        )
    if cut.count and not form.live:
        _warn_of_cut(cut.of("translation"))
    _warn_of_sources(check)


def shown(
    index: int,
    answer: Translation,
    form: Form,
    more: dict[str, Any] | None = None,
    scored: "TokenProbabilities | None" = None,
) -> Iterator[str]:
    """Yield the lines of output for an answer.

    Args:
        more: the confidence and the lexicon's targets, if these were requested.
        scored: the probabilities of the tokens, if these were requested.
    """
    more = more or {}
    if form.json:
        record = {"index": index, **_as_json(answer, scored), **more}
        if form.fallback:
            record["fallback"] = answer.fallback
        if form.split:
            record["sentences"] = [_as_json(one, scored) for one in answer.sentences]
        yield json_text(record)
    elif not form.many:
        yield _confidence(more) + _one_line(answer.text)
    else:
        listed = [(one.score, text) for text, one in answer.hypotheses] or [(0.0, answer.text)]
        for score, text in listed:
            yield f"{index}\t{score:.4f}\t{_one_line(text)}"


def _probability(calibration: "Calibration", answer: Translation) -> float | None:
    """Return the probability that an answer is right; None for a line without an answer."""
    from whyformer.workflows.confidence import confidence_features

    if not answer.hypotheses:
        return None
    return calibration.probabilities([confidence_features(answer)])[0]


def _confidence(more: dict[str, Any]) -> str:
    """Return the column that `--confidence` adds at the start of a line; "" without this flag."""
    if "confidence" not in more:
        return ""
    if more.get("lexicon"):
        return "lexicon\t"
    return "\t" if more["confidence"] is None else f"{more['confidence']:.4f}\t"


def _noted(
    found: Iterator[tuple[Translation, tuple[str, ...]]], told: deque[tuple[str, ...]]
) -> Iterator[Translation]:
    """Yield each translation. Before a translation is yielded, append the targets that the lexicon
    has for it to ``told``."""
    for answer, entries in found:
        told.append(entries)
        yield answer


def _as_json(answer: Translation, scored: "TokenProbabilities | None") -> dict[str, Any]:
    found = [
        {
            "text": text,
            "score": one.score,
            "log_probability": one.log_probability,
            "finished": one.finished,
            "tokens": list(one.tokens),
        }
        | ({} if scored is None else {"token_confidence": _rounded(scored[answer.source, one])})
        for text, one in answer.hypotheses
    ]
    return {
        "source": answer.source,
        "text": answer.text,
        "score": answer.score,
        "source_truncated": answer.source_truncated,
        "hypotheses": found,
    }


def _rounded(scored: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(token, round(probability, 4)) for token, probability in scored]


def _one_line(text: str) -> str:
    """Replace line ends in a translation by spaces. Models of characters or bytes can produce line
    ends."""
    return text.replace("\r", " ").replace("\n", " ")


def with_alignments(
    bundle: "Bundle", answers: Iterator[Translation], *, live: bool, tag: str | None = None
) -> Iterator[tuple[Translation, str]]:
    """Yield each answer with its alignment as JSON.

    Args:
        live: whether to align one answer at a time, instead of in batches.
        tag: tag of the sources that do not begin with one.
    """
    from whyformer.decoding.alignment import align

    while some := list(itertools.islice(answers, 1 if live else BATCH_SIZE)):
        read = [answer for answer in some if answer.hypotheses]
        sources, best = [one.source for one in read], [one.hypotheses[0][1] for one in read]
        found = iter(align(bundle, sources, best, tag=tag))
        for answer in some:
            shown: dict[str, Any] = {"text": answer.text, "source": [], "target": [], "weights": []}
            if answer.hypotheses:
                one = next(found)
                shown |= {
                    "source": one.source_tokens,
                    "target": one.target_tokens,
                    "weights": [[round(weight, 5) for weight in row] for row in one.weights],
                }
            yield answer, json_text(shown)


def _with_tokens(
    translator: TextTranslator | None, pairs: Iterator[tuple[Translation, str]], *, live: bool
) -> "Iterator[tuple[Translation, str, TokenProbabilities | None]]":
    """Yield each answer and its alignment with the probabilities of its tokens, if a translator
    that can compute them is given.

    Args: live: whether to compute one answer at a time, instead of batches.
    """
    if not isinstance(translator, PairScorer):
        yield from ((answer, alignment, None) for answer, alignment in pairs)
        return
    from whyformer.workflows.confidence import token_probabilities

    while some := list(itertools.islice(pairs, 1 if live else BATCH_SIZE)):
        scored = token_probabilities(translator, [answer for answer, _ in some])
        for answer, alignment in some:
            yield answer, alignment, scored


def _warn_of_sources(check: SourceCheck) -> None:
    for finding in check.findings():
        warn(finding)


def _warn(index: int, answer: Translation, *, split: bool) -> None:
    if answer.source_truncated:
        advice = "" if split else " Add --split-long."
        warn(
            f"line {index} is longer than the model can read, so its end is not translated.{advice}"
        )


def _warn_of_cut(which: str) -> None:
    warn(f"the length limit cut {which}. Raise --max-length.")
