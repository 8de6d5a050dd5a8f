"""Small folders of images and label files."""

from __future__ import annotations

import pytest


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
