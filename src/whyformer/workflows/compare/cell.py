"""One cell of a comparison: train one arm with one seed in a separate process.

    python -m whyformer.workflows.compare.cell CELL

CELL is a directory with ``cell.json`` (see `Cell`) and ``recipe.yaml``. The process trains in
``CELL/run`` and writes ``result.json`` and, unless the cell is a trial, ``outputs.json``. A cell
that measures the pace makes a few updates only.
"""

import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import WhyformerError
from whyformer.foundation.files import write_text

CELL, RECIPE, RUN = "cell.json", "recipe.yaml", "run"
RESULT, OUTPUTS = "result.json", "outputs.json"
NOT_KEPT = ("checkpoint", "checkpoint-before-fall", "corpus", "corpus-dev", "ctranslate2")
"""Directories of a finished run that are deleted: with many cells, they would fill the disk."""
INTERRUPTED = 130


@dataclass(frozen=True)
class Cell:
    """What a cell trains.

    Args:
        arm: name of the arm.
        seed: seed of the training.
        trial: number of the trial of a tuning; None for a cell that is judged.
        recipe: the whole recipe as YAML.
        plugins: sources of the plugins.
        metric, test: see `outputs.outputs_of`.
        only_pace: measure how long updates take, instead of training; see `pace.measured_pace`.
    """

    arm: str
    seed: int
    trial: int | None
    recipe: str
    plugins: tuple[str, ...] = ()
    metric: str | None = None
    test: str | None = None
    only_pace: bool = False

    def write(self, directory: Path) -> None:
        """Write the files that the process reads."""
        directory.mkdir(parents=True, exist_ok=True)
        write_text(directory / RECIPE, self.recipe)
        write_text(directory / CELL, json.dumps(asdict(self), ensure_ascii=False))

    def is_in(self, directory: Path) -> bool:
        """Return whether a directory has the results of this cell."""
        if not (directory / RESULT).exists():
            return False
        return Cell.read(directory) == self

    @staticmethod
    def read(directory: Path) -> "Cell":
        """Read the cell of a directory."""
        kept = json.loads((directory / CELL).read_text(encoding="utf-8"))
        return Cell(**{**kept, "plugins": tuple(kept["plugins"])})


def run_cell(directory: Path) -> int:
    """Train a cell, or resume its training, and write its results. Return the exit code."""
    from whyformer.foundation import plugins
    from whyformer.recipes.recipe import resolve
    from whyformer.tasks.build import open_task
    from whyformer.workflows.compare.outputs import outputs_of
    from whyformer.workflows.compare.pace import measured_pace
    from whyformer.workflows.train import train

    cell = Cell.read(directory)
    plugins.load_installed()
    for source in cell.plugins:
        plugins.load(source)
    resolved = resolve(directory / RECIPE)
    if cell.only_pace:
        write_text(directory / RESULT, json.dumps(measured_pace(resolved, directory / RUN)))
        return 0
    began = time.monotonic()
    outcome = train(resolved, directory / RUN, quiet=True)
    if outcome.interrupted:
        return INTERRUPTED
    result: dict[str, Any] = {
        "scores": outcome.scores,
        "updates": outcome.updates,
        "seconds": time.monotonic() - began,
    }
    task = open_task(resolved.recipe, directory / RUN)
    higher = task.higher_is_better(task.metric)
    result["selection"] = {"metric": task.metric, "higher_is_better": higher}
    if cell.trial is None:
        test = None if cell.test is None else Path(cell.test)
        found = outputs_of(task, directory / RUN, outcome.scores, cell.metric, test)
        found.write(directory / OUTPUTS)
    write_text(directory / RESULT, json.dumps(result))
    for name in NOT_KEPT:
        shutil.rmtree(directory / RUN / name, ignore_errors=True)
    return 0


def main() -> int:
    """Run the cell that the command line names."""
    import whyformer.registries  # noqa: F401  (built-in variants are registered before plugins)

    try:
        return run_cell(Path(sys.argv[1]))
    except WhyformerError as error:
        print(str(error), file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
