"""Files are written completely or not at all, and CSV text is read back unchanged."""

from __future__ import annotations

import csv
import io
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_eyes._utils.writing import check_writable, csv_text, write_whole


def test_carriage_return_is_quoted():
    assert csv_text([("a\r.png", 1, None)]) == '"a\r.png",1,\n'


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")), min_size=2), min_size=1
    )
)
def test_csv_is_read_back_unchanged(rows):
    assert list(csv.reader(io.StringIO(csv_text(rows), newline=""), strict=True)) == rows


def test_content_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "file"
    for content in (b"old", b"the new content"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["file"]


def test_permissions_are_those_of_other_new_files(tmp_path):
    (tmp_path / "other").touch()
    write_whole(tmp_path / "file", b"")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_error_keeps_the_old_content(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full_disk(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_missing_folder_is_not_writable(tmp_path):
    check_writable(tmp_path)
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        check_writable(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file", b"")
