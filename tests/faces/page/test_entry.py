"""What the page keeps of a photograph."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from classic_eyes.faces.page import PageEntry, PageFace, page_entry, thumbnail_side


def eye(probability: float, box: tuple[int, int, int, int], hidden: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(probability=probability, box=box, hidden=hidden)


def face(box, verdict="open", eyes=()) -> SimpleNamespace:
    return SimpleNamespace(box=box, verdict=verdict, eyes=eyes)


def decoded(data: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """Grey, with a red face whose eyes are a blue band."""
    image = np.full((600, 900, 3), 128, np.uint8)
    image[200:400, 300:500] = (200, 60, 60)
    image[250:280, 300:500] = (40, 40, 220)
    return image


def test_entry_has_proportions_and_small_jpegs(photograph):
    eyes = (eye(0.1, (330, 250, 40, 30)), eye(0.9, (430, 250, 40, 30), "beyond the photograph"))
    entry = page_entry("a.jpg", photograph, [face((300, 200, 200, 200), "closed", eyes)], time=3.0, side=400)
    (found,) = entry.faces
    assert found.box == pytest.approx((1 / 3, 1 / 3, 2 / 9, 1 / 3))
    assert found.eyes == (0.1, None)
    assert (entry.name, entry.time, entry.size, entry.error) == ("a.jpg", 3.0, (900, 600), None)
    thumbnail = decoded(entry.thumbnail)
    assert thumbnail.shape == (267, 400, 3)
    assert np.abs(thumbnail[150, 178].astype(int) - (200, 60, 60)).max() < 30
    crop = decoded(found.crop)
    assert crop.shape == (120, 160, 3)
    # The eyes are near the middle of the crop, and the face fills it from side to side.
    assert np.abs(crop[54, 80].astype(int) - (40, 40, 220)).max() < 40
    assert np.abs(crop[100, 20].astype(int) - (200, 60, 60)).max() < 40
    assert pickle.loads(pickle.dumps(entry)) == entry


@pytest.mark.parametrize(
    "box", [(-80, -60, 300, 300), (800, 500, 200, 200), (950, 650, 50, 50), (0, 0, 900, 600), (10, 10, 1, 1)]
)
def test_crop_of_a_face_at_the_edge_has_the_usual_size(photograph, box):
    (found,) = page_entry("a.jpg", photograph, [face(box)]).faces
    assert decoded(found.crop).shape == (120, 160, 3)


@pytest.mark.parametrize(("shape", "size"), [((30, 20), (30, 20)), ((3000, 2), (400, 1)), ((2, 3000), (1, 400))])
def test_grey_small_and_thin_photographs(shape, size):
    entry = page_entry("a.jpg", np.full(shape, 90, np.uint8), [])
    assert decoded(entry.thumbnail).shape[:2] == size


def test_a_crop_of_a_large_face_is_not_aliased():
    image = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (500, 500))
    (found,) = page_entry("a.jpg", image, [face((300, 300, 400, 400))]).faces
    assert np.abs(decoded(found.crop).astype(int) - 127).max() < 40


def test_side_of_thumbnails_falls_with_their_number():
    sides = [thumbnail_side(n) for n in (0, 1, 100, 300, 1000, 1001, 10**6)]
    assert sides == [960, 960, 960, 730, 400, 400, 320]


def entry(*verdicts: str, error: str | None = None) -> PageEntry:
    return PageEntry("a", faces=tuple(PageFace((0, 0, 1, 1), v, (0.5, 0.5)) for v in verdicts), error=error)


@pytest.mark.parametrize(
    ("made", "kinds", "summary"),
    [
        (entry(), ("none",), "no face found"),
        (entry(error="no such file"), ("failed",), "could not be read: no such file"),
        (entry("open"), ("open",), "1 face, open"),
        (entry("wink"), ("wink",), "1 face, wink"),
        (entry("open", "open"), ("open",), "2 faces found, all open"),
        (entry("open", "closed"), ("closed",), "2 faces, 1 closed"),
        (
            entry("unknown", "wink", "closed", "closed"),
            ("closed", "wink", "unknown"),
            "4 faces, 2 closed, 1 wink, 1 unknown",
        ),
    ],
)
def test_kinds_and_summary(made, kinds, summary):
    assert made.kinds == kinds
    assert made.summary == summary
