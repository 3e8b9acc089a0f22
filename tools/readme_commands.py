"""Run every command of one or more READMEs, in order.

    python tools/readme_commands.py README.md README.ko.md

Blocks fenced as ```bash are run by bash, with the programs of this environment first on the path.
Each file has its own new directory, which contains a copy of runs/demo, the result of `make demo`.
Lines with `make` or `git` are skipped, because CI has already run them. The first failure stops the
program. A block that is equal to one of an earlier file is not run again. Other blocks of later
files, such as examples in another language, train for less time.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
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


def main() -> None:
    """Run the blocks of the files named on the command line."""
    programs = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    ran: set[str] = set()
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as scratch:
            shutil.copytree(ROOT / "runs" / "demo", Path(scratch) / "runs" / "demo")
            blocks = BLOCK.findall(Path(name).read_text("utf-8"))
            for number, block in enumerate(blocks, start=1):
                if block in ran:
                    print(f"{name}, block {number}: same as in an earlier file", flush=True)
                    continue
                script = "\n".join(
                    line for line in block.splitlines() if not line.startswith(("make ", "git "))
                )
                if name != sys.argv[1]:
                    script = shortened(script)
                print(f"{name}, block {number}:\n{script}", flush=True)
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", script], cwd=scratch, env=environment
                )
                if done.returncode:
                    raise SystemExit(f"{name}: block {number} failed: exit code {done.returncode}")
            ran.update(blocks)


if __name__ == "__main__":
    main()
