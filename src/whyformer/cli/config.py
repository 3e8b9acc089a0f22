"""``whyformer config``: show the settings of a recipe, and where each value comes from."""

from cyclopts import App

from whyformer.cli.shared.options import Continue, Flag, Overrides, Pieces, Texts

EXAMPLES = """Examples:

  whyformer config list
  whyformer config show translate
  whyformer config show translate --model.d-model 256 --json
  whyformer config auto --data pairs.tsv"""

config = App(
    name="config",
    help="List the recipes, or show every setting of a recipe.",
    help_epilogue=EXAMPLES,
)


@config.command(name="list", help_epilogue="Example:\n\n  whyformer config list")
def list_recipes(*, json: Flag = False) -> int:
    """List the built-in recipes.

    Args:
        json: Print one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.recipes.recipe import resolve, shipped

    found = {name: resolve(name).recipe.description for name in shipped()}
    if json:
        print_json(found)
    else:
        width = max(map(len, found))
        for name, description in found.items():
            print(f"{name:<{width}}  {description}")
    return 0


@config.command(help_epilogue=EXAMPLES)
def show(
    recipe: str | None = None,
    /,
    *,
    data: Texts = None,
    source: str | None = None,
    target: str | None = None,
    columns: Texts = None,
    encoding: str | None = None,
    dev: Texts = None,
    preset: str | None = None,
    task: str | None = None,
    start_from: str | None = None,
    continue_from: Continue = None,
    extend_vocabulary: Pieces = None,
    frozen: Flag = False,
    freeze: Texts = None,
    full: Flag = False,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Show every setting of a recipe, its value, and where the value comes from.

    Args:
        recipe: A built-in recipe, a YAML file, or `auto` (default: `auto` with --data, otherwise
            `translate`).
        data: Data files, as for `whyformer train` (short for --data.train).
        source: Column of the source or text, or suffix of its file (short for --data.source).
        target: Column of the target or label, or suffix of its file (short for --data.target).
        columns: Columns to read, by name or number: source and target, or text and label.
        encoding: Encoding of the files, such as cp949 (short for --data.encoding).
        dev: Validation set (short for --data.dev).
        preset: Model size to start from: base, big, small or tiny.
        task: The task: {tasks}.
        start_from: Run to start from: its weights, tokenizers and model, and its other settings
            unless a recipe or another task is given.
        continue_from: Finished run to continue, with its data, its settings and the state of its
            optimizer. Give the further length with --training.minutes or --training.updates.
        extend_vocabulary: Maximum number of pieces to add to the tokenizer of --start-from. They
            are learned from the new data.
        frozen: Train only the head (task `classify`, `regress` or `tag`).
        freeze: Parameters that are not trained, as patterns of names such as 'encoder.*'.
        full: Use the full variant of the recipe.
        json: Print the value and origin of each setting as one JSON object.
    """
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import json_text, print_json

    resolved_recipe = resolved(
        recipe,
        overrides,
        preset=preset,
        full=full,
        data=data,
        dev=dev,
        source=source,
        target=target,
        columns=columns,
        encoding=encoding,
        task=task,
        start_from=start_from,
        continue_from=continue_from,
        extend_vocabulary=extend_vocabulary,
        frozen=frozen,
        freeze=freeze,
    )
    found = {
        name: {"value": value, "origin": resolved_recipe.origins.get(name, "default")}
        for name, value in _flat(resolved_recipe.recipe.model_dump(mode="json"))
    }
    if json:
        print_json(found)
        return 0
    shown = {name: json_text(one["value"]) for name, one in found.items()}
    width = max(map(len, shown))
    value_width = max(len(value) for value in shown.values() if len(value) <= 24)
    for name, value in shown.items():
        print(f"{name:<{width}}  {value:<{value_width}}  # {found[name]['origin']}")
    return 0


@config.command(
    help_epilogue="""Examples:

  whyformer config auto --data pairs.tsv
  whyformer config auto --data reviews.csv --training.minutes 10 --json"""
)
def auto(
    *,
    data: Texts = None,
    source: str | None = None,
    target: str | None = None,
    columns: Texts = None,
    encoding: str | None = None,
    preset: str | None = None,
    task: str | None = None,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Show the settings that `whyformer train --data` chooses, without training.

    Each line shows some settings, and the figure of the data that led to them.
    Settings that you give yourself are not chosen. `whyformer config show auto
    --data FILE` lists all settings.

    Args:
        data: Training files. Required.
        source: Column of the source or text, or suffix of its file (short for --data.source).
        target: Column of the target or label, or suffix of its file (short for --data.target).
        columns: Columns to read, by name or number: source and target, or text and label.
        encoding: Encoding of the files, such as cp949 (short for --data.encoding).
        preset: Model size to start from: base, big, small or tiny.
        task: The task (default: it is chosen from the data, too).
        json: Print the choices as one JSON object.
    """
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json

    found = resolved(
        "auto",
        overrides,
        preset=preset,
        data=data,
        source=source,
        target=target,
        columns=columns,
        encoding=encoding,
        task=task,
    )
    if json:
        print_json({"choices": [vars(choice) for choice in found.choices]})
        return 0
    for choice in found.choices:
        print(choice.described())
    return 0


def _flat(tree: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found
