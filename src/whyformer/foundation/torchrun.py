"""What torchrun told this process in its environment, to be asked before torch is loaded."""

import os
import sys
from typing import NoReturn


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


def leave(code: int) -> NoReturn:
    """End this process; one of several ranks ends at once, without taking the interpreter apart.

    A rank's gloo threads outlive `destroy_process_group`, because DDP holds the group until the
    process ends. Ranks that had finished were seen to abort then ("terminate called without an
    active exception"), which torchrun reports as a failure: most likely such a thread let go of a
    tensor, for which it needs the interpreter. Only `atexit` is passed over.
    """
    if world_size() == 1:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
