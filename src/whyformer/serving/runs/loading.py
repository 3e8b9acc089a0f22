"""Load a run for the server, and notice when its model is replaced."""

import contextlib
from pathlib import Path

from whyformer.bundle import load_bundle, read_outline
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import UsageError
from whyformer.foundation.model_files import CONFIG
from whyformer.interop.conversion import RECORD, stands_alone
from whyformer.models.bert import BERT
from whyformer.models.build import FAMILIES, SourceModel, TextModel
from whyformer.serving.runs.labels import EncoderRun, LabelRun
from whyformer.serving.runs.language import LanguageRun
from whyformer.serving.runs.served import ServedRun
from whyformer.serving.runs.translation import TranslationRun
from whyformer.workflows.engines import Engine

State = tuple[tuple[int, int, int], ...]
"""What identifies the files of a model: inode, size and time of the last change of each file."""


def load_run(name: str, run: Path, *, engine: str = Engine.AUTO, device: str = "auto") -> ServedRun:
    """Load a run and compute something small with it.

    Raises: BundleError if the run is missing or damaged; UsageError for an engine that the run
        does not support.
    """
    if stands_alone(run) or issubclass(
        FAMILIES[(outline := read_outline(run)).settings.family][1], SourceModel
    ):
        served: ServedRun = TranslationRun(name, run, engine=engine, device=device)
    else:
        if engine not in (Engine.AUTO, Engine.TORCH):
            raise UsageError(
                f"The {engine} engine translates only, but the family of `{run}` is "
                f"`{outline.settings.family}`. Use --engine auto."
            )
        bundle = load_bundle(run, device=choose_device(device))
        if isinstance(bundle.model, TextModel):
            served = LanguageRun(name, run, bundle)
        elif isinstance(bundle.model, BERT) and bundle.model.settings.outputs:
            served = LabelRun(name, run, bundle)
        else:
            served = EncoderRun(name, run, bundle)
    served.warm_up()
    return served


def state_of(run: Path) -> State:
    """Return what changes when the model of a run, or its conversion, is replaced."""
    found = []
    for place in (run, run / "model"):
        for name in (CONFIG, RECORD):
            found += [_state(place / name)]
    for engine in (Engine.CTRANSLATE2, Engine.ONNX):
        found += [_state(run / engine / RECORD)]
    return tuple(found)


def _state(path: Path) -> tuple[int, int, int]:
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns
    return 0, 0, 0
