"""Make the lexical shortlist of a run from its training pairs, save it, and load it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from safetensors import SafetensorError
from safetensors.torch import load_file

from whyformer.bundle import Outline, read_outline, save_tensors
from whyformer.data.corpus import Corpus, open_corpus
from whyformer.decoding.lexical.shortlist import Shortlist
from whyformer.decoding.lexical.word_translation import Pair, word_translation
from whyformer.foundation.errors import DataError, UsageError
from whyformer.foundation.files import atomic_path
from whyformer.foundation.integrity import FILES, hashes, read_sealed, write_sealed
from whyformer.foundation.model_files import find_bundle
from whyformer.foundation.parsing import reason_of
from whyformer.foundation.wording import counted
from whyformer.models.build import FAMILIES
from whyformer.models.vocabulary import EncoderDecoder
from whyformer.text.symbols import PAD
from whyformer.workflows.training_pairs import without_training_pairs

STATE, TENSORS = "shortlist.json", "shortlist.safetensors"
FORMAT = 1
BEST, COMMON = 200, 100
"""Default number of targets of each source token, and of targets that every line may use. On
Multi30k en–de with 6,000 tokens, a line then has 837 tokens, which cover 98.1 % of the validation
set; with 50 targets, 301 tokens cover 94.8 %."""
MOST_CELLS = 100_000_000
"""Sum over sentence pairs of source tokens × target tokens; if there are more, a part of the pairs
is used."""
CHECKED = 1000
"""Maximum number of pairs on which the coverage is measured."""


@dataclass(frozen=True)
class ShortlistReport:
    """A shortlist that was made.

    Args:
        pairs: number of training pairs that were read.
        best, common: see `make_shortlist`.
        measured: the pairs on which the next values were measured, in words.
        size: mean number of target tokens on the shortlist of a source.
        vocabulary: size of the target vocabulary.
        coverage: fraction of the tokens of the targets that are on the shortlist.
    """

    pairs: int
    best: int
    common: int
    measured: str
    size: float
    vocabulary: int
    coverage: float

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        return [
            f"{counted(self.best, 'target')} of each source token and "
            f"{counted(self.common, 'common target')}, from "
            f"{counted(self.pairs, 'training pair')}",
            f"a line has {self.size:.0f} target tokens on average, of a vocabulary of "
            f"{self.vocabulary:,}; they cover {100 * self.coverage:.2f} % of the target tokens of "
            f"{self.measured}",
        ]


def make_shortlist(
    run: Path,
    *,
    best: int = BEST,
    common: int = COMMON,
    say: Callable[[str], None] = lambda text: None,
) -> ShortlistReport:
    """Make the shortlist of a translation run, and save it with the model.

    Args:
        best: number of likely targets of each source token.
        common: number of the most frequent target tokens; every line may use them.
        say: called with a sentence before the long work begins.
    Raises: UsageError if the run does not translate, or if its training pairs are missing.
    """
    directory = find_bundle(run)
    outline = read_outline(directory)
    if not issubclass(FAMILIES[outline.settings.family][1], EncoderDecoder):
        raise UsageError(
            f"`{run}` holds a model of kind `{outline.settings.family}`, which does not translate. "
            "A shortlist needs a run of the task translate."
        )
    try:
        corpus = open_corpus(run / "corpus")
    except DataError as error:
        raise UsageError(without_training_pairs("A shortlist", run, str(error))) from None
    rows = _rows(corpus)
    say(f"Aligning the tokens of {counted(len(rows), 'training pair')}…")
    pairs = [(corpus.source(row), corpus.target(row)) for row in rows.tolist()]
    sources, targets = outline.sizes
    table = word_translation(pairs)
    likely = table.best(best, sources)
    likely[PAD] = -1
    counts = np.bincount(np.concatenate([target for _, target in pairs]), minlength=targets)
    order = np.argsort(-counts, kind="stable")[:common]
    frequent = order[counts[order] > 0]
    found = Shortlist(torch.from_numpy(likely), torch.from_numpy(frequent), targets)
    _save(directory, outline, found)
    where, checked = _checked(run, corpus)
    size, coverage = _measured(found, checked)
    return ShortlistReport(len(pairs), best, common, where, size, targets, coverage)


def _checked(run: Path, corpus: Corpus) -> tuple[str, list[Pair]]:
    """Return pairs to measure a shortlist on: the validation set of the run, or training pairs."""
    try:
        found, where = open_corpus(run / "corpus-dev"), "the validation set"
    except DataError:
        found, where = corpus, "the training pairs"
    rows = range(0, len(found), max(1, len(found) // CHECKED))
    return where, [(found.source(row), found.target(row)) for row in rows]


def _rows(corpus: Corpus) -> Int[np.ndarray, " rows"]:
    """Return the numbers of the pairs to read, evenly spaced in the corpus."""
    cells = int((corpus.source_lengths.astype(float) * corpus.target_lengths).sum())
    step = max(1, -(-cells // MOST_CELLS))
    return np.arange(0, len(corpus), step)


def _measured(shortlist: Shortlist, pairs: list[Pair]) -> tuple[float, float]:
    """Return the mean size of the shortlist of a source, and the fraction of covered targets."""
    sizes = covered = tokens = 0
    for source, target in pairs:
        allowed = shortlist.allowed(torch.from_numpy(source)[None])[0]
        sizes += int(allowed.sum())
        covered += int(allowed[torch.from_numpy(target)].sum())
        tokens += len(target)
    return sizes / max(1, len(pairs)), covered / max(1, tokens)


def _save(directory: Path, outline: Outline, shortlist: Shortlist) -> None:
    with atomic_path(directory / TENSORS) as temporary:
        tensors = {"targets": shortlist.targets.int(), "common": shortlist.common.int()}
        save_tensors(tensors, temporary)
    state = {
        "format": FORMAT,
        "tokenizers": _fingerprints(outline),
        "vocabulary": shortlist.vocabulary,
        FILES: hashes(directory, [TENSORS]),
    }
    write_sealed(directory / STATE, state)


def _fingerprints(outline: Outline) -> list[str]:
    return [outline.source_tokenizer.fingerprint, outline.target_tokenizer.fingerprint]


def read_shortlist(run: Path) -> Shortlist:
    """Return the shortlist of a run.

    Raises: UsageError if the run has no shortlist, or if it belongs to other tokenizers; DataError
        if the shortlist is damaged.
    """
    directory = find_bundle(run)
    try:
        state = read_sealed(directory / STATE, since=1, newest=FORMAT)
        tensors = load_file(directory / TENSORS)
        fits = state["tokenizers"] == _fingerprints(read_outline(directory))
        found = Shortlist(
            tensors["targets"].long(), tensors["common"].long(), int(state["vocabulary"])
        )
    except FileNotFoundError:
        found, fits = None, False
    except (OSError, ValueError, TypeError, LookupError, SafetensorError) as error:
        raise DataError(
            f"`{directory / STATE}` is damaged ({reason_of(error)}). Make the shortlist again "
            f"with: whyformer shortlist {run}"
        ) from None
    if found is None or not fits:
        raise UsageError(
            f"`{run}` has no shortlist for its tokenizers. Make one with: whyformer shortlist {run}"
        )
    return found
