"""Kill a run with SIGKILL at random moments and check that the resumed run has the same result.

One run is not interrupted. Then the same run is repeated several times, each time in a new
directory. It is killed at a random moment (sometimes more than once), started again, and completed.
Journal, weights, optimizer and random streams must be identical to the uninterrupted run, byte for
byte.

    python benchmarks/resume_after_kill.py --times 20
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLAGS = [
    "--training.updates", "120", "--training.accumulate", "2", "--training.average", "ema",
    "--model.dropout", "0.1", "--validation.every", "10", "--training.batch-tokens", "256",
]  # fmt: skip
COMPARED = ("journal.jsonl", "checkpoint/state.safetensors", "model/model.safetensors")


def command(out: Path) -> list[str]:
    """Return the training command."""
    return [sys.executable, "-m", "whyformer", "train", "copy", "--out", str(out), *FLAGS]


def digest(out: Path) -> dict[str, str]:
    """Return a hash of every file that must be identical."""
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in COMPARED}


def run(out: Path) -> None:
    """Run to the end."""
    subprocess.run(command(out), check=True, capture_output=True)


def run_with_kills(out: Path, seconds: float, rng: random.Random) -> int:
    """Start the run, kill it at random moments, then complete it. Return the number of kills."""
    kills = rng.choice([1, 1, 2])
    for _ in range(kills):
        process = subprocess.Popen(
            command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=rng.uniform(0.1 * seconds, 0.95 * seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    run(out)
    return kills


def main() -> None:
    """Run, kill and compare. Print one line per trial and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        run(Path(scratch) / "whole")
        seconds = time.perf_counter() - began
        wanted = digest(Path(scratch) / "whole")
        equal = 0
        for trial in range(options.times):
            out = Path(scratch) / f"trial{trial}"
            kills = run_with_kills(out, seconds, rng)
            found = digest(out)
            different = [name for name in COMPARED if found[name] != wanted[name]]
            equal += not different
            print(json.dumps({"trial": trial, "kills": kills, "different": different}), flush=True)
        print(f"{equal} of {options.times} identical to the uninterrupted run, byte for byte")
        raise SystemExit(equal != options.times)


if __name__ == "__main__":
    main()
