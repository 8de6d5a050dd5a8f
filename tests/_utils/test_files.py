"""Files are written completely or not at all, and CSV text is read back unchanged."""

from __future__ import annotations

import codecs
import csv
import io
import os
import stat
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_eyes._utils.files import check_writable, csv_text, is_stream, wide_encoding, write_whole


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


@pytest.mark.parametrize("error", [OSError("No space left"), MemoryError(), KeyboardInterrupt(), RuntimeError("other")])
@pytest.mark.parametrize("call", ["fsync", "chmod", "replace"])
def test_any_exception_keeps_the_old_content_and_leaves_no_trace(tmp_path, monkeypatch, error, call):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*arguments):
        raise error

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(error)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_name_of_any_length_is_written(tmp_path):
    path = tmp_path / ("n" * 255)
    write_whole(path, b"content")
    assert path.read_bytes() == b"content"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"content" * 10_000)
    reader.join(10)
    assert received == [b"content" * 10_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_streams_are_what_is_no_file_and_no_folder(tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    assert [is_stream(tmp_path / name) for name in ("file", ".", "missing", "pipe", "link")] == [0, 0, 0, 1, 1]
    # Also where standard output is a file.
    assert is_stream("/dev/stdout")
    assert is_stream("/dev/fd/1")


def test_missing_folder_is_not_writable(tmp_path):
    check_writable(tmp_path)
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        check_writable(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file", b"")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_encodings_are_named(codec):
    assert wide_encoding("file,label\n".encode(codec)) == codec[:6].upper()


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_byte_order_mark_is_enough(mark):
    assert wide_encoding(mark + "\N{EYE}".encode("utf-16-le" if mark[0] == 0xFF else "utf-16-be")) == "UTF-16"


@pytest.mark.parametrize(
    "start", [b"", b"f", b"file", b"a\0", b"a\0bc", b"\0\0\0\0", codecs.BOM_UTF8 + b"file", "é".encode(), b"\xff\xd8"]
)
def test_other_bytes_are_not(start):
    assert wide_encoding(start) is None
