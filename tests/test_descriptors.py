"""Descriptors: the extractors' arithmetic as pure functions, and what mirroring a picture does to their columns."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from classic_eyes.descriptors import DESCRIPTORS
from classic_eyes.descriptors.hog import compute_hog
from classic_eyes.descriptors.lbp import compute_codes, mirror_code
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS, Words, make_extractor
from classic_eyes.synthetic import make_eyes

PICTURES = make_eyes(90, random_state=3).pictures
FLIPPED = np.ascontiguousarray(PICTURES[:, :, ::-1])
VARIANTS = [make_extractor(name) for name in EXTRACTORS]
VARIANTS += [Words(n_words=20, mirrored=True), Words(n_words=20, mirrored=True, coding="squared")]


@pytest.mark.parametrize("extractor", VARIANTS, ids=repr)
def test_descriptor_and_settings_give_the_extractors_rows(extractor):
    rows = extractor.fit(PICTURES).transform(PICTURES)
    settings = extractor.settings()
    arrays = {key: value for key, value in settings.items() if isinstance(value, np.ndarray)}
    plain = json.loads(json.dumps({key: value for key, value in settings.items() if key not in arrays}))
    assert all(array.dtype == np.float32 for array in arrays.values())
    np.testing.assert_array_equal(DESCRIPTORS[extractor.descriptor](PICTURES, **plain, **arrays), rows)


@pytest.mark.parametrize("extractor", VARIANTS, ids=repr)
def test_mirrored_columns_are_those_of_the_mirror_image(extractor):
    rows = extractor.fit(PICTURES).transform(PICTURES)
    columns = extractor.mirrored_columns()
    if columns is None:
        return
    np.testing.assert_allclose(extractor.transform(FLIPPED), rows[:, columns], atol=1e-4)
    np.testing.assert_array_equal(columns[columns], np.arange(rows.shape[1]))


def test_who_knows_its_mirror_image():
    knowing = {repr(e) for e in VARIANTS if e.fit(PICTURES).mirrored_columns() is not None}
    assert knowing == {repr(e) for e in (make_extractor("lbp"), make_extractor("pixels"), *VARIANTS[-2:])}


def test_a_mirrored_code_is_the_code_of_the_mirrored_picture():
    mirrored = np.array([mirror_code(code) for code in range(256)], np.uint8)
    codes = compute_codes(PICTURES, radius=2)
    np.testing.assert_array_equal(compute_codes(FLIPPED, radius=2), mirrored[codes][:, :, ::-1])


@pytest.mark.parametrize("shape", [(24, 24), (36, 24)])
def test_hog_of_many_is_hog_of_each_to_the_bit(shape):
    pictures = np.stack([cv2.resize(picture, shape[::-1]) for picture in PICTURES])
    descriptor = cv2.HOGDescriptor(
        shape[::-1], (12, 12), (6, 6), (6, 6), 9, 1, -1.0, cv2.HOGDescriptor_L2Hys, 0.2, True, 1, False
    )
    expected = np.stack([descriptor.compute(picture) for picture in pictures])
    for n in (1, 7, 8, 9, 64, 65, 90):
        np.testing.assert_array_equal(compute_hog(pictures[:n], cells=(6,), n_bins=9), expected[:n])


def test_squared_coding_is_its_formula():
    words = Words(n_words=8, patch=6, stride=6, grid=4, coding="squared").fit(PICTURES)
    patch = PICTURES[0, :6, :6].astype(float).ravel()
    patch -= patch.mean()
    patch /= np.sqrt(patch.var() + 100)
    z = (patch - words.patch_mean_) @ words.whitening_.astype(float)
    distances = ((z - words.words_) ** 2).sum(axis=1)
    expected = np.maximum(0, distances.mean() - distances)
    np.testing.assert_allclose(words.transform(PICTURES[:1])[0, :8], expected, atol=1e-3, rtol=1e-4)


def test_words_in_pairs_are_closed_under_mirroring():
    words = Words(n_words=20, mirrored=True).fit(PICTURES).words_.reshape(20, 6, 6)
    np.testing.assert_array_equal(words[10:], words[:10, :, ::-1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coding": "soft"}, "coding='soft'"),
        ({"mirrored": 1}, "mirrored=1"),
        ({"mirrored": True, "n_words": 21}, "n_words=21"),
        ({"mirrored": True, "stride": 4}, "stride=4"),
    ],
)
def test_words_that_cannot_be_are_refused(change, said):
    with pytest.raises(ParameterError, match=said):
        Words(**change).fit(PICTURES)
