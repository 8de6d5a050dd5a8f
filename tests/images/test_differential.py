"""Image files of every kind against Pillow, tifffile and the values that were written: seen alike, or refused."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from classic_eyes.errors import ImageError
from classic_eyes.images import as_images, read_image, read_images, read_photograph
from classic_eyes.images.decoding import decode, quiet_opencv

from ..conftest import ROOT
from .image_files import RGB, SHAPE, Case, all_cases, refused

# Grey levels; decoders round differently.
TOLERANCE = 3
WEIGHTS = np.array([0.299, 0.587, 0.114])
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return list(all_cases())


def _difference(case: Case) -> float | None:
    """Return how far the values are from those that a person sees; None if the file is refused with a reason."""
    with quiet_opencv():
        try:
            grey = decode(case.data, colour=False, max_pixels=10**6).image.astype(float)
            rgb = decode(case.data, colour=True, max_pixels=10**6).image.astype(float)
        except ImageError:
            return None
    if rgb.shape != case.seen.shape or grey.shape != case.seen.shape[:2]:
        return 255.0
    return float(max(np.abs(rgb - case.seen).max(), np.abs(grey - case.seen @ WEIGHTS).max()))


def test_every_file_is_seen_as_a_person_sees_it_or_refused(cases):
    differences = {case.name: _difference(case) for case in cases}
    assert len(differences) == len(cases), "two files have one name"
    assert not {name: value for name, value in differences.items() if value is not None and value > TOLERANCE}
    # A reader that refuses everything would pass, too.
    assert len(cases) >= 850
    assert sum(value is not None for value in differences.values()) >= 480
    formats = Counter(name.split()[0] for name, value in differences.items() if value is not None)
    assert {"JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "P2", "P5", "Pf", "PF"} <= set(
        formats
    )


def test_the_reference_tells_images_apart():
    unlike = [np.rot90(RGB, 2), RGB[:, ::-1], RGB[::-1], 255 - RGB, RGB[..., ::-1], RGB // 2]
    for other in unlike:
        assert np.abs(other.astype(float) - RGB).max() > 10 * TOLERANCE


def test_no_value_comes_from_unwritten_memory(cases):
    """Decoding again, after the heap was filled with another value, gives the same values."""
    for case in cases:
        seen = set()
        for filling in (0, 255, 90):
            poison = [np.full(SHAPE[0] * SHAPE[1] * k, filling, np.uint8) for k in (1, 2, 3, 4, 6, 8)]
            del poison
            with quiet_opencv():
                try:
                    seen.add(decode(case.data, colour=False, max_pixels=10**6).image.tobytes())
                except ImageError as error:
                    seen.add(str(error).encode())
        assert len(seen) == 1, case.name


def test_files_and_their_content_are_read_alike(cases, tmp_path):
    for number, case in enumerate(cases[::4]):
        path = tmp_path / str(number)
        path.write_bytes(case.data)
        images, errors = read_images([path, case.data, bytearray(case.data), memoryview(case.data)])
        assert len(set(errors)) == 1
        assert (images == images[0]).all()
        if errors[0] is None:
            np.testing.assert_array_equal(read_image(case.data), images[0])
            np.testing.assert_array_equal(as_images([path, case.data])[1], images[0])
            assert read_photograph(case.data).dtype == np.uint8
        else:
            with pytest.raises(ImageError):
                as_images([case.data])
            with pytest.raises(ImageError):
                read_photograph(case.data)


def test_a_photograph_has_the_grey_levels_of_a_patch(cases):
    for case in cases[::3]:
        with quiet_opencv():
            try:
                rgb = decode(case.data, colour=True, max_pixels=10**6).image
            except ImageError:
                continue
            grey = decode(case.data, colour=False, max_pixels=10**6).image
        assert np.abs(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(int) - grey).max() <= TOLERANCE, case.name


def test_the_table_of_refused_files_is_current():
    assert refused() in (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
