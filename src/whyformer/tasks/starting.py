"""Start from the weights and tokenizers of another run, and keep weights fixed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor, nn

from whyformer.bundle import Bundle, Outline, load_bundle, read_outline
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.files import sha256_of
from whyformer.foundation.model_files import WEIGHTS, find_bundle
from whyformer.models.build import Model
from whyformer.models.electra import Electra
from whyformer.recipes.recipe import Recipe
from whyformer.text.tokenizer import Tokenizer
from whyformer.training.distillation import Level

OF_TARGET = ("decoder.", "projection.")
"""Prefixes of the parameters of an encoder-decoder model that have a row for each target token."""


def read_start(recipe: Recipe) -> Bundle | None:
    """Load the model that `start_from` names; of a model of ELECTRA, the part that the recipe
    trains. None without `start_from`.

    Raises: BundleError if it cannot be loaded.
    """
    if recipe.start_from is None:
        return None
    bundle = load_bundle(recipe.start_from)
    return replace(bundle, model=trained_part(bundle.model, recipe.model.family))


def trained_part(model: Model, family: str) -> Model:
    """Return a model, or the discriminator of ELECTRA if a model of another family is wanted."""
    return model.discriminator if isinstance(model, Electra) and family != "electra" else model


def given_tokenizers(recipe: Recipe, start: Bundle | None) -> Bundle | Outline | None:
    """Return the model whose tokenizers the run uses: that to start from, or the first teacher.
    None means that the run trains its tokenizers."""
    teachers = recipe.distil.teachers
    return start or (read_outline(teachers[0]) if teachers else None)


def start_key(recipe: Recipe) -> str:
    """Return the hash of the weights to start from, or of the tokenizers of the first teacher (and
    of all teachers whose outputs are the training targets); "" without both."""
    if recipe.start_from is not None:
        return sha256_of(find_bundle(Path(recipe.start_from)) / WEIGHTS)
    if teachers := recipe.distil.teachers:
        found = read_outline(teachers[0])
        key = f"{found.source_tokenizer.fingerprint}-{found.target_tokenizer.fingerprint}"
        if recipe.distil.level is Level.SEQUENCE:  # the outputs of the teachers are the data
            weights = [sha256_of(find_bundle(Path(one)) / WEIGHTS) for one in teachers]
            key += f"/taught {recipe.distil.nbest} {' '.join(weights)}"
        return key
    return ""


def with_start_key(key: str, recipe: Recipe) -> str:
    """Return the hash of the data, followed by `start_key`."""
    start = start_key(recipe)
    return f"{key}/{start}" if start else key


def with_new_pieces(recipe: Recipe) -> dict[str, int]:
    """Return the part of the key of tokenizers that says how many pieces are added."""
    count = recipe.extend_vocabulary
    return {"extend_vocabulary": count} if count else {}


def extended_tokenizer(before: Tokenizer, recipe: Recipe, texts: Iterable[str]) -> Tokenizer:
    """Return the tokenizer of the run to start from, extended if the recipe asks for it.

    Args: texts: the training texts, from which new pieces are learned.
    """
    count = recipe.extend_vocabulary
    return before.extended(texts, count) if count else before


@torch.no_grad()
def begin(
    model: Model,
    recipe: Recipe,
    start: Bundle | None,
    tokenizers: tuple[Tokenizer, Tokenizer],
    *,
    new: Sequence[str] = (),
) -> None:
    """Copy the weights to start from, and fix the weights that are not trained.

    Args:
        tokenizers: those of source and target. If one has more ids than the model to start from,
            the vector of a new id is the mean of the vectors of the ids that spelled its piece.
        new: prefixes of the parameters that are not copied. Parameters that the run to start from
            does not have are not copied either.
    Raises: ConfigError if a parameter has another shape, or no parameter is left to train.
    """
    given = dict(start.model.named_parameters()) if start is not None else {}
    for name, parameter in model.named_parameters():
        if name not in given or name.startswith(tuple(new)):
            continue
        before = given[name]
        if start is not None and before.shape != parameter.shape:
            side = int(name.startswith(OF_TARGET))
            old = (start.source_tokenizer, start.target_tokenizer)[side]
            if (len(old), len(tokenizers[side])) == (len(before), len(parameter)):
                before = _with_new_rows(before, old, tokenizers[side])
        if before.shape != parameter.shape:
            raise ConfigError(
                f"The model of `{recipe.start_from}` does not have the shape of this run: `{name}` "
                f"is {tuple(before.shape)}, not {tuple(parameter.shape)}. Leave out the "
                "settings of the section `model`."
            )
        parameter.copy_(before)
    freeze(model, recipe.freeze)


def _with_new_rows(rows: Tensor, old: Tokenizer, new: Tokenizer) -> Tensor:
    """Return a table with one row for each id of ``new``, which extends ``old``."""
    spelled = [old.ids_of_piece(piece) for piece in new.pieces[len(old.pieces) :]]
    return torch.cat([rows, *(rows[ids].mean(0, keepdim=True) for ids in spelled)])


def freeze(model: nn.Module, patterns: Iterable[str]) -> None:
    """Exclude the parameters whose names match a pattern from training.

    Args: patterns: as in a shell: `*` stands for any text, `?` for one character.
    Raises: ConfigError if a pattern matches no parameter, or no parameter is left to train.
    """
    names = [name for name, _ in model.named_parameters()]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            parts = sorted({".".join(name.split(".")[:2]) for name in names})
            raise ConfigError(
                f"`freeze` has the pattern `{pattern}`, which matches no parameter. The names "
                f"begin with {', '.join(parts)}. For example, '{parts[0]}.*' matches all names "
                "with the first of these beginnings."
            )
        for name, parameter in model.named_parameters():
            if fnmatchcase(name, pattern):
                parameter.requires_grad = False
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError("`freeze` leaves no parameter to train. Remove a pattern.")
