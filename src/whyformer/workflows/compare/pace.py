"""How long a training takes, measured from its first updates."""

import contextlib
import itertools
import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from whyformer.foundation.devices import choose_device
from whyformer.recipes.recipe import Recipe, Resolved
from whyformer.recipes.run_length import CLOSEST
from whyformer.tasks.build import open_task
from whyformer.workflows.train import training_steps

UPDATES = 8
"""Number of updates that are measured. The first half is a warm-up and does not count."""


def measured_pace(resolved: Resolved, run: Path) -> dict[str, float]:
    """Return the seconds of the start, of an update, and of a validation.

    The weights of this validation are random, and such a model often writes texts up to the length
    limit, so that a validation rather takes longer here than later.
    Args: run: an empty directory, which is deleted at the end.
    """
    began = time.monotonic() - time.process_time()  # with the time of the imports
    steps = training_steps(resolved, run, quiet=True, unattended=True)
    try:
        with contextlib.closing(steps):
            some = [one.seconds for one in itertools.islice(steps, UPDATES)]
            start = time.monotonic() - began - sum(some)
        task = open_task(resolved.recipe, run)
        model = task.model(choose_device())
        began = time.monotonic()
        task.validate(model)
        validation = time.monotonic() - began
    finally:
        shutil.rmtree(run, ignore_errors=True)
    return {"start": start, "update": median(some[len(some) // 2 :]), "validation": validation}


def expected_seconds(pace: Mapping[str, float], recipe: Recipe) -> float:
    """Return the seconds of a training with its validations and the scoring of its best weights.

    Args: pace: from `measured_pace`. recipe: the recipe, whose length is a number of updates.

    >>> from whyformer.recipes.recipe import resolve
    >>> recipe = resolve("copy", {"training.updates": 100, "validation.every": 50}).recipe
    >>> expected_seconds({"start": 5.0, "update": 0.5, "validation": 2.0}, recipe)
    61.0
    """
    updates = recipe.training.updates
    every = recipe.validation.every or max(CLOSEST, math.ceil(updates / 20))
    scored = math.ceil(updates / every) + 1
    return pace["start"] + updates * pace["update"] + scored * pace["validation"]
