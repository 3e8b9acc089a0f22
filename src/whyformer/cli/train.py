"""``whyformer train``: from a recipe to a run."""

from pathlib import Path

from whyformer.cli.shared.options import Flag, Overrides, Texts, required

EXAMPLES = """Examples:

  whyformer train --data pairs.tsv --out runs/mine
  whyformer train --data corpus/train --source ko --target en --out runs/ko-en
  whyformer train copy --out runs/copy --model.d-model 128 --training.seed 7
  whyformer train --task classify --data reviews.tsv --out runs/sentiment
  whyformer train --task tag --data names.conll --out runs/names
  whyformer train my-recipe.yaml --out runs/mine --data.train a.tsv b.tsv

Ctrl-C stops after the update at hand (exit code 130), and the same command
goes on from there."""


def train(
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
    frozen: Flag = False,
    full: Flag = False,
    overwrite: Flag = False,
    quiet: Flag = False,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Train a model by a recipe, or go on with a run.

    Every setting of the recipe can be given as --section.key VALUE;
    `whyformer config show RECIPE` lists them all. RUN/model holds the best
    weights so far and is ready to use at any time.

    Args:
        recipe: A shipped recipe (`whyformer config list`) or a YAML file; without it, the
            one that is named like the task.
        out: Directory of the run. Required.
        data: TSV or JSONL files, prefixes of file pairs, or - (short for --data.train).
        source: Suffix or key of the source side (short for --data.source).
        target: Suffix or key of the target side (short for --data.target).
        dev: Pairs to validate on (short for --data.dev).
        preset: Shape that the model starts from: base, big, small or tiny.
        task: What is learned: translate, language, masked, replaced, classify, regress
            or tag.
        start_from: Run of task masked or replaced that classify, regress or tag begins with.
        frozen: Let only the head learn, with --start-from.
        full: Take the recipe's full variant.
        overwrite: Forget the run that is in --out and begin anew.
        quiet: Show no progress.
        json: Print the outcome as one JSON object.
    """
    run = required(out, "out", "--out runs/NAME, the directory that shall hold the run")
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.torchrun import is_first, world_size
    from whyformer.foundation.wording import counted
    from whyformer.workflows.train import train

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
        frozen=frozen,
        ranks=world_size(),
    )
    outcome = train(asked, run, overwrite=overwrite, quiet=quiet)
    code = 130 if outcome.interrupted else 0
    if not is_first():
        return code
    if json:
        print_json(outcome.to_json())
    else:
        best = ", ".join(
            f"{name} {value:.4g}" for name, value in outcome.scores.items() if name != "step"
        )
        where = f"best at update {outcome.scores['step']}: {best}" if best else "not validated yet"
        print(f"{outcome.run}: {counted(outcome.updates, 'update')}; {where}")
    return code
