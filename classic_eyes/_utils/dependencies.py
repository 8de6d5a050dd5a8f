"""What must be installed: an OpenCV that fits, the packages of training, and the commands that install them."""

from __future__ import annotations

import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from .._version import __version__
from ..errors import MissingDependencyError

__all__ = [
    "check_opencv",
    "check_training_packages",
    "cv2",
    "distribution",
    "has_windows",
    "library_versions",
    "opencv_log",
    "pip_install",
    "opencv_remedy",
    "window_remedy",
]

# Modules to the packages that bring them.
_TRAINING = {"joblib": "joblib", "scipy": "scipy", "sklearn": "scikit-learn"}
# Other requirements of the same package, see tools/build_predict.py; the first is the default.
_DISTRIBUTIONS = ("classic-eyes", "classic-eyes-predict")
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")
_WHEELS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
# Versions before 4.13 ignore the orientation of WebP images; those before 4.12 open no stream of a video. 5 has no HOG.
_OPENCV_VERSIONS = ((4, 13), (5, 0))
_WHICH_OPENCV = "allowed is 4.13 or later, below 5"
# Everything that training and predicting call; tests/_utils/test_dependencies.py compares it with the code.
_OPENCV_FUNCTIONS = (
    "GaussianBlur",
    "HOGDescriptor",
    "LUT",
    "calcHist",
    "copyMakeBorder",
    "createCLAHE",
    "cvtColor",
    "dilate",
    "erode",
    "exp",
    "flip",
    "getNumThreads",
    "getRotationMatrix2D",
    "imdecode",
    "imencode",
    "log",
    "meanStdDev",
    "remap",
    "resize",
    "rotate",
    "setNumThreads",
    "threshold",
    "transpose",
    "warpAffine",
)


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


def _installed_wheels() -> dict[str, str]:
    """Return the versions of the wheels that are installed."""
    found = {}
    for name in _WHEELS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _is_allowed_opencv(text: str) -> bool:
    number = re.match(r"(\d+)\.(\d+)", text)
    return number is not None and _OPENCV_VERSIONS[0] <= (int(number[1]), int(number[2])) < _OPENCV_VERSIONS[1]


def opencv_remedy(*, display: bool = True) -> str:
    """Return what to run, after naming the wheels that are installed."""
    installed = _installed_wheels()
    shown = " and ".join(" ".join(each) for each in installed.items()) or "none that pip knows"
    wanted = "opencv-contrib-python-headless"
    if distribution() != "classic-eyes":
        # It requires none of the four, so that the user chooses; what was chosen before is kept.
        contrib = "-contrib" if any("contrib" in name for name in installed) else ""
        windows = display and installed and not any(name.endswith("headless") for name in installed)
        wanted = f"opencv{contrib}-python{'' if windows else '-headless'}"
    remove = f"pip uninstall -y {' '.join(installed)}; " if installed else ""
    return f'installed wheels: {shown}; run: {remove}pip install "{wanted}>=4.13,<5"'


def _check_wheels() -> None:
    """Refuse wheels of another version before they are imported: with numpy 2, old ones print a page."""
    installed = _installed_wheels()
    if installed and not any(map(_is_allowed_opencv, installed.values())):
        raise MissingDependencyError(f"OpenCV is of another version, and {_WHICH_OPENCV}; {opencv_remedy()}")


_check_wheels()
try:
    import cv2
except Exception as error:
    # ImportError where it is missing, or lacks a library of a system with windows; anything where wheels are mixed.
    text = " ".join(str(error).split())
    raise MissingDependencyError(
        f"OpenCV cannot be imported ({text}); {opencv_remedy(display='shared object' not in text)}"
    ) from error


def check_opencv() -> None:
    """Raise MissingDependencyError unless cv2 is of a version that we know and has all functions that models need."""
    found = str(getattr(cv2, "__version__", "of unknown version"))
    if not _is_allowed_opencv(found):
        wrong = _WHICH_OPENCV
    elif missing := [name for name in _OPENCV_FUNCTIONS if not hasattr(cv2, name)]:
        wrong = f"it has no {', '.join(missing[:3])}"
    else:
        return
    raise MissingDependencyError(f"cv2 is OpenCV {found}, and {wrong}; {opencv_remedy()}")


def has_windows() -> bool:
    """Return whether this build of OpenCV can show windows; the headless wheels cannot."""
    return re.search(r"^\s*GUI:\s*NONE\s*$", cv2.getBuildInformation(), re.MULTILINE) is None


def window_remedy() -> str:
    """Return what to run for an OpenCV that can; ``classic-eyes`` requires the headless wheel."""
    own = [] if distribution() != "classic-eyes" else ["classic-eyes"]
    wanted = "'classic-eyes-predict[faces,train]' " if own else ""
    removed = " ".join([*own, *_installed_wheels()])
    return f'pip uninstall -y {removed}; pip install {wanted}"opencv-contrib-python>=4.13,<5"'


check_opencv()


# setLogLevel and getLogLevel; 0 is silent.
opencv_log = cv2.utils.logging


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
    versions = {"classic_eyes": __version__, "python": platform.python_version(), "opencv": cv2.__version__}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions
