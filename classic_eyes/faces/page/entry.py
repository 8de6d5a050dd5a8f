"""What the page needs of one photograph: a thumbnail, the faces with a crop of each, or why it could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..reader import Face

__all__ = ["KINDS", "PageEntry", "PageFace", "page_entry", "thumbnail_side"]

# In the order of the page: the kinds of photographs that need a look come first.
KINDS = ("closed", "wink", "unknown", "none", "failed", "open")
# A thumbnail of 400 px has about 16 kB, so that 1,000 photographs have room for their faces in 60 MB.
_FULL = 1000
_SIDES = (320, 400, 960)
_QUALITY = 70
# A crop shows a face from the hair line to the mouth: the eyes are what a person looks at.
_CROP = (160, 120)
_CROP_QUALITY = 78
_CROP_WIDTH = 1.1  # of the width of the box
_EYE_LINE = 0.33  # of the height of the box, where the eyes are not known


@dataclass(frozen=True)
class PageFace:
    """A face as the page shows it.

    Parameters
    ----------
    box : tuple of float
        ``x, y, w, h`` as proportions of the width and the height of the photograph.
    verdict : str
        ``open``, ``closed``, ``wink`` or ``unknown``.
    eyes : tuple of float or None
        Probability of open of the person's right and left eye; None for an eye that is hidden.
    crop : bytes, optional
        A JPEG of the eyes.
    """

    box: tuple[float, float, float, float]
    verdict: str
    eyes: tuple[float | None, ...]
    crop: bytes = b""


@dataclass(frozen=True)
class PageEntry:
    """A photograph as the page shows it; `page_entry` makes it from the photograph.

    Parameters
    ----------
    name : str
        The name under which the marks are saved, such as the file's path within its folder.
    time : float, optional
        When it was taken: seconds since 1970 in the time zone of the camera's clock.
    size : tuple of int, optional
        Width and height of the photograph in pixels.
    thumbnail : bytes, optional
        A JPEG of the whole photograph.
    faces : tuple of PageFace, optional
        From left to right.
    error : str, optional
        Why the photograph could not be read.
    """

    name: str
    time: float | None = None
    size: tuple[int, int] = (3, 2)
    thumbnail: bytes = b""
    faces: tuple[PageFace, ...] = ()
    error: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the photograph, those that need a look first; ``open`` only if all faces are."""
        if self.error is not None:
            return ("failed",)
        verdicts = {face.verdict for face in self.faces}
        if verdicts == {"open"}:
            return ("open",)
        return tuple(kind for kind in ("closed", "wink", "unknown") if kind in verdicts) or ("none",)

    @property
    def summary(self) -> str:
        """The faces and their verdicts in words."""
        if self.error is not None:
            return f"could not be read: {self.error}"
        if not self.faces:
            return "no face found"
        if len(self.faces) == 1:
            return f"1 face, {self.faces[0].verdict}"
        count = Counter(face.verdict for face in self.faces)
        parts = [f"{count[kind]} {kind}" for kind in ("closed", "wink", "unknown") if count[kind]]
        return f"{len(self.faces)} faces, {', '.join(parts)}" if parts else f"{len(self.faces)} faces found, all open"


def page_entry(
    name: str, photograph: NDArray[np.uint8], faces: Sequence[Face], *, time: float | None = None, side: int = _SIDES[1]
) -> PageEntry:
    """Return what the page needs of a photograph, already encoded, so that the photograph can be forgotten.

    Parameters
    ----------
    name : str
        The name under which the marks are saved.
    photograph : uint8 array of shape (h, w, 3) or (h, w)
        RGB, or grey; upright.
    faces : sequence of Face
        Result of `FaceReader.read` for this photograph.
    time : float, optional
        When it was taken: seconds since 1970 in the time zone of the camera's clock.
    side : int, default=400
        Longer side of the thumbnail in pixels; see `thumbnail_side`. Smaller photographs keep their size.

    Returns
    -------
    PageEntry
        About 20 kB; it can be pickled.
    """
    height, width = photograph.shape[:2]
    shown = []
    for face in faces:
        x, y, w, h = face.box
        box = (x / width, y / height, w / width, h / height)
        shown.append(PageFace(box, face.verdict, _probabilities(face), _jpeg(_crop(photograph, face), _CROP_QUALITY)))
    scale = min(1.0, side / max(height, width))
    return PageEntry(name, time, (width, height), _jpeg(_scaled(photograph, scale), _QUALITY), tuple(shown))


def thumbnail_side(n_photographs: int) -> int:
    """Return the longer side of the thumbnails in pixels with which a page of so many photographs stays under 60 MB.

    >>> [thumbnail_side(n) for n in (10, 300, 1000, 5000)]
    [960, 730, 400, 320]
    """
    smallest, usual, largest = _SIDES
    return min(max(round(usual * (_FULL / max(n_photographs, 1)) ** 0.5), smallest), largest)


def _probabilities(face: Face) -> tuple[float | None, ...]:
    return tuple(None if eye.hidden else eye.probability for eye in face.eyes)


def _scaled(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image  # type: ignore[return-value]


def _crop(photograph: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """Return the part of a face around its eyes; edge pixels repeat where it reaches beyond the photograph."""
    x, y, w, h = face.box
    visible = [eye.box for eye in face.eyes if not eye.hidden]
    centre_y = y + _EYE_LINE * h
    if visible:
        centre_y = float(np.mean([top + height / 2 for _, top, _, height in visible]))
    width = max(4.0, _CROP_WIDTH * w)
    height = width * _CROP[1] / _CROP[0]
    left, top = round(x + w / 2 - width / 2), round(centre_y - 0.45 * height)
    right, bottom = left + round(width), top + round(height)
    rows, columns = photograph.shape[:2]
    inside = photograph[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if inside.size == 0:
        inside = photograph[:1, :1]
    else:
        beyond = (max(0, -top), max(0, bottom - rows), max(0, -left), max(0, right - columns))
        if any(beyond):
            inside = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    shrinks = inside.shape[1] > _CROP[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(inside, _CROP, interpolation=interpolation)  # type: ignore[return-value]


def _jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()
