"""Run every command that a README shows, in order, in a directory of their own.

Blocks fenced as ```bash are run by bash with the environment's programs first on the path; `make`
lines are left out, for CI has run both already, and what `make demo` left in runs/demo is there.
Files given are run one after the other, each in a fresh directory; the first failure ends all. A
block that an earlier file has word for word, as a translated README does, is not run again; a block
with other words, such as examples in another language, is run with less time to train.
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
"""Minutes of each training in the files after the first."""
MINUTES = re.compile(r"(?<=--training\.minutes )[0-9.]+")
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shortened(script: str) -> str:
    """Return a script in which no training takes longer than `SHORT` minutes.

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
                    print(f"{name}, block {number}: as before", flush=True)
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
                    raise SystemExit(f"{name}: block {number} ended with {done.returncode}")
            ran.update(blocks)


if __name__ == "__main__":
    main()
