"""Reading of photographs: in colour and at their own size, of large ones a smaller version, camera raw and HEIC."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np

from .._utils.dependencies import pip_install
from ..errors import ImageError
from .arrays import MAX_PIXELS, Images, check_bits, check_pixels, to_uint8
from .decoding import Decoded, decode, quiet_opencv
from .files import MAX_BYTES, Source, is_url, read_bytes, read_url
from .headers import stated_size, time_taken

__all__ = [
    "EXTRA_ENDINGS",
    "RAW_ENDINGS",
    "Photograph",
    "decode_photograph",
    "read_photograph",
]

_HEIF_ENDINGS = frozenset({".heic", ".heif", ".hif"})
RAW_ENDINGS = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef", ".mos"}
    | {".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
# Of photographs that need the packages of the extra.
EXTRA_ENDINGS = _HEIF_ENDINGS | RAW_ENDINGS
_HOW_TO_READ = pip_install("photographs")

_JPEG = b"\xff\xd8"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
# Camera raw files that are no TIFF: Canon, Fujifilm, Minolta, Olympus (two), Panasonic, Sigma.
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"\0MRM", b"IIRO", b"IIRS", b"IIU\0", b"FOVb")
# The smaller version is at least so long.
_MIN_SIDE = 1920
# A preview of a raw file is used from this longer side on: faces are looked for in 1280 pixels.
_MIN_PREVIEW = 1280
# LibRaw's flip.
_TURNS = {3: cv2.ROTATE_180, 5: cv2.ROTATE_90_COUNTERCLOCKWISE, 6: cv2.ROTATE_90_CLOCKWISE}


class Photograph(NamedTuple):
    """A photograph for the detection, and for people.

    ``grey`` has its own size. ``colour()`` returns RGB with the sides divided by ``reduction``, rounded up. ``time`` is
    that of `time_taken`; ``peak`` is the largest value of 16 bits, as of `decode`.
    """

    grey: Images
    colour: Callable[[], Images]
    reduction: int
    time: float | None
    peak: int | None


class _Content(NamedTuple):
    """What is decoded: the bytes of an image file, then turned by a code of `cv2.rotate`; or an RGB image."""

    data: bytes
    turn: int | None = None
    as_stored: bool = False
    image: Images | None = None

    def decode(self, *, colour: bool, max_pixels: int, bits: int | None, reduction: int = 1) -> Decoded:
        if self.image is not None:
            return Decoded(self.image, None)
        found = decode(
            self.data,
            colour=colour,
            max_pixels=max_pixels,
            bits=bits,
            reduction=reduction,
            as_stored=self.as_stored,
        )
        return found if self.turn is None else found._replace(image=_rotated(found.image, self.turn))


def read_photograph(source: Source, *, max_pixels: int = MAX_PIXELS, bits: int | None = None) -> Images:
    """Read an image file in colour and at its own size.

    Parameters
    ----------
    source : str, os.PathLike or bytes
        An image file, its URL or its content. With the extra ``photographs`` also a HEIC file, or a camera raw file: of
        the latter, the preview that the camera embedded is used, if it has 1280 pixels or more on its longer side;
        otherwise the raw values are developed at half their size.
    max_pixels : int, default=100_000_000
        Largest image that is decoded; the size that the header states is checked before.
    bits : int, optional
        How many bits of 16-bit images are used, 8 to 16.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green, blue; depth, orientation and alpha as for :func:`read_image`.

    Raises
    ------
    ImageError
        As for :func:`read_image`; the message is one line without the path.
    ParameterError
        If `max_pixels` or `bits` is not allowed.
    """
    max_pixels, bits = check_pixels(max_pixels), check_bits(bits)
    with quiet_opencv():
        content = _content(source, _bytes(source), max_pixels)
        return content.decode(colour=True, max_pixels=max_pixels, bits=bits).image


def decode_photograph(source: Source, *, max_pixels: int, bits: int | None) -> Photograph:
    """Read a photograph for the detection and, where that is needed, for people.

    1. A JPEG is decoded in grey. For people it is decoded once more, at 1/2, 1/4 or 1/8 of its size if at least 1920
       pixels remain on the longer side. Both take less time and memory than colour at full size.
    2. Other formats are decoded in colour, converted to grey, and reduced by averaging areas.
    """
    max_pixels, bits = check_pixels(max_pixels), check_bits(bits)
    with quiet_opencv():
        data = _bytes(source)
        time = time_taken(data)
        content = _content(source, data, max_pixels)
        del data
        is_jpeg = content.data.startswith(_JPEG)
        # Others always in colour: decoders differ in how they convert to grey.
        image, peak = content.decode(colour=not is_jpeg, max_pixels=max_pixels, bits=bits)
    grey: Any = image if is_jpeg else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    reduction = max(part for part in (1, 2, 4, 8) if part == 1 or max(grey.shape) // part >= _MIN_SIDE)

    def colour() -> Images:
        if not is_jpeg:
            return _reduced(image, reduction)
        with quiet_opencv():
            return content.decode(colour=True, max_pixels=max_pixels, bits=bits, reduction=reduction).image

    return Photograph(grey, colour, reduction, time, peak)


def _reduced(image: Images, reduction: int) -> Any:
    if reduction == 1:
        return image
    size = (-(-image.shape[1] // reduction), -(-image.shape[0] // reduction))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _rotated(image: Images, turn: int) -> Any:
    return cv2.rotate(image, turn)


def _bytes(source: Source) -> bytes:
    return read_url(str(source), MAX_BYTES) if is_url(source) else read_bytes(source)


def _content(source: Source, data: bytes, max_pixels: int) -> _Content:
    if _is_heif(data):
        return _heif(data, max_pixels)
    if _is_raw(source, data):
        return _raw(data, max_pixels)
    return _Content(data)


def _is_heif(data: bytes) -> bool:
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIF_BRANDS:
        return False
    length = int.from_bytes(data[:4], "big")
    return b"avif" not in data[8 : min(length, 256)]


def _is_raw(source: Source, data: bytes) -> bool:
    """Return whether a file is camera raw: many are a TIFF whose image is a small preview, so the name decides too."""
    is_cr2 = data[8:10] == b"CR" and data[:2] in (b"II", b"MM")
    if is_cr2 or data[4:12] == b"ftypcrx " or data.startswith(_RAW_STARTS):
        return True
    if not isinstance(source, str | os.PathLike) or data.startswith(_JPEG):
        return False
    return os.path.splitext(os.fspath(source))[1].lower() in RAW_ENDINGS


def _heif(data: bytes, max_pixels: int) -> _Content:
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(f"HEIC needs pillow-heif; run: {_HOW_TO_READ}, or convert it to JPEG") from error
    try:
        # Turned as the file says. Of several images the primary one.
        found = pillow_heif.open_heif(io.BytesIO(data))
        size = found.size
        image: Any = None if size[0] * size[1] > max_pixels else np.asarray(found)
    except (ValueError, RuntimeError, LookupError, EOFError, OSError, SyntaxError) as error:
        raise ImageError(f"not a HEIC image that libheif can read ({_one_line(error)})") from error
    _check_size(size, max_pixels)
    return _Content(b"", image=_rgb(to_uint8(image)))  # grey of 10 bits has 16


def _rgb(image: Any) -> Any:
    """Return an image of 1 to 4 channels, grey or RGB, with alpha or without, as RGB."""
    if image.ndim == 3 and image.shape[2] < 3:
        image = np.ascontiguousarray(image[..., 0])
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return np.ascontiguousarray(image[..., :3])


def _raw(data: bytes, max_pixels: int) -> _Content:
    try:
        import rawpy
    except ImportError as error:
        raise ImageError(f"camera raw needs rawpy; run: {_HOW_TO_READ}, or convert it to JPEG") from error
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            return _preview(raw, rawpy) or _developed(raw, max_pixels)
    except rawpy.LibRawError as error:
        raise ImageError(f"not a camera raw file that LibRaw can read ({_one_line(error)})") from error


def _preview(raw: Any, rawpy: Any) -> _Content | None:
    """Return the preview that the camera embedded, if it is large enough."""
    try:
        found = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    is_jpeg = found.format == rawpy.ThumbFormat.JPEG
    stored = (stated_size(found.data) if is_jpeg else found.data.shape[1::-1]) or (0, 0)
    if max(stored) < _MIN_PREVIEW:
        return None
    # The orientation that the preview states is not reliable: LibRaw adds that of the raw values to previews without
    # one, and some cameras store previews upright.
    turn = _TURNS.get(raw.sizes.flip)
    is_upright = (stored[0] < stored[1]) != (raw.sizes.raw_width < raw.sizes.raw_height)
    if is_upright and turn != cv2.ROTATE_180:
        turn = None
    if is_jpeg:
        return _Content(found.data, turn, as_stored=True)
    image = _rgb(found.data)
    return _Content(b"", image=image if turn is None else _rotated(image, turn))


def _developed(raw: Any, max_pixels: int) -> _Content:
    _check_size((raw.sizes.raw_width, raw.sizes.raw_height), max_pixels)
    # Upright.
    return _Content(b"", image=_rgb(raw.postprocess(half_size=True, use_camera_wb=True)))


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise ImageError(f"the header states {size[0]} x {size[1]} pixels; at most {max_pixels:,} are decoded")


def _one_line(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).split())[:100]
