"""``whyformer check``: test a recipe before a long run."""

from pathlib import Path

from whyformer.cli.shared.options import Flag, Overrides, Texts

EXAMPLES = """Examples:

  whyformer check copy
  whyformer check my-recipe.yaml --data pairs.tsv --model.d-model 512
  whyformer check --task classify --data reviews.tsv

Exit code: 0 if every check passed, 1 if a check failed."""


def check(
    recipe: str | None = None,
    /,
    *,
    out: Path | None = None,
    data: Texts = None,
    source: str | None = None,
    target: str | None = None,
    columns: Texts = None,
    encoding: str | None = None,
    dev: Texts = None,
    preset: str | None = None,
    task: str | None = None,
    start_from: str | None = None,
    full: Flag = False,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Test a recipe before a long run: can it learn, is it correct, how long will it take?

    Args:
        recipe: A built-in recipe (`whyformer config list`) or a YAML file.
            Default: the recipe with the name of the task.
        out: Directory for the prepared data, which the later run can reuse.
        data: Data files, as for `whyformer train` (short for --data.train).
        source: Column of the source or text, or suffix of its file (short for --data.source).
        target: Column of the target or label, or suffix of its file (short for --data.target).
        columns: Columns to read, by name or number: source and target, or text and label.
        encoding: Encoding of the files, such as cp949 (short for --data.encoding).
        dev: Validation set (short for --data.dev).
        preset: Model size to start from: base, big, small or tiny.
        task: The task, as for `whyformer train`.
        start_from: Run to start from, as for `whyformer train`.
        full: Use the full variant of the recipe.
        json: Print the results as one JSON object.
    """
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.torchrun import world_size
    from whyformer.workflows.check.checks import check

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
        ranks=world_size(),
    )
    report = check(resolved_recipe, out=out)
    if json:
        print_json(report.to_json())
    else:
        print(report.render())
    return 0 if report.passed else 1
