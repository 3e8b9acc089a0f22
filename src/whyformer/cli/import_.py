"""``whyformer import``: make a run from a model directory of Hugging Face."""

import sys
from pathlib import Path
from typing import Annotated

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer import opus-mt-en-de --out runs/opus
  echo "A dog runs." | whyformer translate runs/opus
  whyformer train --start-from runs/opus --data pairs.tsv --out runs/mine

DIRECTORY is on this machine and has config.json, model.safetensors and the
files of the tokenizer. Nothing is downloaded, and pickles are refused. If the
package transformers is installed, the tokens, probabilities and greedy
translations of both are compared before the run is written."""


def import_(
    directory: Path,
    *,
    out: Path,
    sentences: Annotated[int, within(0, 1_000_000)] = 10,
    json: Flag = False,
) -> int:
    """Make a run from a model directory of Hugging Face, such as Marian (OPUS-MT), BART or T5.

    Args:
        directory: The model directory.
        out: Directory of the new run.
        sentences: Number of sentences to compare with transformers; 0 does not compare.
        json: Print the result as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.interop.huggingface.importing import import_model

    done = import_model(
        directory,
        out,
        sentences=sentences,
        say=lambda text: print(f"whyformer: {text}", file=sys.stderr),
    )
    if json:
        print_json(done.to_json())
        return 0
    for line in done.lines():
        print(line)
    return 0
