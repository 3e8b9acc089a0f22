"""Lock an open file, on POSIX and on Windows. The lock is released when the process ends."""

import errno
import importlib
from typing import Any, BinaryIO

_LOCKED = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""Error numbers that mean that another process holds the lock."""


def lock(file: BinaryIO) -> bool:
    """Lock an open file without waiting; return False when another process holds the lock.

    The lock is released when the file is closed, or when the process ends or is killed.

    Raises: OSError when the file system cannot lock.
    """
    try:
        try:
            fcntl: Any = importlib.import_module("fcntl")
        except ImportError:  # Windows
            msvcrt: Any = importlib.import_module("msvcrt")
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _LOCKED:
            return False
        raise
    return True
