"""Why a file is no image that can be read: its first bytes tell what it is, its last ones whether it was cut off."""

from __future__ import annotations

import re
import struct
from struct import unpack_from

__all__ = ["NOT_READABLE", "why_not_readable"]

NOT_READABLE = "not an image OpenCV can read"

_CONVERT = "convert it to JPEG or PNG"
_EXTRACT = "extract the images from it"
_FRAMES = "a video; classic-eyes video reads it"
# Pattern of the beginning, and the reason; the first that matches holds.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)(?!.{,64}avif)", f"HEIC is not supported for patches; {_CONVERT}"),
    (rb"....ftypcrx |FUJIFILMCCD-RAW|\0MRM|IIRO|IIRS|IIU\0|FOVb|II\*\0....CR", f"camera raw; {_CONVERT}"),
    (rb"....ftyp(?!avi)|RIFF....AVI |\x1aE\xdf\xa3|FLV\x01|\0\0\x01[\xb3\xba]", _FRAMES),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", f"JPEG XL is not supported; {_CONVERT}"),
    (rb"II\xbc\x01", f"JPEG XR is not supported; {_CONVERT}"),
    (rb"8BPS", f"Photoshop images are not supported; {_CONVERT}"),
    (rb"\x76\x2f\x31\x01|#\?RADIANCE|#\?RGBE", f"images of radiances (EXR, HDR) are not supported; {_CONVERT}"),
    (rb"\0\0\x01\0[^\0]\0|icns", f"icons are not supported; {_CONVERT}"),
    (
        rb"qoif|DDS |\x0a[\0-\x05]\x01|P7\s|\x59\xa6\x6a\x95|gimp xcf|\x01\xda|SIMPLE  =|.{128}DICM",
        f"this format is not supported; {_CONVERT}",
    ),
    (rb"%PDF|%!PS", f"a PDF or PostScript document, not an image; {_EXTRACT}"),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf", f"an archive, not an image; {_EXTRACT}"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "a compressed file, not an image; decompress it first"),
    (rb"\x93NUMPY", "an array of NumPy, not an image; load it with numpy and pass it in Python"),
    (rb"version https://git-lfs", "a pointer of Git LFS, not an image; fetch the image with git lfs pull"),
    (
        rb"(?i)\s*(?:<!--.{,200}-->\s*)?<(?:!doctype html|html|head|body)",
        "an HTML page, not an image; download it again",
    ),
    (rb"(?i)\s*(?:<\?xml.{,600})?<svg", f"SVG is not supported; {_CONVERT}"),
    (rb"\0{64}|\0+\Z", "it begins with zeros only, not an image; copy or download it again"),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), reason) for pattern, reason in _BEGINNINGS)
_KNOWN: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
)
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]+")
_N_BYTES = 1024


def why_not_readable(data: bytes) -> str:
    """Return the reason in one line; called only for files that could not be decoded.

    >>> why_not_readable(b"<!DOCTYPE html><title>404</title>")
    'an HTML page, not an image; download it again'
    >>> why_not_readable(b"version https://git-lfs.github.com/spec/v1")
    'a pointer of Git LFS, not an image; fetch the image with git lfs pull'
    """
    start = data[:_N_BYTES]
    for pattern, reason in _PATTERNS:
        if pattern.match(start):
            return reason
    name = next((name for begin, name in _KNOWN if start.startswith(begin)), None)
    if name is None and data[4:12] in (b"ftypavif", b"ftypavis"):
        name = "AVIF"
    if name is not None:
        what = "cut off, its end is missing" if _is_cut(name, data) else "damaged, or of a kind OpenCV cannot read"
        return f"{name}: {what}"
    if re.match(rb"P[1-6fF]\s", start):
        return "PNM: damaged or cut off"
    if _TEXT.fullmatch(start) and _is_utf8(start):
        return "text, not an image"
    return NOT_READABLE


def _is_utf8(start: bytes) -> bool:
    try:
        start[: _N_BYTES - 4].decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _is_cut(name: str, data: bytes) -> bool:
    try:
        if name == "BMP":
            return unpack_from("<I", data, 2)[0] > len(data)
        if name == "WebP":
            return unpack_from("<I", data, 4)[0] + 8 > len(data)
        if name == "TIFF" and data[2:4] in (b"*\0", b"\0*"):
            return unpack_from("<I" if data[:1] == b"I" else ">I", data, 4)[0] >= len(data)
    except struct.error:
        return True
    end = {"JPEG": b"\xff\xd9", "PNG": b"IEND", "GIF": b";", "JPEG 2000": b"\xff\xd9"}.get(name)
    return end is not None and end not in data[-64:]
