"""``whyformer demo``: train, evaluate and use a model in a few minutes."""

from pathlib import Path
from typing import Annotated

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer demo
  whyformer demo --minutes 2 --out runs/short --json

The demo needs the pronouncing dictionary: pip install "whyformer[demo]"."""


def demo(
    *,
    minutes: Annotated[float, within(0.01, 527_040.0)] = 6.0,
    out: Path = Path("runs/demo"),
    overwrite: Flag = False,
    quiet: Flag = False,
    json: Flag = False,
) -> int:
    """Train a Transformer to pronounce English, evaluate it on held-out words, write a report.

    Args:
        minutes: Approximate total time on this machine.
        out: Directory for the run and its report.html.
        overwrite: Delete the run in --out and start again.
        quiet: Do not show progress.
        json: Print the result as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.wording import counted
    from whyformer.workflows.demo import demo

    outcome = demo(minutes=minutes, out=out, overwrite=overwrite, quiet=quiet)
    found = outcome.to_json()
    if json:
        print_json(found)
    elif outcome.interrupted:
        print(f"{outcome.run}: stopped; run the same command again to resume")
    else:
        for word, hypotheses in found["pronounced"].items():
            print(f"{word:<16}{hypotheses[0][0]}")
        for score in found["scores"].values():
            between = (
                "" if score["interval"] is None else " [{:.2f}, {:.2f}]".format(*score["interval"])
            )
            print(
                f"{score['name']} {score['value']:.2f}{between} "
                f"on {counted(found['words'], 'unseen word')} ({score['unit']})"
            )
        print(f"page: {found['report']}")
    return 130 if outcome.interrupted else 0
