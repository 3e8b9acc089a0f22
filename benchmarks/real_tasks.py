"""Train the comparisons of the laboratory on real tasks, by `whyformer compare`.

    python benchmarks/real_tasks.py --list
    python benchmarks/real_tasks.py factor --out runs/real-tasks
    python benchmarks/real_tasks.py factor --out runs/real-tasks --publish

The file src/whyformer/lab/real_tasks.toml declares the comparisons. Each one is registered before
its first update, and a stopped script continues when it is started again. The test data are 2,000
words of the CMU Pronouncing Dictionary, which is installed with whyformer; no training sees them.
`--publish` copies the results into the package, where `whyformer lab report` finds them.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from whyformer.data.catalog import pronunciation_split
from whyformer.lab.method.real_tasks import PUBLISHED, real_comparisons

TEST_WORDS = 2000


def main() -> None:
    """Run the comparisons that are named on the command line, one after another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--list", action="store_true", help="print the commands only")
    parser.add_argument("--publish", action="store_true", help="copy the results only")
    parser.add_argument("--out", type=Path, default=Path("runs/real-tasks"))
    parser.add_argument("--workers", type=int, default=1, help="trainings at the same time")
    options = parser.parse_args()
    for name in options.names or real_comparisons():
        out = options.out / name
        if options.publish:
            PUBLISHED.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(out / "comparison.json", PUBLISHED / f"{name}.json")
            continue
        command = [
            str(Path(sys.executable).parent / "whyformer"), *real_comparisons()[name].arguments(),
            "--test", str(test_words(options.out / "test.tsv")),
            "--workers", str(options.workers), "--out", str(out),
        ]  # fmt: skip
        print(" ".join(command[1:]), flush=True)
        if not options.list:
            subprocess.run(command, check=True)


def test_words(path: Path) -> Path:
    """Write the first test words of the dictionary that have one pronunciation."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        test = pronunciation_split().test
        lines = [f"{word}\t{said[0]}\n" for word, said in test.items() if len(said) == 1]
        path.write_text("".join(lines[:TEST_WORDS]), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
