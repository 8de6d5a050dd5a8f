"""A graph of ONNX operators under construction; equal constants are stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.dependencies import pip_install
from ..errors import MissingDependencyError

__all__ = ["IR_VERSION", "OPSET", "Graph", "Value", "load_onnx"]

OPSET = 17
"""Version of the operators. `ScatterElements` adds up from 16 on; onnxruntime reads 17 from its version 1.12 on."""
IR_VERSION = 8
"""Version of the file format; it belongs to the operators of `OPSET`."""

Value: TypeAlias = str
"""Name of a tensor in the graph."""


def load_onnx() -> ModuleType:
    """Import onnx; raise MissingDependencyError with the command that installs it."""
    try:
        import onnx
    except ImportError as error:
        raise MissingDependencyError(
            f"the export needs onnx, which cannot be imported ({error}); run: {pip_install('onnx')}"
        ) from error
    return onnx


class Graph:
    """Operators in the order in which they run, and constants.

    A method adds an operator and returns the name of its result. Operands are such names, or arrays and numbers, which
    become constants.
    """

    def __init__(self, outer: Graph | None = None) -> None:
        self.onnx = load_onnx()
        self.nodes: list[Any] = []
        # The body of a loop shares constants and names with the graph around it.
        self.constants: dict[str, NDArray[Any]] = outer.constants if outer else {}
        self._counts: dict[str, int] = outer._counts if outer else {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = outer._known if outer else {}

    def name(self, stem: str) -> Value:
        """Return a name that nothing has yet."""
        self._counts[stem] = self._counts.get(stem, 0) + 1
        return f"{stem}_{self._counts[stem]}"

    def constant(self, value: ArrayLike, dtype: Any = None) -> Value:
        """Return the name of a constant."""
        array = np.ascontiguousarray(value, dtype=dtype).reshape(np.shape(value))
        key = (array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in self._known:
            self._known[key] = self.name("constant")
            self.constants[self._known[key]] = array
        return self._known[key]

    def op(self, kind: str, *operands: Value | NDArray[Any] | np.generic, **attributes: Any) -> Value:
        """Add an operator; return the name of its result."""
        return self._add(kind, operands, 1, attributes)[0]

    def parts(self, value: Value, axis: int, *lengths: int) -> tuple[Value, ...]:
        """Return the parts of a tensor along an axis, by their lengths."""
        return self._add("Split", (value, self.constant(lengths, np.int64)), len(lengths), {"axis": axis})

    def _add(
        self, kind: str, operands: Sequence[Value | NDArray[Any] | np.generic], n: int, attributes: dict[str, Any]
    ) -> tuple[Value, ...]:
        inputs = [each if isinstance(each, str) else self.constant(each) for each in operands]
        outputs = tuple(self.name(kind.lower()) for _ in range(n))
        # Older runtimes derive the names of what they fuse from those of the nodes.
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))
        return outputs

    def rename(self, value: Value, name: Value) -> None:
        """Give the result of the last operator the name of an output."""
        assert list(self.nodes[-1].output) == [value]
        self.nodes[-1].output[0] = name

    def cast(self, value: Value, dtype: Any) -> Value:
        """Convert to a dtype; floats are truncated to integers."""
        return self.op("Cast", value, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reshape(self, value: Value, *shape: int) -> Value:
        """Change the shape; 0 keeps a dimension and -1 is computed."""
        return self.op("Reshape", value, self.constant(shape, np.int64))

    def reduce(self, kind: str, value: Value, *axes: int, keep: bool = True) -> Value:
        """Reduce axes, for example by ``ReduceMax``."""
        if kind == "ReduceSum":  # the only one whose axes are an operand in this opset
            return self.op(kind, value, self.constant(axes, np.int64), keepdims=int(keep))
        return self.op(kind, value, axes=axes, keepdims=int(keep))

    def lookup(self, table: Value | NDArray[Any], index: Value) -> Value:
        """Return the entries of a vector at positions, a vector too. `Gather` takes several times as long for it."""
        return self.op("GatherElements", table, index, axis=0)

    def slice(self, value: Value, axis: int, start: int, stop: int, step: int = 1) -> Value:
        """Return a part along an axis; a stop below the first index reads as `-2 ** 31` in ONNX."""
        parts = (self.constant([each], np.int64) for each in (start, stop, axis, step))
        return self.op("Slice", value, *parts)

    def flip(self, images: Value) -> Value:
        """Return the mirror images of images (n, height, width)."""
        return self.slice(images, 2, -1, -(2**31), -1)

    def loop(self, n: int, first: Value, dtype: Any, body: Callable[[Graph, Value], Value]) -> Value:
        """Apply ``body`` to a vector ``n`` times; an empty vector stays as it is."""
        helper, types = self.onnx.helper, self.onnx.TensorProto
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        inner = Graph(self)
        step, going, state = (inner.name(stem) for stem in ("step", "going", "state"))
        result = body(inner, state)
        still = inner.op("Identity", going)
        graph = helper.make_graph(
            inner.nodes,
            self.name("body"),
            [
                helper.make_tensor_value_info(step, types.INT64, []),
                helper.make_tensor_value_info(going, types.BOOL, []),
                helper.make_tensor_value_info(state, kind, [None]),
            ],
            [
                helper.make_tensor_value_info(still, types.BOOL, []),
                helper.make_tensor_value_info(result, kind, [None]),
            ],
        )
        return self.op("Loop", np.int64(n), self.op("Greater", self.op("Size", first), np.int64(0)), first, body=graph)

    def model(
        self,
        inputs: Sequence[tuple[Value, Any, Sequence[int | str]]],
        outputs: Sequence[tuple[Value, Any, Sequence[int | str]]],
        *,
        name: str = "classic_eyes",
        description: str = "",
    ) -> Any:
        """Return the ``ModelProto`` of the graph, without constants that no operator uses."""
        helper, numpy_helper = self.onnx.helper, self.onnx.numpy_helper

        def infos(values: Sequence[tuple[Value, Any, Sequence[int | str]]]) -> list[Any]:
            return [
                helper.make_tensor_value_info(value, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
                for value, dtype, shape in values
            ]

        tensors = [numpy_helper.from_array(array, key) for key, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, infos(inputs), infos(outputs), tensors, doc_string=description)
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="classic-eyes")
