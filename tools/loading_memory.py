"""Measure the peak memory of loading a model, relative to the size of its weights (Linux).

usage: python tools/loading_memory.py [MEGABYTES ...]

Prints one JSON object per size: weights_bytes, peak_bytes (in addition to the memory of the process
before loading), ratio (peak_bytes / weights_bytes) and seconds (including the check of hashes).
"""

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.foundation.model_files import WEIGHTS
from whyformer.models.build import build_model
from whyformer.models.gpt import GPTSettings
from whyformer.text.tokenizer import train_tokenizer


def write(directory: Path, megabytes: float) -> None:
    """Save a GPT with random weights of about this size in float32."""
    tokenizer = train_tokenizer("words", ["a b c"], vocabulary=300)
    d_model = 16 * max(
        4, round((megabytes * 1e6 / 4 / 12 / 2) ** 0.5 / 16)
    )  # 12 d² weights per layer
    settings = GPTSettings(layers=2, d_model=d_model, heads=4, d_ff=4 * d_model, max_length=64)
    model = build_model(settings, (len(tokenizer), len(tokenizer)), shared=True)
    save_bundle(directory, Bundle(model.eval(), tokenizer, tokenizer))


def status(name: str) -> int:
    """Return a size from /proc/self/status, in bytes. Args: name: such as VmRSS."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return 1024 * int(line.split()[1])
    raise KeyError(name)


def load(directory: Path, small: Path) -> dict[str, Any]:
    """Load a model in this process and return its memory and time."""
    torch.set_num_threads(1)
    load_bundle(small)  # first load: imports modules and allocates caches
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # reset the peak
    began = time.perf_counter()
    load_bundle(directory)
    seconds = time.perf_counter() - began
    size, peak = (directory / WEIGHTS).stat().st_size, status("VmHWM") - before
    return {
        "weights_bytes": size, "peak_bytes": peak, "ratio": round(peak / size, 3),
        "seconds": round(seconds, 3),
    }  # fmt: skip


def measure(megabytes: float) -> dict[str, Any]:
    """Return the memory and time of loading a model of this size, in a new process."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as place, spawn.Pool(1, maxtasksperchild=1) as pool:
        model, small = Path(place) / "model", Path(place) / "small"
        for directory, size in ((model, megabytes), (small, 0.1)):
            pool.apply(write, (directory, size))
        return pool.apply(load, (model, small))


if __name__ == "__main__":
    for size in sys.argv[1:] or ["4", "500"]:
        print(json.dumps(measure(float(size))), flush=True)
