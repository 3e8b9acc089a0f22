"""Soak test: try to break the guarantees of whyformer in thousands of trials.

The results are counted in a JSON file.

    python tools/soak.py flips --work /tmp/soak --json soak.json --trials 1000
    python tools/soak.py --all --minutes 1 --work /tmp/soak --json soak.json
    python tools/soak.py --report docs/reliability.md --json soak.json

Run the same command again to resume a part after its last counted trial. Trial i depends only on
the seed and on i, so `--only i` repeats a failure. `--plant FAULT` first injects a fault into the
package, to check that the soak test finds it.

Exit code: 0 no trial failed, 1 at least one trial failed.
"""

import argparse
import importlib
import json
import os
import pkgutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from soak_parts import report, syscalls
from soak_parts.parts import PARTS, PRELOADED
from soak_parts.planted import PLANTED
from soak_parts.verdicts import Tally

ROOT = Path(__file__).resolve().parent.parent
MAX_FAILURES = 200
"""Number of failures that are written to the result file. All failures are counted."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run parts and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--all", action="store_true", help="run every part")
    parser.add_argument("--work", type=Path, help="directory for prepared runs")
    parser.add_argument("--json", type=Path, required=True, help="result file, also to resume from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--trials", type=int, help="total number of trials per part (default: its goal)"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        help="stop each part after this time (preparing models and the last trials take longer)",
    )
    parser.add_argument(
        "--only", type=int, help="run this trial only, print its result and do not count it"
    )
    parser.add_argument(
        "--report",
        type=Path,
        help="run no trials; write the results in --json to the table of this existing page",
    )
    parser.add_argument("--plant", choices=PLANTED, help="first inject this fault into the package")
    asked = parser.parse_args(argv)
    if asked.minutes is not None and not asked.minutes > 0:
        parser.error("--minutes must be above 0")
    for path in (asked.report, asked.report and asked.json):
        if path and not path.is_file():
            parser.error(f"{path} does not exist; --report needs a page and a result file")
    if asked.report:
        whole = json.loads(asked.json.read_text(encoding="utf-8"))
        report.write(asked.report, whole)
        if asked.report.resolve() == ROOT / "docs" / "reliability.md":
            for readme in (ROOT / "README.md", ROOT / "README.ko.md"):
                text = readme.read_text(encoding="utf-8")
                written(readme, report.with_counts(text, whole))
        return 0
    if asked.work is None:
        parser.error("--work is required: a directory for prepared runs")
    names = list(PARTS) if asked.all else asked.parts
    unknown = [name for name in names if name not in PARTS]
    if unknown or not names:
        parser.error(f"choose parts from {', '.join(PARTS)}, or use --all")
    if set(names) & set(PRELOADED):
        if syscalls.compiler() is None:
            print(
                f"{', '.join(PRELOADED)}: skipped, because they need Linux and a C compiler",
                file=sys.stderr,
            )
            names = [name for name in names if name not in PRELOADED]
        else:
            syscalls.restart_preloaded(asked.work)
    import_everything()
    if asked.plant:
        PLANTED[asked.plant]()
    failed = False
    for name in names:
        if asked.only is not None:
            tally = repeat(name, asked.seed, asked.only, asked.work)
            print(json.dumps(tally.failures or dict(tally.kinds), indent=1, ensure_ascii=False))
            failed |= bool(tally.failures)
        else:
            record = soak(
                name, asked.seed, asked.work, asked.json, trials=asked.trials, minutes=asked.minutes
            )
            print(line(name, record))
            failed |= bool(record["failed"])
    return int(failed)


def import_everything() -> None:
    """Import all modules of the package, so that forked processes need not import them."""
    import whyformer

    for module in pkgutil.walk_packages(whyformer.__path__, "whyformer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def repeat(name: str, seed: int, index: int, work: Path) -> Tally:
    """Repeat one trial."""
    PARTS[name].set_up(work)
    return PARTS[name].run(seed, index, index + 1, work)


def soak(
    name: str, seed: int, work: Path, result: Path, *, trials: int | None, minutes: float | None
) -> dict[str, object]:
    """Run one part until the number of trials or the time is reached. Return its record."""
    part = PARTS[name]
    wanted = part.goal if trials is None else trials
    key = name if seed == 1 else f"{name}/{seed}"
    whole = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    fresh = {
        "claim": part.claim,
        "goal": part.goal,
        "seed": seed,
        "trials": 0,
        "failed": 0,
        "seconds": 0.0,
        "kinds": {},
        "figures": {},
        "failures": [],
    }
    record = fresh | whole.get(key, {})  # a published file has fewer keys
    print(f"{name}: preparing models in {work}", file=sys.stderr)
    part.set_up(work)
    until = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    while record["trials"] < wanted and time.monotonic() < until:
        began = time.monotonic()
        first = record["trials"]
        tally = part.run(seed, first, min(wanted, first + part.chunk), work)
        record["trials"] += tally.trials
        record["failed"] += len(tally.failures)
        record["seconds"] = round(record["seconds"] + time.monotonic() - began, 1)
        record["kinds"] = dict(Counter(record["kinds"]) + tally.kinds)
        for figure, value in tally.figures.items():
            record["figures"][figure] = max(value, record["figures"].get(figure, value))
        record["failures"] = (record["failures"] + tally.failures)[:MAX_FAILURES]
        whole = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
        whole[key] = record
        written(result, json.dumps(whole, indent=1, ensure_ascii=False))
        print(line(name, record), file=sys.stderr)
    return record


def line(name: str, record: dict[str, object]) -> str:
    """Return the result of one part as a line of text."""
    return (
        f"{name}: {record['trials']:,} of {record['goal']:,} trials, {record['failed']} failed, "
        f"{record['seconds']} s; {record['kinds']} {record['figures'] or ''}"
    )


def written(path: Path, text: str) -> None:
    """Write a file atomically."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main())
