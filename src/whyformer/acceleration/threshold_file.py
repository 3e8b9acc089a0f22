"""The file in which the measured thresholds of machines are stored.

The file is in the user's cache directory, which several machines may share. An entry applies only
to a machine that is equal in everything that decides which implementation is faster.
"""

import json
import logging
import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from whyformer.acceleration.processor import about_processor
from whyformer.foundation.errors import UsageError
from whyformer.foundation.files import write_text
from whyformer.foundation.parsing import read_json, reason_of
from whyformer.foundation.torchrun import is_first

OFF = "WHYFORMER_UNTUNED"
"""Environment variable: the value 1 ignores the stored thresholds."""
FILE = "thresholds.json"
INSTRUCTIONS = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS")
"""Environment variables that limit the instructions which the libraries use."""

log = logging.getLogger(__name__)


def thresholds_path() -> Path:
    """Return the path of the file. Raises: UsageError if the user has no home directory."""
    try:
        return _cache_directory() / "whyformer" / FILE
    except RuntimeError:
        raise UsageError(
            "The measurements are stored in the cache directory of the user, but there is no home "
            "directory. Set the variable HOME."
        ) from None


def machine(threads: int) -> dict[str, Any]:
    """Return what an entry of the file applies to: processor, threads, torch and instructions."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "limits": {name: os.environ[name] for name in INSTRUCTIONS if os.environ.get(name)},
    }


def stored_thresholds(threads: int) -> dict[str, int] | None:
    """Return the measured thresholds of this machine; None if there are none.

    If the file is damaged, a warning is logged, and the result is None.
    """
    if os.environ.get(OFF, "") not in ("", "0"):
        return None
    try:
        path = thresholds_path()
    except UsageError:
        return None
    here = machine(threads)
    return next((one["thresholds"] for one in _entries(path) if one["machine"] == here), None)


def store_thresholds(values: Mapping[str, int], threads: int) -> Path:
    """Store the measured thresholds of this machine, replace earlier ones, and return the path."""
    path, here = thresholds_path(), machine(threads)
    others = [one for one in _entries(path) if one["machine"] != here]
    entries = [*others, {"machine": here, "thresholds": dict(values)}]
    write_text(path, json.dumps({"format": 1, "entries": entries}, indent=1) + "\n")
    return path


def _entries(path: Path) -> list[dict[str, Any]]:
    """Return the entries of the file; none, after a warning, if it is damaged."""
    try:
        if not path.exists():
            return []
        entries = read_json(path)["entries"]
        for entry in entries:
            values = entry["thresholds"].values()
            if "machine" not in entry or not all(type(one) is int and one >= 0 for one in values):
                raise ValueError("a threshold is not a whole number of at least 0")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if is_first():
            log.warning(
                f"`{path}` is damaged ({reason_of(error)}), so the default thresholds are used. "
                "Run `whyformer doctor --tune` to measure them again."
            )
        return []
    return entries


def _processor() -> str:
    """Return the name of the processor, with the numbers of its model if they are known."""
    text = about_processor()
    names = ("model name", "cpu family", "model", "stepping")
    found = (re.search(rf"^{name}\s*:\s*(.+)$", text, re.MULTILINE) for name in names)
    numbers = [one[1].strip() for one in found if one]
    return " / ".join([platform.machine(), *(numbers or [text.strip()[:200]])])


def _cache_directory() -> Path:
    """Return the directory in which programs of this user store data that can be made again."""
    if sys.platform == "win32":
        given, usual = "LOCALAPPDATA", "AppData/Local"
    elif sys.platform == "darwin":
        given, usual = "XDG_CACHE_HOME", "Library/Caches"
    else:
        given, usual = "XDG_CACHE_HOME", ".cache"
    return Path(os.environ[given]) if os.environ.get(given) else Path.home() / usual
