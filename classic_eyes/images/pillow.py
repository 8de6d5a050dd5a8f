"""Images of Pillow, which need not be installed: modes and orientation."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..errors import ImageError

__all__ = ["from_pil", "is_pil"]

# Modes whose values are grey, RGB or RGBA. Others are converted: 1 as grey, as its array would be bool.
_PLAIN = frozenset({"L", "RGB", "RGBA", "F", "I", "I;16", "I;16L", "I;16B", "I;16N"})
_CONVERTED = {"1": "L", "LA": "L", "La": "LA", "P": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "RGBX": "RGB"}
_CONVERTED |= {"CMYK": "RGB", "YCbCr": "RGB", "HSV": "RGB"}


def is_pil(item: Any) -> bool:
    """Return whether an object is an image of Pillow."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(item, pillow.Image)


def from_pil(image: Any, name: str) -> np.ndarray:
    """Return the values of an image of Pillow, turned as its EXIF data say; `name` begins the message of an error."""
    from PIL import ImageOps

    mode = image.mode
    if mode not in _PLAIN and mode not in _CONVERTED:
        raise ImageError(f"{name} is a PIL image of mode {mode}, which is not supported; pass image.convert('RGB')")
    try:
        turned = ImageOps.exif_transpose(image)
        while turned.mode in _CONVERTED:
            turned = turned.convert(_CONVERTED[turned.mode])
        return np.asarray(turned)
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # Pillow decodes only now
        raise ImageError(f"{name} is a PIL image that cannot be decoded: {' '.join(str(error).split())}") from error
