"""ONNX files: a whole model, preprocessing included, as standard operators that other languages run."""

from .checking import check_onnx

__all__ = ["check_onnx"]
