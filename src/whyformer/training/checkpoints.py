"""Checkpoints: save and restore the complete state of training, without pickle."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from whyformer.bundle import save_tensors
from whyformer.foundation.errors import BundleError, PluginError
from whyformer.foundation.files import atomic_directory, explain_write_errors, recover_directory
from whyformer.foundation.integrity import (
    SEAL,
    damage,
    format_of,
    hashes,
    note_without_checksums,
    write_sealed,
)
from whyformer.foundation.parsing import read_json, reason_of
from whyformer.foundation.randomness import (
    random_state,
    restore_random_state,
    seed_everything,
    seed_of_rank,
)
from whyformer.foundation.ranks import Ranks
from whyformer.foundation.tensors import opened
from whyformer.foundation.wording import counted
from whyformer.training.shards import is_sharded, local, read_parts, write_parts
from whyformer.training.state import TrainingState

FORMAT = 4
"""Version of the checkpoint format. Version 3 added one file per rank; version 4 added the hashes
of the files."""
OLDEST = 2
META, WHOLE = "state.json", "state.safetensors"
CHECKPOINT, BEFORE_FALL = "checkpoint", "checkpoint-before-fall"
"""Directories in a run: the last state, and the state before the learning rate fell from a constant
value."""


def save_checkpoint(directory: Path, state: TrainingState, extra: dict[str, Any]) -> None:
    """Save weights, optimizer, averages, random states and the position in the data, atomically.

    All ranks must call this function together, with a directory that all of them can access. If the
    parameters are sharded (FSDP2), each rank writes its shard to a separate file with
    torch.distributed.checkpoint, and no rank gathers the whole state. If the parameters are not
    sharded, the first rank writes one file.
    Args:
        extra: JSON values of the caller; `load_checkpoint` returns them.
    """
    ranks = state.parallelism.ranks
    streams = ranks.gather(random_state())
    tensors = _state_tensors(state)
    for rank, stream in enumerate(streams):
        for name in ("torch", "cuda", "mps"):
            if stream[name] is not None:
                tensors[_stream(name, rank)] = stream[name]
    meta = {
        "format": FORMAT,
        "step": state.step,
        "epoch": state.epoch,
        "next_batch": state.next_batch,
        "average_steps": state.average.steps,
        "optimizer": _numbers(state),
        "random_bytes": [stream["bytes"] for stream in streams],
        "extra": extra,
    }
    in_parts = any(map(is_sharded, tensors.values()))
    with _shared_directory(directory, ranks, wanted=in_parts) as temporary:
        if temporary and in_parts:
            write_parts(tensors, temporary)
        elif temporary:
            save_tensors(tensors, temporary / WHOLE)
        if temporary and ranks.first:
            meta["files"] = hashes(temporary, (file.name for file in temporary.iterdir()))
            write_sealed(temporary / META, meta)


@contextlib.contextmanager
def _shared_directory(directory: Path, ranks: Ranks, *, wanted: bool) -> Iterator[Path | None]:
    """Provide a temporary directory in a `with` block. After the block, the first rank renames the
    directory to ``directory``.

    Args: wanted: True if all ranks write to the directory. With False, only the first rank gets the
        directory, and all other ranks get None.
    """
    if ranks.first:
        with atomic_directory(directory) as temporary:
            if wanted:
                ranks.broadcast(temporary)
            yield temporary
    elif wanted:
        with explain_write_errors(directory):
            yield ranks.broadcast(None)
    else:
        yield None


def _state_tensors(state: TrainingState) -> dict[str, Tensor]:
    """Return all tensors of a state by their names in a checkpoint. If a tensor is sharded, return
    only the shard of this rank."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in state.model.named_parameters():
        tensors[f"model.{name}"] = parameter.detach()
        for key, value in state.optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{name}.{key}"] = value
    averages = state.average.tensors()
    return tensors | {f"average.{name}": tensor for name, tensor in averages.items()}


def _numbers(state: TrainingState) -> dict[str, Any]:
    """Return the numbers in the state of an optimizer: for each group, and for each parameter by
    name."""
    groups = [
        {key: value for key, value in group.items() if isinstance(value, int | float)}
        for group in state.optimizer.param_groups
    ]
    kept = {
        f"{name}.{key}": value
        for name, parameter in state.model.named_parameters()
        for key, value in state.optimizer.state.get(parameter, {}).items()
        if type(value) in (int, float)
    }
    return {"groups": groups, "parameters": kept}


def _put_numbers(directory: Path, state: TrainingState, saved: dict[str, Any]) -> None:
    """Restore the numbers that `_numbers` returned. Older checkpoints do not contain these
    numbers."""
    groups = saved.get("groups", [])
    if groups and len(groups) != len(state.optimizer.param_groups):
        raise BundleError(
            f"The checkpoint `{directory}` does not fit the optimizer: the checkpoint has "
            f"{counted(len(groups), 'group')} of parameters, and the optimizer has "
            f"{len(state.optimizer.param_groups)}."
        )
    for group, numbers in zip(state.optimizer.param_groups, groups, strict=False):
        group.update(numbers)
    parameters = dict(state.model.named_parameters())
    for key, value in saved.get("parameters", {}).items():
        name, _, slot = key.rpartition(".")
        state.optimizer.state[parameters[name]][slot] = value


def refuse_lost(state: TrainingState) -> None:
    """Raise an error if the state of the optimizer cannot be saved.

    Call this after the first update, because the state does not exist before the first update.
    Raises: PluginError.
    """
    named = {parameter: name for name, parameter in state.model.named_parameters()}
    kind = type(state.optimizer).__name__
    for parameter, slots in state.optimizer.state.items():
        if parameter not in named:
            raise PluginError(
                f"The optimizer {kind} keeps a state that belongs to no parameter of the model. A "
                "checkpoint cannot store such a state. Keep it in the state of a parameter."
            )
        for slot, value in slots.items():
            if "." in slot or not isinstance(value, Tensor | int | float):
                raise PluginError(
                    f"The optimizer {kind} keeps `{slot}` of type {type(value).__name__} in its "
                    "state, but a checkpoint can store only tensors and numbers, under names "
                    "without a dot. Use a tensor."
                )


def has_checkpoint(directory: Path) -> bool:
    """Return whether there is a checkpoint to resume from."""
    recover_directory(directory)
    return (directory / "state.json").exists()


def saved_step(directory: Path) -> int:
    """Return the number of updates of a checkpoint.

    Raises: BundleError when it cannot be read.
    """
    try:
        step = read_json(directory / META)["step"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"The checkpoint `{directory}` is damaged ({reason_of(error)}). Copy the run again."
        ) from None
    return int(step)


def load_checkpoint(
    directory: Path, state: TrainingState, *, seed: int = 0, recover: bool = True
) -> dict[str, Any]:
    """Load a checkpoint into a new state with the same settings.

    If the number of ranks is the same as when the checkpoint was saved, each rank restores its
    random state. If the number of ranks differs, the random generators are seeded again.
    Args:
        seed: used with the rank and the step to seed the random generators again.
        recover: restore the directory after a crash. Must be False if another process may write to
            it.
    Returns: the argument ``extra`` of `save_checkpoint`.
    Raises: BundleError when the checkpoint is damaged or does not fit the model.
    """
    if recover:
        recover_directory(directory)
    parameters = dict(state.model.named_parameters())
    meta, tensors = _read(directory, parameters)
    if SEAL not in meta:
        note_without_checksums(directory, "The next checkpoint of this run will have checksums.")
    for name, parameter in parameters.items():
        saved = tensors.get(f"model.{name}")
        if saved is None or saved.shape != parameter.shape:
            found = "nothing" if saved is None else tuple(saved.shape)
            raise BundleError(
                f"The checkpoint `{directory}` does not fit the model: `{name}` should be "
                f"{tuple(parameter.shape)}, found {found}."
            )
        with torch.no_grad():
            local(parameter).copy_(local(saved))
    for key, value in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "model" and rest not in parameters:
            raise BundleError(
                f"The checkpoint `{directory}` does not fit the model: it holds `{rest}`, which "
                "the model does not have."
            )
        if kind == "optimizer":
            parameter = parameters[_parameter_of(key)]
            # The fused kernels need their step counts on the device of the parameters. The tensor
            # is copied, because a tensor from a file keeps the file open, and Windows cannot
            # replace an open file.
            slot = rest.rpartition(".")[2]
            state.optimizer.state[parameter][slot] = value.to(parameter.device, copy=True)
    _put_numbers(directory, state, meta.get("optimizer", {}))
    average: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "average":
            average[rest] = tensor.to(parameters[_parameter_of(key)].device, copy=True)
    try:
        state.average.restore(average, meta["average_steps"])
    except KeyError as missing:
        raise BundleError(
            f"The checkpoint `{directory}` is damaged ({reason_of(missing)}). Copy the run "
            "again, or start again with --overwrite."
        ) from None
    state.step, state.epoch, state.next_batch = meta["step"], meta["epoch"], meta["next_batch"]
    streams, ranks = meta["random_bytes"], state.parallelism.ranks
    if ranks.count == len(streams):
        restore_random_state(
            {
                "torch": tensors[_stream("torch", ranks.rank)],
                "cuda": tensors.get(_stream("cuda", ranks.rank)),
                "mps": tensors.get(_stream("mps", ranks.rank)),
                "bytes": streams[ranks.rank],
            }
        )
    else:
        seed_everything(seed_of_rank(seed, ranks.rank, state.step))
    return meta["extra"]


def _read(
    directory: Path, parameters: dict[str, nn.Parameter]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the metadata and the tensors of a checkpoint, sharded like the parameters.

    Raises: BundleError when the checkpoint is damaged or has another format.
    """
    meta = verified_state(directory)
    files = list(meta.get("files", [WHOLE]))
    try:
        if files == [WHOLE] and not any(map(is_sharded, parameters.values())):
            with opened(directory / WHOLE) as file:
                return meta, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return meta, read_parts(directory, lambda name: parameters.get(_parameter_of(name)))
    except (OSError, ValueError, SafetensorError) as error:
        raise BundleError(_damaged(directory, reason_of(error))) from None


def verified_state(directory: Path) -> dict[str, Any]:
    """Verify the hashes of all files of a checkpoint and return its metadata.

    Raises: BundleError when the checkpoint is damaged or has another format.
    """
    try:
        meta = read_json(directory / META)
        found = format_of(directory / META, meta, newest=FORMAT)
    except (OSError, ValueError) as error:
        raise BundleError(_damaged(directory, f"{META}: {error}")) from None
    if found < OLDEST:
        raise BundleError(
            f"The checkpoint `{directory}` is of an older version of whyformer, which stored "
            "random states differently. Resume with that version, or start again with --overwrite."
        )
    if fault := damage(directory, meta, since=4):
        raise BundleError(_damaged(directory, fault))
    if missing := [n for n in meta.get("files", [WHOLE]) if not (directory / n).exists()]:
        raise BundleError(_damaged(directory, f"{missing[0]} is missing"))
    return meta


def _damaged(directory: Path, fault: object) -> str:
    return (
        f"The checkpoint `{directory}` is damaged ({fault}). Copy the run again, or start again "
        "with --overwrite."
    )


def whole_tensors(directory: Path) -> dict[str, Tensor]:
    """Return all tensors of a checkpoint, unsharded, even if several ranks wrote the checkpoint.

    Raises: BundleError when the checkpoint is damaged or has another format.
    """
    return _read(directory, {})[1]


def _parameter_of(key: str) -> str:
    """Return the name of the parameter that a checkpoint tensor belongs to."""
    kind, _, rest = key.partition(".")
    if kind == "optimizer":  # optimizer.NAME.SLOT
        return rest.rpartition(".")[0]
    if kind == "average":  # average.ema.NAME or average.kept.INDEX.NAME
        return rest.split(".", 1 if rest.startswith("ema.") else 2)[-1]
    return rest


def _stream(name: str, rank: int) -> str:
    return f"random.{rank}.{name}"
