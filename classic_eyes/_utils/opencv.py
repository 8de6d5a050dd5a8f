"""OpenCV, checked: four wheels install a module of this name, some of them over one another."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from ..errors import MissingDependencyError

__all__ = ["check_opencv", "cv2"]

_WHEELS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_ALLOWED = ((4, 10), (5, 0))
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


def _remedy(*, display: bool = True) -> str:
    """Return what to run, after naming the wheels that are installed."""
    installed = []
    for name in _WHEELS:
        try:
            installed.append((name, version(name)))
        except PackageNotFoundError:
            continue
    shown = " and ".join(" ".join(each) for each in installed) or "none that pip knows"
    headless = not display or any(name.endswith("headless") for name, _ in installed)
    wanted = "opencv-contrib-python-headless" if headless else "opencv-contrib-python"
    remove = f"pip uninstall -y {' '.join(name for name, _ in installed)}; " if installed else ""
    return f'installed wheels: {shown}; run: {remove}pip install "{wanted}>=4.10,<5"'


try:
    import cv2
except ImportError as error:
    text = " ".join(str(error).split())
    raise MissingDependencyError(
        f"OpenCV cannot be imported ({text}); {_remedy(display='libGL' not in text)}"
    ) from error


def check_opencv() -> None:
    """Raise MissingDependencyError unless cv2 is of a version that we know and has all functions that models need."""
    found = str(getattr(cv2, "__version__", "of unknown version"))
    number = re.match(r"(\d+)\.(\d+)", found)
    if number is None or not _ALLOWED[0] <= (int(number[1]), int(number[2])) < _ALLOWED[1]:
        wrong = "allowed is 4.10 or later, below 5"
    elif missing := [name for name in _NEEDED if not hasattr(cv2, name)]:
        wrong = f"it has no {', '.join(missing[:3])}"
    else:
        return
    raise MissingDependencyError(f"cv2 is OpenCV {found}, and {wrong}; {_remedy()}")


check_opencv()
