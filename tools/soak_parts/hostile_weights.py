"""Malicious weights files: false headers, NaN and infinity, and pickles."""

import json
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Maker = Callable[[random.Random, Path], None]
NAME = "model.safetensors"


def read(model: Path) -> tuple[dict[str, Any], bytes]:
    """Return the header and the data of a weights file."""
    content = (model / NAME).read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def write(model: Path, header: object, data: bytes, *, length: int | None = None) -> None:
    """Write a weights file. Args: length: false length of the header; None: the true one."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (model / NAME).write_bytes(
        struct.pack("<Q", len(text) if length is None else length) + text + data
    )


def _length(*lengths: int) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        header, data = read(model)
        write(model, header, data, length=rng.choice(lengths))

    return make


def _tensor(change: Callable[[random.Random, dict[str, Any], int], None]) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        header, data = read(model)
        name = rng.choice([one for one in header if one != "__metadata__"])
        change(rng, header[name], len(data))
        write(model, header, data)

    return make


def _offsets(rng: random.Random, entry: dict[str, Any], size: int) -> None:
    begin, end = entry["data_offsets"]
    entry["data_offsets"] = rng.choice(
        (
            [0, end - begin],
            [begin, end + 4],
            [size, size + end - begin],
            [end, begin],
            [-4, 0],
            [0, 2**64 - 1],
            [0, 2**70],
            [begin + 2, end + 2],
            [0.5, 4],
            ["0", "4"],
            [],
            None,
            [0],
        )
    )


def _shape(rng: random.Random, entry: dict[str, Any], _size: int) -> None:
    entry["shape"] = rng.choice(
        (
            [2**40, 2**40],
            [2**63, 2],
            [0],
            [-1, -1],
            [1] * 100_000,
            [],
            [10**9, 10**9],
            "x",
            [1.5],
            None,
        )
    )


def _dtype(rng: random.Random, entry: dict[str, Any], _size: int) -> None:
    entry["dtype"] = rng.choice(
        ("F64", "I64", "BF16", "F8_E4M3", "BOOL", "U8", "C64", "OBJECT", "", None, 1)
    )


def _filled(*values: float) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        header, data = read(model)
        value = struct.pack("<f", rng.choice(values))
        whole = bytearray(data)
        for _ in range(rng.choice((1, 1, len(data) // 4))):
            at = rng.randrange(len(data) // 4) * 4
            whole[at : at + 4] = value
        write(model, header, bytes(whole))

    return make


def _all_nan(_rng: random.Random, model: Path) -> None:
    header, data = read(model)
    write(model, header, struct.pack("<f", float("nan")) * (len(data) // 4))


def _header(*headers: bytes) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        write(model, rng.choice(headers), read(model)[1])

    return make


def _more(rng: random.Random, model: Path) -> None:
    header, data = read(model)
    extra = rng.choice((1, 10_000, 200_000))
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [len(data), len(data)]}
    write(model, header | {f"extra.{n}": empty for n in range(extra)}, data)


def _missing(rng: random.Random, model: Path) -> None:
    header, data = read(model)
    names = [one for one in header if one != "__metadata__"]
    for name in rng.sample(names, rng.choice((1, len(names)))):
        del header[name]
    write(model, header, data)


def _same_place(_rng: random.Random, model: Path) -> None:
    """Let all tensors overlap: a small file then describes a large model."""
    header, data = read(model)
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            entry["data_offsets"] = [0, end - begin]
    write(model, header, data)


def _truncated(rng: random.Random, model: Path) -> None:
    content = (model / NAME).read_bytes()
    (model / NAME).write_bytes(
        content[: rng.choice((0, 1, 7, 8, 9, 100, len(content) - 1, len(content) // 2))]
    )


def _appended(rng: random.Random, model: Path) -> None:
    content = (model / NAME).read_bytes()
    (model / NAME).write_bytes(content + b"\0" * rng.choice((1, 4, 10**6)))


def _sparse(_rng: random.Random, model: Path) -> None:
    os.truncate(model / NAME, 1 << 30)


class Canary:
    """An object that creates a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {os.environ['SOAK_CANARY']}",)


def _pickle(rng: random.Random, model: Path) -> None:
    (model / NAME).write_bytes(pickle.dumps(Canary(), protocol=rng.choice((0, 2, 4, 5))))


def _zip(_rng: random.Random, model: Path) -> None:
    with zipfile.ZipFile(model / NAME, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Canary()))
        file.writestr("archive/version", "3\n")


def _other_pickles(rng: random.Random, model: Path) -> None:
    for name in ("pytorch_model.bin", "model.pt", "state.ckpt", "training_args.pkl"):
        (model / name).write_bytes(pickle.dumps(Canary()))
    if rng.random() < 0.7:
        (model / rng.choice((NAME, "config.json"))).unlink()


WEIGHTS: dict[str, Maker] = {
    "weights: header length": _length(0, 1, 7, 2**31, 2**40, 2**63 - 1, 2**64 - 1, 100_000_000),
    "weights: offsets": _tensor(_offsets),
    "weights: other offsets": _tensor(_offsets),
    "weights: overlapping": _same_place,
    "weights: shape": _tensor(_shape),
    "weights: type": _tensor(_dtype),
    "weights: NaN!": _filled(float("nan")),
    "weights: all NaN!": _all_nan,
    "weights: infinite!": _filled(float("inf"), float("-inf")),
    "weights: header": _header(
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{" * 100_000,
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b" " * 20_000_000,
        b"\xff" * 100,
        b'{"__metadata__": {"x": 1}}',
        b'{"a": {"dtype": "F32"}}',
    ),
    "weights: more tensors": _more,
    "weights: tensors missing": _missing,
    "weights: truncated": _truncated,
    "weights: appended": _appended,
    "weights: sparse gigabyte": _sparse,
    "weights: a pickle!": _pickle,
    "weights: a torch file!": _zip,
    "weights: pickles beside": _other_pickles,
}
