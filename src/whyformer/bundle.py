"""A trained model on disk: settings, weights and tokenizers.

A bundle is a directory of four files: ``config.json``, ``model.safetensors``, ``source.json`` and
``target.json`` (the tokenizers; ``target.json`` is absent if both sides share one). It contains no
pickles, and pickles are never read. ``config.json`` contains the SHA-256 hashes of the other files,
and a hash of itself. Loading verifies all hashes.
"""

import contextlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from whyformer.foundation.config import build
from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import atomic_directory
from whyformer.foundation.integrity import (
    FILES,
    SEAL,
    changed_settings,
    first_changed_file,
    format_of,
    hashes,
    named,
    note_without_checksums,
    write_sealed,
)
from whyformer.foundation.model_files import (
    CONFIG,
    RUN,
    RUN_ID,
    SOURCE,
    TARGET,
    WEIGHTS,
    find_bundle,
)
from whyformer.foundation.parsing import read_json, read_small, reason_of
from whyformer.foundation.plugins import compare, recorded, used_by
from whyformer.foundation.tensors import is_finite, read_into, read_shapes
from whyformer.foundation.wording import counted
from whyformer.models.bert import BERT
from whyformer.models.build import FAMILIES, Model, ModelSettings, build_model
from whyformer.models.shapes import shapes_only
from whyformer.text.pieces import UNITS
from whyformer.text.tokenizer import Tokenizer, tokenizer_from_json

FORMAT = 2
"""Version of the format. Version 2 added the hashes of the files, and the seal (the hashes of the
values in `config.json`); version 1 can still be read."""
PLUGINS = "plugins"
"""Key of the list of plugins that a model needs."""


class TwoTokenizers:
    """Base class of what has a tokenizer for the source and one for the target."""

    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer

    @property
    def shared(self) -> bool:
        """Whether source and target use the same tokenizer."""
        return self.source_tokenizer.fingerprint == self.target_tokenizer.fingerprint

    @property
    def one_vocabulary(self) -> bool:
        """Whether every id stands for the same piece in source and target, so that their embeddings
        can be tied. The tokenizers can still differ in how they divide a text."""
        source, target = self.source_tokenizer, self.target_tokenizer
        same_pieces = tuple(source.pieces) == tuple(target.pieces)
        return same_pieces and source.first_piece == target.first_piece


@dataclass(frozen=True)
class Bundle(TwoTokenizers):
    """A model with its tokenizers, which is all that is needed to read and write text.

    `facts` has further JSON values, such as search settings, scores, and lengths of the training
    texts.
    """

    model: Model
    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outline(TwoTokenizers):
    """A bundle without its weights."""

    settings: ModelSettings
    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    facts: dict[str, Any]

    @property
    def sizes(self) -> tuple[int, int]:
        """The sizes of the vocabularies of source and target."""
        return len(self.source_tokenizer), len(self.target_tokenizer)


def save_bundle(
    directory: Path, bundle: Bundle, *, weights: dict[str, Tensor] | None = None
) -> None:
    """Write a bundle atomically.

    Args: weights: tensors by parameter name, to save instead of the weights of the model (for
        example, averages).
    """
    tensors = weights or {name: p.detach() for name, p in bundle.model.named_parameters()}
    config = {
        "format": FORMAT,
        "kind": bundle.model.settings.family,
        "vocabularies": [len(bundle.source_tokenizer), len(bundle.target_tokenizer)],
        "model": bundle.model.settings.model_dump(mode="json"),
        "facts": bundle.facts,
    }
    units = [(UNITS, one.units) for one in (bundle.source_tokenizer, bundle.target_tokenizer)]
    if plugins := used_by(bundle.model.settings, *units):
        config[PLUGINS] = recorded(plugins)
    with atomic_directory(directory) as temporary:
        (temporary / SOURCE).write_text(
            bundle.source_tokenizer.to_json(), encoding="utf-8", newline="\n"
        )
        if not bundle.shared:
            (temporary / TARGET).write_text(
                bundle.target_tokenizer.to_json(), encoding="utf-8", newline="\n"
            )
        save_tensors(tensors, temporary / WEIGHTS)
        config[FILES] = hashes(temporary, (file.name for file in temporary.iterdir()))
        write_sealed(temporary / CONFIG, config)


def save_tensors(
    tensors: Mapping[str, Tensor], path: Path, *, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file. Args: metadata: texts for the header of the file.

    Raises: OSError with an error number if the file cannot be written. (The error that
        safetensors raises has this number only in its text, where `explain_write_errors` would not
        find it.)
    """
    # Cloned, because safetensors rejects tensors that share memory.
    whole = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    try:
        save_file(whole, path, metadata)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from None


def load_bundle(path: Path | str, *, device: torch.device | None = None) -> Bundle:
    """Read a bundle; its model is in eval mode.

    Raises: BundleError if it is missing, damaged, inconsistent, or newer than this version.
    """
    while True:  # a training run may replace the model while it is being read
        directory = find_bundle(Path(path))
        identity_before = _identity(directory)
        try:
            bundle = _load(directory)
        except BundleError:
            if _identity(directory) == identity_before:
                raise
            continue
        if _identity(directory) == identity_before:
            model = bundle.model.to(device or torch.device("cpu")).eval()
            return replace(bundle, model=model)


def read_outline(path: Path | str) -> Outline:
    """Read a bundle without its weights. The hashes of its files are not verified.

    Raises: BundleError if it is missing, damaged, inconsistent, or newer than this version.
    """
    directory = find_bundle(Path(path))
    config = _read_config(directory)
    _compare_plugins(directory, config)
    files = config.get(FILES)
    two = TARGET in files if isinstance(files, dict) else (directory / TARGET).exists()
    return _outline(directory, config, two=two)


def _identity(directory: Path) -> tuple[int, int] | None:
    with contextlib.suppress(FileNotFoundError):
        found = directory.stat()
        return found.st_ino, found.st_ctime_ns
    return None


def _load(directory: Path) -> Bundle:
    config = _read_config(directory)
    _refuse_of_another_run(directory, config)
    _refuse_pickle(directory / WEIGHTS)
    two = (directory / TARGET).exists()
    if config["format"] > 1:
        _check_files(directory, config)
        two = TARGET in config[FILES]
    return _assembled(directory, config, two=two)


def refuse_unusable(directory: Path, config: dict[str, Any]) -> None:
    """Load the files of a model directory with ``config``, without verifying their hashes.

    Raises: BundleError when they cannot be loaded.
    """
    _refuse_incomplete(directory, config)
    _refuse_pickle(directory / WEIGHTS)
    _assembled(directory, config, two=(directory / TARGET).exists())


def _assembled(directory: Path, config: dict[str, Any], *, two: bool) -> Bundle:
    """Build the model. Args: two: whether the target has its own tokenizer."""
    other_plugin = _compare_plugins(directory, config)
    outline = _outline(directory, config, two=two)
    settings, shared, sizes = outline.settings, outline.one_vocabulary, outline.sizes
    shapes = _header(directory / WEIGHTS)
    layers = [n for n, v in settings if n.endswith("layers") and isinstance(v, int)]
    if many := [n for n in layers if getattr(settings, n) > len(shapes)]:
        raise BundleError(
            f"`{directory / WEIGHTS}` does not fit its {CONFIG}: `model.{many[0]}` is "
            f"{getattr(settings, many[0])}, but the file has {counted(len(shapes), 'tensor')}. "
            "Copy the model directory again."
        )
    with shapes_only():  # allocates no memory for weights
        shell = build_model(settings, sizes, shared=shared)
    wanted = {name: tuple(p.shape) for name, p in shell.named_parameters()}
    try:
        _compare(directory / WEIGHTS, shapes, wanted)
    except BundleError as error:
        if not other_plugin:
            raise
        raise BundleError(
            str(error).replace(
                "Copy the model directory again.",
                "The plugin has changed since then. Load the version that the model was made with.",
            )
        ) from None
    with torch.random.fork_rng(devices=[]):  # loading does not change the caller's random generator
        model = build_model(settings, sizes, shared=shared)
    _read_weights(directory / WEIGHTS, model)
    if isinstance(model, BERT):
        model.learn_spellings(outline.source_tokenizer.spellings)
    return Bundle(model, outline.source_tokenizer, outline.target_tokenizer, outline.facts)


def _outline(directory: Path, config: dict[str, Any], *, two: bool) -> Outline:
    """Read the tokenizers and the settings. Args: two: whether the target has its own tokenizer."""
    source = _read_tokenizer(directory / SOURCE)
    target = _read_tokenizer(directory / TARGET) if two else source
    sizes = (len(source), len(target))
    if tuple(config["vocabularies"]) != sizes:
        raise BundleError(
            f"`{directory}`: the tokenizers have {sizes[0]} and {counted(sizes[1], 'token')}, but "
            f"{CONFIG} says {config['vocabularies']}. Its files do not belong together: "
            "copy the whole directory."
        )
    kind, _ = FAMILIES[config["kind"]]
    settings = build(kind, config["model"], where=str(directory / CONFIG))
    return Outline(settings, source, target, config["facts"])


def _compare_plugins(directory: Path, config: dict[str, Any]) -> bool:
    """Return whether a loaded plugin has another version than the model states; print a note if so.

    Raises: PluginError if a plugin of the model is not loaded.
    """
    try:
        notes = compare(config.get(PLUGINS, []), f"The model `{directory}`")
    except ValueError as error:
        raise BundleError(
            f"`{directory / CONFIG}` is damaged ({error}). Copy the model directory again."
        ) from None
    for note in notes:
        print(f"Note: {note} Its results may differ.", file=sys.stderr)
    return bool(notes)


def _read_config(directory: Path) -> dict[str, Any]:
    path = directory / CONFIG
    try:
        config = read_json(path)
        if isinstance(config, dict) and "format" not in config and "model_type" in config:
            raise BundleError(
                f"`{directory}` is a model of Hugging Face, not of whyformer. Import it with "
                f"`whyformer import {directory} --out RUN`, and use RUN."
            )
        found = format_of(path, config, newest=FORMAT, oldest=1)
    except (ValueError, OSError) as error:
        raise BundleError(
            f"`{path}` is damaged ({reason_of(error)}). Copy the model directory again."
        ) from None
    if SEAL in config and (changed := changed_settings(config)):
        raise BundleError(
            f"`{path}` changed after it was written: {named(changed)}. Copy the model directory "
            f"again. If you made the change, run `whyformer doctor {directory} --reseal`."
        )
    if (SEAL in config) != (found > 1) or (FILES in config) != (found > 1):
        raise BundleError(
            f"`{path}` is damaged: format {found} "
            + ("needs" if found > 1 else "does not have")
            + f" `{FILES}` and `{SEAL}`. Copy the model directory again. If you made the change, "
            f"run `whyformer doctor {directory} --reseal`."
        )
    if found == 1:
        advice = f"Run `whyformer doctor {directory} --reseal` to add them."
        note_without_checksums(directory, advice + _no_lengths(config))
    _refuse_incomplete(directory, config)
    return config


def _refuse_incomplete(directory: Path, config: dict[str, Any]) -> None:
    path = directory / CONFIG
    kinds = {"kind": str, "vocabularies": list, "model": dict, "facts": dict}
    missing = [name for name, kind in kinds.items() if not isinstance(config.get(name), kind)]
    if missing:
        raise BundleError(
            f"`{path}` is damaged: it lacks {', '.join(sorted(missing))}. "
            "Copy the model directory again."
        )
    if config["kind"] not in FAMILIES:
        raise BundleError(
            f"`{directory}` holds a model of kind `{config['kind']}`, but this version only knows "
            f"{', '.join(FAMILIES)}. Upgrade whyformer."
        )


def _no_lengths(config: dict[str, Any]) -> str:
    """Return a note if a translation model has no record of the lengths of its training sources."""
    facts, reads_sources = config.get("facts"), config.get("kind") in ("transformer", "rnn")
    if not reads_sources or (isinstance(facts, dict) and "longest_source" in facts):
        return ""
    return (
        " It has no record of the lengths of its training texts, so sources that are longer than "
        "these are not reported."
    )


def _refuse_of_another_run(directory: Path, config: dict[str, Any]) -> None:
    """Raise an error for a model that was copied into the directory of another run."""
    described = directory.parent / RUN
    if directory.name != "model" or not described.is_file():
        return
    try:
        run = read_json(described)
    except (OSError, ValueError) as error:
        print(
            f"Note: `{described}` is damaged ({reason_of(error)}), so it is not known whether "
            f"`{directory}` belongs to this run. Run `whyformer doctor {directory.parent}`.",
            file=sys.stderr,
        )
        return
    identity = run.get(RUN_ID) if isinstance(run, dict) else None
    if identity and config["facts"].get(RUN_ID) != identity:
        raise BundleError(
            f"`{directory}` was not trained by the run in `{directory.parent}`. Copy the run "
            "again, or move the model out of it. If you replaced the model on purpose, run "
            f"`whyformer doctor {directory} --reseal`."
        )


def _check_files(directory: Path, config: dict[str, Any]) -> None:
    files = config[FILES]
    if not isinstance(files, dict) or not {WEIGHTS, SOURCE} <= files.keys():
        raise BundleError(
            f"`{directory / CONFIG}` is damaged: `{FILES}` must list {WEIGHTS} and {SOURCE}. "
            "Copy the model directory again."
        )
    if found := first_changed_file(directory, files):
        name, how = found
        raise BundleError(
            f"`{directory / name}` is missing, truncated or damaged: it {how}. Copy the model "
            "directory again. If you made the change, run "
            f"`whyformer doctor {directory} --reseal`."
        )


def _refuse_pickle(path: Path) -> None:
    if not path.is_file():
        return
    with path.open("rb") as file:
        start = file.read(2)
    if start in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise BundleError(
            f"`{path}` is a pickle, not a safetensors file. A pickle can run any code when opened, "
            "so it is never loaded. Convert it to safetensors with the program that wrote it."
        )


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        return tokenizer_from_json(read_small(path), str(path))
    except (OSError, ValueError) as error:
        raise BundleError(
            f"`{path}` cannot be read ({reason_of(error)}). Copy the model directory again."
        ) from None


def _read_weights(path: Path, model: Model) -> None:
    """Read the tensors into the parameters; raise an error for numbers that are not finite."""
    parameters = dict(model.named_parameters())
    try:
        read_into(path, parameters)
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, error) from None
    for name, parameter in parameters.items():
        if not is_finite(parameter):
            raise BundleError(
                f"`{path}`: the weights `{name}` contain NaN or infinity. "
                "Use another checkpoint or train the model again."
            )


def _header(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor; reads only the header."""
    try:
        return read_shapes(path)
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> BundleError:
    return BundleError(
        f"`{path}` is missing, truncated or damaged ({reason_of(error)}). Copy the model "
        "directory again."
    )


def _compare(
    path: Path, found: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]
) -> None:
    faults = [
        f"`{name}` should be {shape}, found {found.get(name, 'nothing')}"
        for name, shape in wanted.items()
        if found.get(name) != shape
    ]
    faults += [f"`{name}` is not part of this model" for name in found if name not in wanted]
    if faults:
        more = f" ({len(faults)} faults in all)" if len(faults) > 1 else ""
        raise BundleError(
            f"`{path}` does not fit its {CONFIG}: {faults[0]}{more}. "
            "Copy the model directory again."
        )
