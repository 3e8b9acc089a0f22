"""Read the environment variables of torchrun, without importing torch."""

import os
import sys
from typing import NoReturn


def by_torchrun() -> bool:
    """Return whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def world_size() -> int:
    """Return the number of processes in the run."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Return whether this is the first or only process, which writes files and prints."""
    return int(os.environ.get("RANK", "0")) == 0


def restarts() -> int:
    """Return how often torchrun has restarted this process after a rank died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def leave(code: int) -> NoReturn:
    """End this process; one of several ranks ends at once, without shutting down the interpreter.

    The gloo threads of a rank continue after `destroy_process_group`, because DDP keeps the group
    until the process ends. Finished ranks were seen to abort then ("terminate called without an
    active exception"), which torchrun reports as a failure. Most likely, such a thread freed a
    tensor, which needs the interpreter. Only `atexit` handlers are skipped.
    """
    if world_size() == 1:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
