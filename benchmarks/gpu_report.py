"""Turn the JSON files of `gpu.sh` into tables for docs/performance.md.

python benchmarks/gpu_report.py OUT
python benchmarks/gpu_report.py OUT --into docs/performance.md

With `--into`, the section "On a GPU" of the file is replaced, or added at the end. Results of a
rehearsal are refused there.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HEADING = "## On a GPU"
ORDER = ("tests", "training", "decoding", "learning", "profile")
Values = dict[str, Any]


def report(out: Path) -> str:
    """Return the results of all parts as Markdown."""
    parts = {name: read(out / f"{name}.json") for name in ORDER}
    about = next((one for one in parts.values() if one), {})
    lines = [HEADING, ""]
    if any(one.get("rehearsal") for one in parts.values()):
        lines += ["**A rehearsal on a CPU with tiny sizes. These numbers have no meaning.**", ""]
    lines.append(
        f"One {about.get('device', 'unknown device')}, torch {about.get('torch', 'unknown')}: "
        "`benchmarks/gpu.sh OUT`."
    )
    for name, values in parts.items():
        lines += ["", f"### {name.capitalize()}", ""]
        if not values:
            lines.append("Not run.")
            continue
        lines += list(TABLES[name](values))
        for key, problem in values.items():
            if key.endswith("/failed") or problem == LEFT_OUT:
                what = key.removesuffix("/failed")
                lines += ["", f"`{what}` failed: {problem}" if what != key else f"`{key}`: no time"]
        if "seconds" not in values:
            lines += ["", "The time limit ended this part."]
    return "\n".join(lines) + "\n"


LEFT_OUT = "left out: no time"


def read(file: Path) -> Values:
    """Return the values of a part; an empty dictionary if the part did not run."""
    if not file.is_file():
        return {}
    return json.loads(file.read_text(encoding="utf-8"))


def tests_table(values: Values) -> Iterator[str]:
    """Yield the outcome of the tests."""
    last = [line for line in values.get("last_lines", []) if line.strip()]
    yield f"`pytest -m gpu` ended with exit code {values.get('exit_code', 'unknown')}: {last[-1:]}"


def training_table(values: Values) -> Iterator[str]:
    """Yield training speeds, relative to the fastest peer of the same model."""
    yield from header(
        "model",
        "contender",
        "target tokens per second",
        "relative to the fastest peer",
        "fraction of the measured peak",
    )
    found = {
        tuple(key.split("/")): one
        for key, one in values.items()
        if isinstance(one, dict) and "tokens_per_second" in one
    }
    for (model, contender), one in found.items():
        peers = [
            other["tokens_per_second"]
            for (same, name), other in found.items()
            if same == model and not name.startswith("whyformer")
        ]
        share = one.get("mfu_of_measured_peak")
        yield row(
            model,
            contender,
            f"{one['tokens_per_second']:,.0f}",
            ratio(one["tokens_per_second"], max(peers, default=None)),
            "" if share is None else f"{share:.0%}",
        )
    for model in dict.fromkeys(name for name, _ in found):
        if peak := values.get(f"{model}/ceiling"):
            yield ""
            yield f"Measured peak for `{model}`: {peak / 1e12:,.1f} TFLOP/s."


def decoding_table(values: Values) -> Iterator[str]:
    """Yield decoding speeds, relative to Hugging Face's `generate`."""
    yield from header(
        "model", "search", "at once", "engine", "tokens per second", "relative to generate"
    )
    for key, one in values.items():
        if not isinstance(one, dict) or "tokens_per_second" not in one:
            continue
        model, engine, search, count = key.split("/")
        theirs = values.get(f"{model}/hugging-face/{search}/{count}", {}).get("tokens_per_second")
        yield row(
            model,
            search,
            count.removesuffix(" at once"),
            engine,
            f"{one['tokens_per_second']:,.0f}",
            ratio(one["tokens_per_second"], theirs),
        )


def learning_table(values: Values) -> Iterator[str]:
    """Yield the losses of the experiments."""
    yield f"Mean loss of the last tenth of {values.get('updates', 'unknown')} updates."
    yield ""
    yield from header("arm", "seed", "loss")
    for key, one in values.items():
        if isinstance(one, dict) and "nll" in one:
            arm, seed = key.split("/seed ")
            yield row(arm, seed, f"{one['nll']:.3f}")


def profile_table(values: Values) -> Iterator[str]:
    """Yield the operations with the longest time."""
    yield "```text"
    yield from (line.rstrip() for line in values.get("table", []))
    yield "```"


TABLES = {
    "tests": tests_table, "training": training_table, "decoding": decoding_table,
    "learning": learning_table, "profile": profile_table,
}  # fmt: skip


def header(*names: str) -> Iterator[str]:
    """Yield the first two lines of a table."""
    yield row(*names)
    yield row(*("---" for _ in names))


def row(*cells: str) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"


def ratio(ours: float, theirs: float | None) -> str:
    """Return how many times as fast as another one."""
    return f"{ours / theirs:.2f} ×" if theirs else ""


def insert(text: str, section: str) -> str:
    """Return a page with the section "On a GPU" replaced, or added at the end."""
    pattern = re.compile(rf"^{HEADING}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _: f"{section}\n", text, count=1).rstrip() + "\n"
    return f"{text.rstrip()}\n\n{section}"


def rehearsed(parts: Iterable[Values]) -> bool:
    """Return whether any part was a rehearsal."""
    return any(one.get("rehearsal") for one in parts)


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--into", type=Path, metavar="FILE", help="page to write the section into")
    options = parser.parse_args()
    section = report(options.out)
    if options.into is None:
        print(section, end="")
        return
    if rehearsed(read(options.out / f"{name}.json") for name in ORDER):
        raise SystemExit("These are results of a rehearsal, which must not be published.")
    options.into.write_text(
        insert(options.into.read_text(encoding="utf-8"), section), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
