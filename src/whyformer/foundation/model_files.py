"""The files of a model directory and of a run, and how to find them."""

from pathlib import Path

from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import standing

RUN, RUN_ID = "run.json", "run"
"""The file that describes a run, and the key that the run's ID has in this file and in the facts of
the run's model."""
RECIPE = "recipe.yaml"
"""The file with the settings of a run."""
CONFIG, WEIGHTS, SOURCE, TARGET = "config.json", "model.safetensors", "source.json", "target.json"


def find_bundle(path: Path) -> Path:
    """Return the bundle in a run directory, or the directory itself if it is a bundle.

    Raises: BundleError if there is no bundle.
    """
    for place in (standing(path / "model"), standing(path)):
        if (place / CONFIG).exists():
            return place
    if not path.exists():
        raise BundleError(
            f"The model directory `{path}` does not exist. "
            "Give the directory that `whyformer train --out` wrote."
        )
    refuse_pickles(path)
    raise BundleError(
        f"`{path}` is not a model directory: it has no {CONFIG}. If a training run there was "
        "stopped before its first validation, run the command again to resume."
    )


def refuse_pickles(path: Path) -> None:
    """Raise BundleError if a directory without readable weights contains a pickle."""
    pickles = [f.name for p in ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt") for f in path.glob(p)]
    if pickles:
        raise BundleError(
            f"`{path}` has the pickle `{pickles[0]}`. A pickle can run any code when opened, so it "
            "is never loaded. Save the model as safetensors with the program that wrote it."
        )
