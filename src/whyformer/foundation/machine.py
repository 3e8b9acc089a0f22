"""A description of this machine, for the records of measurements."""

import os
import platform
from typing import Any


def machine() -> dict[str, Any]:
    """Return a description of the machine and the versions."""
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": 1,
        "dtype": "float32 unless the part says float64",
    }
