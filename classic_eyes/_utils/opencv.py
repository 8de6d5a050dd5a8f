"""OpenCV, checked: four wheels install a module of this name, some of them over one another."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from ..errors import MissingDependencyError
from .dependencies import distribution

__all__ = ["check_opencv", "cv2", "has_windows", "opencv_log", "remedy", "window_remedy"]

_WHEELS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
# Versions before 4.13 ignore the orientation of WebP images; those before 4.12 open no stream of a video. 5 has no HOG.
_ALLOWED = ((4, 13), (5, 0))
_WHICH = "allowed is 4.13 or later, below 5"
# Everything that training and predicting call; tests/_utils/test_opencv.py compares it with the code.
_NEEDED = (
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
    "remap",
    "resize",
    "rotate",
    "setNumThreads",
    "threshold",
    "transpose",
    "warpAffine",
)


def _installed() -> dict[str, str]:
    """Return the versions of the wheels that are installed."""
    found = {}
    for name in _WHEELS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _is_allowed(text: str) -> bool:
    number = re.match(r"(\d+)\.(\d+)", text)
    return number is not None and _ALLOWED[0] <= (int(number[1]), int(number[2])) < _ALLOWED[1]


def remedy(*, display: bool = True) -> str:
    """Return what to run, after naming the wheels that are installed."""
    installed = _installed()
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
    installed = _installed()
    if installed and not any(map(_is_allowed, installed.values())):
        raise MissingDependencyError(f"OpenCV is of another version, and {_WHICH}; {remedy()}")


_check_wheels()
try:
    import cv2
except Exception as error:
    # ImportError where it is missing, or lacks a library of a system with windows; anything where wheels are mixed.
    text = " ".join(str(error).split())
    raise MissingDependencyError(
        f"OpenCV cannot be imported ({text}); {remedy(display='shared object' not in text)}"
    ) from error


def check_opencv() -> None:
    """Raise MissingDependencyError unless cv2 is of a version that we know and has all functions that models need."""
    found = str(getattr(cv2, "__version__", "of unknown version"))
    if not _is_allowed(found):
        wrong = _WHICH
    elif missing := [name for name in _NEEDED if not hasattr(cv2, name)]:
        wrong = f"it has no {', '.join(missing[:3])}"
    else:
        return
    raise MissingDependencyError(f"cv2 is OpenCV {found}, and {wrong}; {remedy()}")


def has_windows() -> bool:
    """Return whether this build of OpenCV can show windows; the headless wheels cannot."""
    return re.search(r"^\s*GUI:\s*NONE\s*$", cv2.getBuildInformation(), re.MULTILINE) is None


def window_remedy() -> str:
    """Return what to run for an OpenCV that can; ``classic-eyes`` requires the headless wheel."""
    own = [] if distribution() != "classic-eyes" else ["classic-eyes"]
    wanted = "'classic-eyes-predict[faces,train]' " if own else ""
    removed = " ".join([*own, *_installed()])
    return f'pip uninstall -y {removed}; pip install {wanted}"opencv-contrib-python>=4.13,<5"'


check_opencv()
# setLogLevel and getLogLevel; 0 is silent.
opencv_log = cv2.utils.logging
