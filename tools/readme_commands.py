"""Run every command of one or more READMEs, in order.

    python tools/readme_commands.py README.md README.ko.md

Blocks fenced as ```bash are run by bash, with the programs of this environment first on the path.
Each file has its own new directory, which contains a copy of runs/demo, the result of `make demo`.
Lines with `make` or `git` are skipped, because CI has already run them. A block that is equal to
one of an earlier file is not run again. Other blocks of later files, such as examples in another
language, train for less time. The files are run side by side, each process with one thread. The
output of a file is printed when the file ends or fails.
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
SHORT = 0.2
"""Most minutes of a training, in the files after the first."""
MINUTES = re.compile(r"(?<=--training\.minutes )[0-9.]+")
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shortened(script: str) -> str:
    """Return the script with at most `SHORT` minutes for each training.

    >>> shortened("whyformer train copy --training.minutes 2 --quiet")
    'whyformer train copy --training.minutes 0.2 --quiet'
    """
    return MINUTES.sub(lambda found: f"{min(float(found[0]), SHORT):g}", script)


def scripts(names: list[str]) -> dict[str, list[str]]:
    """Return the scripts of each file, without those of earlier files."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for name in names:
        blocks = BLOCK.findall((ROOT / name).read_text("utf-8"))
        own = [block for block in blocks if block not in seen]
        seen.update(blocks)
        lines = ("\n".join(x for x in b.splitlines() if not x.startswith(("make ", "git ")))
                 for b in own)  # fmt: skip
        found[name] = [shortened(one) if name != names[0] else one for one in lines if one]
    return found


def run(name: str, blocks: list[str]) -> str:
    """Run the scripts of a file up to the first failure, print what they print, and return the
    failure, or "" if there was none."""
    programs = Path(sys.executable).parent
    environment = {"OMP_NUM_THREADS": "1"} | os.environ
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    printed, failure = [], ""
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(ROOT / "runs" / "demo", Path(scratch) / "runs" / "demo")
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
    found = scripts(sys.argv[1:])
    with ThreadPoolExecutor() as pool:
        failures = [one for one in pool.map(run, found, found.values()) if one]
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
