"""The exceptions of classic_eyes; each is also of the builtin kind that fits."""

from __future__ import annotations

__all__ = [
    "ClassicEyesError",
    "ClusterError",
    "DataError",
    "MissingDependencyError",
    "ModelError",
    "ParameterError",
    "ImageError",
    "WorkerError",
]


class ClassicEyesError(Exception):
    """Base class of all errors; the message names the value, what is allowed and the remedy."""


class ParameterError(ClassicEyesError, ValueError):
    """An argument has a value that is not allowed."""


class ImageError(ClassicEyesError, ValueError):
    """An image, or an array of images, cannot be used."""


class DataError(ClassicEyesError, ValueError):
    """A folder or a label file cannot be used as a data set."""


class ModelError(ClassicEyesError, RuntimeError):
    """A model file cannot be found, trusted or used."""


class MissingDependencyError(ClassicEyesError, ImportError):
    """An optional library, or a file of one, is not installed."""


class ClusterError(ClassicEyesError, RuntimeError):
    """A cluster cannot be reached, or failed."""


class WorkerError(ClassicEyesError, RuntimeError):
    """A worker process died."""
