"""Compute the log-probability of each given pair in nats, and the perplexity of all pairs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from whyformer.data.lines import read_lines
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.pair_scorer import PairScore
from whyformer.evaluation.perplexity import perplexity_scores
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError
from whyformer.foundation.parsing import parse_json
from whyformer.foundation.wording import counted
from whyformer.text.normalization import normalize
from whyformer.workflows.engines import Engine, Engines
from whyformer.workflows.reading_of_training import input_lines
from whyformer.workflows.source_checks import SourceCheck


@dataclass(frozen=True)
class Scored:
    """The log-probability of every pair, and the totals."""

    pairs: list[PairScore | None]
    """The score of each pair; None if the target is too long for the model."""
    totals: list[Score]
    """Perplexity per token, bits per character and bits per byte of the scored targets."""
    findings: tuple[str, ...] = ()
    """Warnings about the sources; see `SourceCheck`."""

    @property
    def scored(self) -> list[PairScore]:
        """The pairs that have a score."""
        return [pair for pair in self.pairs if pair is not None]

    @property
    def too_long(self) -> list[int]:
        """The numbers, from 1, of the pairs without a score."""
        return [number for number, pair in enumerate(self.pairs, start=1) if pair is None]

    @property
    def log_probability(self) -> float:
        """ln P of all targets together."""
        return sum(pair.log_probability for pair in self.scored)

    @property
    def tokens(self) -> int:
        """The number of target tokens, including one eos per finished pair."""
        return sum(len(pair.tokens) for pair in self.scored)

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON; a pair without a score is null."""
        return {
            "log_probability": self.log_probability,
            "tokens": self.tokens,
            "totals": [score.to_json() for score in self.totals],
            "pairs": [
                pair and {"log_probability": pair.log_probability, "tokens": list(pair.tokens)}
                for pair in self.pairs
            ],
        }


def score(
    runs: Sequence[Path],
    source: Path,
    target: Path,
    *,
    encoding: str | None = None,
    tag: str | None = None,
    engine: str = Engine.AUTO,
    weights: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Scored:
    """Score each line of ``target`` given the same line of ``source``. Several runs form an
    ensemble.

    Args:
        encoding, say: see `reading_of_training.input_lines`.
        tag: tag of the sources that do not begin with one.
        engine: auto, torch, ctranslate2 or onnx; see `Engines`.
        weights: data type of the weights; see `Engines`.
    Raises: DataError if a file cannot be read, if the numbers of lines differ, or if no pair can
        be scored.
    """
    sources, targets = (
        list(input_lines(runs[0], file, encoding, say)) for file in (source, target)
    )
    if len(sources) != len(targets):
        raise DataError(
            f"Both files must have the same number of lines, but `{source}` has {len(sources):,} "
            f"and `{target}` has {len(targets):,}."
        )
    scorer = _Scorer(Engines(runs, engine, weights=weights, warn=True, say=say), tag)
    check = SourceCheck(scorer.translator.source_tokenizer, scorer.translator.expected)
    findings = check.add_all(enumerate(sources, start=1)).findings()
    return replace(scorer.scored(sources, targets, targets), findings=tuple(findings))


def score_translations(
    runs: Sequence[Path],
    file: Path,
    *,
    tag: str | None = None,
    engine: str = Engine.AUTO,
    weights: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Scored:
    """Score every hypothesis in a file of ``whyformer translate --json`` with its own tokens.

    Args: tag, engine, weights, say: see `score`.
    Raises: DataError if a line has another format, or if its tokens belong to another run.
    """
    scorer = _Scorer(Engines(runs, engine, weights=weights, warn=True, say=say), tag)
    found = list(_hypotheses(file, scorer.translator.target_tokenizer.decode))
    sources, texts = [source for source, _, _ in found], [text for _, text, _ in found]
    return scorer.scored(sources, [one for _, _, one in found], texts)


def _hypotheses(
    file: Path, decode: Callable[[list[int]], str]
) -> Iterator[tuple[str, str, Hypothesis]]:
    for number, line in enumerate(read_lines(file), start=1):
        try:
            record = parse_json(line)
            scored = [
                (part["source"], one)
                for part in record.get("sentences") or [record]
                for one in part["hypotheses"]
            ]
            for source, one in scored:
                text, tokens, finished = one["text"], one["tokens"], one["finished"]
                fits = isinstance(source, str) and isinstance(finished, bool)
                if not fits or not all(type(token) is int and token > 4 for token in tokens):
                    raise TypeError
                if decode(tokens) != text:
                    raise DataError(
                        f"`{file}:{number}`: the decoded tokens differ from the text, so this line "
                        "was written by another run. Score it with that run."
                    )
                yield source, text, Hypothesis(tuple(tokens), 0.0, 0.0, finished)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DataError(
                f"`{file}:{number}`: this must be a line of `whyformer translate --json` with the "
                "keys source and hypotheses (with text, tokens and finished). Translate again."
            ) from None


class _Scorer:
    """Scores pairs with the engine that `Engines` chooses.

    Args: tag: see `score`.
    """

    def __init__(self, engines: Engines, tag: str | None) -> None:
        self._engines, self._tag = engines, tag
        self.translator = engines.choose({}, tag=tag).translator

    def scored(
        self, sources: Sequence[str], targets: Sequence[str | Hypothesis], texts: Sequence[str]
    ) -> Scored:
        """Return the scores of all pairs. Args: texts: the targets as texts."""
        found = self._engines.score(sources, targets, tag=self._tag)
        read = (normalize(self.translator.expected.trimmed(text)) for text in texts)
        kept = [(pair, text) for pair, text in zip(found, read, strict=True) if pair is not None]
        if not kept:
            raise DataError(
                f"No pair can be scored: none of {counted(len(found), 'target')} fits into the "
                "model's positions. Give shorter targets."
            )
        totals = perplexity_scores(
            -sum(pair.log_probability for pair, _ in kept),
            sum(len(pair.tokens) for pair, _ in kept),
            characters=sum(len(text) for _, text in kept) or None,
            bytes_=sum(len(text.encode()) for _, text in kept) or None,
        )
        return Scored(found, totals)
