"""Run exported graphs with ONNX Runtime."""

import contextlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from whyformer.foundation.errors import BundleError, MissingExtraError

FATAL = 4
"""Level of the log of ONNX Runtime. Errors are raised, too, so they are not logged."""


def library() -> Any:
    """Return the module `onnxruntime`.

    Raises: MissingExtraError when it is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("onnxruntime", "export") from None
    return onnxruntime


class Session:
    """A graph that ONNX Runtime computes on the CPU.

    Args: threads: number of cores.
    Raises: BundleError when the file is damaged.
    """

    def __init__(self, path: Path, threads: int) -> None:
        runtime = library()
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = FATAL
        self._path = path
        with self._explained():
            self._session = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        self.shapes: dict[str, list[int | str]] = {
            one.name: one.shape for one in self._session.get_inputs()
        }
        """The shape of each input. A size that may differ from call to call is a name."""
        self.outputs = [one.name for one in self._session.get_outputs()]

    def __call__(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> list[Tensor]:
        """Compute the given outputs."""
        with self._explained():
            found = self._session.run(
                list(outputs), {name: value.numpy() for name, value in inputs.items()}
            )
        return [torch.from_numpy(one) for one in found]

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """In a `with` block, turn errors of ONNX Runtime into a BundleError with one sentence."""
        try:
            yield
        except _errors() as error:
            if "allocate memory" in str(error):
                raise MemoryError(str(error)) from None
            raise BundleError(
                f"`{self._path}` cannot be used ({error}). Run `whyformer convert` again."
            ) from None


def _errors() -> tuple[type[Exception], ...]:
    """Return the types of the errors of ONNX Runtime, which have no common base class."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    found = (one for one in vars(state).values() if isinstance(one, type))
    return tuple(one for one in found if issubclass(one, Exception))
