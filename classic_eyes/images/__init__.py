"""The one gate for image input: files and arrays of any kind become grey uint8 ``(n, size, size)``.

Files are read by OpenCV, from bytes in memory, so that any file name works and 16-bit and float images keep their
depth until the dtype rule of :func:`as_images` brings them to 0..255. Behind this gate nothing checks again, except
the extractors, which ask :func:`check_batch` whether they were handed a batch that came through here.
"""

from .arrays import MAX_PIXELS, SIZE, check_pixels
from .files import IMAGE_ENDINGS, read_bytes, read_image, read_images, read_photograph
from .gate import as_image, as_images, check_batch
from .headers import stated_size

__all__ = [
    "MAX_PIXELS",
    "IMAGE_ENDINGS",
    "SIZE",
    "as_image",
    "as_images",
    "check_batch",
    "check_pixels",
    "read_bytes",
    "read_photograph",
    "read_image",
    "read_images",
    "stated_size",
]
