"""``whyformer classify``: predict a label for every line or every word."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whyformer.cli.shared.options import Flag

EXAMPLES = """Examples:

  whyformer classify runs/sentiment --text "What a film."
  whyformer classify runs/sentiment --input reviews.txt --output labels.txt
  cat reviews.txt | whyformer classify runs/sentiment --json

Each input line is a text, or two texts separated by a tab if the run was
trained on text pairs. Output: LABEL<TAB>PROBABILITY, or a number (task
regress), or one label per word, separated by spaces (task tag). --json prints
one JSON object per line with index and text, and either label and
probabilities or words and labels."""


def classify(
    run: Path,
    /,
    *,
    input: Path | None = None,
    encoding: str | None = None,
    output: Path | None = None,
    text: Annotated[list[str] | None, Parameter(negative="")] = None,
    overwrite: Flag = False,
    json: Flag = False,
    device: str = "auto",
) -> int:
    """Predict a label or a number for each text, or a label for each word.

    Args:
        run: Directory of a run of the task classify, regress or tag.
        input: File (optionally .gz) with one text per line (default: standard input).
        encoding: Encoding of --input, such as cp949.
            Default: UTF-8; for a file that is not UTF-8, the encoding of the training data.
        output: File to write atomically (default: standard output).
        text: A text to label, instead of a file. This option can be repeated.
        overwrite: Replace --output if it exists.
        json: Write JSON lines.
        device: auto, cpu, cuda, cuda:0 or mps.
    """
    from itertools import islice

    from whyformer.cli.shared.streams import json_text, refuse_existing, warn, written
    from whyformer.foundation.errors import UsageError
    from whyformer.tasks.tagging import Tagger
    from whyformer.workflows.labelling import load_labeller
    from whyformer.workflows.reading_of_training import input_lines
    from whyformer.workflows.source_checks import SourceCheck

    if input is not None and text:
        raise UsageError("`--input` and `--text` were both given. Keep one.")
    refuse_existing(overwrite, read=input, output=output)
    if encoding is not None and text:
        raise UsageError("`--encoding` has no effect on `--text`. Leave it out.")
    lines = iter(text) if text else input_lines(run, input, encoding, warn)
    labeller = load_labeller(run, device=device)
    check = SourceCheck(labeller.tokenizer)
    with written(output) as stream:
        index = 0
        while window := list(islice(lines, 4096)):
            if isinstance(labeller, Tagger):
                words = [line.split() for line in window]
                tags = labeller.tag(words)
                shown = [" ".join(labels) for labels in tags]
                whole = [
                    {"words": one, "labels": labels}
                    for one, labels in zip(words, tags, strict=True)
                ]
            else:
                pairs = [line.partition("\t") for line in window]
                found = labeller.classify([(a, b if tab else None) for a, tab, b in pairs])
                shown = [
                    f"{one.label}\t{one.probabilities[one.label]:.4f}"
                    if one.probabilities
                    else one.label
                    for one in found
                ]
                whole = [vars(one) for one in found]
            for line, text_line, one in zip(window, shown, whole, strict=True):
                index += 1
                check.add(index, line)
                if json:
                    text_line = json_text({"index": index, "text": line, **one})
                print(text_line, file=stream)
    for finding in check.findings():
        warn(finding)
    return 0
