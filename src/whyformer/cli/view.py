"""``whyformer view``: write a page on which a person uses a model and looks inside it."""

from pathlib import Path
from typing import TYPE_CHECKING

from whyformer.cli.shared.options import Flag, Texts

if TYPE_CHECKING:
    from whyformer.viewer.page import PageModel

EXAMPLES = """Examples:

  whyformer view runs/demo --out model.html
  whyformer view runs/mine --examples "A dog runs." "Two men talk."
  whyformer view runs/before runs/after --out both.html

The page is one file. It holds the weights and the tokenizers, computes in the
browser, and makes no request. It shows attention, beam search, the decision at
each token and the residual stream, and switches parts of the model off.
docs/viewer.md describes the page and the models that it supports.

An existing file is replaced only if it is a page of this command. --overwrite
replaces any file."""

DEFAULT = Path("model.html")
EXAMPLES_OF_THE_DEMO = ("whyformer", "attentive", "softmaxer", "quixotron")


def view(
    run: Path,
    other: Path | None = None,
    /,
    *,
    out: Path = DEFAULT,
    name: Texts = None,
    examples: Texts = None,
    overwrite: Flag = False,
    json: Flag = False,
) -> int:
    """Write one HTML file that runs a model and shows its parts at work.

    Args:
        run: Directory of a run or of a model.
        other: Second run, which the page shows side by side with the first.
        out: HTML file to write.
        name: Name of the model on the page, one for each run (default: name of the directory).
        examples: Texts that the page offers to try.
        overwrite: Replace --out even if it is not a page of this command.
        json: Print the result as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json, warn
    from whyformer.foundation.files import write_text
    from whyformer.lab.pages.lessons import lessons
    from whyformer.viewer.expressible import ignored_search
    from whyformer.viewer.model import page_model
    from whyformer.viewer.page import page

    runs = [run] if other is None else [run, other]
    names = _names(runs, name)
    _refuse_to_replace(out, overwrite)
    models = [
        page_model(one, name=named, examples=examples or _examples(one))
        for one, named in zip(runs, names, strict=True)
    ]
    text = page(models, lessons=lessons())
    write_text(out, text)
    size = len(text.encode("utf-8"))
    if json:
        contents = [
            {"name": m.manifest["name"], "parameters": m.manifest["parameters"]} for m in models
        ]
        print_json({"page": str(out), "bytes": size, "models": contents})
        return 0
    print(f"{out}: {size / 1e6:.1f} MB. Open this file in a browser; it needs no network.")
    for model in models:
        print(f"  {_contents(model)}")
        if ignored := ignored_search(model.manifest["search"]):
            warn(
                f"The page ignores these search settings of {model.manifest['name']}: "
                f"{', '.join(ignored)}."
            )
    return 0


def _names(runs: list[Path], names: list[str] | None) -> list[str]:
    from whyformer.foundation.errors import UsageError
    from whyformer.foundation.wording import counted

    if names is None:
        found = [one.resolve().name for one in runs]
        return found if len(set(found)) == len(found) else [str(one) for one in runs]
    if len(names) != len(runs):
        raise UsageError(
            f"`--name` needs one name for each run, but {counted(len(names), 'name')} and "
            f"{counted(len(runs), 'run')} were given. Give {counted(len(runs), 'name')}."
        )
    return names


def _refuse_to_replace(out: Path, overwrite: bool) -> None:
    """Raise OutputError if a file exists that is not a page of this command."""
    from whyformer.foundation.errors import OutputError
    from whyformer.viewer.page import is_page

    if out.is_dir():
        raise OutputError(f"`{out}` is a directory. Give the path of a file.")
    if not overwrite and out.is_file() and not is_page(out):
        raise OutputError(
            f"`{out}` exists already and is not a page of `whyformer view`. Choose another file, "
            "or pass --overwrite to replace it."
        )


def _examples(run: Path) -> tuple[str, ...]:
    """Return invented words for a run of the demo. Other runs have no examples, because a page
    must not contain private data by accident."""
    recipe = run / "recipe.yaml"
    if recipe.is_file() and "builtin: cmudict" in recipe.read_text(encoding="utf-8"):
        return EXAMPLES_OF_THE_DEMO
    return ()


def _contents(model: "PageModel") -> str:
    """Return a line about a model: its sizes, and how its weights are stored."""
    found = model.manifest
    dtypes = {tensor["dtype"] for tensor in found["tensors"].values()}
    stored = "int8" if "int8" in dtypes else "half precision"
    return (
        f"{found['name']}: {found['summary']}; {found['parameters']:,} parameters in {stored} "
        f"({len(model.weights) / 1e6:.1f} MB)"
    )
