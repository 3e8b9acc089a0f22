"""Run every command of one or more READMEs, in order.

    python tools/readme_commands.py README.md README.ko.md

Blocks fenced as ```bash are run by bash, with the programs of this environment first on the path.
Each file has its own new directory, which contains a copy of runs/demo, the result of `make demo`.
Lines with `make` or `git` are skipped, because CI has already run them. A block that is equal to
one of an earlier file is not run again. Long trainings are shortened, and more so in later files,
such as examples in another language. A block starts when the blocks that made its tables and runs
have ended; the first block of a file that names a table or run makes it. Blocks run side by side,
each process with one thread. The output of a block is printed when the block ends.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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


def makers(scripts: list[str]) -> list[set[int]]:
    """Return, for each script, the earlier scripts that make its tables and runs.

    >>> makers(["sort > a.tsv", "train --out runs/b", "head a.tsv > c.tsv", "use runs/b c.tsv"])
    [set(), set(), {0}, {1, 2}]
    """
    first: dict[str, int] = {}
    found: list[set[int]] = []
    for number, script in enumerate(scripts):
        names = NAMED.findall(script)
        found.append({first.setdefault(name, number) for name in names} - {number})
    return found


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


def run(name: str, place: Path, script: str) -> None:
    """Run a block of a file in the directory of the file, and print its output.

    Raises: RuntimeError if the block fails.
    """
    programs = Path(sys.executable).parent
    environment = {"OMP_NUM_THREADS": "1"} | os.environ
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    begun = time.monotonic()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=place, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
    )  # fmt: skip
    seconds = time.monotonic() - begun
    print(f"{name}, {seconds:.0f} s:\n{script}\n{done.stdout}", flush=True)
    if done.returncode:
        raise RuntimeError(f"{name}: exit code {done.returncode} of this block:\n{script}")


def main() -> None:
    """Run the blocks of the files named on the command line."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting: dict[tuple[str, int], tuple[str, set[tuple[str, int]]]] = {}
        for name, scripts in blocks_of(sys.argv[1:]).items():
            shutil.copytree(ROOT / "runs" / "demo", Path(scratch) / name / "runs" / "demo")
            for number, needed in enumerate(makers(scripts)):
                waiting[name, number] = scripts[number], {(name, one) for one in needed}
        running: dict[Future[None], tuple[str, int]] = {}
        ended: set[tuple[str, int]] = set()
        # The blocks that most others wait for start first.
        waited_for = Counter(one for _, needed in waiting.values() for one in needed)
        while waiting or running:
            ready = [key for key, (_, needed) in waiting.items() if needed <= ended]
            for key in sorted(ready, key=lambda one: -waited_for[one]):
                script, _ = waiting.pop(key)
                running[pool.submit(run, key[0], Path(scratch) / key[0], script)] = key
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                ended.add(running.pop(done))
                if failure := done.exception():
                    pool.shutdown(cancel_futures=True)
                    raise SystemExit(str(failure))


if __name__ == "__main__":
    main()
