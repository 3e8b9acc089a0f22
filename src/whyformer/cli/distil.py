"""``whyformer distil``: train a student that learns from one or several teachers."""

from pathlib import Path
from typing import Annotated

from whyformer.cli.shared.options import Flag, Overrides, Texts, required, within

EXAMPLES = """Examples:

  whyformer distil runs/big --out runs/small --model.d-model 128
  whyformer distil runs/a runs/b --out runs/student
  whyformer distil runs/big --student my-small-recipe.yaml --out runs/small
  whyformer distil runs/a runs/b --level sequence --out runs/student
  whyformer distil runs/big --level sequence --nbest 5 --out runs/small
  whyformer distil runs/sentiment --out runs/small --distil.temperature 2
  whyformer distil runs/bert --out runs/small --model.layers 2 --distil.hidden 1

The student has the tokenizers of the teachers. Several teachers are an
ensemble.
  --level word      The student learns the probabilities of the teachers for
                    each token or label. --distil.weight sets their weight
                    against the labels of the data (default: 0.5).
  --level sequence  The best outputs of the teachers replace the targets of the
                    training data. The run keeps them, so that a resumed run
                    does not translate again. With --nbest above 1, the output
                    that is nearest to the target of the data is used."""


def distil(
    *teachers: str,
    out: Path | None = None,
    student: str | None = None,
    data: Texts = None,
    dev: Texts = None,
    level: str | None = None,
    nbest: Annotated[int | None, within(1, 1000)] = None,
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
        level: What the student learns: word (default) or sequence (task `translate`).
        nbest: Number of outputs of the teachers for each source, for --level sequence (default: 1).
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
    given: dict[str, list[str]] = {}
    for name, value in (("level", level), ("nbest", nbest)):
        if value is not None and f"distil.{name}" in overrides:
            raise UsageError(
                f"`--{name}` is short for `--distil.{name}`, but both were given. Keep one."
            )
        given |= {f"distil.{name}": [str(value)]} if value is not None else {}
    return train(
        student,
        out=out,
        data=data,
        dev=dev,
        overwrite=overwrite,
        quiet=quiet,
        json=json,
        overrides={"distil.teachers": list(teachers), **given, **overrides},
    )
