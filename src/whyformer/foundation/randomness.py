"""Seeds, and the cheap stream of random bytes that dropout draws from.

Data order, initialisation and sampling draw from generators passed in. Dropout alone draws from
streams of the process: torch's global one and, on a CPU, the byte stream here. `seed_everything`
sets both once; `random_state` and `restore_random_state` let a checkpoint carry them.
"""

from typing import Any

import numpy as np
import torch

_bytes = np.random.SFC64(0)


def random_bytes(count: int) -> np.ndarray:
    """Return ``count`` independent uniform bytes of the process's stream (SFC64)."""
    return _bytes.random_raw(-(-count // 8)).view(np.uint8)[:count]


def seed_everything(seed: int) -> None:
    """Seed torch's global stream and the byte stream."""
    global _bytes
    torch.manual_seed(seed)
    _bytes = np.random.SFC64(seed)


def seed_of_rank(seed: int, rank: int, step: int = 0) -> int:
    """Return a seed of the process's streams: the first rank's own, others far from it."""
    return seed if rank == 0 and step == 0 else seed + 1_000_003 * (rank + 1) + 7_919 * step


def random_state() -> dict[str, Any]:
    """Return all that is needed to draw the same numbers again: tensors and JSON values."""
    state = _bytes.state
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        "mps": torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
        "bytes": [int(word) for word in state["state"]["state"]],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Go on drawing where `random_state` was taken."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
    if state.get("mps") is not None and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])
    whole = _bytes.state
    whole["state"]["state"] = np.array(state["bytes"], dtype=np.uint64)
    _bytes.state = whole
