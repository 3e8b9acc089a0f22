"""The lines about the model and the training that a run of every task prints before its first
update."""

from fnmatch import fnmatchcase

import torch

from whyformer.blocks.embeddings import Tying
from whyformer.foundation.wording import counted
from whyformer.recipes.recipe import Recipe
from whyformer.training.distillation import Level


def model_fact(recipe: Recipe, parameters: int, summary: str, device: torch.device) -> str:
    """Return the line about the model.

    Args: parameters: number of parameters that are trained. summary: the sizes of the model.
    """
    begins = f"; starts from {recipe.start_from}" if recipe.start_from else ""
    begins += _teachers(recipe)
    fixed = "all but the head" if recipe.frozen else ", ".join(recipe.freeze)
    fixed = f"; not trained: {fixed}{_shared_embedding(recipe)}" if fixed else ""
    return (
        f"model       {parameters:,} parameters{' in training' if fixed else ''}: {summary}{begins}"
        f"{fixed}; on {device}, {threads()}"
    )


def _teachers(recipe: Recipe) -> str:
    """Return the note about the teachers of a student; "" if there are none."""
    settings = recipe.distil
    if not settings.teachers:
        return ""
    names = ", ".join(settings.teachers)
    if settings.level is Level.SEQUENCE:
        return f"; learns the outputs of {names}"
    return (
        f"; learns from the probabilities of {names} (weight {settings.weight:g}, temperature "
        f"{settings.temperature:g})"
    )


def _shared_embedding(recipe: Recipe) -> str:
    """Return a note if `freeze` excludes a matrix from training that another part of the model
    uses, too."""
    source, target = "encoder.embedding.weight", "decoder.embedding.weight"
    name, others = {
        Tying.THREE_WAY: (source, "the embedding of the decoder and the output projection"),
        Tying.EMBEDDINGS: (source, "the embedding of the decoder"),
        Tying.DECODER: (target, "the output projection"),
    }.get(getattr(recipe.model, "tying", Tying.NONE), ("", ""))
    if not any(fnmatchcase(name, pattern) for pattern in recipe.freeze):
        return ""
    return f" (with `{name}`, which is also {others})"


def training_fact(recipe: Recipe, dropout: float, more: str = "") -> str:
    """Return the line about the length of the run, its optimizer and its learning rate.

    Args: more: text that is added to the line.
    """
    training = recipe.training
    length = counted(training.updates, "update")
    if training.minutes:
        length = counted(training.minutes, "minute")
    if training.epochs is not None:
        length += f" or {counted(training.epochs, 'epoch')}, whichever is shorter"
    return (
        f"training    {length}, {training.optimizer}, learning rate {training.learning_rate:g} "
        f"{training.schedule} after {counted(training.warmup, 'update')} of warm-up, "
        f"dropout {dropout:g}{more}; best weights by {recipe.validation.metric} "
        "(`whyformer config show` lists all settings)"
    )


def threads() -> str:
    """Return the number of threads that torch uses, such as "2 threads"."""
    return counted(torch.get_num_threads(), "thread")
