"""``whyformer push``: upload a run to the Hugging Face Hub."""

import sys
import tempfile
from pathlib import Path

from whyformer.cli.shared.options import Flag, Texts

EXAMPLES = """Examples:

  whyformer push runs/mine me/reviews-ko --language ko --license apache-2.0
  whyformer export runs/mine --out mine-hf
  whyformer push mine-hf me/reviews-ko --public

A new repository is private. Add --public to publish it. An existing repository
keeps its visibility. The token comes from `hf auth login` or the variable
HF_TOKEN, and another Hub is chosen with HF_ENDPOINT."""


def push(
    run: Path,
    repository: str,
    *,
    public: Flag = False,
    message: str = "Upload with whyformer",
    name: str | None = None,
    language: Texts = None,
    license: str | None = None,
    data_license: str | None = None,
) -> int:
    """Export a run, and upload it to the Hugging Face Hub with its model card.

    Args:
        run: Directory of a run, or a directory that `whyformer export` wrote.
        repository: Name of the repository, such as user/model.
        public: Make a new repository public.
        message: Message of the commit.
        name: Title of the model card (default: the name of the repository).
        language: Codes of the languages, such as de or ko, for the model card.
        license: Licence of the model, such as apache-2.0, for the model card.
        data_license: Origin and licence of the data, as a sentence for the model card.
    """
    from whyformer.foundation.errors import UsageError
    from whyformer.interop.huggingface.exporting import export, is_exported
    from whyformer.interop.huggingface.hub import check_access, upload
    from whyformer.workflows.model_card import CardFacts, model_card

    check_access(repository)
    given = {"name": name, "language": language, "license": license, "data-license": data_license}
    if is_exported(run):
        if unused := [f"--{option}" for option, value in given.items() if value]:
            raise UsageError(
                f"{unused[0]} has no effect on `{run}`, which has its model card already. Leave it "
                f"out, or edit `{run / 'README.md'}`."
            )
        print(upload(run, repository, public=public, message=message))
        return 0
    title = name or repository.rpartition("/")[2]
    facts = CardFacts(title, tuple(language or ()), license, data_license)
    card = model_card(run, facts, repository)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        done = export(
            run, out, card=card, say=lambda text: print(f"whyformer: {text}", file=sys.stderr)
        )
        for line in done.comparison.lines():
            print(f"whyformer: {line}", file=sys.stderr)
        print(upload(out, repository, public=public, message=message))
    return 0
