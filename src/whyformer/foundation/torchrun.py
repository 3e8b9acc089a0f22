"""What torchrun told this process in its environment, to be asked before torch is loaded."""

import os


def by_torchrun() -> bool:
    """Say whether torchrun started this process, with others or alone."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def world_size() -> int:
    """Return how many processes work together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Say whether this process writes and speaks: the first of those together, or the only one."""
    return int(os.environ.get("RANK", "0")) == 0


def restarts() -> int:
    """Return how often torchrun started this process again, after one of its ranks had died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
