"""Read a safetensors file directly into existing tensors, without memory mapping or copies."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from whyformer.foundation.parsing import parse_json

CHUNK = 1 << 20
"""Number of values that `is_finite` checks at a time: 4 MiB in fp32."""
MAX_HEADER_BYTES = 100_000_000
"""Maximum length of the header of a safetensors file."""
_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file for torch.

    Raises: SafetensorError or OSError when the file is damaged. A RuntimeError of torch becomes an
        OSError.
    """
    try:
        file = safe_open(path, framework="pt")
    except RuntimeError as error:
        raise OSError(str(error)) from None
    with file:
        yield file


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Read and check only the header of a file; return the shape of every tensor.

    Raises: SafetensorError or OSError when the header is damaged.
    """
    with opened(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def read_into(path: Path, targets: Mapping[str, Tensor]) -> None:
    """Read a file into tensors; names and shapes must already be checked with `read_shapes`.

    In addition to ``targets``, only one block of the file is in memory. If a tensor in the file has
    another number format than its target, it is converted; one tensor is converted at a time.

    Raises: SafetensorError, ValueError or OSError when the file is damaged.
    """
    others: list[str] = []
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise ValueError("the header is too long")
        header = parse_json(file.read(length).decode("utf-8"))
        for name, target in targets.items():
            whole = target.detach()
            plain = whole.is_contiguous() and whole.device.type == "cpu"
            if sys.byteorder != "little" or not plain or _DTYPES.get(
                header[name]["dtype"]
            ) is not whole.dtype:  # fmt: skip
                others.append(name)
                continue
            file.seek(8 + length + header[name]["data_offsets"][0])
            room = whole.view(-1).view(torch.uint8).numpy().data
            while room:
                count = file.readinto(room)
                if not count:
                    raise ValueError("the file is too short")
                room = room[count:]
    if others:
        with opened(path) as file, torch.no_grad():
            for name in others:
                targets[name].copy_(file.get_tensor(name))


def is_finite(tensor: Tensor) -> bool:
    """Return whether all numbers of a tensor are finite, without making temporary tensors of its
    size."""
    return all(bool(part.isfinite().all()) for part in tensor.detach().view(-1).split(CHUNK))
