"""``whyformer classify``: a label for every line."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whyformer.cli.options import Flag

EXAMPLES = """Examples:

  whyformer classify runs/sentiment --text "What a film."
  whyformer classify runs/sentiment --input reviews.txt --output labels.txt
  cat reviews.txt | whyformer classify runs/sentiment --json

A line is a text, or two texts with a tab between where the run was trained on
pairs. Output: LABEL<TAB>PROBABILITY, or the number; --json prints a JSON
object a line: index, text, label, probabilities."""


def classify(
    run: Path,
    /,
    *,
    input: Path | None = None,
    output: Path | None = None,
    text: Annotated[list[str] | None, Parameter(negative="")] = None,
    overwrite: Flag = False,
    json: Flag = False,
    device: str = "auto",
) -> int:
    """Label texts with a run of task classify or regress.

    Args:
        run: Directory that `whyformer train` wrote.
        input: UTF-8 file (.gz too), a text a line; without it, standard input.
        output: File to write, whole or not at all; without it, standard output.
        text: Label this text instead of a file. May be given again.
        overwrite: Replace --output where it exists.
        json: Write JSON lines.
        device: auto, cpu, cuda or cuda:0.
    """
    import json as jsons
    from itertools import islice

    from whyformer.cli.streams import refuse_existing, written
    from whyformer.data.reading import STDIN, read_lines
    from whyformer.foundation.errors import UsageError
    from whyformer.workflows.classification import load_classifier

    if input is not None and text:
        raise UsageError("`--input` and `--text` were both given. Keep one.")
    if output is not None:
        refuse_existing(output, overwrite)
    lines = iter(text) if text else read_lines(STDIN if input is None else input)
    classifier = load_classifier(run, device=device)
    with written(output) as stream:
        index = 0
        while window := list(islice(lines, 4096)):
            pairs = [line.partition("\t") for line in window]
            found = classifier.classify([(a, b if tab else None) for a, tab, b in pairs])
            for line, one in zip(window, found, strict=True):
                index += 1
                if json:
                    whole = {"index": index, "text": line, **vars(one)}
                    print(jsons.dumps(whole, ensure_ascii=False), file=stream)
                elif one.probabilities:
                    print(f"{one.label}\t{one.probabilities[one.label]:.4f}", file=stream)
                else:
                    print(one.label, file=stream)
    return 0
