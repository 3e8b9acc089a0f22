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
    """Return how often torchrun has restarted the processes of the run after a rank died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def leave(code: int) -> NoReturn:
    """End this process. With several ranks, the process ends at once, without shutting down the
    interpreter.

    The gloo threads of a rank continue after `destroy_process_group`, because DDP keeps the process
    group until the process ends. During a normal shutdown, some finished ranks aborted ("terminate
    called without an active exception"), and torchrun reported a failure. Most likely, such a
    thread freed a tensor, which needs the interpreter. Ending at once skips only the `atexit`
    handlers.
    """
    if world_size() == 1:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
