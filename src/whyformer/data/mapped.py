"""Memory-mapped arrays of a corpus, and checks that detect damaged ones."""

import contextlib
import math
import mmap
import weakref
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import numpy as np

from whyformer.foundation.errors import DataError
from whyformer.foundation.parsing import reason_of
from whyformer.foundation.wording import counted

DTYPES = ("uint8", "uint16", "uint32", "int32", "int64")
"""The integer types that the arrays of a corpus may have."""
_OPEN: weakref.WeakValueDictionary[int, np.memmap[Any, Any]] = weakref.WeakValueDictionary()
"""The memory-mapped arrays that are in use, by their `id`."""
LARGEST_COUNT = 2**53
"""Maximum plausible count. A larger count is a sign of damage, and a floating-point number cannot
represent it exactly."""


def mapped(path: Path, dtype: str) -> np.ndarray:
    """Return a file as a memory-mapped array.

    Raises: ValueError when ``dtype`` is not one of `DTYPES`, when the file is empty, or when its
    size is not a multiple of the size of ``dtype``; OSError when the file cannot be read.
    """
    if dtype not in DTYPES:
        raise ValueError(f"`{dtype}` is not one of {', '.join(DTYPES)}")
    array = np.memmap(path, dtype=dtype, mode="r")
    _OPEN[id(array)] = array
    return array


def refuse_changed_files() -> None:
    """Compare the size of every mapped file with its size when it was opened.

    If a mapped file is truncated, its missing part reads as zeros, up to the end of a memory page.
    Results that are computed from these zeros are wrong, but no error is raised. So call this
    function before you write such results. A file that was removed or replaced is harmless: the
    array keeps the old content.

    Raises: DataError with the path of the file.
    """
    for array in list(_OPEN.values()):
        if (size := cast(mmap.mmap, array.base).size()) != array.nbytes:
            raise DataError(
                f"`{array.filename}` must not change while it is in use, but its size changed from "
                f"{counted(array.nbytes, 'byte')} to {counted(size, 'byte')}. Find the program "
                "that writes to this directory. Then run the same command again: the data is "
                "prepared again, and training resumes from its last checkpoint."
            )


@contextlib.contextmanager
def explain_damage_after_writing(directory: Path) -> Iterator[None]:
    """In a `with` block, turn errors about arrays that were just written into one DataError
    that names the directory."""
    try:
        yield
    except (OSError, ValueError, IndexError) as error:
        raise DataError(
            f"`{directory}` was damaged right after it was written ({reason_of(error)}). Check "
            "the disk, and "
            "run the command again: the data is prepared again."
        ) from None


def refuse_wrong_offsets(offsets: np.ndarray, values: np.ndarray, name: str) -> None:
    """Raise ValueError unless offsets increase from 0 to the number of values."""
    if offsets[0] != 0 or offsets[-1] != len(values) or np.any(offsets[1:] < offsets[:-1]):
        raise ValueError(f"the offsets of `{name}` do not fit its {counted(len(values), 'value')}")


def refuse_foreign_ids(ids: np.ndarray, vocabulary: int) -> None:
    """Raise ValueError when an id is not below the vocabulary size."""
    if len(ids) and (largest := int(ids.max())) >= vocabulary:
        raise ValueError(f"the id {largest} must be below the vocabulary size {vocabulary}")


def refuse_wrong_counts(report: Any) -> None:
    """Raise ValueError unless the numbers of a report (a dataclass) are counts or finite
    numbers."""
    for one in fields(report):
        value = getattr(report, one.name)
        if one.type is int and not (type(value) is int and 0 <= value < LARGEST_COUNT):
            raise ValueError(f"`{one.name}` is not a count")
        if one.type is float and not (isinstance(value, int | float) and math.isfinite(value)):
            raise ValueError(f"`{one.name}` is not a finite number")
