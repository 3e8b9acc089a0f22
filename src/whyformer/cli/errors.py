"""``whyformer errors``: show the wrong answers of a run, with their kinds and causes."""

from pathlib import Path
from typing import Annotated

from whyformer.cli.shared.options import Flag, Texts, within

EXAMPLES = """Examples:

  whyformer errors runs/mine
  whyformer errors runs/mine --html errors.html --count 100
  whyformer errors runs/g2p --pairs test.tsv
  whyformer errors runs/sentiment --labelled test.tsv --columns text label

An error can be of several kinds: empty, copied, untranslated, repeated, too
short, too long, cut at the length limit, missing number, invented number. A
source can have unseen characters, rare characters (in fewer than 5 training
sources), or more characters than 95 % of the training sources.
The confidence of a translation is the calibrated probability that it equals a
reference. The confidence of a label is its probability, and that of a labelled
sentence is the product of the probabilities of its labels. A number is wrong if
its error is larger than the standard deviation of the training numbers."""


def errors(
    run: Path,
    /,
    *,
    pairs: Path | None = None,
    labelled: Path | None = None,
    columns: Texts = None,
    encoding: str | None = None,
    count: Annotated[int, within(1, 100_000)] = 20,
    html: Path | None = None,
    overwrite: Flag = False,
    json: Flag = False,
) -> int:
    """Show the wrong answers of a run: the worst ones, their kinds, confusions and causes.

    The report also shows which training data are similar to each error, which
    training data contradict each other, and whether a confident answer is right
    more often. The report needs the training data of the run.

    Args:
        run: Directory of a run of the task translate, classify, regress or tag.
        pairs: Table of sources and references instead of the held-out data of the run.
        labelled: Table with labels, or a CoNLL file, instead of the held-out data of the run.
        columns: Names or numbers of the columns of the file; see `whyformer evaluate`.
        encoding: Encoding of the file, such as cp949 (default: UTF-8).
        count: Maximum number of wrong answers to show.
        html: HTML file to write the report to, in addition to the output.
        overwrite: Replace --html if it exists.
        json: Print one JSON object.
    """
    from whyformer.cli.shared.recipes import columns_in
    from whyformer.cli.shared.streams import print_json, refuse_existing, warn
    from whyformer.foundation.errors import UsageError
    from whyformer.foundation.files import write_text
    from whyformer.workflows.errors.errors import error_report

    given = pairs or labelled
    if pairs is not None and labelled is not None:
        raise UsageError("`--pairs` and `--labelled` were both given. Keep one.")
    for name, value in (("columns", columns), ("encoding", encoding)):
        if value is not None and given is None:
            raise UsageError(f"`--{name}` needs --pairs or --labelled. Leave it out.")
    refuse_existing(overwrite, read=given, html=html)
    found = error_report(
        run,
        pairs=pairs,
        labelled=labelled,
        columns=columns_in(columns),
        encoding=encoding,
        count=count,
        say=warn,
    )
    if html is not None:
        from whyformer.workflows.errors.page import errors_page

        write_text(html, errors_page(found))
    if json:
        print_json(found.to_json())
    else:
        print("\n".join(found.lines()))
    return 0
