"""Stop and go on: everything that changes while training, on disk without a pickle."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from whyformer.bundle import save_tensors
from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import atomic_directory, recover_directory
from whyformer.foundation.randomness import (
    random_state,
    restore_random_state,
    seed_everything,
    seed_of_rank,
)
from whyformer.training.loop import TrainingState

FORMAT = 2


def save_checkpoint(
    directory: Path,
    state: TrainingState,
    extra: dict[str, Any],
    *,
    others: Sequence[dict[str, Any]] = (),
) -> None:
    """Write weights, optimizer, averages, random streams and the data cursor, whole or not at all.

    Args:
        extra: what the caller wants back with the checkpoint (JSON values).
        others: the random streams of the other ranks, in their order.
    """
    randomness = random_state()
    tensors: dict[str, Tensor] = {
        f"model.{name}": p.detach() for name, p in state.model.named_parameters()
    }
    for name, parameter in state.model.named_parameters():
        for key, value in state.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{name}.{key}"] = value
    tensors |= {f"average.{name}": tensor for name, tensor in state.average.tensors().items()}
    for rank, streams in enumerate((randomness, *others)):
        for name in ("torch", "cuda"):
            if streams[name] is not None:
                tensors[_stream(name, rank)] = streams[name]
    meta = {
        "format": FORMAT,
        "step": state.step,
        "epoch": state.epoch,
        "next_batch": state.next_batch,
        "average_steps": state.average.steps,
        "random_bytes": [streams["bytes"] for streams in (randomness, *others)],
        "extra": extra,
    }
    with atomic_directory(directory) as temporary:
        save_tensors(tensors, temporary / "state.safetensors")
        (temporary / "state.json").write_text(json.dumps(meta), encoding="utf-8")


def has_checkpoint(directory: Path) -> bool:
    """Say whether there is a checkpoint to go on from."""
    recover_directory(directory)
    return (directory / "state.json").exists()


def load_checkpoint(
    directory: Path, state: TrainingState, *, rank: int = 0, ranks: int = 1, seed: int = 0
) -> dict[str, Any]:
    """Put a saved state into a fresh one made with the same settings; return the caller's extra.

    Args:
        rank, ranks: which process this is, and of how many. With as many as saved it, each draws
            on where it stopped; with another number the streams begin anew, from seed and step.
    Raises: BundleError when the checkpoint is damaged or does not fit the model.
    """
    recover_directory(directory)
    try:
        meta = json.loads((directory / "state.json").read_text(encoding="utf-8"))
        with safe_open(directory / "state.safetensors", framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, ValueError, SafetensorError) as error:
        raise BundleError(
            f"The checkpoint `{directory}` is damaged ({error}). Delete it to start again from the "
            "beginning."
        ) from None
    if meta.get("format", 0) < FORMAT:
        raise BundleError(
            f"The checkpoint `{directory}` is of an older version of whyformer, which kept random "
            "streams otherwise. Go on with that version, or delete it to start again."
        )
    if meta["format"] > FORMAT:
        raise BundleError(
            f"The checkpoint `{directory}` has format {meta['format']}, and this version reads up "
            f"to {FORMAT}. Upgrade whyformer."
        )
    parameters = dict(state.model.named_parameters())
    for name, parameter in parameters.items():
        saved = tensors.get(f"model.{name}")
        if saved is None or saved.shape != parameter.shape:
            found = "nothing" if saved is None else tuple(saved.shape)
            raise BundleError(
                f"The checkpoint `{directory}` does not fit the model: `{name}` should be "
                f"{tuple(parameter.shape)}, found {found}."
            )
        with torch.no_grad():
            parameter.copy_(saved)
    for key, value in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "model" and rest not in parameters:
            raise BundleError(
                f"The checkpoint `{directory}` does not fit the model: it holds `{rest}`, which "
                "the model does not have."
            )
        if kind == "optimizer":
            name, _, slot = rest.rpartition(".")
            parameter = parameters[name]
            # The fused kernels want their step counts beside the parameters too.
            state.optimizer.state[parameter][slot] = value.to(parameter.device)
    device = next(iter(parameters.values())).device
    average = {
        key.removeprefix("average."): tensor.to(device)
        for key, tensor in tensors.items()
        if key.startswith("average.")
    }
    try:
        state.average.restore(average, meta["average_steps"])
    except KeyError as missing:
        raise BundleError(
            f"The checkpoint `{directory}` is damaged ({missing} is missing). Delete it to start "
            "again from the beginning."
        ) from None
    state.step, state.epoch, state.next_batch = meta["step"], meta["epoch"], meta["next_batch"]
    streams = meta["random_bytes"]
    if ranks == len(streams):
        restore_random_state(
            {
                "torch": tensors[_stream("torch", rank)],
                "cuda": tensors.get(_stream("cuda", rank)),
                "bytes": streams[rank],
            }
        )
    else:
        seed_everything(seed_of_rank(seed, rank, state.step))
    return meta["extra"]


def _stream(name: str, rank: int) -> str:
    return f"random.{rank}.{name}"
