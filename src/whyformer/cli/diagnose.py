"""``whyformer diagnose``: why a run stopped."""

from pathlib import Path

from whyformer.cli.shared.options import Flag

EXAMPLES = """Examples:

  whyformer diagnose runs/mine
  whyformer diagnose runs/mine --json"""


def diagnose(run: Path, /, *, json: Flag = False) -> int:
    """Tell where a run's loss or gradient stopped being finite, on which pairs, and what to try.

    Args:
        run: Directory of a run that stopped with that message.
        json: Print it as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.workflows.runs.diagnosis import diagnose

    found = diagnose(run)
    if json:
        print_json(found.to_json())
    else:
        print(found.render())
    return 0
