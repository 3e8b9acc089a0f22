"""``whyformer score``: how probable given translations are."""

import sys
from pathlib import Path

from whyformer.cli.options import Flag, required

EXAMPLES = """Examples:

  whyformer score runs/mine --source test.ko --target test.en
  whyformer score runs/mine --source test.ko --target test.en --json

Output: for each pair LOG_PROBABILITY<TAB>TOKENS: ln P(target, end | source) in
nats, and the number of target tokens it is a sum over, the end included.
Totals go to standard error, or into the JSON object."""


def score(
    *runs: Path,
    source: Path | None = None,
    target: Path | None = None,
    json: Flag = False,
) -> int:
    """Print how probable each line of a file is as the translation of the same line of another.

    Args:
        runs: Directory that `whyformer train` wrote; several score as an ensemble.
        source: UTF-8 file of the sources, one a line. Required.
        target: UTF-8 file of their translations. Required.
        json: Print pairs and totals as one JSON object.
    """
    from whyformer.cli.streams import print_json, written
    from whyformer.foundation.errors import UsageError

    if not runs:
        raise UsageError(
            "A run is required and was not given. Give the directory that `whyformer train` wrote."
        )
    sources = required(source, "source", "--source FILE, the sources")
    targets = required(target, "target", "--target FILE, their translations")
    from whyformer.workflows.score import score

    scored = score(runs, sources, targets)
    if json:
        print_json(scored.to_json())
        return 0
    with written(None) as stream:
        for pair in scored.pairs:
            print(f"{pair.log_probability:.4f}\t{len(pair.tokens)}", file=stream)
    print(
        f"{len(scored.pairs):,} pairs, {scored.tokens:,} tokens, "
        f"log-probability {scored.log_probability:.2f} nats; "
        + ", ".join(f"{total.name} {total.value:.4g}" for total in scored.totals),
        file=sys.stderr,
    )
    return 0
