"""Read and write a model directory of Hugging Face: `config.json` and safetensors files.

No file is a program: pickles such as ``pytorch_model.bin`` are refused, and no code of the
directory is run. The library `transformers` is not needed.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from whyformer.bundle import save_tensors
from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import write_text
from whyformer.foundation.model_files import CONFIG, WEIGHTS, refuse_pickles
from whyformer.foundation.parsing import read_json, reason_of
from whyformer.foundation.tensors import opened, read_shapes

INDEX = "model.safetensors.index.json"
"""The file that names the file of each tensor, if there are several files."""
GENERATION = "generation_config.json"
"""The file with the settings of the search."""


@dataclass(frozen=True)
class Directory:
    """A model directory of Hugging Face.

    Args:
        config: the content of `config.json`.
        generation: the content of `generation_config.json`; the search settings of old directories
            are in `config.json`.
        files: for each tensor, the file that contains it.
    """

    path: Path
    config: dict[str, Any]
    generation: dict[str, Any]
    files: Mapping[str, Path]

    @property
    def model_type(self) -> str:
        """The architecture, such as ``marian``."""
        return str(self.config.get("model_type", ""))

    @property
    def symbol_ids(self) -> dict[str, int]:
        """The ids of pad, bos and eos, as far as the directory states them. Bos is the token that
        begins a target.

        The settings of the search come before those of the model, as in the method `generate` of
        transformers.
        """
        settings = self.config | {k: v for k, v in self.generation.items() if v is not None}
        eos, pad = settings.get("eos_token_id"), settings.get("pad_token_id")
        starts = (settings.get(name) for name in ("decoder_start_token_id", "bos_token_id"))
        found = {
            "pad": pad,
            "bos": next((start for start in starts if start is not None), None),
            "eos": eos[0] if isinstance(eos, list) and eos else eos,
        }
        return {name: value for name, value in found.items() if type(value) is int}

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor."""
        found: dict[str, tuple[int, ...]] = {}
        for file in sorted(set(self.files.values())):
            with reading(file):
                found |= read_shapes(file)
        return {name: shape for name, shape in found.items() if name in self.files}

    def tensor(self, name: str) -> Tensor:
        """Return a tensor in float32."""
        file = self.files[name]
        with reading(file), opened(file) as tensors:
            return tensors.get_tensor(name).to(torch.float32)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Convert the errors of a damaged file into one sentence."""
    try:
        yield
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            f"`{path}` cannot be read ({reason_of(error)}). Copy the directory again."
        ) from None


def open_directory(path: Path) -> Directory:
    """Open a model directory. The weights are read later, one tensor at a time.

    Raises: BundleError if the directory is missing, incomplete or damaged, or its weights are a
        pickle.
    """
    if not path.is_dir():
        fault = "is not a directory" if path.exists() else "does not exist"
        raise BundleError(
            f"A model of Hugging Face is a directory, but `{path}` {fault}. Give a "
            "directory that the method save_pretrained of transformers wrote, or a downloaded copy."
        )
    files = _files(path)
    if not files:
        refuse_pickles(path)
    if not files or not (path / CONFIG).is_file():
        absent = [] if files else [WEIGHTS]
        absent += [] if (path / CONFIG).is_file() else [CONFIG]
        raise BundleError(
            f"A model of Hugging Face must have {CONFIG} and {WEIGHTS}, but `{path}` has no "
            f"{' and no '.join(absent)}. Give the directory that contains these files."
        )
    generation = path / GENERATION
    return Directory(
        path, _object(path / CONFIG), _object(generation) if generation.is_file() else {}, files
    )


def write_directory(
    directory: Path,
    config: Mapping[str, Any],
    generation: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
) -> None:
    """Write the files of a model into an existing directory, as `save_pretrained` does."""
    write_text(directory / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    if generation:
        write_text(directory / GENERATION, json.dumps(generation, indent=2) + "\n")
    save_tensors(tensors, directory / WEIGHTS, metadata={"format": "pt"})


def _files(path: Path) -> dict[str, Path]:
    """Return the file of each tensor; an empty dict if there are no safetensors files."""
    if (path / INDEX).is_file():
        with reading(path / INDEX):
            names = read_json(path / INDEX)["weight_map"]
            outside = [file for file in names.values() if Path(file).name != file]
            if outside:
                raise ValueError(f"`{outside[0]}` is not a file of this directory")
            return {name: path / file for name, file in names.items()}
    file = path / WEIGHTS
    if not file.is_file():
        return {}
    with reading(file):
        return dict.fromkeys(read_shapes(file), file)


def _object(path: Path) -> dict[str, Any]:
    with reading(path):
        tree = read_json(path)
        if not isinstance(tree, dict):
            raise TypeError(path)
        return tree
