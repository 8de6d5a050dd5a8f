"""Descriptors: the extractors' arithmetic as pure functions, and what mirroring an image does to their columns."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from classic_eyes.descriptors import DESCRIPTORS
from classic_eyes.descriptors.hog import compute_hog
from classic_eyes.descriptors.lbp import compute_codes, mirror_code
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS, Extractor, Hog, Words, make_extractor
from classic_eyes.synthetic import make_eyes

IMAGES = make_eyes(90, random_state=3).images
FLIPPED = np.ascontiguousarray(IMAGES[:, :, ::-1])
VARIANTS = [make_extractor(name) for name in EXTRACTORS]
VARIANTS += [Hog(gaussian=False), Hog(cells=(3, 6), n_bins=8, gaussian=False)]
VARIANTS += [Words(n_words=20, mirrored=True), Words(n_words=20, mirrored=True, coding="squared")]


@pytest.mark.parametrize("extractor", VARIANTS, ids=repr)
def test_descriptor_and_settings_give_the_extractors_rows(extractor):
    rows = extractor.fit(IMAGES).transform(IMAGES)
    settings = extractor.settings()
    arrays = {key: value for key, value in settings.items() if isinstance(value, np.ndarray)}
    plain = json.loads(json.dumps({key: value for key, value in settings.items() if key not in arrays}))
    assert all(array.dtype == np.float32 for array in arrays.values())
    np.testing.assert_array_equal(DESCRIPTORS[extractor.descriptor](IMAGES, **plain, **arrays), rows)


@pytest.mark.parametrize("extractor", VARIANTS, ids=repr)
def test_mirrored_columns_are_those_of_the_mirror_image(extractor):
    rows = extractor.fit(IMAGES).transform(IMAGES)
    columns = extractor.mirrored_columns()
    if columns is None:
        return
    np.testing.assert_allclose(extractor.transform(FLIPPED), rows[:, columns], atol=1e-4)
    np.testing.assert_array_equal(columns[columns], np.arange(rows.shape[1]))


def test_who_knows_its_mirror_image():
    knowing = {repr(e) for e in VARIANTS if e.fit(IMAGES).mirrored_columns() is not None}
    assert knowing == {repr(e) for e in (*map(make_extractor, ("ear", "lbp", "ltp", "pixels")), *VARIANTS[-4:])}


def test_a_mirrored_code_is_the_code_of_the_mirrored_image():
    mirrored = np.array([mirror_code(code) for code in range(256)], np.uint8)
    codes = compute_codes(IMAGES, radius=2)
    np.testing.assert_array_equal(compute_codes(FLIPPED, radius=2), mirrored[codes][:, :, ::-1])


# Twelve across: too narrow for OpenCV's wide instructions.
@pytest.mark.parametrize("shape", [(24, 24), (36, 24), (12, 12), (24, 12)])
def test_hog_of_many_is_hog_of_each_to_the_bit(shape):
    images = np.stack([cv2.resize(image, shape[::-1]) for image in IMAGES])
    descriptor = cv2.HOGDescriptor(
        shape[::-1], (12, 12), (6, 6), (6, 6), 9, 1, -1.0, cv2.HOGDescriptor_L2Hys, 0.2, True, 1, False
    )
    expected = np.stack([descriptor.compute(image) for image in images])
    for n in (1, 7, 8, 9, 64, 65, 90):
        np.testing.assert_array_equal(compute_hog(images[:n], cells=(6,), n_bins=9), expected[:n])


def test_squared_coding_is_its_formula():
    words = Words(n_words=8, patch=6, stride=6, grid=4, coding="squared").fit(IMAGES)
    patch = IMAGES[0, :6, :6].astype(float).ravel()
    patch -= patch.mean()
    patch /= np.sqrt(patch.var() + 100)
    z = (patch - words.patch_mean_) @ words.whitening_.astype(float)
    distances = ((z - words.words_) ** 2).sum(axis=1)
    expected = np.maximum(0, distances.mean() - distances)
    np.testing.assert_allclose(words.transform(IMAGES[:1])[0, :8], expected, atol=1e-3, rtol=1e-4)


def test_words_in_pairs_are_closed_under_mirroring():
    words = Words(n_words=20, mirrored=True).fit(IMAGES).words_.reshape(20, 6, 6)
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
        Words(**change).fit(IMAGES)


def test_importing_descriptors_takes_numpy_and_opencv_alone():
    code = "import sys, classic_eyes.descriptors; print(*{'sklearn', 'scipy', 'joblib', 'pandas'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


@pytest.mark.parametrize("extractor", VARIANTS, ids=repr)
def test_a_row_is_the_same_in_every_batch(extractor):
    if extractor.descriptor == "haar":
        return  # an image at a time
    rows = extractor.fit(IMAGES).transform(IMAGES)
    for n in (1, 2, 15, 17, 47, 49, 63, 65):
        np.testing.assert_array_equal(extractor.transform(IMAGES[-n:]), rows[-n:])


@pytest.mark.parametrize("n_words", [12, 100])
def test_words_in_pairs_are_the_same_again_and_with_more_threads_to_rounding(n_words):
    learnt = []
    for threads in (1, 1, 2):
        with threadpool_limits(threads):
            learnt.append(Words(n_words=n_words, mirrored=True).fit(IMAGES).words_)
    np.testing.assert_array_equal(learnt[0], learnt[1])
    # The sums of scikit-learn's k-means depend on the threads in their last bits, with pairs and without.
    np.testing.assert_allclose(learnt[0], learnt[2], atol=1e-5)


def test_lbp_counts_its_own_codes():
    images = np.random.default_rng(0).integers(0, 256, (50, 12, 18), dtype=np.uint8)
    extractor = make_extractor("lbp").set_params(radii=(2, 1), uniform=False).fit(images)
    rows = extractor.transform(images).reshape(50, 2, 9, 256)
    for k, radius in enumerate((1, 2)):
        cells = compute_codes(images, radius=radius).reshape(50, 3, 4, 3, 6).swapaxes(2, 3).reshape(50, 9, 24)
        counts = (cells[..., np.newaxis] == np.arange(256)).sum(axis=2)
        np.testing.assert_allclose(rows[:, k], np.sqrt(counts / 24), rtol=1e-6)


def test_an_extractor_of_ones_own_computes_by_itself():
    class _Mean(Extractor):
        def _compute(self, images):
            return images.mean(axis=(1, 2))[:, np.newaxis]

        def _names(self):
            return ["mean"]

    mean = _Mean().fit(IMAGES)
    assert mean.descriptor is None
    assert mean.mirrored_columns() is None
    np.testing.assert_allclose(mean.transform(IMAGES)[:, 0], IMAGES.mean(axis=(1, 2)), rtol=1e-6)
