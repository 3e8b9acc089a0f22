"""Judge the published results of the laboratory again, after a change of claims or statistics.

Run `python tools/judge_published.py`, then `whyformer lab report --out docs/lab`.
"""

from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import PUBLISHED, judge_again


def main() -> None:
    """Write the verdicts and estimates of the current code into each published file."""
    for name in written():
        path = PUBLISHED / f"{name}.json"
        if path.is_file():
            judge_again(path, experiment_named(name))


if __name__ == "__main__":
    main()
