"""PER, WER and exact match: compare outputs with one or more correct answers.

`wer` is the word error rate of grapheme-to-phoneme conversion: one line is one word, and it is
correct only if its whole pronunciation is one of the references. This `wer` is not the WER of
speech recognition, which is an edit rate over words. To compute the WER of speech recognition, use
`per` on lines of words.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from whyformer.evaluation.interval import Array, IntervalKind
from whyformer.evaluation.metric import METRICS


def edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the minimum number of insertions, deletions and substitutions from a to b.

    Paper: Levenshtein 1966; computed row by row as in Wagner and Fischer 1974.

    >>> edit_distance("K AE T".split(), "K AH T S".split())
    2
    """
    if a == b:
        return 0
    above = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        row = [i]
        for j, right in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left != right)))
        above = row
    return above[-1]


@METRICS.register("per")
class TokenErrorRate:
    """PER: edits to the closest reference, per 100 tokens of that reference.

    Of equally close references, the first one is used. Tokens are separated by spaces.
    """

    name = "per"
    unit = "edits per 100 reference tokens, lower is better"
    higher_is_better = False
    interval = IntervalKind.BOOTSTRAP

    def __init__(self, *, lowercase: bool = False) -> None:
        self.lowercase = lowercase

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        """Return the settings of the metric."""
        case = _case(self.lowercase)
        return f"per|{_references(references)}|{case}|tok:spaces|ref:nearest|{_version()}"

    def statistics(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Return (edits, length of the closest reference) for each line."""
        rows = np.empty((len(hypotheses), 2))
        for row, output, alternatives in zip(rows, hypotheses, references, strict=True):
            tokens = _cased(output, self.lowercase).split()
            answers = [_cased(answer, self.lowercase).split() for answer in alternatives]
            row[:] = min(
                ((edit_distance(tokens, answer), len(answer)) for answer in answers),
                key=lambda found: found[0],
            )
        return rows

    def value(self, sums: Array) -> float:
        """Return edits per 100 tokens; if all references are empty, their length counts as one
        token."""
        return float(100 * sums[0] / max(sums[1], 1))


class _ShareOfLines:
    """The percentage of lines that match, or do not match, an answer."""

    name: str
    unit: str
    higher_is_better: bool
    interval = IntervalKind.WILSON

    def __init__(self, *, lowercase: bool = False) -> None:
        self.lowercase = lowercase

    def holds(self, output: str, answer: str) -> bool:
        """Return whether the output equals this answer."""
        raise NotImplementedError

    def statistics(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Return two numbers for each line: 1 if the line is counted, else 0; and always 1."""
        right = [
            any(
                self.holds(_cased(output, self.lowercase), _cased(answer, self.lowercase))
                for answer in alternatives
            )
            for output, alternatives in zip(hypotheses, references, strict=True)
        ]
        counted = np.array(right) if self.higher_is_better else ~np.array(right)
        return np.stack([counted, np.ones(len(right))], axis=1).astype(np.float64)

    def value(self, sums: Array) -> float:
        """Return the percentage."""
        return float(100 * sums[0] / sums[1])


@METRICS.register("wer")
class WordErrorRate(_ShareOfLines):
    """WER of g2p: the percentage of lines whose tokens are not the tokens of any reference."""

    name = "wer"
    unit = "% of lines that equal none of their references, lower is better"
    higher_is_better = False

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        """Return the settings of the metric."""
        case = _case(self.lowercase)
        return f"wer|{_references(references)}|{case}|word:line|tok:spaces|ref:any|{_version()}"

    def holds(self, output: str, answer: str) -> bool:
        """Compare token by token; extra spaces are ignored."""
        return output.split() == answer.split()


@METRICS.register("exact")
class ExactMatch(_ShareOfLines):
    """The percentage of lines that equal a reference exactly, except for spaces at the ends."""

    name = "exact"
    unit = "% of lines that equal a reference, higher is better"
    higher_is_better = True

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        """Return the settings of the metric."""
        return f"exact|{_references(references)}|{_case(self.lowercase)}|ref:any|{_version()}"

    def holds(self, output: str, answer: str) -> bool:
        """Compare character by character."""
        return output.strip() == answer.strip()


def _references(references: Sequence[Sequence[str]]) -> str:
    sizes = {len(alternatives) for alternatives in references}
    return f"nrefs:{sizes.pop()}" if len(sizes) == 1 else "nrefs:var"


def _case(lowercase: bool) -> str:
    return "case:lc" if lowercase else "case:mixed"


def _cased(text: str, lowercase: bool) -> str:
    return text.lower() if lowercase else text


def _version() -> str:
    try:
        return f"whyformer:{version('whyformer')}"
    except PackageNotFoundError:  # whyformer runs from its source directory, not installed
        return "whyformer:checkout"
