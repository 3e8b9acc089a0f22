"""``whyformer compare``: train several arms with the same seeds, and judge the differences."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from whyformer.cli.shared.options import Flag, Overrides, Texts, required, within

if TYPE_CHECKING:
    from whyformer.recipes.recipe import Recipe
    from whyformer.workflows.compare.arms import Arm
    from whyformer.workflows.compare.budget import Budget

EXAMPLES = """Examples:

  whyformer compare --data pairs.tsv --arm base --arm model.wiring=post-norm \\
    --minutes 3 --margin 0.5 --out runs/wiring
  whyformer compare pronounce --arm base --arm "small: d_model=64 d_ff=256" \\
    --seeds 5 --updates 500 --margin 1 --test words.tsv --out runs/size
  whyformer compare pronounce --arm base --arm positions=mine \\
    --plugin my_positions.py --minutes 2 --margin 0.5 --out runs/positions
  whyformer compare pronounce --arm base --arm optimizer=adam \\
    --tune training.learning_rate=0.001,0.002,0.004 --minutes 2 --margin 0.5 \\
    --out runs/optimizer
  whyformer compare pronounce --arm base --arm optimizer=adam \\
    --tune training.learning_rate=0.0005..0.01 --trials 8 --updates 500 \\
    --margin 0.5 --on ray --out runs/search
  whyformer compare --task classify --data train.csv --test test.csv \\
    --arm base --arm d_model=64 --updates 300 --margin 1 --out runs/labels

The first arm is the base; each other arm is compared with it. An arm is the
word base, settings KEY=VALUE, or the name of a recipe. The section of a setting
may be left out if only one section has the setting.
Every arm is trained with the same seeds and the same budget. --tune tries the
values for each arm on other seeds, and keeps the best by the validation score.
A range KEY=LOW..HIGH is searched with Optuna: pip install "whyformer[compare]".
OUT/registration.json states, before the first update, what is compared and how
it will be judged. A repeated command continues; finished trainings are kept.
OUT/comparison.html is the report (comparison.ko.html in Korean), and
OUT/comparison.json has all numbers.
The scores are those on --test, or on the validation set without --test. Seeds
and test items are both units of the intervals (docs/comparison-statistics.md).
Ctrl-C stops the trainings after their current update (exit code 130)."""


def compare(
    recipe: str | None = None,
    /,
    *,
    out: Path | None = None,
    arm: Annotated[list[str] | None, Parameter(negative="")] = None,
    seeds: Annotated[int, within(2, 1000)] = 5,
    minutes: Annotated[float | None, within(0.01, 1e6)] = None,
    updates: Annotated[int | None, within(1, 10**9)] = None,
    tokens: Annotated[int | None, within(1, 10**15)] = None,
    flops: Annotated[float | None, within(1.0, 1e30)] = None,
    margin: Annotated[float | None, within(0.0, 1e9)] = None,
    tune: Annotated[list[str] | None, Parameter(negative="")] = None,
    trials: Annotated[int | None, within(1, 100)] = None,
    tune_seeds: Annotated[int, within(1, 100)] = 1,
    metric: str | None = None,
    test: Path | None = None,
    all_seeds: Flag = False,
    workers: Annotated[int | None, within(1, 1000)] = None,
    on: Literal["processes", "ray"] = "processes",
    data: Texts = None,
    source: str | None = None,
    target: str | None = None,
    columns: Texts = None,
    encoding: str | None = None,
    dev: Texts = None,
    task: str | None = None,
    start_from: str | None = None,
    quiet: Flag = False,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Train several arms with the same seeds, and judge whether they differ.

    Settings of all arms can be overridden with --section.key VALUE, as for
    `whyformer train`.

    Args:
        recipe: A built-in recipe or a YAML file. Default: chosen from the data.
        out: Directory of the comparison. Required.
        arm: What is compared; see below. Give at least two.
        seeds: Number of seeds, each of which trains every arm once.
        minutes: Budget of each training: minutes.
        updates: Budget of each training: updates.
        tokens: Budget of each training: target tokens, as the largest number in its batches.
        flops: Budget of each training: operations of the matrix products, for sentences of 30
            tokens.
        margin: The smallest difference that matters to you, in the unit of the metric. Required.
        tune: A setting with values to try for each arm: KEY=VALUE,VALUE, or a range to search:
            KEY=LOW..HIGH.
        trials: Number of values, or of combinations of values, that are tried for each arm
            (default: all; a range of --tune needs this number).
        tune_seeds: Number of seeds for each value.
        metric: The metric of the comparison (default: that of the recipe).
        test: File of test items that no training sees: pairs, labelled texts or words, or a text
            (tasks translate, classify, regress, tag and language).
        all_seeds: Do not stop before the last seed when all verdicts are clear.
        workers: Number of trainings at the same time, each on one core
            (default: all cores; 1 on a GPU).
        on: Where to train: processes of this machine, or a Ray cluster (RAY_ADDRESS).
        data: Data files, as for `whyformer train`.
        source: Column of the source or text.
        target: Column of the target or label.
        columns: Columns to read, by name or number.
        encoding: Encoding of the files.
        dev: Validation set.
        task: The task.
        start_from: Run to start from.
        quiet: Do not show progress.
        json: Print the result as one JSON object.
    """
    directory = required(out, "out", "--out runs/NAME, the directory of the comparison")
    least = required(margin, "margin", "--margin NUMBER, the smallest difference that matters")
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json, warn
    from whyformer.foundation import plugins
    from whyformer.foundation.bilingual import Language
    from whyformer.foundation.errors import UsageError
    from whyformer.foundation.files import sha256_of
    from whyformer.recipes.recipe import dump, setting_names
    from whyformer.workflows.compare.arms import Arm, parse_arms
    from whyformer.workflows.compare.compare import Engine, compare
    from whyformer.workflows.compare.design import Design
    from whyformer.workflows.compare.page.page import file_of
    from whyformer.workflows.compare.registration import hash_of
    from whyformer.workflows.compare.space import parse_space

    if least <= 0:
        raise UsageError("`--margin` must be above 0: it is the smallest difference that matters.")
    if test is not None and not test.is_file():
        raise UsageError(f"`--test` must be a file of test items, but there is no file `{test}`.")
    budget = _budget({"minutes": minutes, "updates": updates, "tokens": tokens, "flops": flops})
    for name in ("training.seed", "training.minutes", "training.updates", "training.epochs"):
        if name in overrides:
            raise UsageError(
                f"`--{name}` is set by the comparison. Leave it out, and use --seeds and --minutes "
                "or --updates."
            )

    def resolve(one: "Arm", more: Mapping[str, list[str]]) -> "Recipe":
        found = resolved(
            one.recipe or recipe,
            {**overrides, **one.settings, **more},
            data=data,
            dev=dev,
            source=source,
            target=target,
            columns=columns,
            encoding=encoding,
            task=task,
            start_from=start_from,
        )
        return found.recipe

    common = resolve(Arm("base", {}), {})
    keys = setting_names(common)
    design = Design(
        recipe={"name": recipe or "chosen from the data", "sha256": hash_of(dump(common))},
        arms=parse_arms(arm or (), keys),
        seeds=seeds,
        budget=budget,
        margin=least,
        space=parse_space(tune or (), keys, trials),
        tune_seeds=tune_seeds,
        metric=metric,
        test=test,
        test_hash=None if test is None else sha256_of(test),
        stop_early=not all_seeds,
        plugins=plugins.sources(),
    )
    found = compare(
        design, resolve, directory, workers=workers, on=Engine(on), quiet=quiet, say=warn
    )
    if json:
        print_json(found.to_json())
    else:
        print(found.table())
        warn(f"The report is `{directory / file_of(Language.ENGLISH)}`.")
    return 0


def _budget(given: dict[str, Any]) -> "Budget":
    from whyformer.foundation.errors import UsageError
    from whyformer.workflows.compare.budget import Budget, Unit

    some = {name: value for name, value in given.items() if value is not None}
    if len(some) != 1:
        raise UsageError(
            "A comparison needs one budget, the same for every training: --minutes, --updates, "
            f"--tokens or --flops. {'None' if not some else 'More than one'} was given."
        )
    ((name, amount),) = some.items()
    return Budget(Unit(name), float(amount))
