"""``whyformer lab``: questions about the Transformer, answered by measurement."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from whyformer.cli.shared.options import Flag, within

if TYPE_CHECKING:
    from whyformer.lab.method.experiment import Experiment, Mode
    from whyformer.lab.method.runner import Engine

EXAMPLES = """Examples:

  whyformer lab list
  whyformer lab show scaling
  whyformer lab run scaling --quick
  whyformer lab report --lang ko

`whyformer ask "why sqrt dk"` finds the question of the laboratory you mean."""
RUN_EXAMPLES = """Examples:

  whyformer lab run scaling --quick
  whyformer lab run scaling --full --seeds 10
  whyformer lab run --all --full --out runs/lab
  whyformer lab run warmup --full --on ray

Run the same command again to resume a stopped run. OUT/quick/NAME.json or
OUT/full/NAME.json contains every number and verdict. The exit code is 1 if a
verdict contradicts the published one."""
REPORT_EXAMPLES = """Examples:

  whyformer lab report
  whyformer lab report --lang ko --out pages
  whyformer lab report --results runs/lab/full --out mine
  whyformer lab report --comparison runs/wiring/comparison.json --out mine

The name of a comparison is that of its directory. The text of its page is
written from its results, or is card.en.md and card.ko.md beside the file."""
PLAIN_EVERY_SECONDS = 15.0
"""Seconds between two progress lines if standard error is not a terminal."""

Lang = Literal["en", "ko"]
Positional = Annotated[str, Parameter(negative="")]

lab = App(
    name="lab",
    help="Run experiments on the Transformer, read verdicts, build the report.",
    help_epilogue=EXAMPLES,
)


@lab.command(name="list", help_epilogue="Example:\n\n  whyformer lab list --lang ko")
def list_questions(*, lang: Lang | None = None, json: Flag = False) -> int:
    """List the questions of the laboratory, with the verdict on each claim.

    Args:
        lang: Language: en or ko (default: en). The JSON object contains both languages.
        json: Print one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.bilingual import Language
    from whyformer.lab.method.questions import experiment_named, written
    from whyformer.lab.method.record import result_of
    from whyformer.lab.pages.answers import as_json, title, verdict_words
    from whyformer.lab.pages.cards import facts_of

    found = [(experiment_named(name), result_of(name)) for name in written()]
    if json:
        refuse_language(lang)
        print_json({experiment.name: as_json(experiment, record) for experiment, record in found})
        return 0
    language = Language(lang or "en")
    lines: list[str] = []
    for experiment, record in found:
        facts = facts_of(experiment, record.results if record else None)
        lines.append(f"{experiment.name:<16}{title(experiment, record, language)}")
        for claim in experiment.claims:
            verdict = verdict_words(facts.judgements.get(claim.name), language)
            lines.append(f"    {verdict}: {claim.popular.in_(language)}")
        lines.append("")
    say("\n".join(lines).rstrip())
    return 0


@lab.command(help_epilogue="Example:\n\n  whyformer lab show scaling --lang ko")
def show(question: Positional, /, *, lang: Lang | None = None, json: Flag = False) -> int:
    """Show a question of the laboratory: a short answer, claims, criteria, verdicts and numbers.

    Args:
        question: Name of the question (see `whyformer lab list`).
        lang: Language: en or ko (default: en). The JSON object contains both languages.
        json: Print one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.bilingual import Language
    from whyformer.lab.method.questions import experiment_named
    from whyformer.lab.method.record import result_of
    from whyformer.lab.pages.answers import as_json, in_full

    experiment, record = experiment_named(question), result_of(question)
    if json:
        refuse_language(lang)
        print_json(as_json(experiment, record))
    else:
        say(in_full(experiment, record, Language(lang or "en")))
    return 0


@lab.command(help_epilogue=RUN_EXAMPLES)
def run(
    *questions: str,
    quick: Flag = False,
    full: Flag = False,
    seeds: Annotated[int | None, within(1, 10_000)] = None,
    on: Literal["processes", "ray"] = "processes",
    workers: Annotated[int | None, within(1, 1024)] = None,
    out: Path = Path("runs/lab"),
    all: Flag = False,
    lang: Lang | None = None,
    json: Flag = False,
) -> int:
    """Run experiments again on this machine and compute the verdicts on their claims.

    Args:
        questions: Names of questions (see `whyformer lab list`).
        quick: Run short experiments (the default): less than a minute per question on two cores.
        full: Run full experiments, which are large enough for a verdict:
            up to 90 minutes on one core per question.
        seeds: Number of seeds per condition (default: the number for --quick or --full).
        on: Where to run the experiments:
            processes of this machine, or a Ray cluster (RAY_ADDRESS).
        workers: Number of parallel processes (default: one per core).
        out: Directory for the results.
        all: Run every question.
        lang: Language: en or ko (default: en). The JSON object contains both languages.
        json: Print verdicts and numbers as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.bilingual import Language
    from whyformer.foundation.errors import UsageError
    from whyformer.lab.method.experiment import Mode
    from whyformer.lab.method.questions import experiment_named, written
    from whyformer.lab.method.runner import Engine

    if json:
        refuse_language(lang)
    if quick and full:
        raise UsageError("`--quick` and `--full` cannot be combined. Use one of them.")
    if bool(questions) == all:
        raise UsageError(
            "Give the names of the questions to run, or --all. `whyformer lab list` lists them."
        )
    experiments = [experiment_named(name) for name in (written() if all else questions)]
    mode = Mode.FULL if full else Mode.QUICK
    reports: dict[str, Any] = {}
    contradicted: list[str] = []
    for experiment in experiments:
        one, against = _measure(
            experiment, mode, out, seeds, workers, Engine(on), Language(lang or "en")
        )
        reports[experiment.name] = one
        contradicted += [f"{experiment.name}/{claim}" for claim in against]
        if not json:
            say(one["text"])
    if json:
        print_json({n: {k: v for k, v in one.items() if k != "text"} for n, one in reports.items()})
    if contradicted:
        print(
            f"whyformer: Contradicts the published verdict: {', '.join(contradicted)}. Check "
            "whether the machine was busy or the code has changed.",
            file=sys.stderr,
        )
    return 1 if contradicted else 0


@lab.command(help_epilogue=REPORT_EXAMPLES)
def report(
    *,
    lang: Lang | None = None,
    results: Path | None = None,
    comparison: Annotated[list[Path] | None, Parameter(negative="")] = None,
    out: Path = Path("docs/lab"),
    json: Flag = False,
) -> int:
    """Build the HTML report: one page per question, an index of all verdicts, a glossary.

    Args:
        lang: Language: en or ko (default: both).
        results: Directory of result files NAME.json (default: the published results).
        comparison: File comparison.json of `whyformer compare`, which becomes a question, too.
        out: Directory for the pages.
        json: Print the paths of the files as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.bilingual import Language
    from whyformer.foundation.errors import UsageError
    from whyformer.lab.method.record import PUBLISHED
    from whyformer.lab.pages.site import write_report

    if results is not None and not any(results.glob("*.json")):
        raise UsageError(
            f"`{results}` contains no results. `whyformer lab run` writes results to "
            "runs/lab/quick and runs/lab/full."
        )
    languages = tuple(Language) if lang is None else (Language(lang),)
    made = write_report(
        out,
        results=results or PUBLISHED,
        languages=languages,
        comparisons=comparison or (),
    )
    if json:
        print_json({"files": [str(path) for path in made]})
    else:
        print(made[0])
        from whyformer.foundation.wording import counted

        print(f"{counted(len(made), 'file')} in {out}", file=sys.stderr)
    return 0


def refuse_language(lang: str | None) -> None:
    """Reject --lang if --json is given, because the JSON object contains both languages.

    Raises: UsageError.
    """
    from whyformer.foundation.errors import UsageError

    if lang is not None:
        raise UsageError(
            "`--lang` has no effect with --json, because the JSON object contains both languages. "
            "Leave it out."
        )


def say(text: str) -> None:
    """Print text on standard output, wrapped at the width of the terminal."""
    from rich.console import Console

    width = min(Console().width, 100)
    for line in map(str.rstrip, text.splitlines()):
        indent = " " * (len(line) - len(line.lstrip()))
        for part in _wrapped(line, width, indent):
            print(part)


def _wrapped(line: str, width: int, indent: str) -> Sequence[str]:
    """Break a line at spaces to fit into ``width`` columns; a Korean character is two columns
    wide."""
    from rich.cells import cell_len

    if cell_len(line) <= width:
        return [line]
    parts, current = [], indent
    for word in line.split():
        longer = f"{current} {word}" if current.strip() else f"{current}{word}"
        if cell_len(longer) > width and current.strip():
            parts.append(current)
            longer = f"{indent}{'  ' if indent else ''}{word}"
        current = longer
    return [*parts, current]


def _measure(
    experiment: "Experiment",
    mode: "Mode",
    out: Path,
    seeds: int | None,
    workers: int | None,
    engine: "Engine",
    language: Any,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Run the experiment of one question. Return its report, and the claims whose verdict
    contradicts the published one."""
    from whyformer.lab.method.criterion import register
    from whyformer.lab.method.record import read_record, result_of, write_record
    from whyformer.lab.method.runner import run as fill
    from whyformer.lab.pages.answers import answer, as_json, contradictions, verdict_words
    from whyformer.lab.pages.wording import WORDS
    from whyformer.workflows.runs.lock import only_run_in

    directory, path = out / mode / experiment.name, out / mode / f"{experiment.name}.json"
    began = time.monotonic()
    with only_run_in(directory), _Bar(experiment.name, mode) as bar:
        registered = register(experiment.name, directory)
        results = fill(
            experiment, mode, directory, seeds=seeds, workers=workers, engine=engine,
            progress=bar.show,
        )  # fmt: skip
    spent = time.monotonic() - began
    write_record(
        path, experiment, results, wall_seconds=spent, reused=bar.first, registered=registered
    )
    record, published = read_record(path), result_of(experiment.name)
    mine = experiment.judge(results)
    theirs = {}
    if published is not None and published.revision == experiment.revision:
        theirs = experiment.judge(published.results)
    against = contradictions(mine, theirs)
    lines = [answer(experiment, record, language), ""]
    for name, judgement in mine.items():
        mark = f"   {WORDS['contradicts'].in_(language)}" if name in against else ""
        lines.append(
            f"  {name:<20}{WORDS['this_run'].in_(language)}: {verdict_words(judgement, language)}"
            f"   {WORDS['published_verdict'].in_(language)}: "
            f"{verdict_words(theirs.get(name), language)}{mark}"
        )
    report = as_json(experiment, record)
    for name, claim in report["claims"].items():
        claim["published"] = str(theirs[name].verdict) if name in theirs else None
        claim["contradicts"] = name in against
    return {**report, "file": str(path), "text": "\n".join([*lines, "", str(path), ""])}, against


class _Bar:
    """A progress bar on standard error, which shows the number of finished measurements (cells)."""

    def __init__(self, name: str, mode: str) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.first = 0
        self._name, self._printed_at, self._started = f"{name} ({mode})", time.monotonic(), False
        self._live = sys.stderr.isatty()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(),
            TimeElapsedColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), disable=not self._live,
        )  # fmt: skip
        self._task = self._bar.add_task(self._name, total=None)

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Show the number of finished cells. At the first call, these are the cells finished by
        earlier runs."""
        starts = not self._started
        if starts:
            self.first, self._started = done, True
        self._bar.update(self._task, completed=done, total=total)
        now = time.monotonic()
        due = starts or done == total or now - self._printed_at > PLAIN_EVERY_SECONDS
        if due and not self._live:
            self._printed_at = now
            print(f"{self._name}: {done}/{total}", file=sys.stderr, flush=True)
