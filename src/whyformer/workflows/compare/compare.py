"""Compare arms: tune each arm, train all arms with the same seeds, and judge the differences."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from whyformer.evaluation.comparison.compare import Comparison
from whyformer.evaluation.comparison.sequential import FIRST as LOOKS_FROM
from whyformer.evaluation.comparison.sequential import Looks
from whyformer.evaluation.comparison.verdict import Verdict
from whyformer.foundation.files import sha256_of, write_text
from whyformer.foundation.wording import counted
from whyformer.recipes.recipe import Recipe
from whyformer.workflows.compare import tuning
from whyformer.workflows.compare.cell import OUTPUTS
from whyformer.workflows.compare.cells import Cells, Resolve
from whyformer.workflows.compare.cost import Clock, duration
from whyformer.workflows.compare.design import FIRST_TUNING_SEED, Design
from whyformer.workflows.compare.notes import Note
from whyformer.workflows.compare.on_ray import ray_cluster
from whyformer.workflows.compare.outputs import Outputs, refuse_test
from whyformer.workflows.compare.page.page import write_pages
from whyformer.workflows.compare.registration import REGISTRATION, registered
from whyformer.workflows.compare.results import Result, judged, scores_of, visible_effect
from whyformer.workflows.compare.running import Place, Run, fitting, run_cells
from whyformer.workflows.compare.sampling import Values
from whyformer.workflows.compare.trained import read_trained

RESULTS = "comparison.json"


class Engine(StrEnum):
    """Where the trainings of a comparison run."""

    PROCESSES = "processes"
    """Processes of this machine."""
    RAY = "ray"
    """A Ray cluster: the one in RAY_ADDRESS, or Ray on this machine."""


def compare(
    design: Design,
    resolve: Resolve,
    out: Path,
    *,
    workers: int | None = None,
    on: Engine = Engine.PROCESSES,
    quiet: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Result:
    """Run a comparison in the directory ``out``, or continue the one that is there.

    Args:
        resolve: returns the recipe of an arm.
        workers: number of trainings at the same time; None means as many as fit.
        on: where to train.
        say: called with lines of progress, unless ``quiet``.
    Raises: UsageError if ``out`` has another comparison.
    """
    cells = Cells(design, resolve, out)
    say = (lambda text: None) if quiet else say
    with contextlib.ExitStack() as held:
        run, most = (
            held.enter_context(ray_cluster())
            if on is Engine.RAY
            else (run_cells, workers or fitting())
        )
        return Comparing(design, cells, out, workers or most, say, run).run(told=not quiet)


class Comparing:
    """Runs one comparison in a directory; a second call continues it.

    Args: say: called with a line of progress.
    """

    def __init__(
        self,
        design: Design,
        cells: Cells,
        out: Path,
        workers: int,
        say: Callable[[str], None],
        run: Run,
    ) -> None:
        self.design, self.cells, self.out, self.workers = design, cells, out, workers
        self.say, self._run_cells = say, run
        self.clock = Clock({}, {}, workers)

    def run(self, *, told: bool) -> Result:
        """Train all cells, and return the verdicts. Args: told: tell the costs before the start."""
        design = self.design
        names = [arm.name for arm in design.arms]
        base = {arm.name: self.cells.recipe(arm, {}) for arm in design.arms}
        if design.test is not None:
            for recipe in base.values():
                refuse_test(recipe.task, design.metric)
        state = registered(design.registration(base), self.out)
        if told:
            self._tell_costs(base)
        trials = tuning.tune(
            design.space, names, self._trial_places, self._train, FIRST_TUNING_SEED
        )
        chosen = tuning.chosen(trials)
        for name, values in chosen.items():
            if values:
                said = ", ".join(f"{key} {one[0]}" for key, one in values.items())
                self.say(f"{name}: best of {counted(len(trials[name]), 'trial')}: {said}")
        recipes = {arm.name: self.cells.recipe(arm, chosen[arm.name]) for arm in design.arms}
        found, trained = self._judge(recipes)
        result = self._result(recipes, found, trained)
        result.tuned, result.trials = chosen, trials
        result.registration = {**state, "sha256": sha256_of(self.out / REGISTRATION)}
        text = json.dumps(result.to_json(), ensure_ascii=False, indent=1)
        write_text(self.out / RESULTS, text)
        write_pages(self.out, json.loads(text))
        return result

    def _judge(
        self, recipes: Mapping[str, Recipe]
    ) -> tuple[dict[str, Comparison], dict[str, list[int]]]:
        """Train seed after seed, until every arm has a verdict or the seeds are used up.

        Returns: the verdicts, and the seeds of each arm.
        """
        design = self.design
        base, *others = [arm.name for arm in design.arms]
        settled: dict[str, Comparison] = {}
        trained: dict[str, list[int]] = {arm.name: [] for arm in design.arms}
        found: dict[str, Comparison] = {}
        told = False
        while len(trained[base]) < design.seeds and len(settled) < len(others):
            active = [base, *(name for name in others if name not in settled)]
            together = max(1, self.workers // len(active))
            done = design.numbers[: len(trained[base]) + together]
            trained |= dict.fromkeys(active, done)
            self._train(
                [self.cells.place(name, seed, recipes[name]) for seed in done for name in active]
            )
            last = len(done) == design.seeds
            if len(done) >= 2 and not last and not told:
                told = True
                self._tell_power(base, {name: self._outputs(name, done) for name in active})
            if not last and not (design.stop_early and len(done) >= LOOKS_FROM):
                continue
            looks = design.seeds if design.stop_early and design.seeds > LOOKS_FROM else None
            outputs = {name: self._outputs(name, done) for name in active}
            now = judged(base, outputs, margin=design.margin, maximum=looks, settled=settled)
            found |= now
            if not last:
                clear = (one for one in now.items() if one[1].verdict is not Verdict.INCONCLUSIVE)
                settled |= dict(clear)
                for name in settled:
                    self.clock.settled(name)
        return found, trained

    def _train(self, places: Sequence[Place]) -> None:
        self._run_cells(places, self.workers, self._finished)

    def _tell_costs(self, recipes: Mapping[str, Recipe]) -> None:
        """Estimate the time of the trainings, from a few updates where nothing is known, and print
        what the comparison costs."""
        design, names = self.design, [arm.name for arm in self.design.arms]
        known = self.cells.known_seconds(names)
        unknown = [name for name in names if name not in known]
        if unknown:
            self.say("Measuring the time of a few updates of each arm.")
            places = [self.cells.pace_place(name, recipes[name]) for name in unknown]
            self._run_cells(places, self.workers, lambda place, seconds: None)
            known |= self.cells.measured_seconds(unknown, recipes)
        done = self.cells.finished(names)
        left = {name: max(0, design.trainings_of_an_arm - done[name]) for name in names}
        self.clock = Clock(known, left, self.workers)
        seconds = self.clock.seconds
        time = f": about {duration(seconds)}" if seconds else ""
        before = f" ({sum(done.values()):,} of them are finished)" if any(done.values()) else ""
        self.say(f"{design.described(self.workers)}{before}{time}.")

    def _tell_power(self, base: str, outputs: Mapping[str, Sequence[Outputs]]) -> None:
        """Estimate from the first seeds which effect all seeds can find, and print it."""
        margin, seeds = self.design.margin, self.design.seeds
        level = Looks(seeds).level(seeds) if self.design.stop_early else 0.95
        now = judged(base, outputs, margin=margin, maximum=None, settled={})
        for name, effect in visible_effect(now, seeds, level).items():
            self.say(
                f"{name}: {counted(seeds, 'seed')} can find a difference of {effect:.2g} with "
                f"probability 0.8, as estimated from the first seeds (the margin is {margin:g})."
            )

    def _result(
        self,
        recipes: Mapping[str, Recipe],
        found: Mapping[str, Comparison],
        trained: Mapping[str, list[int]],
    ) -> Result:
        design = self.design
        base = design.arms[0].name
        outputs = {name: self._outputs(name, seeds) for name, seeds in trained.items()}
        notes = [] if design.test else [Note.VALIDATION_SET]
        if len(trained[base]) < design.seeds:
            notes.append(Note.STOPPED_EARLY)
        if design.workers_share_time(self.workers):
            notes.append(Note.SHARED_TIME)
        return Result(
            recipe=design.recipe["name"],
            base=base,
            metric=outputs[base][0].metric,
            higher_is_better=outputs[base][0].higher_is_better,
            margin=design.margin,
            budget=design.budget,
            scores={
                name: dict(zip(trained[name], values, strict=True))
                for name, values in scores_of(outputs).items()
            },
            comparisons={arm.name: found[arm.name] for arm in design.arms[1:]},
            trained={
                name: [
                    read_trained(self.cells.directory(name, seed), seed, recipes[name])
                    for seed in seeds
                ]
                for name, seeds in trained.items()
            },
            notes=notes,
        )

    def _trial_places(self, name: str, number: int, values: Values) -> list[Place]:
        arm = next(arm for arm in self.design.arms if arm.name == name)
        recipe = self.cells.recipe(arm, values)
        return [self.cells.place(name, seed, recipe, number) for seed in self.design.tuning_seeds]

    def _outputs(self, name: str, seeds: Sequence[int]) -> list[Outputs]:
        return [Outputs.read(self.cells.directory(name, seed) / OUTPUTS) for seed in seeds]

    def _finished(self, place: Place, seconds: float) -> None:
        cell = place.cell
        self.clock.finished(cell.arm, seconds)
        kind = "" if cell.trial is None else f", trial {cell.trial + 1}"
        left = self.clock.seconds if self.clock.left else None
        rest = f"; at most {duration(left)} left" if left else ""
        self.say(f"{cell.arm}, seed {cell.seed}{kind}: {duration(seconds)}{rest}")
