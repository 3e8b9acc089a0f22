"""``whyformer convert``: convert a run to the format of another engine."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer convert runs/mine --to ctranslate2
  whyformer convert runs/mine --to ctranslate2 --quantize int8
  whyformer convert runs/mine --to ctranslate2 --out mine-ct2 --pairs test.tsv
  whyformer convert runs/mine --to onnx
  whyformer convert runs/mine --to sentencepiece
  whyformer convert runs/mine --compare
  whyformer convert runs/mine --to argos --from-code ko --to-code en

Before the conversion is saved, its translations are compared with those of the
run. All token probabilities and greedy translations must be the same. An int8
conversion may lose up to 0.5 points of chrF. The measurements are printed and
saved with the conversion. Afterwards, `whyformer translate RUN` uses the
conversion to CTranslate2 if possible (--engine auto), and that to ONNX with
--engine onnx. It uses an int8 conversion only with --weights int8, or with the
name of its engine.

--compare measures every engine and number format on this machine, with the
search of the run and with greedy search: size on disk, quality on dev with its
interval, latency of one sentence, and throughput. It takes minutes, and changes
nothing in the run."""


def convert(
    run: Path,
    *,
    to: str | None = None,
    quantize: str | None = None,
    out: Path | None = None,
    pairs: Annotated[Path | None, Parameter(negative="")] = None,
    sentences: Annotated[int | None, within(1, 1_000_000)] = None,
    attention: Flag = False,
    compare: Flag = False,
    from_code: str | None = None,
    to_code: str | None = None,
    json: Flag = False,
) -> int:
    """Convert a run to the format of another engine, and compare the outputs before saving the
    conversion.

    Args:
        run: Directory of a run.
        to: The format: ctranslate2 (the default), onnx, argos (a package of Argos Translate), or
            sentencepiece (only the tokenizers).
        quantize: none (the default) or int8. With int8, the files are about a quarter as large.
        out: Output directory (default: a directory inside the run with the name of the format).
            For argos: a file that ends with .argosmodel.
        pairs: Sources and translations for the comparison
            (default: the dev set of the run).
        sentences: Maximum number of sentences to compare (default: 200).
        attention: For onnx: the graphs also return the attention weights of every layer.
        compare: Print a table of all engines and number formats, instead of converting the run.
        from_code: For argos: ISO 639 code of the source language, such as ko.
        to_code: For argos: ISO 639 code of the target language, such as en.
        json: Print the measurements as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.data.reading import read_pairs
    from whyformer.interop.formats import convert_to

    given = None
    if pairs is not None:
        given = [(one.source, one.target) for one in read_pairs(pairs, alone=True)]
    flags = {
        "quantize": quantize,
        "out": out,
        "pairs": given,
        "sentences": sentences,
        "attention": attention or None,
        "from-code": from_code,
        "to-code": to_code,
    }
    if compare:
        others = flags | {"to": to}
        return _compare(run, given, sentences, others, json=json)
    done = convert_to(
        to or "ctranslate2",
        run,
        flags,
        say=lambda text: print(f"whyformer: {text}", file=sys.stderr),
    )
    if json:
        print_json(done.to_json())
        return 0
    for line in done.lines():
        print(line)
    return 0


def _compare(
    run: Path,
    pairs: list[tuple[str, str]] | None,
    sentences: int | None,
    others: dict[str, Any],
    *,
    json: bool,
) -> int:
    """Print the table of ``--compare``. Args: others: the flags that were given, by name."""
    from whyformer.cli.shared.streams import print_json, warn
    from whyformer.foundation.errors import UsageError
    from whyformer.workflows.engine_table import SENTENCES, compare_engines, table

    for name, value in others.items():
        if value is not None and name not in ("pairs", "sentences"):
            raise UsageError(f"`--{name}` has no effect with `--compare`. Leave it out.")
    rows = compare_engines(run, pairs, sentences=sentences or SENTENCES, say=warn)
    if json:
        print_json({"rows": [row.to_json() for row in rows]})
        return 0
    for line in table(rows):
        print(line)
    return 0
