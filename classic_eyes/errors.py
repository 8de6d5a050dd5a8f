"""The exceptions of classic_eyes: few, and each also the builtin kind a caller would expect."""

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
    """Anything this library refuses; its text says what, what was allowed and the remedy."""


class ParameterError(ClassicEyesError, ValueError):
    """An argument has a value that is not allowed."""


class ImageError(ClassicEyesError, ValueError):
    """An image, or an array of images, cannot be used."""


class DataError(ClassicEyesError, ValueError):
    """A folder or a label file cannot be used as a data set."""


class ModelError(ClassicEyesError, RuntimeError):
    """A model file cannot be found, trusted or used."""


class MissingDependencyError(ClassicEyesError, ImportError):
    """A library or a file that ships with a library is not installed."""


class ClusterError(ClassicEyesError, RuntimeError):
    """A cluster cannot do the work."""


class WorkerError(ClassicEyesError, RuntimeError):
    """A process that does part of the work was lost."""
