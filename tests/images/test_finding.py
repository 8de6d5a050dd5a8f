"""Search for images: names, order, links, and folders that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from classic_eyes.datasets import UNLABELLED, find_images, fingerprint, read_eyes
from classic_eyes.errors import DataError

from ..datasets.conftest import labels_of


def test_images_of_all_levels_are_sorted_by_name(put):
    top = put("b.PNG", "a.jpeg", "z/y/x.Tif", "z/a.bmp", "z.png", "note.txt", "noending", "B.png")
    found = find_images(top)
    assert [name for _, name in found] == ["B.png", "a.jpeg", "b.PNG", "z.png", "z/a.bmp", "z/y/x.Tif"]
    for path, name in found:
        assert Path(path) == top / name
    assert find_images(str(top) + os.sep) == found


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
    with pytest.raises(DataError, match=r"nowhere': no such folder or image"):
        find_images(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no images in this folder; endings looked for: .*\.jpg.* \.png"):
        find_images(tmp_path)


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
