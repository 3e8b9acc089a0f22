"""How probable are given targets under a run? Nats a pair, perplexity of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.data.reading import Pair, read_pairs
from whyformer.decoding.scoring import PairScore
from whyformer.evaluation.perplexity import perplexity_scores
from whyformer.evaluation.score import Score
from whyformer.workflows.translate import load_system


@dataclass(frozen=True)
class Scored:
    """Every pair's probability, and the totals."""

    pairs: list[PairScore]
    totals: list[Score]
    """Perplexity per token, bits per character and bits per byte of the targets."""

    @property
    def log_probability(self) -> float:
        """ln P of all targets together."""
        return sum(pair.log_probability for pair in self.pairs)

    @property
    def tokens(self) -> int:
        """Target tokens, one eos a pair counted."""
        return sum(len(pair.tokens) for pair in self.pairs)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "log_probability": self.log_probability,
            "tokens": self.tokens,
            "totals": [score.to_json() for score in self.totals],
            "pairs": [
                {"log_probability": pair.log_probability, "tokens": list(pair.tokens)}
                for pair in self.pairs
            ],
        }


def score(runs: Sequence[Path], source: Path, target: Path) -> Scored:
    """Score the lines of ``target`` given those of ``source``; several runs score as an ensemble.

    Raises: DataError when a file cannot be read or the files differ in their number of lines.
    """
    pairs: list[Pair] = list(read_pairs(source, target))
    targets = [pair.target for pair in pairs]
    translator = load_system(runs).translator
    found = translator.score([pair.source for pair in pairs], targets)
    totals = perplexity_scores(
        -sum(pair.log_probability for pair in found),
        sum(len(pair.tokens) for pair in found),
        characters=sum(map(len, targets)) or None,
        bytes_=sum(len(text.encode()) for text in targets) or None,
    )
    return Scored(found, totals)
