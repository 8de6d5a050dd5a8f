"""Search for images: names, order, links, and folders that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from classic_eyes.datasets import UNLABELLED, find_images, fingerprint, read_eyes
from classic_eyes.errors import DataError
from classic_eyes.images import IMAGE_ENDINGS
from classic_eyes.images.finding import _NOT_READ, describe_passed_over, list_folder

from ..datasets.conftest import labels_of


def test_images_of_all_levels_are_sorted_by_name(put):
    top = put("b.PNG", "a.jpeg", "z/y/x.Tif", "z/a.bmp", "z.png", "note.txt", "noending", "B.png")
    found = find_images(top)
    assert [name for _, name in found] == ["B.png", "a.jpeg", "b.PNG", "z.png", "z/a.bmp", "z/y/x.Tif"]
    for path, name in found:
        assert Path(path) == top / name
    assert find_images(str(top) + os.sep) == found


def test_empty_path_is_refused():
    with pytest.raises(DataError, match="the path is empty; name a folder or an image"):
        find_images("")


def test_hidden_files_and_folders_are_skipped_below_the_top(put, tmp_path):
    put(".h/a.png", ".h/.b.png", ".h/.c/d.png")
    assert [name for _, name in find_images(tmp_path / ".h")] == ["a.png"]
    with pytest.raises(DataError, match="no images"):
        find_images(tmp_path)


def test_links_are_followed_once(put, tmp_path):
    outside = put("o.png", below=tmp_path / "outside")
    top = put("real/a.png", below=tmp_path / "top")
    (top / "real" / "up").symlink_to(top)
    (top / "again").symlink_to(top / "real")
    (top / "link").symlink_to(outside)
    (top / "link2").symlink_to(outside)
    (outside / "back").symlink_to(top)
    (top / "file.png").symlink_to(outside / "o.png")
    assert [name for _, name in find_images(top)] == ["file.png", "link/o.png", "real/a.png"]


def test_unreadable_files_and_folders_with_an_image_ending_are_listed(put, tmp_path):
    put("folder.png/a.png")
    (tmp_path / "broken.png").symlink_to("nowhere")
    (tmp_path / "loop.png").symlink_to("loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert [name for _, name in find_images(tmp_path)] == [
        "broken.png",
        "folder.png",
        "folder.png/a.png",
        "loop.png",
        "pipe.png",
    ]


def test_a_single_image_is_returned_alone(put, monkeypatch):
    monkeypatch.chdir(put("a.dat"))
    assert find_images("a.dat") == [("a.dat", "a.dat")]
    assert labels_of(read_eyes("a.dat")) == {"a.dat": UNLABELLED}


def test_names_that_are_not_utf8_are_found(put, tmp_path):
    name = os.fsdecode(b"\xff\xfe.png")
    try:
        put(name)
    except OSError:
        pytest.skip("the file system refuses this name")
    assert find_images(tmp_path) == [(os.path.join(tmp_path, name), name)]
    eyes = read_eyes(tmp_path)
    assert eyes.groups.tolist() == [name]
    assert len(fingerprint(eyes)) == 64


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"nowhere': no such folder or image; there is no 'nowhere' in '.*'; check"):
        find_images(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"there is no 'no' in '.*'; check the name"):
        find_images(tmp_path / "no" / "such" / "eye.png")
    (tmp_path / "link").symlink_to("gone.png")
    with pytest.raises(
        DataError, match=r"link': no such folder or image; it is a link to 'gone.png', which is missing"
    ):
        find_images(tmp_path / "link")
    with pytest.raises(DataError, match=r"no images in this folder; endings looked for: .*\.jpg.* \.png"):
        find_images(tmp_path)


# -- what is passed over --


def test_images_that_are_not_read_are_counted_by_ending(put):
    top = put("a.png", "b.HEIC", "c/d.heic", "c/e.nef", "c/f.mp4", "notes.txt", "heic", "._b.heic", ".h/g.heic")
    (top / "folder.heic").mkdir()
    (top / "again").symlink_to(top / "c")
    found = list_folder(top)
    assert [name for _, name in found.images] == ["a.png"]
    assert found.passed_over == Counter({".heic": 2, ".nef": 1, ".mp4": 1})
    assert found.images == find_images(top)
    # In folders that were searched before, they are not counted again.
    assert list_folder(top, counted=found.folders).passed_over == Counter()
    assert list_folder(top, counted=list_folder(put("x.png", below=top / "c")).folders).passed_over == {".heic": 1}


def test_folder_is_walked_once(put, monkeypatch):
    top = put("a.png", "b.heic", "c/d.png")
    walked, real = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: walked.append(path) or real(path))
    assert list_folder(top).passed_over == {".heic": 1}
    assert sorted(walked) == [str(top), str(top / "c")]


def test_folder_without_readable_images_says_what_is_there(put):
    top = put("a.heic", "b.heic", "c.cr2")
    with pytest.raises(
        DataError, match=r"no images in this folder; 3 files passed over \(2 .heic, 1 .cr2\): convert them"
    ):
        find_images(top)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({".heic": 1}, "1 file passed over (1 .heic): convert it to JPEG or PNG"),
        ({".nef": 4, ".heic": 8}, "12 files passed over (8 .heic, 4 .nef): convert them to JPEG or PNG"),
        ({".arw": 1200, ".dng": 1200}, "2,400 files passed over (1,200 .arw, 1,200 .dng): convert them to JPEG or PNG"),
        ({".mov": 1}, "1 file passed over (1 .mov): classic-eyes video reads videos"),
        (
            {".mov": 1, ".heic": 1},
            "2 files passed over (1 .heic, 1 .mov): convert images to JPEG or PNG, classic-eyes video reads videos",
        ),
    ],
)
def test_counts_have_a_remedy(counts, text):
    assert describe_passed_over(Counter(counts)) == text


def test_videos_of_a_folder_are_found_and_images_counted(put):
    top = put("b.MP4", "a/c.mov", "d.jpg", "e.heic", "._b.mp4", "notes.txt", "b.mp4.jpg_large")
    found = list_folder(top, videos=True)
    assert [name for _, name in found.images] == ["a/c.mov", "b.MP4"]
    assert found.passed_over == Counter({".jpg": 1, ".heic": 1, ".jpg_large": 1})
    text = describe_passed_over(Counter({".jpg": 3}), videos=True)
    assert text == "3 files passed over (3 .jpg): classic-eyes faces reads photographs"
    with pytest.raises(DataError, match=r"no such folder or video; there is no 'x.mp4'"):
        list_folder(top / "x.mp4", videos=True)
    with pytest.raises(DataError, match="the path is empty; name a folder or a video"):
        list_folder("", videos=True)
    (top / "empty").mkdir()
    with pytest.raises(DataError, match=r"no videos in this folder; endings looked for: .* \.mkv \.mov \.mp4 "):
        list_folder(top / "empty", videos=True)


def test_no_ending_is_both_read_and_passed_over():
    assert not IMAGE_ENDINGS & _NOT_READ
    assert all(ending == ending.lower() and ending[0] == "." for ending in _NOT_READ)


def test_an_unreadable_subfolder_is_an_error(put, tmp_path, monkeypatch):
    put("a.png", "locked/b.png")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"locked': cannot read this folder \(Permission denied\)"):
        find_images(tmp_path)


def test_finding_images_imports_no_scikit_learn():
    code = "import sys; from classic_eyes.datasets import find_images; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_images_with_a_longer_ending_are_counted(tmp_path):
    for name in ("a.png", "b.jpg_large", "c.png ", "d.jpg?w=300", "e.jpg_original", "f.pngx", "g.csv", "h.jpg.txt"):
        (tmp_path / name).write_bytes(b"x")
    found = list_folder(tmp_path)
    assert [name for _, name in found.images] == ["a.png"]
    assert found.passed_over == {".jpg_large": 1, ".png ": 1, ".jpg?w=300": 1}
    described = describe_passed_over(found.passed_over)
    assert (
        described == "3 files passed over (1 .jpg?w=300, 1 .jpg_large, 1 '.png '): rename images with a longer ending"
    )
