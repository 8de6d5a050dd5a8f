"""The gate for image input: arrays and files become grey uint8 batches ``(n, size, size)``."""

from .arrays import MAX_PIXELS, SIZE, check_bits, check_pixels
from .files import IMAGE_ENDINGS, read_bytes, read_image, read_images
from .gate import as_image, as_images, as_photograph, check_batch
from .headers import stated_size
from .photographs import read_photograph

__all__ = [
    "MAX_PIXELS",
    "IMAGE_ENDINGS",
    "SIZE",
    "as_image",
    "as_images",
    "as_photograph",
    "check_batch",
    "check_bits",
    "check_pixels",
    "read_bytes",
    "read_photograph",
    "read_image",
    "read_images",
    "stated_size",
]
