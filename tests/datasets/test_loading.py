"""Loading of images: what can be read, and the errors of the others."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.datasets import load_images, load_labelled, read_eyes
from classic_eyes.errors import DataError
from classic_eyes.synthetic import make_eyes

from ..conftest import write_eyes, write_labelled


def test_images_are_loaded_with_their_rows(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 6, random_state=2)
    loaded = load_labelled(read_eyes(folder))
    np.testing.assert_array_equal(loaded.images, make_eyes(6, random_state=2).images)
    assert loaded.eyes.names == tuple(f"{number:03}.png" for number in range(6))
    assert loaded.failed == ()


def test_unreadable_images_are_listed_and_dropped(tmp_path):
    write_eyes(tmp_path, 3)
    (tmp_path / "001.png").write_bytes(b"")
    loaded = load_images(read_eyes(tmp_path))
    assert loaded.failed == (("001.png", "empty file"),)
    assert loaded.eyes.names == ("000.png", "002.png")
    assert loaded.images.shape == (2, 24, 24)


def test_no_readable_image_is_an_error(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"none of 1 images could be read, for example 'a.png': empty file"):
        load_images(read_eyes(tmp_path))


def test_load_labelled_refuses_a_missing_label(tmp_path):
    folder = write_labelled(tmp_path, 3)
    (folder / "assets.csv").write_text("file,label\n000.png,1\n001.png,0\n")
    with pytest.raises(DataError, match=r"1 of 3 images have no label, for example '002.png'; evaluation needs labels"):
        load_labelled(read_eyes(folder))
