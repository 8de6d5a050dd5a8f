"""Drawing on a photograph."""

from __future__ import annotations

import numpy as np

from classic_eyes.faces import draw_faces

from .conftest import COLLINS


def test_drawing_changes_a_copy_near_the_face_only(collins):
    before = COLLINS.copy()
    drawn = draw_faces(COLLINS, [collins])
    np.testing.assert_array_equal(COLLINS, before)
    assert drawn.shape == (960, 960, 3)
    changed = (drawn != draw_faces(COLLINS, [])).any(axis=2)
    assert 0.005 < changed.mean() < 0.2
    assert not changed[600:].any()
