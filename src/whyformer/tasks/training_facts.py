"""The line about training that a run of every task prints before its first update."""

import torch

from whyformer.foundation.wording import counted
from whyformer.recipes.recipe import Recipe


def training_fact(recipe: Recipe, dropout: float, more: str = "") -> str:
    """Return the line about the length of the run, its optimizer and its learning rate.

    Args: more: text that is added to the line.
    """
    training = recipe.training
    length = counted(training.updates, "update")
    if training.minutes:
        length = counted(training.minutes, "minute")
    return (
        f"training    {length}, {training.optimizer}, learning rate {training.learning_rate:g} "
        f"{training.schedule} after {counted(training.warmup, 'update')} of warm-up, "
        f"dropout {dropout:g}{more}; best weights by {recipe.validation.metric} "
        "(`whyformer config show` lists all settings)"
    )


def threads() -> str:
    """Return the number of threads that torch uses, such as "2 threads"."""
    return counted(torch.get_num_threads(), "thread")
