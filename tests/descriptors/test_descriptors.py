"""Descriptors: agreement with the extractors, and the permutation of columns by a horizontal flip."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from classic_eyes.descriptors import DESCRIPTORS
from classic_eyes.descriptors.hog import compute_hog
from classic_eyes.descriptors.lbp import _at_least_as_bright, _compute_codes_of_small_batch, mirror_code
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS, Extractor, Hog, Words, make_extractor
from classic_eyes.synthetic import make_eyes

IMAGES = make_eyes(90, random_state=3).images
FLIPPED = np.ascontiguousarray(IMAGES[:, :, ::-1])
VARIANTS = [make_extractor(name) for name in EXTRACTORS]
VARIANTS += [Hog(gaussian=False), Hog(cells=(3, 6), n_bins=8, gaussian=False)]
VARIANTS += [Words(n_words=20, mirrored=True), Words(n_words=20, mirrored=True, coding="squared")]


def codes_of(images: np.ndarray, radius: int) -> np.ndarray:
    return _compute_codes_of_small_batch(images, _at_least_as_bright, (radius,)).reshape(images.shape)


@pytest.fixture(scope="module", params=VARIANTS, ids=repr)
def extractor(request) -> Extractor:
    return request.param.fit(IMAGES)


def test_descriptor_with_settings_equals_transform(extractor):
    rows = extractor.transform(IMAGES)
    settings = extractor.settings()
    arrays = {key: value for key, value in settings.items() if isinstance(value, np.ndarray)}
    plain = json.loads(json.dumps({key: value for key, value in settings.items() if key not in arrays}))
    assert all(array.dtype == np.float32 for array in arrays.values())
    np.testing.assert_array_equal(DESCRIPTORS[extractor.descriptor](IMAGES, **plain, **arrays), rows)


def test_mirrored_columns_give_the_features_of_the_mirror_image(extractor):
    rows = extractor.transform(IMAGES)
    columns = extractor.mirrored_columns()
    if columns is None:
        return
    np.testing.assert_allclose(extractor.transform(FLIPPED), rows[:, columns], atol=1e-4)
    np.testing.assert_array_equal(columns[columns], np.arange(rows.shape[1]))


def test_extractors_with_mirrored_columns():
    found = {repr(e) for e in VARIANTS if clone(e).fit(IMAGES[:10]).mirrored_columns() is not None}
    assert found == {repr(e) for e in (*map(make_extractor, ("ear", "lbp", "ltp", "pixels")), *VARIANTS[-4:])}


def test_mirrored_code_is_the_code_of_the_mirror_image():
    mirrored = np.array([mirror_code(code) for code in range(256)], np.uint8)
    codes = codes_of(IMAGES, 2)
    np.testing.assert_array_equal(codes_of(FLIPPED, 2), mirrored[codes][:, :, ::-1])


# A width of 12 is too narrow for OpenCV's wide instructions.
@pytest.mark.parametrize("shape", [(24, 24), (36, 24), (12, 12), (24, 12)])
def test_hog_of_a_batch_equals_hog_of_each_image_to_the_bit(shape):
    images = np.stack([cv2.resize(image, shape[::-1]) for image in IMAGES])
    descriptor = cv2.HOGDescriptor(
        shape[::-1], (12, 12), (6, 6), (6, 6), 9, 1, -1.0, cv2.HOGDescriptor_L2Hys, 0.2, True, 1, False
    )
    expected = np.stack([descriptor.compute(image) for image in images])
    for n in (1, 7, 8, 9, 64, 65, 90):
        np.testing.assert_array_equal(compute_hog(images[:n], cells=(6,), n_bins=9), expected[:n])


def test_squared_coding_agrees_with_its_formula():
    words = Words(n_words=8, patch=6, stride=6, grid=4, coding="squared").fit(IMAGES)
    patch = IMAGES[0, :6, :6].astype(float).ravel()
    patch -= patch.mean()
    patch /= np.sqrt(patch.var() + 100)
    z = (patch - words.patch_mean_) @ words.whitening_.astype(float)
    distances = ((z - words.words_) ** 2).sum(axis=1)
    expected = np.maximum(0, distances.mean() - distances)
    np.testing.assert_allclose(words.transform(IMAGES[:1])[0, :8], expected, atol=1e-3, rtol=1e-4)


def test_mirrored_words_come_in_pairs():
    words = Words(n_words=20, mirrored=True).fit(IMAGES).words_.reshape(20, 6, 6)
    np.testing.assert_array_equal(words[10:], words[:10, :, ::-1])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"coding": "soft"}, "coding is 'soft'"),
        ({"mirrored": 1}, "mirrored is 1"),
        ({"mirrored": True, "n_words": 21}, "n_words is 21"),
        ({"mirrored": True, "stride": 4}, "stride is 4"),
    ],
)
def test_invalid_words_are_rejected(parameters, message):
    with pytest.raises(ParameterError, match=message):
        Words(**parameters).fit(IMAGES)


@pytest.mark.parametrize("package", ["descriptors", "preprocessing"])
def test_import_does_not_import_scikit_learn(package):
    code = f"import sys, classic_eyes.{package}; print(*{{'sklearn', 'scipy', 'joblib', 'pandas'}} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_row_is_the_same_in_every_batch(extractor):
    if extractor.descriptor == "haar":
        return  # computed image by image
    rows = extractor.transform(IMAGES)
    for n in (1, 2, 15, 17, 47, 49, 63, 65):
        np.testing.assert_array_equal(extractor.transform(IMAGES[-n:]), rows[-n:])


@pytest.mark.parametrize("n_words", [12, 100])
def test_mirrored_words_are_reproducible_and_threads_change_only_rounding(n_words):
    fitted = []
    for threads in (1, 1, 2):
        with threadpool_limits(threads):
            fitted.append(Words(n_words=n_words, mirrored=True).fit(IMAGES).words_)
    np.testing.assert_array_equal(fitted[0], fitted[1])
    # The last bits of sums in scikit-learn's k-means depend on the number of threads.
    np.testing.assert_allclose(fitted[0], fitted[2], atol=1e-5)


def test_lbp_counts_codes():
    images = np.random.default_rng(0).integers(0, 256, (50, 12, 18), dtype=np.uint8)
    extractor = make_extractor("lbp").set_params(radii=(2, 1), uniform=False).fit(images)
    rows = extractor.transform(images).reshape(50, 2, 9, 256)
    for k, radius in enumerate((1, 2)):
        cells = codes_of(images, radius).reshape(50, 3, 4, 3, 6).swapaxes(2, 3).reshape(50, 9, 24)
        counts = (cells[..., np.newaxis] == np.arange(256)).sum(axis=2)
        np.testing.assert_allclose(rows[:, k], np.sqrt(counts / 24), rtol=1e-6)


def test_extractor_without_a_descriptor():
    class _Mean(Extractor):
        def _compute(self, images):
            return images.mean(axis=(1, 2))[:, np.newaxis]

        def _names(self):
            return ["mean"]

    mean = _Mean().fit(IMAGES)
    assert mean.descriptor is None
    assert mean.mirrored_columns() is None
    np.testing.assert_allclose(mean.transform(IMAGES)[:, 0], IMAGES.mean(axis=(1, 2)), rtol=1e-6)
