"""``whyformer diagnose``: show why a run stopped."""

from pathlib import Path

from whyformer.cli.shared.options import Flag

EXAMPLES = """Examples:

  whyformer diagnose runs/mine
  whyformer diagnose runs/mine --json"""


def diagnose(run: Path, /, *, json: Flag = False) -> int:
    """Show where the loss or gradient of a run became NaN or infinite, and suggest remedies.

    Args:
        run: Directory of a run that stopped because of NaN or infinity.
        json: Print one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.workflows.runs.diagnosis import diagnose

    found = diagnose(run)
    if json:
        print_json(found.to_json())
    else:
        print(found.render())
    return 0
