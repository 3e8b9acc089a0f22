"""``whyformer train``: train a model with a recipe."""

import shutil
import sys
from pathlib import Path

from whyformer.cli.shared.options import Continue, Flag, Overrides, Pieces, Texts, required

EXAMPLES = """Examples:

  whyformer train --data pairs.tsv --out runs/mine
  whyformer train --data corpus/train --source ko --target en --out runs/ko-en
  whyformer train copy --out runs/copy --model.d-model 128 --training.seed 7
  whyformer train --data kor.txt --columns 2,1 --out runs/ko-en
  whyformer train --data reviews.csv --out runs/sentiment
  whyformer train --data names.conll --out runs/names --training.minutes 3
  whyformer train --start-from runs/mine --data more.tsv --out runs/more
  whyformer train --continue runs/mine --out runs/longer --training.minutes 10
  whyformer train translate --data.mix a.tsv,weight=3 b.tsv,weight=1 --out new
  whyformer train my-recipe.yaml --out runs/mine --data.train a.tsv b.tsv

At the end, the best weights are scored on held-out data, beside a simple
baseline that is built in seconds. --validation.verdict false turns this off.
A translation model is also converted to CTranslate2, which translates faster;
--training.convert false turns this off.
Press Ctrl-C to stop after the current update (exit code 130). Run the same
command again to resume."""


def train(
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
    continue_from: Continue = None,
    extend_vocabulary: Pieces = None,
    frozen: Flag = False,
    freeze: Texts = None,
    full: Flag = False,
    overwrite: Flag = False,
    quiet: Flag = False,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Train a model, or resume a run.

    Without the name of a recipe, the task and the settings are chosen from the
    data (`whyformer config auto --data FILE` shows them).

    Override any setting of the recipe with --section.key VALUE;
    `whyformer config show RECIPE` lists all settings. OUT/model contains the
    best weights so far. You can use it before the training has finished.

    Args:
        recipe: A built-in recipe (`whyformer config list`) or a YAML file.
            Default: the settings are chosen from the data.
        out: Directory of the run. Required.
        data: Data files: TSV, CSV, JSON lines, JSON, Parquet, Excel or TMX; the prefix of two
            files; or - (short for --data.train).
        source: Column of the source or text, or suffix of its file (short for --data.source).
        target: Column of the target or label, or suffix of its file (short for --data.target).
        columns: Columns to read, by name or number: source and target, or text and label.
            Examples: 2,1 or document,label or source=ko,target=en.
        encoding: Encoding of the files, such as cp949 (default: UTF-8; short for --data.encoding).
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
        overwrite: Delete the run in --out and start again.
        quiet: Do not show progress.
        json: Print the result as one JSON object.
    """
    run = required(out, "out", "--out runs/NAME, the directory of the run")
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.torchrun import is_first, world_size
    from whyformer.foundation.wording import counted
    from whyformer.workflows.display import wrapped
    from whyformer.workflows.train import train

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
        ranks=world_size(),
        out=None if overwrite else run,
    )
    outcome = train(resolved_recipe, run, overwrite=overwrite, quiet=quiet)
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
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in outcome.verdict.lines() if outcome.verdict else ():
            print(wrapped(line, width) if width else line)
    return code
