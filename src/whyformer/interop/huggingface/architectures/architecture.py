"""An architecture of Hugging Face: its settings and weights in both directions.

Each architecture is a class. The class defines how the settings of `config.json` become settings of
whyformer and back, the name of each weight, and how a weight is changed.
What whyformer or the architecture cannot express is refused with the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import counted
from whyformer.interop.huggingface.directory import Directory
from whyformer.models.build import FAMILIES, ModelSettings
from whyformer.models.shapes import shapes_only
from whyformer.text.symbols import BOS, EOS, MASK, PAD, SYMBOLS, UNK

ABSENT = -10_000.0
"""Output bias of a symbol that is never predicted. It is lower than all logits of a model, so that
the symbol does not change the probabilities of the others."""
PREDICTED = (EOS, BOS, PAD, UNK, MASK)
"""The symbols in the order of their claim to a row: of several symbols with the same id in the
other vocabulary, only the first one has the probability of the row. Bos comes before pad: it is
read at the beginning of a target, so that training changes one row, as in the other model."""

Ids = Sequence[int | None]
"""For each of our ids, the id in the other vocabulary; None for a symbol that it does not have."""


@dataclass(frozen=True)
class Vocabularies:
    """The ids of both sides of a model; equal for a model with one vocabulary."""

    source: Ids
    target: Ids

    @property
    def sizes(self) -> tuple[int, int]:
        """The sizes of the vocabularies of whyformer."""
        return len(self.source), len(self.target)

    @property
    def other_sizes(self) -> tuple[int, int]:
        """The sizes of the vocabularies of the other model, up to the last token that is used."""
        source, target = (
            1 + max(i for i in ids if i is not None) for ids in (self.source, self.target)
        )
        return source, target


class Architecture:
    """Base class of all architectures."""

    model_types: ClassVar[tuple[str, ...]]
    """The values of `model_type` in `config.json`."""
    tables: ClassVar[Mapping[str, int]]
    """The weights of whyformer that have a row for each token: 0 for a table of source tokens, 1
    for a table of target tokens."""
    bos_begins_texts: ClassVar[bool] = True
    """Whether every text begins with bos. A source of an encoder-decoder model does not: there, bos
    begins a target."""
    exports: ClassVar[bool] = True
    """Whether runs are exported to this architecture. If not, another architecture can express the
    same models."""
    ignored: ClassVar[tuple[str, ...]] = ()
    """Names of weights of Hugging Face that contain nothing that was learned."""

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """Return the reasons why whyformer cannot express a configuration; usually none."""
        return []

    def settings_from(self, directory: Directory) -> Any:
        """Return the settings of whyformer for a model directory."""
        raise NotImplementedError

    def sizes_in(self, directory: Directory) -> tuple[int, int]:
        """Return the numbers of rows of the embeddings of source and target."""
        found: dict[int, int] = {}
        for name, side in self.tables.items():
            for one in self.names_of(name) if name.endswith("weight") else ():
                if one in directory.shapes:
                    found.setdefault(side, directory.shapes[one][0])
        last = max(found.values(), default=0)
        return found.get(0, last), found.get(1, last)

    def names_of(self, name: str) -> Sequence[str]:
        """Return the names that a weight of whyformer can have in this architecture. Directories
        store tied weights under one of several names. The first one is used for writing."""
        raise NotImplementedError

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """Return the weight of whyformer for a weight of this architecture; see `names_of`."""
        return tensor

    def write(self, name: str, tensor: Tensor, settings: Any) -> Tensor:
        """Return the weight of this architecture for a weight of whyformer: the inverse of
        `read`."""
        return tensor

    def refusals(self, settings: Any) -> list[str]:
        """Return the reasons why this architecture cannot express settings of whyformer."""
        raise NotImplementedError

    def refusals_of(self, facts: Mapping[str, Any]) -> list[str]:
        """Return the reasons why this architecture cannot express the data of a run; usually
        none."""
        return []

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """Return the content of `config.json` for settings of whyformer."""
        raise NotImplementedError

    def weights_in(
        self, directory: Directory, settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of whyformer, by name.

        Raises: UsageError if the directory lacks a weight, or has a weight that whyformer does not.
        """
        found: dict[str, Tensor] = {}
        left = {name for name in directory.files if not name.endswith(self.ignored)}
        for name, shape in parameter_shapes(settings, vocabularies.sizes).items():
            names = [one for one in self.names_of(name) if one in directory.files]
            left -= set(names)
            side = self.tables.get(name)
            ids = None if side is None else (vocabularies.source, vocabularies.target)[side]
            if names:
                tensor = self.read(name, directory.tensor(names[0]), settings, directory.config)
            else:
                size = shape if ids is None else (1 + max(i or 0 for i in ids), *shape[1:])
                new = self.absent(name, size, settings)
                if new is None:
                    raise UsageError(
                        f"The weights in `{directory.path}` must contain "
                        f"`{self.names_of(name)[0]}`, but do not. Copy the directory again, or "
                        "give the directory of a complete model."
                    )
                tensor = new
            tensor = tensor if ids is None else rows_in(tensor, ids)
            if tuple(tensor.shape) != shape:
                raise UsageError(
                    f"`{names[0]}` in `{directory.path}` does not fit its config.json: it gives "
                    f"{tuple(tensor.shape)} instead of {shape}. Copy the directory again."
                )
            found[name] = tensor
        left -= self.tied(settings)
        if left:
            raise UsageError(
                f"`{directory.path}` has {counted(len(left), 'weight')} that whyformer does not "
                f"know, such as `{min(left)}`, so the model is not what its config.json says. "
                "Give the directory of a model of a supported class."
            )
        return found

    def absent(self, name: str, shape: tuple[int, ...], settings: Any) -> Tensor | None:
        """Return the weight of whyformer that a directory lacks; None if it must not lack it.

        Args: shape: shape of the weight, with one row for each token of the other vocabulary.
        """
        return torch.zeros(shape) if name == "projection.bias" else None

    def facts_from(self, directory: Directory) -> dict[str, Any]:
        """Return the facts of an imported model, such as its labels."""
        return {}

    def facts_to(self, settings: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the part of `config.json` that depends on the facts of a run."""
        return {}

    def generation_to(self, vocabularies: Vocabularies) -> dict[str, Any]:
        """Return the content of `generation_config.json`."""
        return {}

    def new_weights(self, directory: Directory, settings: Any) -> list[str]:
        """Return the parts of the model whose weights the directory lacks; they are random."""
        return []

    def tied(self, settings: Any) -> set[str]:
        """Return the names of weights that repeat another weight, such as a tied projection."""
        return set()

    def weights_out(
        self, weights: Mapping[str, Tensor], settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of this architecture, by name. Args: weights: those of whyformer."""
        found: dict[str, Tensor] = {}
        for name, tensor in weights.items():
            side = self.tables.get(name)
            if side is not None:
                tensor = rows_out(tensor, (vocabularies.source, vocabularies.target)[side])
            found[self.names_of(name)[0]] = self.write(name, tensor, settings)
        return found


def parameter_shapes(settings: ModelSettings, sizes: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter of a model; no memory is allocated."""
    _, kind = FAMILIES[settings.family]
    with shapes_only():
        shell = kind(settings, sizes)
    return {name: tuple(parameter.shape) for name, parameter in shell.named_parameters()}


def rows_in(table: Tensor, ids: Ids) -> Tensor:
    """Return the rows of a table, or the elements of an output bias, in the order of our ids.

    The vector of a symbol that the other vocabulary does not have is 0, and its bias is `ABSENT`.
    If several symbols have the same row, only the first one of `PREDICTED` keeps its bias. Marian,
    for example, begins a target with the row of padding.
    """
    index = torch.tensor([0 if i is None else i for i in ids])
    missing = torch.tensor([i is None for i in ids])
    rows = table[index]
    if table.ndim > 1:
        rows[missing] = 0.0
        return rows
    rows[missing] = ABSENT
    for place, symbol in enumerate(PREDICTED):
        if ids[symbol] in [ids[one] for one in PREDICTED[:place]]:
            rows[symbol] = ABSENT
    return rows


def rows_out(table: Tensor, ids: Ids) -> Tensor:
    """Return the rows of a table in the order of the other vocabulary: the inverse of `rows_in`.

    If several symbols have the same id there, the row of a table is that of bos, which is read at
    the beginning of a target, and a bias is that of the first one of `PREDICTED`.
    """
    size = 1 + max(i for i in ids if i is not None)
    found = torch.zeros(size, *table.shape[1:])
    symbols = (PAD, UNK, MASK, EOS, BOS) if table.ndim > 1 else PREDICTED[::-1]
    for ours in (*range(len(SYMBOLS), len(ids)), *symbols):
        theirs = ids[ours]
        if theirs is not None:
            found[theirs] = table[ours]
    return found


def choose(config: Mapping[str, Any], known: Iterable[Architecture]) -> Architecture:
    """Return the architecture of a configuration.

    Raises: UsageError if it is unknown, or if whyformer cannot express the configuration.
    """
    by_type = {name: one for one in known for name in one.model_types}
    asked = config.get("model_type")
    if asked not in by_type:
        found = f"is {asked}" if asked else "is missing in its config.json"
        raise UsageError(
            f"The `model_type` of a model to import must be one of {', '.join(sorted(by_type))}, "
            f"but it {found}."
        )
    chosen = by_type[asked]
    if reasons := chosen.reasons_against(config):
        raise UsageError(f"This {asked} model cannot be imported: {'; '.join(reasons)}.")
    return chosen
