"""Seeds, and a fast stream of random bytes for dropout.

Data order, initialization and sampling use generators that are passed as arguments. Only dropout
uses global generators: the generator of torch and, on a CPU, the byte stream in this file.
`seed_everything` seeds these two generators. A checkpoint saves their states with `random_state`
and restores them with `restore_random_state`.
"""

from typing import Any

import numpy as np
import torch

_bytes = np.random.SFC64(0)


def random_bytes(count: int) -> np.ndarray:
    """Return ``count`` independent uniform bytes from the stream of this process (SFC64)."""
    return _bytes.random_raw(-(-count // 8)).view(np.uint8)[:count]


def seed_everything(seed: int) -> None:
    """Seed the global generator of torch and the stream of `random_bytes`."""
    global _bytes
    torch.manual_seed(seed)
    _bytes = np.random.SFC64(seed)


def seed_of_rank(seed: int, rank: int, step: int = 0) -> int:
    """Return the seed of a rank: ``seed`` itself for the first rank at step 0, and a different seed
    for every other rank and step."""
    return seed if rank == 0 and step == 0 else seed + 1_000_003 * (rank + 1) + 7_919 * step


def byte_state() -> list[int]:
    """Return the state of the stream of `random_bytes`."""
    return [int(word) for word in _bytes.state["state"]["state"]]


def restore_byte_state(words: list[int]) -> None:
    """Restore a state that `byte_state` returned."""
    whole = _bytes.state
    whole["state"]["state"] = np.array(words, dtype=np.uint64)
    _bytes.state = whole


def random_state() -> dict[str, Any]:
    """Return the states of the global random generators, as tensors and JSON values."""
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        "mps": torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
        "bytes": byte_state(),
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Restore a state that `random_state` returned."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
    if state.get("mps") is not None and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])
    restore_byte_state(state["bytes"])
