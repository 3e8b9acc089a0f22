"""Sequence-level distillation: the outputs of the teachers replace the training targets."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from whyformer.bundle import Bundle, load_bundle
from whyformer.data.reading import Pair
from whyformer.decoding.expected import Expected
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.decoding.text_translator import WINDOW, Translation
from whyformer.decoding.translator import Translator
from whyformer.evaluation.utility import UTILITIES
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.files import write_text
from whyformer.models.build import SourceModel
from whyformer.recipes.recipe import Recipe
from whyformer.tasks.pair_sources import Sources
from whyformer.tasks.teaching import refuse_other_tokenizers
from whyformer.training.distillation import DistillationSettings, Level

TAUGHT = "taught"
"""Directory of a run with the outputs of the teachers."""
KEY, TARGETS = "key", "targets.txt"

Progress = Callable[[str, int], None]


def is_taught(recipe: Recipe) -> bool:
    """Return whether the outputs of teachers replace the training targets."""
    return bool(recipe.distil.teachers) and recipe.distil.level is Level.SEQUENCE


def with_taught_targets(
    sources: Sources, recipe: Recipe, run: Path, progress: Progress | None = None
) -> Sources:
    """Return the pairs with the outputs of the teachers as training targets.

    The outputs are kept in the run. If the run stops while they are made, it continues with the
    next source.

    Paper: Kim & Rush 2016 (arXiv:1606.07947), §3.2 (sequence-level distillation) and §3.3 (with
    several candidates: the one that is nearest to the reference).
    Differs: the nearest candidate has the highest sentence-level chrF, not BLEU.
    """
    directory = run / TAUGHT
    key, targets = directory / KEY, directory / TARGETS
    if not key.is_file() or key.read_text(encoding="utf-8") != sources.key:
        directory.mkdir(parents=True, exist_ok=True)
        targets.unlink(missing_ok=True)
        write_text(key, sources.key)
    _make_targets(sources.train, targets, recipe.distil, progress)

    def train() -> Iterator[Pair]:
        with targets.open(encoding="utf-8", newline="\n") as lines:
            for pair, line in zip(sources.train(), lines, strict=True):
                yield pair._replace(target=line.removesuffix("\n"))

    return replace(sources, train=train)


def _make_targets(
    train: Callable[[], Iterator[Pair]],
    targets: Path,
    settings: DistillationSettings,
    progress: Progress | None,
) -> None:
    """Append the outputs of the teachers for all sources that have none yet."""
    done = _whole_lines(targets)
    pairs = islice(train(), done, None)
    window = list(islice(pairs, WINDOW))
    if not window:
        return
    translator, search = _teachers(settings)
    choose = _nearest if settings.nbest > 1 else _best
    with targets.open("a", encoding="utf-8", newline="\n") as file:
        while window:
            found = translator.translate([pair.source for pair in window], search)
            for pair, answer in zip(window, found, strict=True):
                text = choose(answer, pair.target).replace("\r", " ").replace("\n", " ")
                file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
            done += len(window)
            if progress:
                progress("translating with the teachers", done)
            window = list(islice(pairs, WINDOW))


def _whole_lines(file: Path) -> int:
    """Return the number of lines; the rest of a line that was not finished is removed."""
    if not file.exists():
        return 0
    count = end = 0
    with file.open("r+b") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                count, end = count + 1, end + len(line)
        stream.truncate(end)
    return count


def _teachers(settings: DistillationSettings) -> tuple[Translator, SearchSettings]:
    """Return the teachers as one translator, and the search of the first teacher."""
    bundles = [load_bundle(path, device=choose_device()) for path in settings.teachers]
    models: list[SourceModel] = []
    for path, bundle in zip(settings.teachers, bundles, strict=True):
        if not isinstance(bundle.model, SourceModel):
            raise ConfigError(f"`{path}` does not translate. Choose another teacher.")
        refuse_other_tokenizers(path, bundle, bundles[0])
        models.append(bundle.model)
    first: Bundle = bundles[0]
    translator = Translator(
        models,
        first.source_tokenizer,
        first.target_tokenizer,
        warn=False,
        expected=Expected.from_facts(first.facts),
    )
    own = SearchSettings.model_validate(first.facts.get("decoding", {}))
    search = own.model_copy(
        update={
            "method": Method.BEAM,
            "groups": 1,
            "beam": max(own.beam, settings.nbest),
            "nbest": settings.nbest,
        }
    )
    return translator, search


def _best(answer: Translation, reference: str) -> str:
    return answer.text


def _nearest(answer: Translation, reference: str) -> str:
    """Return the candidate with the highest chrF; of equal ones, the most probable."""
    utility = UTILITIES["chrf"]()
    texts = [text for text, _ in answer.hypotheses]
    return max(texts, key=lambda text: utility(text, reference), default="")
