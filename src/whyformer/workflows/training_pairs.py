"""The training pairs that a run keeps beside its model."""

from pathlib import Path


def without_training_pairs(what: str, run: Path, reason: str) -> str:
    """Return the message for a run without readable training pairs.

    Args: what: what needs the pairs. reason: why they cannot be read.
    """
    if (run / "corpus").exists():
        return f"{what} needs the training pairs of `{run}`, but they cannot be read. {reason}"
    return (
        f"{what} needs training pairs, but `{run}` has none: an imported model and a copy of a "
        "model have no training data. Give the whole directory that `whyformer train` wrote, or "
        f"train further on pairs with: whyformer train --start-from {run} --data FILE"
    )
