"""What a file is that is no image, by its first bytes."""

from __future__ import annotations

import gzip

import pytest

from classic_eyes.images import read_images
from classic_eyes.images.reasons import NOT_READABLE, why_not_readable

from .test_headers import encoded

WHAT = {
    b"\0\0\0\x18ftypheic" + bytes(20): "HEIC",
    b"\0\0\0\x18ftypmp42" + bytes(20): "a video",
    b"\0\0\0\x18ftypcrx " + bytes(20): "camera raw",
    b"FUJIFILMCCD-RAW 0201": "camera raw",
    b"<!DOCTYPE html><html>": "an HTML page",
    b"\n  <HTML lang=en>": "an HTML page",
    b"version https://git-lfs.github.com/spec/v1\noid": "a pointer of Git LFS",
    b"%PDF-1.7\n%\xe2\xe3": "a PDF",
    b"\xff\x0a" + bytes(9): "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"8BPS\0\1": "Photoshop",
    b"\x76\x2f\x31\x01\2\0": "images of radiances",
    b"#?RADIANCE\n": "images of radiances",
    b"\0\0\x01\0\x01\0\x10\x10": "icons",
    b"<svg xmlns='x'>": "SVG",
    b"<?xml version='1.0'?>\n<svg>": "SVG",
    gzip.compress(b"x"): "a compressed file",
    b"PK\x03\x04\x14\0": "an archive",
    b"file,label\na.png,1\n": "text",
    "caf\xe9, one".encode(): "text",
    b'{"a": 1}': "text",
    bytes(100): "it begins with zeros",
    bytes(3): "it begins with zeros",
    b"P5 24": "PNM: damaged or cut off",
    b"\x12\x03\0\x91": NOT_READABLE,
    b"II*\0\x08\0\0\0": "TIFF: cut off",
    b"RIFF\xff\0\0\0WEBPVP8 ": "WebP: cut off",
}


@pytest.mark.parametrize(("data", "start"), WHAT.items(), ids=list(WHAT.values()))
def test_first_bytes_tell_what_a_file_is(data, start):
    (error,) = read_images([data])[1]
    assert error == why_not_readable(data)
    assert error.startswith(start)
    assert "\n" not in error


@pytest.mark.parametrize("ending", [".png", ".jpg", ".gif", ".bmp", ".webp", ".jp2"])
def test_a_missing_end_is_named(ending):
    data = encoded(ending)
    (error,) = read_images([data[: len(data) // 2]])[1]
    assert error.endswith("cut off, its end is missing")
    assert not why_not_readable(data).endswith("missing")
