"""Images that several tests of this folder read and write."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes.images import SIZE


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def grey(rng) -> np.ndarray:
    return rng.integers(0, 256, (SIZE, SIZE), dtype=np.uint8)


def write(path: Path, image: np.ndarray) -> Path:
    """Write an image in the format of its ending."""
    done, data = cv2.imencode(path.suffix.lower(), image)
    assert done
    path.write_bytes(data.tobytes())
    return path
