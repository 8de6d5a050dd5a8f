"""Reduction, glare removal and alignment as ONNX operators: the bits of the functions that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.export import images as exported
from classic_eyes.inference.program import reduce_images
from classic_eyes.preprocessing import align, find_poses, remove_glare, shipped_alignment
from classic_eyes.synthetic import make_eyes

from .running import run

pytest.importorskip("onnx", reason="onnx is not installed; pip install 'classic-eyes[onnx]'")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; pip install onnxruntime")

EYES = {size: make_eyes(80, size=size, random_state=1).images for size in (24, 48)}
NOISE = np.random.default_rng(0).integers(0, 256, (40, 48, 48)).astype(np.uint8)


@pytest.mark.parametrize("size", [48, 24, 16, 12, 8, 3])
def test_reduction(size):
    images = np.concatenate([NOISE, EYES[48]])
    found = run(lambda g, value: exported.reduce_images(g, value, 48, size), images)
    np.testing.assert_array_equal(found, reduce_images(images, size))


def with_reflections(images: np.ndarray, size: int) -> np.ndarray:
    """Return darkened images with white spots of many sizes, some at the border and some too large to be removed."""
    rng = np.random.default_rng(2)
    images = images // 2
    for image in images[: 3 * len(images) // 4]:
        for _ in range(rng.integers(1, 4)):
            (top, left), side = rng.integers(0, size, 2), rng.integers(1, 9)
            image[top : top + side, left : left + side] = 255
    images[-1, 4:-4, 4:-4] = 255
    return images


@pytest.mark.parametrize("size", [24, 48])
def test_glare_removal(size):
    images = with_reflections(EYES[size], size)
    expected = remove_glare(images)
    assert 10 < (expected != images).any(axis=(1, 2)).sum() < len(images)
    np.testing.assert_array_equal(run(lambda g, value: exported.remove_glare(g, value, size), images), expected)


@pytest.mark.parametrize("images", [EYES[24][:1], np.zeros((3, 24, 24), np.uint8)], ids=["clean", "black"])
def test_images_without_glare_stay_as_they_are(images):
    found = run(lambda g, value: exported.remove_glare(g, value, 24), images)
    np.testing.assert_array_equal(found, images)


@pytest.mark.parametrize("size", [24, 48])
def test_poses(size):
    images = np.concatenate([EYES[size], NOISE[:, :size, :size], np.zeros((1, size, size), np.uint8)])
    alignment = shipped_alignment()
    found = run(
        lambda g, value: g.op(
            "Concat",
            *(g.reshape(each, -1, 1) for each in exported.find_poses(g, value, alignment, size)),
            axis=1,
        ),
        images,
        np.float64,
    )
    np.testing.assert_array_equal(found, find_poses(images, alignment))


@pytest.mark.parametrize("size", [24, 48])
def test_alignment(size):
    images, alignment = EYES[size], shipped_alignment()
    rng = np.random.default_rng(3)
    # Centres beyond the image, scales of 0 and beyond both limits, all tilts; and ones that OpenCV rounds to a half.
    poses = rng.normal(0, 1, (len(images), 4)) * [20_000, 20_000, 5_000, 3_000]
    poses = np.vstack([poses[4:], np.array([[0, 0, 0, 0], [64, 192, 4096, 0], [0, 0, 0, 4096], [2048, 0, 8192, 0]])])
    poses = poses.astype(np.int32)

    def build(g, value):
        columns = g.parts(g.constant(poses.astype(np.float64)), 1, 1, 1, 1, 1)
        return exported.align(g, value, exported.Poses(*(g.reshape(each, -1) for each in columns)), size)

    np.testing.assert_array_equal(run(build, images), align(images, alignment, poses))
