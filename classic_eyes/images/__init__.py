"""The one gate for picture input: files and arrays of any kind become grey uint8 ``(n, size, size)``.

Files are read by OpenCV, from bytes in memory, so that any file name works and 16-bit and float pictures keep their
depth until the dtype rule of :func:`as_pictures` brings them to 0..255. Behind this gate nothing checks again, except
the extractors, which ask :func:`check_batch` whether they were handed a batch that came through here.
"""

from .arrays import MAX_PIXELS, SIZE, check_pixels
from .files import PICTURE_ENDINGS, read_bytes, read_photograph, read_picture, read_pictures
from .gate import as_picture, as_pictures, check_batch
from .headers import stated_size

__all__ = [
    "MAX_PIXELS",
    "PICTURE_ENDINGS",
    "SIZE",
    "as_picture",
    "as_pictures",
    "check_batch",
    "check_pixels",
    "read_bytes",
    "read_photograph",
    "read_picture",
    "read_pictures",
    "stated_size",
]
