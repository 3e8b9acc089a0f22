"""Build an ONNX graph, operator by operator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whyformer.acceleration.int8_linear import TINY
from whyformer.foundation.errors import MissingExtraError

OPSET = 23
"""Version of the operators. Version 23 is the first one with RMSNormalization."""
IR_VERSION = 11
"""Version of the file format that belongs to this version of the operators."""
LARGE = 1 << 30
"""Number of bytes of weights above which a second file contains the weights, because one file
cannot contain more than 2 GiB."""
FLOAT, DOUBLE = 1, 11
"""Numbers of float32 and float64 in ONNX (`TensorProto.DataType`)."""
ZERO, LEVELS = 128, 127
"""Rounded weights are ``ZERO`` for 0, and differ from it by at most ``LEVELS``."""
Shape = Sequence[int | str]
"""The sizes of a tensor; a size that may differ from call to call has a name."""


class Graph:
    """The inputs, operators, weights and outputs of one model. A value is represented by its name.

    Raises: MissingExtraError when the package `onnx` is not installed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._weights: list[Any] = []
        self._names: dict[Any, str] = {}
        self._rounds: dict[Any, tuple[str, str]] = {}
        self._kept: list[Tensor] = []  # a freed tensor could get the identity of another one
        self._count = 0
        self.weight_bytes = 0
        """Size of all weights."""

    def input(self, name: str, kind: type, shape: Shape) -> str:
        """Add an input of a numpy type, and return its name."""
        self._inputs.append(_declared(name, kind, shape))
        return name

    def output(self, value: str, name: str, kind: type, shape: Shape) -> None:
        """Make a value an output with the given name."""
        self._nodes.append(library().helper.make_node("Identity", [value], [name]))
        self._outputs.append(_declared(name, kind, shape))

    def weight(self, value: Tensor | np.ndarray) -> str:
        """Add a weight, and return its name. A tensor that was added before is not added again."""
        if isinstance(value, Tensor):
            key = _identity(value)
            if key not in self._names:
                self._kept.append(value)
                self._names[key] = self.weight(value.detach().float().cpu().numpy())
            return self._names[key]
        name = self._fresh("weight")
        array = np.asarray(value, order="C")
        self._weights.append(library().numpy_helper.from_array(array, name))
        self.weight_bytes += array.nbytes
        return name

    def constant(self, value: Any, kind: type = np.float32) -> str:
        """Return the name of a small constant."""
        array = np.asarray(value, kind)
        key = (array.tobytes(), array.shape, kind)
        if key not in self._names:
            self._names[key] = self.weight(array)
        return self._names[key]

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output, and return the name of its output."""
        (found,) = self.split(kind, 1, *inputs, **attributes)
        return found

    def split(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add an operator with ``count`` outputs, and return their names."""
        names = [self._fresh(kind) for _ in range(count)]
        node = library().helper.make_node(kind, list(inputs), names, **attributes)
        self._nodes.append(node)
        return names

    def product(self, x: str, matrix: Tensor) -> str:
        """Return ``x`` times the transposed matrix (d_out, d_in)."""
        return self.op("MatMul", x, self.op("Transpose", self.weight(matrix), perm=[1, 0]))

    def lookup(self, matrix: Tensor, ids: str) -> str:
        """Return the rows of a matrix with the given numbers."""
        return self.op("Gather", self.weight(matrix), ids, axis=0)

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Reshape a value; 0 keeps the size of this axis, and -1 is computed from the others."""
        return self.op("Reshape", x, self.constant(shape, np.int64))

    def unsqueeze(self, x: str, axis: int) -> str:
        """Insert an axis of size 1."""
        return self.op("Unsqueeze", x, self.constant([axis], np.int64))

    def size(self, x: str, axis: int) -> str:
        """Return the size of an axis as a number."""
        shape = self.op("Shape", x, start=axis, end=axis + 1)
        return self.op("Squeeze", shape, self.constant([0], np.int64))

    def model(self) -> Any:
        """Return the complete model.

        Raises: onnx.checker.ValidationError for an incorrect graph, which is a fault of this
            package.
        """
        onnx = library()
        graph = onnx.helper.make_graph(
            self._nodes, self.name, self._inputs, self._outputs, self._weights
        )
        return onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="whyformer",
        )

    def save(self, path: Path) -> None:
        """Write the model. If it is large, write its weights to a second file ``.data``."""
        onnx = library()
        large = self.weight_bytes > LARGE
        onnx.save_model(
            self.model(),
            str(path),
            save_as_external_data=large,
            location=f"{path.name}.data" if large else None,
        )
        onnx.checker.check_model(str(path))

    def _fresh(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


class Int8Graph(Graph):
    """A graph whose matrices are rounded to eight bits, with one scale for each row.

    The input of a product is rounded in every call, with one scale for all its rows. So the result
    of a row depends slightly on the other rows of the batch. The rounded weights have no sign: on
    processors without VNNI instructions, products of signed weights could overflow.
    """

    def product(self, x: str, matrix: Tensor) -> str:
        """See `Graph`."""
        rounded, scale = self._rounded(matrix)
        x, x_scale, x_zero = self.split("DynamicQuantizeLinear", 3, x)
        columns = self.op("Transpose", rounded, perm=[1, 0])
        sums = self.op("MatMulInteger", x, columns, x_zero, self.constant(ZERO, np.uint8))
        scales = self.op("Mul", x_scale, self.op("Squeeze", scale, self.constant([1], np.int64)))
        return self.op("Mul", self.op("Cast", sums, to=FLOAT), scales)

    def lookup(self, matrix: Tensor, ids: str) -> str:
        """See `Graph`."""
        rounded, scale = self._rounded(matrix)
        rows = self.op("Cast", self.op("Gather", rounded, ids, axis=0), to=FLOAT)
        centred = self.op("Sub", rows, self.constant(ZERO))
        return self.op("Mul", centred, self.op("Gather", scale, ids, axis=0))

    def _rounded(self, matrix: Tensor) -> tuple[str, str]:
        """Add a rounded matrix, and return its name and that of its scales (rows, 1)."""
        key = _identity(matrix)
        if key not in self._rounds:
            self._kept.append(matrix)
            weight = matrix.detach().float().cpu()
            scale = (weight.abs().amax(1, keepdim=True) / LEVELS).clamp_min(TINY)
            rounded = ((weight / scale).round() + ZERO).to(torch.uint8)
            self._rounds[key] = self.weight(rounded.numpy()), self.weight(scale.numpy())
        return self._rounds[key]


def _identity(tensor: Tensor) -> tuple[Any, ...]:
    """Return a key that two tensors have in common only if they are the same."""
    return tensor.data_ptr(), tuple(tensor.shape), tuple(tensor.stride())


def _declared(name: str, kind: type, shape: Shape) -> Any:
    helper = library().helper
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), list(shape)
    )


def library() -> Any:
    """Return the module `onnx`.

    Raises: MissingExtraError when it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("onnx", "export") from None
    return onnx
