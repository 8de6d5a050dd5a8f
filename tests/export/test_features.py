"""Descriptors as ONNX operators, beside the functions that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.descriptors import DESCRIPTORS
from classic_eyes.errors import ModelError
from classic_eyes.export.features import FEATURES, _tan_triggs, _tan_triggs_uint8, add_features
from classic_eyes.export.graph import Graph
from classic_eyes.preprocessing import tan_triggs, tan_triggs_uint8
from classic_eyes.synthetic import make_eyes

from .running import run

pytest.importorskip("onnx", reason="onnx is not installed; pip install 'classic-eyes[onnx]'")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; pip install onnxruntime")

RNG = np.random.default_rng(0)
SIZES = (24, 32, 48)


def _images(size: int) -> np.ndarray:
    """Return eyes, noise, a vertical and a horizontal step, two diagonals, and a flat image."""
    down, across = np.indices((size, size))
    drawn = [np.where(axis < size // 2, 40, 200) for axis in (across, down)]
    drawn += [2 * (down + across), 3 * np.abs(down - across), np.full((size, size), 90)]
    noise = RNG.integers(0, 256, (10, size, size))
    return np.concatenate([make_eyes(30, size=size, random_state=2).images, noise, drawn]).astype(np.uint8)


N_EYES = 40  # eyes come first, other images after them
IMAGES = {size: _images(size) for size in SIZES}
PATCHES = {"patch": 6, "stride": 2, "grid": 3}
SETTINGS = {
    "hog": [
        {"cells": [8], "n_bins": 9, "gaussian": False},
        {"cells": [4, 8], "n_bins": 9, "gaussian": True},
        {"cells": [4], "n_bins": 6, "gaussian": False},
    ],
    "lbp": [
        {"radii": [1, 2, 3, 4], "grid": 3, "uniform": True},
        {"radii": [3], "grid": 2, "uniform": False},
    ],
    "ltp": [{"radii": [1, 2], "grid": 3, "threshold": 5}],
    "pixels": [{"floor": 4.0}],
    "filters": [
        {
            **PATCHES,
            "light": light,
            "filters": RNG.normal(size=(36, 20)).astype(np.float32),
            "bias": RNG.normal(size=20).astype(np.float32),
        }
        for light in (False, True)
    ],
    "words": [
        {
            **PATCHES,
            "light": light,
            "whitening": RNG.normal(size=(36, 36)).astype(np.float32),
            "patch_mean": RNG.normal(size=36).astype(np.float32),
            "words": RNG.normal(size=(20, 36)).astype(np.float32) * 4,
        }
        for light in (False, True)
    ],
}
CASES = [(name, k, size) for name, settings in SETTINGS.items() for k in range(len(settings)) for size in SIZES]
# Patterns are counted, so that there is no rounding.
EXACT = ("lbp", "ltp")


def test_every_translation_is_tested():
    assert set(SETTINGS) == set(FEATURES)
    assert set(FEATURES) <= set(DESCRIPTORS)


@pytest.mark.parametrize(("name", "k", "size"), CASES)
def test_rows(name, k, size):
    settings, images = SETTINGS[name][k], IMAGES[size]
    columns = np.empty(0)

    def build(g: Graph, value: str) -> str:
        nonlocal columns
        rows, columns = add_features(g, name, settings, value, size)
        return rows

    found = run(build, images)
    expected = DESCRIPTORS[name](images, **settings)
    assert sorted(columns) == list(range(expected.shape[1]))
    expected = expected[:, columns]
    if name in EXACT:
        np.testing.assert_array_equal(found, expected)
        return
    largest = max(1, np.abs(expected).max())
    np.testing.assert_allclose(found[:N_EYES], expected[:N_EYES], rtol=0, atol=3e-5 * largest)
    # Drawn images have flat halves, whose rounding errors reach illumination normalization.
    drawn = 3e-3 if settings.get("light") else 3e-5
    np.testing.assert_allclose(found[N_EYES:], expected[N_EYES:], rtol=0, atol=drawn * largest)


def test_a_vertical_step_has_one_orientation():
    image = np.full((1, 24, 24), 100, np.uint8)
    image[:, :, 12:] = 144  # roots 10 and 12
    found = run(lambda g, value: add_features(g, "hog", SETTINGS["hog"][0], value, 24).rows, image).reshape(-1, 9)
    # A gradient across lies between the first and the last bin, and touches no other.
    assert found[:, 1:8].max() < 1e-6
    np.testing.assert_allclose(found[:, 0], found[:, 8], atol=1e-6)
    assert found[:, 0].max() == pytest.approx(found.max())


@pytest.mark.parametrize("size", SIZES)
def test_illumination_normalization(size):
    images = IMAGES[size]
    found, expected = run(lambda g, v: _tan_triggs(g, v, size), images), tan_triggs(images)
    np.testing.assert_allclose(found[:N_EYES], expected[:N_EYES], atol=2e-3)
    np.testing.assert_allclose(found[N_EYES:], expected[N_EYES:], atol=0.2)
    np.testing.assert_array_equal(run(lambda g, v: _tan_triggs_uint8(g, v, size), images), tan_triggs_uint8(images))


def test_a_descriptor_without_a_translation_is_named():
    with pytest.raises(ModelError, match=r"'profile', which cannot be exported; those that can: filters, hog, .*words"):
        add_features(Graph(), "profile", {}, "images", 24)
