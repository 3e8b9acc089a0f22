"""The most important faults of the training data, which a run prints before its first update.

Only a sample of the data is examined, so that this takes a fraction of a second. The command
`whyformer data` examines every line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from whyformer.data.reading import Pair
from whyformer.data.survey.block import in_blocks
from whyformer.data.survey.findings import NEAR, NOUNS, few, important, near_duplicates
from whyformer.data.survey.judge import Judge
from whyformer.data.survey.profile import Kind, Profile
from whyformer.data.survey.reasons import Reason
from whyformer.data.survey.repeats import near_key
from whyformer.recipes.recipe import DataSettings
from whyformer.tasks.items import ITEMS
from whyformer.tasks.task import Caution

if TYPE_CHECKING:
    from whyformer.data.corpus import Corpus

LEAST = 100
"""With fewer items than this, no faults are reported."""
SAMPLE = 4000
"""Maximum number of items whose texts are examined."""
COMPARED = 200_000
"""Approximate maximum number of items that are compared to find repetitions."""
UNKNOWN = 0.02
"""If more than this fraction of the tokens is <unk>, a run warns. The tokenizers that whyformer
learns never encode text as <unk>."""
SHOWN = 3


def pair_findings(data: DataSettings, corpus: "Corpus") -> Iterator[Caution]:
    """Yield a line about the faults of the training pairs, if there are faults that are worth
    acting on."""
    count = len(corpus)
    if count < LEAST or data.builtin:
        return
    places = np.unique(np.linspace(0, count - 1, num=min(count, SAMPLE)).astype(np.int64))
    pairs = [Pair(int(place), *corpus.texts(int(place))) for place in places]
    shares = _shares(Kind.PAIRS, pairs)
    shares[Reason.DUPLICATE] = _repeated(corpus)
    yield from _line(Kind.PAIRS, data, shares)


def label_findings(
    data: DataSettings, items: Sequence[tuple[str, str]], kind: Kind = Kind.LABELLED
) -> Iterator[Caution]:
    """Yield a line about the faults of labelled texts or words, if there are faults that are worth
    acting on.

    Args: items: texts with their labels.
    """
    if len(items) < LEAST:
        return
    step = -(-len(items) // SAMPLE)
    pairs = [Pair(number, *one) for number, one in enumerate(items[::step])]
    shares = _shares(kind, pairs)
    seen: dict[str, set[str]] = {}
    repeated = 0
    compared = items[:COMPARED]
    for text, label in compared:
        labels = seen.setdefault(text, set())
        repeated += label in labels
        labels.add(label)
    contradicting = sum(len(seen[text]) > 1 for text, _ in compared)
    shares[Reason.DUPLICATE] = repeated / len(compared)
    shares[Reason.SEVERAL] = contradicting / len(compared)
    yield from _line(kind, data, shares)


def amount_finding(kind: Kind, count: int, *, start_from: str | None = None) -> Iterator[Caution]:
    """Yield a warning if there are too few training items to learn from.

    Args: start_from: the model to start from. With such a model, a few items are enough.
    """
    if (text := few(kind, count)) and not start_from:
        yield Caution(f"            warning: {text}")


def unknown_finding(unknown: int, tokens: int, name: str = "text") -> Iterator[Caution]:
    """Yield a warning if the tokenizer encodes much of the training text as <unk>.

    Args: unknown: number of tokens that are <unk>. name: what was encoded, such as "source".
    """
    share = unknown / max(1, tokens)
    if share > UNKNOWN:
        yield Caution(
            f"            warning: the tokenizer encodes {share:.0%} of the {name} as <unk>, so "
            "the model cannot read this text. Use a tokenizer that was made for such text."
        )


def held_out_finding(
    kind: Kind, held_out: Iterable[str], training: Iterable[str]
) -> Iterator[Caution]:
    """Yield a warning if held-out texts are nearly equal to training texts.

    At most `COMPARED` of the training texts are compared with the held-out texts.
    """
    keys = [near_key(text) for text in held_out]
    found = set(keys) & {near_key(text) for text in islice(training, COMPARED)}
    near = sum(key in found for key in keys)
    if near > NEAR * len(keys):
        yield Caution(f"            warning: {near_duplicates(near, len(keys), NOUNS[kind])}")


def _shares(kind: Kind, pairs: Sequence[Pair]) -> dict[Reason, float]:
    """Return, for each fault, the fraction of the pairs that have this fault."""
    judge = Judge(Profile.of(kind, pairs))
    counts = dict.fromkeys(Reason, 0)
    for block in in_blocks(pairs):
        judgement = judge(block)
        for reason in Reason:
            counts[reason] += int(judgement.has(reason).sum())
    return {reason: count / len(pairs) for reason, count in counts.items()}


def _repeated(corpus: "Corpus") -> float:
    """Return the fraction of the pairs that repeat an earlier pair.

    In a large corpus, only pairs of some lengths are compared. Equal pairs have equal lengths.
    """
    ends: Int64[np.ndarray, " ends"] = np.asarray(corpus.offsets["text"])[::2]
    lengths = np.diff(ends)
    chosen = np.flatnonzero(lengths % -(-len(lengths) // COMPARED) == 0)
    texts = {corpus.text[ends[one] : ends[one + 1]].tobytes() for one in chosen.tolist()}
    return 1 - len(texts) / max(1, len(chosen))


def _line(kind: Kind, data: DataSettings, shares: Mapping[Reason, float]) -> Iterator[Caution]:
    sentences = [text for _, text in important(kind, shares)][:SHOWN]
    if not sentences:
        return
    files = [path for path in data.train if path not in (ITEMS, "-")]
    given = data.model_copy(update={"train": files}).arguments
    more = f". To see them, run: whyformer data {given}" if files else ""
    yield Caution(f"data        {'; '.join(sentences)}{more}")
