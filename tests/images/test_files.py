"""Reading of image files and URLs: formats, names, and the reason for each that cannot be read."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes._utils.dependencies import opencv_log
from classic_eyes.errors import ImageError
from classic_eyes.images import IMAGE_ENDINGS, SIZE, as_images, files, read_bytes, read_image, read_images
from classic_eyes.images.decoding import quiet_opencv
from classic_eyes.images.files import is_url

from ..conftest import shared, write_eyes
from ..file_server import serve
from .conftest import write

N = 40


@pytest.mark.parametrize("ending", sorted(IMAGE_ENDINGS))
def test_written_formats_are_read_back(ending, tmp_path):
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    if ending == ".pbm":
        ramp = np.where(ramp > 60, 255, 0).astype(np.uint8)
    image = ramp / np.float32(255) if ending == ".pfm" else ramp
    colour_only = ending in {".gif", ".webp", ".avif", ".ppm", ".jp2"}
    done, data = cv2.imencode(ending.replace(".jfif", ".jpg"), np.dstack([image] * 3) if colour_only else image)
    if not done:
        pytest.skip(f"this build of OpenCV writes no {ending}")
    path = tmp_path / f"a{ending.upper()}"
    path.write_bytes(data.tobytes())
    lossy = {".jpg": 4, ".jfif": 4, ".jpe": 4, ".jpeg": 4, ".webp": 4, ".avif": 6, ".jp2": 2, ".gif": 20}
    off = np.abs(read_image(path).astype(int) - as_images([ramp])[0]).max()
    assert off <= lossy.get(ending, 0)


@pytest.mark.parametrize("ending", [".png", ".tif", ".pgm"])
def test_sixteen_bit_files_follow_the_dtype_rule(ending, tmp_path):
    deep = np.full((SIZE, SIZE), 200 * 257 + 129, dtype=np.uint16)
    assert np.unique(read_image(write(tmp_path / f"a{ending}", deep))).tolist() == [201]


def test_float_tiffs_follow_the_dtype_rule(tmp_path):
    good = write(tmp_path / "good.tif", np.full((SIZE, SIZE), 0.5, dtype=np.float32))
    bad = write(tmp_path / "bad.tif", np.full((SIZE, SIZE), 7, dtype=np.float32))
    assert np.unique(read_image(good)).tolist() == [128]
    with pytest.raises(ImageError, match=r"bad.tif': float32 values from 7.0 to 7.0; floats must lie in 0\.\.1"):
        read_image(bad)


@pytest.mark.parametrize(
    "name", ["é ñ 眼.png", "a\nb.png", "no ending", "%d%s.png", "\udcff\udc80.png", "x.jpg", "-r.png", "it's.png"]
)
def test_any_file_name_is_read(name, grey, tmp_path):
    path = os.path.join(tmp_path, name)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    except (OSError, UnicodeError):
        pytest.skip("the file system refuses this name")
    with open(descriptor, "wb") as file:
        file.write(cv2.imencode(".png", grey)[1].tobytes())
    assert np.array_equal(read_image(path), grey)


@pytest.fixture
def unreadable(tmp_path, grey):
    """Paths and the expected errors."""
    png, jpg = (cv2.imencode(ending, grey)[1].tobytes() for ending in (".png", ".jpg"))
    contents = {"empty.png": b"", "text.jpg": b"hello", "half.png": png[: len(png) // 2], "half.jpg": jpg[:300]}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "broken.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "pipe.png")
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.relpath(tmp_path / "socket.png"))
    with server:
        yield {
            tmp_path / "missing.png": "no such file",
            tmp_path / "broken.png": "no such file",
            tmp_path / "text.jpg" / "a.png": "no such file",
            tmp_path / "loop.png": "a link that leads back to itself",
            tmp_path / ("x" * 5000): "the name is too long",
            tmp_path / "folder.png": "is a folder",
            tmp_path / "pipe.png": "not a regular file (a pipe, socket or device)",
            tmp_path / "socket.png": "not a regular file (a pipe, socket or device)",
            Path(os.devnull): "not a regular file (a pipe, socket or device)",
            tmp_path / "empty.png": "empty file",
            tmp_path / "text.jpg": "text, not an image",
            tmp_path / "half.png": "PNG: cut off, its end is missing",
            tmp_path / "half.jpg": "JPEG: cut off, its end is missing",
            f"{tmp_path}/nul\0.png": "not a file name",
        }


def test_unreadable_files_have_an_error_and_the_others_are_read(unreadable, grey, tmp_path, capfd):
    good = write(tmp_path / "good.png", grey)
    images, errors = read_images([good, *unreadable, str(good)])
    assert errors == [None, *unreadable.values(), None]
    assert np.array_equal(images[0], grey)
    assert np.array_equal(images[-1], grey)
    assert not images[1:-1].any()
    assert capfd.readouterr() == ("", "")
    for path, reason in unreadable.items():
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert str(caught.value) == f"{str(path)!r}: {reason}"


def test_no_permission(tmp_path, grey, monkeypatch):
    path = write(tmp_path / "a.png", grey)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "open", refuse)
    assert read_images([path])[1] == ["no permission"]


def test_other_system_errors_keep_their_text(tmp_path, grey, monkeypatch):
    path = write(tmp_path / "a.png", grey)

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.os, "read", fail)
    assert read_images([path])[1] == ["cannot be opened (Input/output error)"]


def test_files_that_are_too_large_are_refused(tmp_path):
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.truncate(files.MAX_BYTES + 1)
    with pytest.raises(ImageError, match=r"^larger than 512 MiB$"):
        read_bytes(path)


def test_an_exception_of_the_decoder_is_an_error(tmp_path, grey, monkeypatch):
    def throw(*_):
        raise cv2.error("two\nlines")

    path = write(tmp_path / "a.png", grey)
    monkeypatch.setattr(cv2, "imdecode", throw)
    assert read_images([path])[1] == ["PNG: damaged, or of a kind OpenCV cannot read"]


def test_no_paths_give_no_images():
    images, errors = read_images([])
    assert (images.shape, errors) == ((0, SIZE, SIZE), [])


@pytest.mark.parametrize("step", ["read_bytes", "decode", "square"])
def test_an_unexpected_error_is_the_row_of_its_file(tmp_path, step, grey, monkeypatch):
    paths = [str(write(tmp_path / f"{number}.png", grey)) for number in range(3)]
    expected = read_images(paths)[0]
    calls = []

    def fail(*given, **options):
        calls.append(given)
        if len(calls) == 2:
            raise RuntimeError("nobody\nforesaw this")
        return original(*given, **options)

    original = getattr(files, step)
    monkeypatch.setattr(files, step, fail)
    images, errors = read_images(paths)
    assert errors == [None, "unexpected error: RuntimeError: nobody foresaw this", None]
    np.testing.assert_array_equal(images[[0, 2]], expected[[0, 2]])
    assert not images[1].any()


def test_log_level_of_opencv_is_restored():
    before = opencv_log.setLogLevel(2)
    try:
        read_images(["missing.png"])
        assert opencv_log.getLogLevel() == 2
        with quiet_opencv(), quiet_opencv():
            assert opencv_log.getLogLevel() == 0
        assert opencv_log.getLogLevel() == 2
    finally:
        opencv_log.setLogLevel(before)


def test_eyes24_is_read_as_by_opencv():
    paths = sorted((shared("eyes24") / "images").iterdir())[:200]
    images, errors = read_images(paths)
    assert errors == [None] * 200
    for path, image in zip(paths, images, strict=True):
        assert np.array_equal(image, cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


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
        files.read_url(f"{site}/001.png", 10)
