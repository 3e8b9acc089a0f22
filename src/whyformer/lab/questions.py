"""The questions of the laboratory, by name; an experiment is imported only when it is asked for."""

import importlib
import re
import unicodedata
from pathlib import Path

from whyformer.foundation.errors import UsageError, nearest
from whyformer.lab.experiment import Experiment

QUESTIONS = (
    "scaling",
    "positions",
    "complexity",
    "warmup",
    "gradients",
    "heads",
    "smoothing",
    "embedding_scale",
    "beam",
    "masking",
    "nsp",
    "bottleneck",
)
"""In the order of the study notes."""
EXPERIMENTS = Path(__file__).parent / "experiments"


def experiment_named(name: str) -> Experiment:
    """Return one experiment. Raises: UsageError when there is no such question."""
    if name not in QUESTIONS:
        raise UsageError(
            f"`{name}` is not a question of the laboratory.{nearest(name, QUESTIONS)} "
            "`whyformer lab list` shows all."
        )
    if name not in written():
        raise UsageError(
            f"`{name}` has no experiment yet. `whyformer lab list` shows what there is."
        )
    return importlib.import_module(f"whyformer.lab.experiments.{name}").EXPERIMENT


def written() -> list[str]:
    """Return the questions that have an experiment, in order, without importing any."""
    return [name for name in QUESTIONS if _is_whole(EXPERIMENTS / f"{name}.py")]


def answering(asked: str) -> list[Experiment]:
    """Return the experiments that a question in either language is about, the nearest first.

    A keyword counts by its length, wherever it stands in the question; no model is asked. One
    Latin word must be a whole word (sin is not in since), also before a Korean particle.
    """
    text = _folded(asked)
    words = set(re.findall(r"\w+", text, flags=re.ASCII))
    scored: list[tuple[int, int, Experiment]] = []
    for place, name in enumerate(written()):
        experiment = experiment_named(name)
        score = 0
        for keyword in experiment.keywords:
            sought = _folded(keyword)
            found = sought in words if sought.isascii() and sought.isalpha() else sought in text
            score += len(sought) if found else 0
        if score:
            scored.append((-score, place, experiment))
    return [experiment for *_, experiment in sorted(scored, key=lambda s: s[:2])]


def _is_whole(file: Path) -> bool:
    return file.is_file() and "\nEXPERIMENT = " in file.read_text(encoding="utf-8")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
