"""Stop and go on: everything that changes while training, on disk without a pickle."""

import json
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
from whyformer.training.shards import cut_like, gathered, local

FORMAT = 2


def save_checkpoint(directory: Path, state: TrainingState, extra: dict[str, Any]) -> None:
    """Write weights, optimizer, averages, random streams and the data cursor, whole or not at all.

    All ranks call this together; the first one writes. Shares are gathered tensor by tensor, as
    torch.distributed.checkpoint.state_dict does for full state dicts, instead of a file a rank: so
    there is one format, which any number of ranks reads, sharded or not, and so do other tools.
    Args:
        extra: what the caller wants back with the checkpoint (JSON values).
    """
    ranks = state.together.ranks
    streams = ranks.collected(random_state())
    tensors = gathered(_held(state), keep=ranks.first, device="cpu")
    if not ranks.first:
        return
    for rank, stream in enumerate(streams):
        for name in ("torch", "cuda"):
            if stream[name] is not None:
                tensors[_stream(name, rank)] = stream[name]
    meta = {
        "format": FORMAT,
        "step": state.step,
        "epoch": state.epoch,
        "next_batch": state.next_batch,
        "average_steps": state.average.steps,
        "random_bytes": [stream["bytes"] for stream in streams],
        "extra": extra,
    }
    with atomic_directory(directory) as temporary:
        save_tensors(tensors, temporary / "state.safetensors")
        (temporary / "state.json").write_text(json.dumps(meta), encoding="utf-8")


def _held(state: TrainingState) -> dict[str, Tensor]:
    """Return all tensors of a state by their names in a checkpoint; of shares, this rank's."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in state.model.named_parameters():
        tensors[f"model.{name}"] = parameter.detach()
        for key, value in state.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{name}.{key}"] = value
    averages = state.average.tensors()
    return tensors | {f"average.{name}": tensor for name, tensor in averages.items()}


def has_checkpoint(directory: Path) -> bool:
    """Say whether there is a checkpoint to go on from."""
    recover_directory(directory)
    return (directory / "state.json").exists()


def load_checkpoint(directory: Path, state: TrainingState, *, seed: int = 0) -> dict[str, Any]:
    """Put a saved state into a fresh one made with the same settings; return the caller's extra.

    Of as many ranks as saved it, each draws random numbers on where it stopped; of another number,
    the streams begin anew.
    Args: seed: what new streams begin from, with rank and step.
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
            local(parameter).copy_(local(cut_like(saved.to(parameter.device), parameter)))
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
            value = value.to(parameter.device)
            whole_slot = value.shape == parameter.shape  # else a count of steps
            state.optimizer.state[parameter][slot] = (
                cut_like(value, parameter) if whole_slot else value
            )
    average: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "average":  # ema.NAME or kept.INDEX.NAME
            name = rest.split(".", 1 if rest.startswith("ema.") else 2)[-1]
            parameter = parameters[name]
            average[rest] = cut_like(tensor.to(parameter.device), parameter)
    try:
        state.average.restore(average, meta["average_steps"])
    except KeyError as missing:
        raise BundleError(
            f"The checkpoint `{directory}` is damaged ({missing} is missing). Delete it to start "
            "again from the beginning."
        ) from None
    state.step, state.epoch, state.next_batch = meta["step"], meta["epoch"], meta["next_batch"]
    streams, ranks = meta["random_bytes"], state.together.ranks
    if ranks.count == len(streams):
        restore_random_state(
            {
                "torch": tensors[_stream("torch", ranks.rank)],
                "cuda": tensors.get(_stream("cuda", ranks.rank)),
                "bytes": streams[ranks.rank],
            }
        )
    else:
        seed_everything(seed_of_rank(seed, ranks.rank, state.step))
    return meta["extra"]


def _stream(name: str, rank: int) -> str:
    return f"random.{rank}.{name}"
