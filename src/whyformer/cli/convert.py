"""``whyformer convert``: convert a run to the format of another engine."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer convert runs/mine --to ctranslate2
  whyformer convert runs/mine --to ctranslate2 --quantize int8
  whyformer convert runs/mine --to ctranslate2 --out mine-ct2 --pairs test.tsv
  whyformer convert runs/mine --to onnx
  whyformer convert runs/mine --to sentencepiece

Before the conversion is saved, its translations are compared with those of the
run. All token probabilities and greedy translations must be the same. An int8
conversion may lose up to 0.5 points of chrF. The measurements are printed and
saved with the conversion. Afterwards, `whyformer translate RUN` uses the
conversion if possible (--engine auto)."""


def convert(
    run: Path,
    *,
    to: str = "ctranslate2",
    quantize: str | None = None,
    out: Path | None = None,
    pairs: Annotated[Path | None, Parameter(negative="")] = None,
    sentences: Annotated[int | None, within(1, 1_000_000)] = None,
    attention: Flag = False,
    json: Flag = False,
) -> int:
    """Convert a run to the format of another engine, and compare the outputs before saving the
    conversion.

    Args:
        run: Directory of a run.
        to: The format: ctranslate2, onnx, or sentencepiece (only the tokenizers).
        quantize: none (the default) or int8. With int8, the files are about a quarter as large.
        out: Output directory (default: a directory inside the run with the name of the format).
        pairs: Sources and translations for the comparison
            (default: the dev set of the run).
        sentences: Maximum number of sentences to compare (default: 200).
        attention: For onnx: the graphs also return the attention weights of every layer.
        json: Print the measurements as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.data.reading import read_pairs
    from whyformer.interop.formats import convert_to

    given = None if pairs is None else [(one.source, one.target) for one in read_pairs(pairs)]
    flags = {
        "quantize": quantize,
        "out": out,
        "pairs": given,
        "sentences": sentences,
        "attention": attention or None,
    }
    done = convert_to(to, run, flags, say=lambda text: print(f"whyformer: {text}", file=sys.stderr))
    if json:
        print_json(done.to_json())
        return 0
    for line in done.lines():
        print(line)
    return 0
