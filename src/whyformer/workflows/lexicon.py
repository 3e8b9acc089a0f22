"""A lexicon for translation: a source that is in the lexicon gets the targets of the lexicon."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from whyformer.data.held_out import key_of
from whyformer.data.reading import read_pairs
from whyformer.decoding.text_translator import TextTranslator, Translation
from whyformer.foundation.errors import DataError, UsageError
from whyformer.workflows.training_pairs import without_training_pairs

TRAINING = "training"
"""The name of the lexicon with the training pairs of the run."""


class Lexicon:
    """Sources with their targets. Sources are compared as the run reads them: in Unicode NFC, in
    lower case if the run ignores case, and without spaces at both ends (unless the run keeps these
    spaces).

    Args: translator: the translator of the run.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]], translator: TextTranslator) -> None:
        self._key = key_of(
            translator.source_tokenizer.lowercase, keep_spaces=translator.expected.keep_spaces
        )
        grouped: dict[str, Counter[str]] = defaultdict(Counter)
        for source, target in pairs:
            if source.strip():
                grouped[self._key(source)][target] += 1
        self._targets = {
            key: tuple(target for target, _ in targets.most_common())
            for key, targets in grouped.items()
        }
        self._read: deque[tuple[str, tuple[str, ...]]] = deque()

    def __len__(self) -> int:
        return len(self._targets)

    def targets(self, source: str) -> tuple[str, ...]:
        """Return the targets of a source, the most frequent first; () if the lexicon does not
        contain the source."""
        return self._targets.get(self._key(source), ())

    def without_known(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the lines, but an empty line instead of each line that is in the lexicon. So the
        translator does not translate known lines, and the order of the lines does not change."""
        for line in lines:
            found = self.targets(line)
            self._read.append((line, found))
            yield "" if found else line

    def with_known(
        self, answers: Iterable[Translation]
    ) -> Iterator[tuple[Translation, tuple[str, ...]]]:
        """Yield the translation of each line, and the targets of the line in the lexicon, if any.

        Args: answers: the translations of the lines that `without_known` yielded.
        """
        for answer in answers:
            line, found = self._read.popleft()
            yield (replace(answer, source=line, text=found[0]) if found else answer), found


def read_lexicon(name: str, run: Path, translator: TextTranslator) -> Lexicon:
    """Read a lexicon: a file of pairs, or the training pairs of a run for the name `training`.

    Raises: DataError or UsageError if the lexicon cannot be read.
    """
    if name != TRAINING:
        if not Path(name).is_file():
            raise UsageError(
                f"`--lexicon` must be a file of pairs, or the word {TRAINING}, but there is no "
                f"file `{name}`."
            )
        read = read_pairs(Path(name), optional=True, alone=True)
        pairs = ((pair.source, pair.target) for pair in read)
        return Lexicon(pairs, translator)
    from whyformer.data.corpus import open_corpus

    try:
        corpus = open_corpus(run / "corpus")
    except DataError as error:
        raise UsageError(
            without_training_pairs(f"`--lexicon {TRAINING}`", run, str(error))
        ) from None
    return Lexicon((corpus.texts(number) for number in range(len(corpus))), translator)
