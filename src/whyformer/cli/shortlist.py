"""``whyformer shortlist``: make the lexical shortlist of a translation run."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer shortlist runs/mine
  whyformer shortlist runs/mine --best 50 --common 200
  whyformer translate runs/mine --input in.txt --shortlist

The shortlist of a line has the likely target tokens of each of its source
tokens, estimated from the training pairs (IBM Model 1), and the most common
target tokens. With --shortlist, `whyformer translate` scores only these tokens.
The report shows how many tokens the shortlist of a line has, and how many
target tokens of the validation set it covers. The shortlist is saved with the
run."""


def shortlist(
    run: Path,
    /,
    *,
    best: Annotated[int, Parameter(negative=""), within(1, 10_000)] = 200,
    common: Annotated[int, Parameter(negative=""), within(0, 1_000_000)] = 100,
    json: Flag = False,
) -> int:
    """Make the list of likely target tokens of each source token, for `translate --shortlist`.

    Args:
        run: Directory of a run of the task translate, with its training pairs.
        best: Number of likely targets of each source token.
        common: Number of the most common target tokens; every line may use them.
        json: Print the report as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.workflows.shortlist import make_shortlist

    def say(text: str) -> None:
        print(f"whyformer: {text}", file=sys.stderr)

    report = make_shortlist(run, best=best, common=common, say=say)
    if json:
        print_json(report.to_json())
        return 0
    for line in report.lines():
        print(line)
    return 0
