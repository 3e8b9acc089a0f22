"""The questions of the laboratory by name. An experiment is imported when it is first used."""

import importlib
from pathlib import Path

from whyformer.foundation.errors import UsageError, nearest
from whyformer.lab.method.experiment import Experiment

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
    "cache",
    "explanation",
    "qkv",
)
"""The questions: first those of the study notes, in their order."""
EXPERIMENTS = Path(__file__).parents[1] / "experiments"


def experiment_named(name: str) -> Experiment:
    """Return an experiment by name. Raises: UsageError when the laboratory has no such question."""
    if name not in QUESTIONS:
        raise UsageError(
            f"`{name}` is not a question of the laboratory.{nearest(name, QUESTIONS)} "
            "`whyformer lab list` lists all questions."
        )
    if name not in written():
        raise UsageError(
            f"`{name}` has no experiment yet. `whyformer lab list` lists the available experiments."
        )
    return importlib.import_module(f"whyformer.lab.experiments.{name}").EXPERIMENT


def written() -> list[str]:
    """Return the questions with an experiment, in order, without importing the experiments."""
    return [name for name in QUESTIONS if _is_whole(EXPERIMENTS / name / "__init__.py")]


def _is_whole(file: Path) -> bool:
    return file.is_file() and "\nEXPERIMENT = " in file.read_text(encoding="utf-8")
