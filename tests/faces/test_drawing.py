"""Drawing on a photograph."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from classic_eyes.faces import draw_faces
from classic_eyes.faces.drawing import _COLOURS, _label, _placed, scaled_faces
from classic_eyes.faces.labels import common_area, eye_part, is_beside

from .conftest import COLLINS


def at(face, x, y, side, verdict="open"):
    """Return a face moved and scaled to a box."""
    (scaled,) = scaled_faces([face], side / face.box[2])
    shift = np.array([x - scaled.box[0], y - scaled.box[1]])
    eyes = tuple(replace(eye, corners=eye.corners + shift, points=eye.points + shift) for eye in scaled.eyes)
    return replace(scaled, box=(x, y, side, side), eyes=eyes, verdict=verdict)


def test_drawing_changes_a_copy_near_the_face_only(collins):
    before = COLLINS.copy()
    drawn = draw_faces(COLLINS, [collins])
    np.testing.assert_array_equal(COLLINS, before)
    assert drawn.shape == (960, 960, 3)
    changed = (drawn != draw_faces(COLLINS, [])).any(axis=2)
    assert 0.005 < changed.mean() < 0.2
    assert not changed[600:].any()


@pytest.mark.parametrize(
    ("shape", "drawn"),
    [
        ((300, 400), (720, 960)),
        ((960, 700), (960, 700)),
        ((1000, 2560), (1000, 2560)),
        ((3000, 4000), (1920, 2560)),
        ((1, 4000), (1, 2560)),
    ],
)
def test_sides_of_drawings(shape, drawn):
    for photograph in (np.zeros(shape, np.uint8), np.zeros((*shape, 3), np.uint8)):
        assert draw_faces(photograph, []).shape == (*drawn, 3)


def test_drawing_without_faces_is_a_copy():
    photograph = np.zeros((1000, 1000, 3), np.uint8)
    drawn = draw_faces(photograph, [])
    np.testing.assert_array_equal(drawn, photograph)
    assert not np.shares_memory(drawn, photograph)


@pytest.mark.parametrize("factor", [0.5, 2.0, 1.0])
def test_faces_are_scaled_with_their_photograph(collins, factor):
    (scaled,) = scaled_faces([collins], factor)
    assert scaled.verdict == collins.verdict
    np.testing.assert_allclose(scaled.box, np.array(collins.box) * factor, atol=0.5)
    for one, other in zip(scaled.eyes, collins.eyes, strict=True):
        # The middle of the first pixel of a photograph of twice the size is a quarter of a pixel from its edge.
        np.testing.assert_allclose((one.corners + 0.5) / factor - 0.5, other.corners)
        np.testing.assert_allclose((one.points + 0.5) / factor - 0.5, other.points)
        assert (one.ear, one.probability) == (other.ear, other.probability)


# Groups: rows of heads, some of them close together, at the edges, and behind each other.
CROWDS = {
    "two close": [(300, 300, 120), (430, 310, 110)],
    "one above the other": [(300, 300, 120), (310, 430, 120), (305, 560, 110)],
    "in the corners": [(0, 0, 150), (850, 0, 150), (0, 850, 150), (850, 850, 150)],
    "beyond the edge": [(-60, -60, 150), (920, 930, 150)],
    "two rows of six": [(30 + 160 * k, y, 100) for y in (200, 330) for k in range(6)],
    "small ones beside a large one": [(300, 300, 400), (240, 320, 50), (710, 400, 40), (420, 250, 40)],
    "many small ones": [(40 + 80 * k, 100 + 90 * row, 40) for row in range(6) for k in range(12)],
    "overlapping": [(300, 300, 200), (400, 350, 200)],
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_labels_do_not_cover_each_other_or_eyes(collins, crowd):
    canvas = np.zeros((1000, 1000, 3), np.uint8)
    faces = list(enumerate((at(collins, *box) for box in CROWDS[crowd]), start=1))
    labels = [_label(number, face, 1000) for number, face in faces]
    boxes = [face.box for _, face in faces]
    labels, places = _placed(labels, boxes, canvas.shape)
    # Where there is no room beside the face, the label has the verdict alone.
    for label, place, box in zip(labels, places, boxes, strict=True):
        assert len(label.lines) == 1 or is_beside(label, place, box)
    for one, other in combinations(places, 2):
        assert common_area(one, other) == 0
    for x, y, w, h in places:
        assert x >= 0
        assert y >= 0
        assert x + w <= 1000
        assert y + h <= 1000
    if crowd not in ("overlapping", "beyond the edge"):
        for place in places:
            assert not any(common_area(place, eye_part(face.box)) for _, face in faces)
    draw_faces(canvas, [face for _, face in faces])


def test_label_without_room_for_values_has_the_verdict_beside_its_face(collins):
    boxes = [(300, 300, 200), (530, 300, 200), (760, 300, 200)]
    faces = [at(collins, *box) for box in boxes]
    full = [_label(number, face, 1000) for number, face in enumerate(faces, start=1)]
    labels, places = _placed(full, [face.box for face in faces], (520, 1000, 3))
    assert [len(label.lines) for label in full] == [3, 3, 3]
    assert 1 in [len(label.lines) for label in labels]
    assert all(is_beside(*each) for each in zip(labels, places, [face.box for face in faces], strict=True))


def test_text_grows_with_the_photograph_and_stays_below_the_face(collins):
    def heights(side, width):
        label = _label(1, at(collins, 0, 0, width), side)
        return [line.height for line in label.lines]

    assert heights(2000, 400)[0] == 2 * heights(1000, 200)[0]
    assert len(heights(1000, 300)) == 3
    # A small face has its verdict alone.
    assert len(heights(1000, 40)) == 1
    assert heights(1000, 40)[0] < heights(1000, 300)[0]


def test_verdicts_have_colours_and_captions(collins):
    canvas = np.zeros((1000, 1000, 3), np.uint8)
    for verdict, colour in _COLOURS.items():
        eyes = tuple(replace(eye, label=int(verdict == "open"), hidden=None) for eye in collins.eyes)
        drawn = draw_faces(canvas, [at(replace(collins, eyes=eyes), 300, 300, 300, verdict)])
        assert (drawn == colour).all(axis=2).sum() > 2000
    texts = [line.text for line in _label(3, at(collins, 300, 300, 300, "closed"), 1000).lines]
    assert texts[0] == "#3 closed"
    assert texts[1].startswith("right: P(open) 0.9")
    hidden = replace(collins, eyes=tuple(replace(eye, hidden="not like an eye") for eye in collins.eyes))
    assert _label(1, at(hidden, 300, 300, 300), 1000).lines[2].text == "left: hidden"


def test_only_faces_with_some_verdicts_are_drawn_and_keep_their_numbers(collins):
    canvas = np.zeros((1000, 1000, 3), np.uint8)
    faces = [at(collins, 100, 300, 200, "open"), at(collins, 600, 300, 200, "closed")]
    both, closed = draw_faces(canvas, faces), draw_faces(canvas, faces, only=["closed"])
    assert both[:, :500].any()
    assert not closed[:, :500].any()
    np.testing.assert_array_equal(closed[:, 500:], both[:, 500:])
    assert not draw_faces(canvas, faces, only=[]).any()
