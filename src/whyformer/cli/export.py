"""``whyformer export``: write a run as a model directory of Hugging Face."""

import sys
from pathlib import Path
from typing import Annotated

from whyformer.cli.shared.options import Flag, Texts, within

EXAMPLES = """Examples:

  whyformer export runs/mine --out mine-hf
  whyformer export runs/mine --out mine-hf --name "Reviews" --language ko \\
    --license apache-2.0 --data-license "NSMC, CC0"

The directory has the weights, the tokenizer and a model card. The method
from_pretrained of transformers loads it without a network. Before it is kept,
the tokens and outputs of transformers are compared with those of the run.
docs/hugging-face.md says which model can become which class."""


def export(
    run: Path,
    *,
    out: Path,
    name: str | None = None,
    language: Texts = None,
    license: str | None = None,
    data_license: str | None = None,
    texts: Annotated[int, within(1, 1_000_000)] = 20,
    json: Flag = False,
) -> int:
    """Write a run as a model directory that transformers loads, with a model card.

    Args:
        run: Directory of a run.
        out: Output directory.
        name: Title of the model card (default: the name of the output directory).
        language: Codes of the languages, such as de or ko, for the model card.
        license: Licence of the model, such as apache-2.0, for the model card.
        data_license: Origin and licence of the data, as a sentence for the model card.
        texts: Number of random texts to compare.
        json: Print the result as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.interop.huggingface.exporting import export as write
    from whyformer.workflows.model_card import CardFacts, model_card

    title = name or out.resolve().name
    facts = CardFacts(title, tuple(language or ()), license, data_license)
    done = write(
        run,
        out,
        card=model_card(run, facts, out.name),
        texts=texts,
        say=lambda text: print(f"whyformer: {text}", file=sys.stderr),
    )
    if json:
        print_json(done.to_json())
        return 0
    for line in done.lines():
        print(line)
    return 0
