"""Small folders of images and label files."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

PNG = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()


@pytest.fixture
def put(tmp_path):
    """Write black images, each followed by its name so that no two files are equal."""

    def write(*names, below=tmp_path):
        for name in names:
            path = below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PNG + path.name.encode("utf-8", "surrogateescape"))
        return below

    return write


@pytest.fixture
def label(put, tmp_path):
    """Write a.png, b.png and images/c.png and a label file with these lines."""

    def write(*lines, name="assets.csv", end="\n"):
        put("a.png", "b.png", "images/c.png")
        (tmp_path / name).write_bytes(end.join(lines).encode("utf-8", "surrogateescape"))
        return tmp_path

    return write


def labels_of(eyes):
    return dict(zip(eyes.names, eyes.labels.tolist(), strict=True))


def groups_of(eyes):
    return dict(zip(eyes.names, eyes.groups.tolist(), strict=True))
