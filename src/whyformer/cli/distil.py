"""``whyformer distil``: train a student on the probabilities of one or several teachers."""

from pathlib import Path

from whyformer.cli.shared.options import Flag, Overrides, Texts, required

EXAMPLES = """Examples:

  whyformer distil runs/big --out runs/small --model.d-model 128
  whyformer distil runs/a runs/b --out runs/student
  whyformer distil runs/big --student my-small-recipe.yaml --out runs/small
  whyformer distil runs/sentiment --out runs/small --distil.temperature 2

The student has the tokenizers of the teachers. Several teachers are an
ensemble: the student learns the mean of their probabilities. --distil.weight
sets the weight of the teachers against the labels of the data (default: 0.5).
To let a student learn the outputs of a teacher instead (sequence-level
distillation), translate the training sources with the teacher and train on
the result; see docs/training.md."""


def distil(
    *teachers: str,
    out: Path | None = None,
    student: str | None = None,
    data: Texts = None,
    dev: Texts = None,
    overwrite: Flag = False,
    quiet: Flag = False,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Train a student that learns from one or several trained models.

    Args:
        teachers: Directories of one or more runs with the same tokenizers.
        out: Directory of the run of the student. Required.
        student: Recipe of the student (default: the recipe of the first teacher). Its settings can
            be overridden as for `whyformer train`.
        data: Data files (default: those of the first teacher).
        dev: Validation set (default: that of the first teacher).
        overwrite: Delete the run in --out and start again.
        quiet: Do not show progress.
        json: Print the result as one JSON object.
    """
    from whyformer.cli.train import train
    from whyformer.foundation.errors import UsageError

    required(out, "out", "--out runs/NAME, the directory of the run")
    if not teachers:
        raise UsageError(
            "A teacher is required and was not given. Give the directory that `whyformer train` "
            "wrote."
        )
    return train(
        student,
        out=out,
        data=data,
        dev=dev,
        overwrite=overwrite,
        quiet=quiet,
        json=json,
        overrides={"distil.teachers": list(teachers), **overrides},
    )
