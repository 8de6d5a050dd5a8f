"""URLs: recognition, and images read from a web server and through fsspec."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from classic_eyes.errors import ImageError
from classic_eyes.images import read_image, read_images, remote
from classic_eyes.images.remote import is_url

from ..conftest import write_eyes
from ..file_server import serve

N = 40


@pytest.mark.parametrize("name", ["https://example.org/eye.png", "S3://bucket/eye.png", "file:///eye.png"])
def test_names_with_a_scheme_are_urls(name):
    assert is_url(name)


@pytest.mark.parametrize("name", ["eyes/1.png", "c:/eyes/1.png", "c://eyes/1.png", "://eye.png", b"https://a.b", None])
def test_paths_are_not_urls(name):
    assert not is_url(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eyes")
    write_eyes(folder, N, random_state=4)
    (folder / "bad.png").write_text("not an image")
    return folder


@pytest.fixture(scope="module")
def site(folder):
    with serve(folder) as url:
        yield url


def test_url_is_read_as_a_file_is(site, folder):
    images, errors = read_images([f"{site}/003.png", f"{site}/gone.png", f"{site}/secret.png", f"{site}/bad.png"])
    np.testing.assert_array_equal(images[0], cv2.imread(str(folder / "003.png"), 0))
    assert errors == [None, "no such file", "the server returns status 403", "text, not an image"]


def test_many_urls_keep_their_order(site, folder):
    names = [f"{site}/{number % N:03}.png" for number in range(3 * N)]
    names[50] = str(folder / "007.png")
    images, errors = read_images(names)
    assert errors == [None] * len(names)
    expected, _ = read_images([str(folder / f"{number:03}.png") for number in range(N)])
    np.testing.assert_array_equal(images[:N], expected)
    np.testing.assert_array_equal(images[50], expected[7])
    np.testing.assert_array_equal(read_image(names[3]), expected[3])


def test_missing_server_is_an_error():
    _, (error,) = read_images(["http://127.0.0.1:9/eye.png"])
    assert error is not None
    assert error.startswith("cannot be opened (")


def test_other_schemes_are_read_through_fsspec(folder, tmp_path, monkeypatch):
    pytest.importorskip("fsspec")
    (tmp_path / "empty.png").touch()
    names = [(folder / "001.png").as_uri(), (tmp_path / "gone.png").as_uri(), (tmp_path / "empty.png").as_uri()]
    images, errors = read_images([*names, "nowhere://x/y.png"])
    np.testing.assert_array_equal(images[0], cv2.imread(str(folder / "001.png"), 0))
    assert errors[:3] == [None, "no such file", "empty file"]
    assert "Protocol not known: nowhere" in errors[3]
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert "needs the package fsspec" in read_images(names[:1])[1][0]


def test_response_above_the_limit_is_refused(site):
    with pytest.raises(ImageError, match="larger than 0 MiB"):
        remote.read_url(f"{site}/001.png", 10)
