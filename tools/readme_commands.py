"""Run every command of one or more READMEs, in order.

    python tools/readme_commands.py README.md README.ko.md

Blocks fenced as ```bash are run by bash, with the programs of this environment first on the path.
Each file has its own new directory, which contains a copy of runs/demo, the result of `make demo`.
Lines with `make` or `git` are skipped, because CI has already run them. A block that is equal to
one of an earlier file is not run again. Long trainings are shortened, and more so in later files,
such as examples in another language. Blocks that name the same table or run form a chain, which
runs in order. The chains run side by side, each process with one thread. The output of a chain is
printed when the chain ends or fails.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
LONGEST = (0.5, 0.2)
"""Most minutes of a training in the first file, and in the others."""
MINUTES = re.compile(r"(?<=--training\.minutes )[0-9.]+")
NAMED = re.compile(r"\bruns/(?!demo\b)\S+|[\w-]+\.tsv\b")
"""A run or a table that a block makes or reads."""
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shortened(script: str, longest: float) -> str:
    """Return the script with at most ``longest`` minutes for each training.

    >>> shortened("whyformer train copy --training.minutes 2 --quiet", 0.2)
    'whyformer train copy --training.minutes 0.2 --quiet'
    """
    return MINUTES.sub(lambda found: f"{min(float(found[0]), longest):g}", script)


def chains(scripts: list[str]) -> list[list[str]]:
    """Return the scripts in groups that share no run and no table, the largest group first.

    >>> chains(["sort a.tsv", "train --out runs/b", "head a.tsv", "use runs/b runs/demo"])
    [['sort a.tsv', 'head a.tsv'], ['train --out runs/b', 'use runs/b runs/demo']]
    """
    found: list[tuple[set[str], list[str]]] = []
    for script in scripts:
        names = set(NAMED.findall(script))
        joined = [one for one in found if one[0] & names]
        found = [one for one in found if one not in joined]
        names |= {name for one in joined for name in one[0]}
        found.append((names, [*(s for one in joined for s in one[1]), script]))
    groups = [sorted(group, key=scripts.index) for _, group in found]
    return sorted(groups, key=len, reverse=True)


def blocks_of(names: list[str]) -> dict[str, list[str]]:
    """Return the scripts of each file, without those of earlier files."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for name in names:
        blocks = BLOCK.findall((ROOT / name).read_text("utf-8"))
        own = [block for block in blocks if block not in seen]
        seen.update(blocks)
        lines = ("\n".join(x for x in b.splitlines() if not x.startswith(("make ", "git ")))
                 for b in own)  # fmt: skip
        longest = LONGEST[name != names[0]]
        found[name] = [shortened(one, longest) for one in lines if one]
    return found


def run(name: str, scratch: Path, blocks: list[str]) -> str:
    """Run a chain of a file up to the first failure, print what it prints, and return the failure,
    or "" if there was none."""
    programs = Path(sys.executable).parent
    environment = {"OMP_NUM_THREADS": "1"} | os.environ
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    printed, failure = [], ""
    for script in blocks:
        begun = time.monotonic()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=scratch, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
        )  # fmt: skip
        seconds = time.monotonic() - begun
        printed.append(f"{name}, {seconds:.0f} s:\n{script}\n{done.stdout}")
        if done.returncode:
            failure = f"{name}: exit code {done.returncode} of this block:\n{script}"
            break
    print("\n".join(printed), flush=True)
    return failure


def main() -> None:
    """Run the blocks of the files named on the command line."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        running = []
        for name, scripts in blocks_of(sys.argv[1:]).items():
            place = Path(scratch) / name
            shutil.copytree(ROOT / "runs" / "demo", place / "runs" / "demo")
            running += [pool.submit(run, name, place, chain) for chain in chains(scripts)]
        failures = [found for one in running if (found := one.result())]
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
