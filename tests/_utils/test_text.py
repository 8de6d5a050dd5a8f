"""Encodings that are not UTF-8 are recognized by the first bytes."""

from __future__ import annotations

import codecs

import pytest

from classic_eyes._utils.text import wide_encoding


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
