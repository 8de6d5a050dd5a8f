"""Augmentation: closed form and bounds of each step."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.preprocessing.augmentation import AUGMENTATIONS, augment, check_augmentations, flip
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(12, random_state=3).images


def test_flip():
    assert flip(np.array([[[1, 2, 3]]], np.uint8)).tolist() == [[[3, 2, 1]]]
    np.testing.assert_array_equal(flip(flip(EYES)), EYES)
    assert flip(EYES).flags.c_contiguous


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_step_keeps_shape_and_dtype_and_does_not_change_the_input(name):
    before = EYES.copy()
    variants = augment(EYES, n_copies=3, augmentations=[name])
    assert variants.shape == (36, 24, 24)
    assert variants.dtype == np.uint8
    np.testing.assert_array_equal(EYES, before)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_step_changes_some_images(name):
    eyes = make_eyes(12, size=48, random_state=3).images if name == "resample" else EYES
    variants = augment(eyes, n_copies=4, augmentations=[name]).reshape(4, *eyes.shape)
    assert (variants != eyes).any(axis=(0, 2, 3)).sum() >= 6


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name not in ("noise", "clahe")])
def test_constant_image_stays_constant(name):
    flat = np.full((3, 24, 24), 77, np.uint8)
    np.testing.assert_array_equal(augment(flat, n_copies=5, augmentations=[name]), 77)


def test_flip_has_probability_one_half():
    variants = augment(EYES[:1], n_copies=200, augmentations=["flip"])
    mirrored = (variants == flip(EYES[:1])).all(axis=(1, 2))
    assert (mirrored | (variants == EYES[:1]).all(axis=(1, 2))).all()
    assert 70 <= mirrored.sum() <= 130


def test_shift_is_within_its_bounds():
    dot = np.zeros((1, 24, 24), np.uint8)
    dot[0, 11:13, 11:13] = 255
    shifts = []
    # Even copies; a single image makes one each.
    for image in augment(dot, n_copies=600, augmentations=["shift_scale_rotate"]).astype(float)[::2]:
        rows, columns = np.indices(image.shape)
        shifts.append(((image * rows).sum() / image.sum() - 11.5, (image * columns).sum() / image.sum() - 11.5))
    down, right = np.array(shifts).T
    assert -3.3 <= down.min() < -2
    assert 3.5 < down.max() <= 4.8
    assert -2.8 <= right.min() < -2
    assert 2 < right.max() <= 2.8


def test_every_second_copy_is_framed_more_widely():
    square = np.zeros((1, 24, 24), np.uint8)
    square[0, 9:15, 9:15] = 255
    area = (augment(square, n_copies=400, augmentations=["shift_scale_rotate"]) / 255.0).sum(axis=(1, 2)) / 36
    for copies, (low, high) in ((area[::2], (0.75, 1.3)), (area[1::2], (0.6, 1.6))):
        zoom = np.sqrt(copies)
        assert low - 0.03 < zoom.min() < low + 0.06
        assert high - 0.1 < zoom.max() < high + 0.06


def test_blur_lowers_the_variance_and_keeps_the_mean():
    variants = augment(EYES, n_copies=10, augmentations=["blur"]).reshape(10, *EYES.shape).astype(float)
    changed = (variants != EYES).any(axis=(2, 3))
    assert 0.05 < changed.mean() < 0.4
    assert (variants.std(axis=(2, 3)) <= EYES.std(axis=(1, 2)) + 1e-9).all()
    assert np.abs(variants.mean(axis=(2, 3)) - EYES.mean(axis=(1, 2))).max() < 4


def test_copy_depends_only_on_seed_copy_and_index():
    many = augment(EYES, n_copies=3, random_state=5).reshape(3, *EYES.shape)
    few = augment(EYES[:4], n_copies=2, random_state=5).reshape(2, 4, 24, 24)
    np.testing.assert_array_equal(many[:2, :4], few)
    assert (augment(EYES, n_copies=3, random_state=6).reshape(3, *EYES.shape) != many).any()


def test_zero_copies_give_an_empty_batch():
    assert augment(EYES, n_copies=0).shape == (0, 24, 24)


def test_invalid_input_is_rejected():
    with pytest.raises(ParameterError, match=r"'blurr'.*flip.*did you mean 'blur'"):
        check_augmentations(["blurr"])
    with pytest.raises(ParameterError, match="sequence of names"):
        check_augmentations("flip")
    with pytest.raises(ParameterError, match="n_copies is -1; allowed is"):
        augment(EYES, n_copies=-1)
    with pytest.raises(ImageError):
        augment(EYES.astype(float))


def test_resample_leaves_the_pixels_of_a_small_camera():
    eyes = make_eyes(30, size=48, random_state=3).images
    variants = augment(eyes, n_copies=1, augmentations=["resample"])
    blurred = (variants != eyes).any(axis=(1, 2))
    assert 8 <= blurred.sum() <= 22
    # The differences of neighbouring rows become smaller, the means of 2 x 2 pixels hardly change.
    steps = [np.abs(np.diff(part.astype(int), axis=1)).mean() for part in (variants[blurred], eyes[blurred])]
    assert steps[0] < 0.9 * steps[1]
    means = [part.reshape(-1, 24, 2, 24, 2).mean(axis=(2, 4)) for part in (variants, eyes)]
    assert np.abs(means[0] - means[1]).mean() < 4
    # Images of no more pixels stay as they are.
    np.testing.assert_array_equal(augment(EYES, n_copies=1, augmentations=["resample"]), EYES)
