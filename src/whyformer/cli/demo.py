"""``whyformer demo``: the whole story in a few minutes."""

from pathlib import Path
from typing import Annotated

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer demo
  whyformer demo --minutes 2 --out runs/short --json

Needs the pronouncing dictionary: pip install "whyformer[demo]"."""


def demo(
    *,
    minutes: Annotated[float, within(0.01, 527_040.0)] = 6.0,
    out: Path = Path("runs/demo"),
    overwrite: Flag = False,
    quiet: Flag = False,
    json: Flag = False,
) -> int:
    """Teach a Transformer to pronounce English, judge it on unseen words, and write a page.

    Args:
        minutes: How long training may take on this machine.
        out: Directory of the run; report.html is written there.
        overwrite: Forget the run that is in --out and begin anew.
        quiet: Show no progress.
        json: Print the outcome as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.wording import counted
    from whyformer.workflows.demo import demo

    outcome = demo(minutes=minutes, out=out, overwrite=overwrite, quiet=quiet)
    found = outcome.to_json()
    if json:
        print_json(found)
    elif outcome.interrupted:
        print(f"{outcome.run}: stopped; the same command goes on from here")
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
