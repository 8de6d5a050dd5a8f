"""The distribution that is installed, the command that adds an extra of it, and the packages that training needs."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from .._version import __version__
from ..errors import MissingDependencyError

__all__ = ["check_training_packages", "distribution", "library_versions", "pip_install"]

# Modules to the packages that bring them.
_TRAINING = {"joblib": "joblib", "scipy": "scipy", "sklearn": "scikit-learn"}
# Other requirements of the same package, see tools/build_predict.py; the first is the default.
_DISTRIBUTIONS = ("classic-eyes", "classic-eyes-predict")
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")


@cache
def distribution() -> str:
    """Return the name of the distribution that installed this package; the usual one for a clone."""
    for name in _DISTRIBUTIONS:
        try:
            version(name)
        except PackageNotFoundError:
            continue
        return name
    return _DISTRIBUTIONS[0]


def pip_install(extra: str) -> str:
    """Return the command that adds an extra, without taking one distribution for the other.

    >>> pip_install("faces")
    "pip install 'classic-eyes[faces]'"
    """
    return f"pip install '{distribution()}[{extra}]'"


def check_training_packages() -> None:
    """Raise MissingDependencyError where a package is missing that training and evaluation need."""
    missing = [name for module, name in _TRAINING.items() if find_spec(module) is None]
    if missing:
        remedy = f"pip install {distribution()}" if distribution() == _DISTRIBUTIONS[0] else pip_install("train")
        raise MissingDependencyError(
            f"training and evaluation need {', '.join(missing)}, which prediction does not; run: {remedy}"
        )


def library_versions() -> dict[str, str]:
    """Return the versions on which predictions depend: of this library, Python, OpenCV and the numerical libraries."""
    import cv2

    versions = {"classic_eyes": __version__, "python": platform.python_version(), "opencv": cv2.__version__}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions
