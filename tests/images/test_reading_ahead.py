"""Files are read ahead of decoding, in portions of bounded size, with the same rows."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes.images import files, read_image, read_images

from ..conftest import write_eyes


@pytest.fixture
def folder(tmp_path) -> Path:
    write_eyes(tmp_path / "eyes", 12, random_state=4)
    return tmp_path / "eyes"


def test_reading_ahead_changes_no_row(folder, monkeypatch):
    (folder / "005.png").write_bytes(b"text")
    (folder / "007.png").write_bytes(b"")
    cv2.imwrite(str(folder / "008.png"), np.full((40, 60, 3), 90, np.uint8))
    paths = [str(folder / f"{number:03}.png") for number in range(12)]
    images, errors = read_images(paths)
    assert [row for row, error in enumerate(errors) if error] == [5, 7]
    for row, path in enumerate(paths):
        if errors[row] is None:
            np.testing.assert_array_equal(images[row], read_image(path))
    monkeypatch.setattr(files, "_READ_AHEAD", 1)
    again, same = read_images(paths)
    np.testing.assert_array_equal(again, images)
    assert same == errors


def test_bytes_held_before_decoding_are_bounded(folder, monkeypatch):
    held = []
    decode = files._decode_into
    monkeypatch.setattr(files, "_READ_AHEAD", 1000)
    monkeypatch.setattr(
        files, "_decode_into", lambda *given: (held.append(sum(len(data) for _, data in given[1])), decode(*given))
    )
    paths = sorted(str(path) for path in folder.iterdir())
    read_images(paths)
    assert len(held) > 2
    assert max(held) <= 1000 + max(os.path.getsize(path) for path in paths)
