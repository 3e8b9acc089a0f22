"""``whyformer check``: a minute that may save a night."""

from pathlib import Path

from whyformer.cli.shared.options import Flag, Overrides, Texts

EXAMPLES = """Examples:

  whyformer check copy
  whyformer check my-recipe.yaml --data pairs.tsv --model.d-model 512
  whyformer check --task classify --data reviews.tsv

Exit code 0 when every check passed, 1 when one failed."""


def check(
    recipe: str | None = None,
    /,
    *,
    out: Path | None = None,
    data: Texts = None,
    source: str | None = None,
    target: str | None = None,
    dev: Texts = None,
    preset: str | None = None,
    task: str | None = None,
    start_from: str | None = None,
    full: Flag = False,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Try a recipe before a long run: can it learn, is the pipeline right, how long will it take?

    Args:
        recipe: A shipped recipe (`whyformer config list`) or a YAML file; without it, the
            one that is named like the task.
        out: Where prepared data may stay for the run to come.
        data: TSV or JSONL files, or prefixes of file pairs (short for --data.train).
        source: Suffix or key of the source side (short for --data.source).
        target: Suffix or key of the target side (short for --data.target).
        dev: Pairs to validate on (short for --data.dev).
        preset: Shape that the model starts from: base, big, small or tiny.
        task: What is learned, as for `whyformer train`.
        start_from: Run of task masked or replaced that classify, regress or tag begins with.
        full: Take the recipe's full variant.
        json: Print the findings as one JSON object.
    """
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.torchrun import world_size
    from whyformer.workflows.check.checks import check

    asked = resolved(
        recipe,
        overrides,
        preset=preset,
        full=full,
        data=data,
        dev=dev,
        source=source,
        target=target,
        task=task,
        start_from=start_from,
        ranks=world_size(),
    )
    report = check(asked, out=out)
    if json:
        print_json(report.to_json())
    else:
        print(report.render())
    return 0 if report.passed else 1
