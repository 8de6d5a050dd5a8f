"""What tests of the export share: one step of the graph, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from classic_eyes.export.graph import Graph


def run(build: Callable[[Graph, str], str], values: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Return what a step computes from images, which it receives as float32, or from other values as they are."""
    import onnxruntime

    g = Graph()
    start = g.cast("values", np.float32) if values.dtype == np.uint8 else g.op("Identity", "values")
    result = build(g, start)
    shape = [None] * values.ndim
    g.rename(g.op("Identity", result), "result")
    model = g.model([("values", values.dtype, shape)], [("result", dtype, ["n"])])
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"values": values})[0]
