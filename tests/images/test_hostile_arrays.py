"""Hostile arrays: every function that takes images converts them by the dtype rule or refuses them in one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from classic_eyes import EyeClassifier, load_model
from classic_eyes.datasets import group_folds
from classic_eyes.errors import ClassicEyesError, ImageError, ParameterError
from classic_eyes.features import EXTRACTORS, make_extractor
from classic_eyes.images import as_images
from classic_eyes.inference import score_files
from classic_eyes.preprocessing.augmentation import augment, flip
from classic_eyes.semisupervised import find_labels
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.novelty import fit_novelty

from ..conftest import Scorer

EYES = make_eyes(220, random_state=0)
GREY = EYES.images[:4]
FLOAT = GREY / 255


def small_classifier(**changed: Any) -> EyeClassifier:
    """Return a classifier that is quick to fit."""
    small = {"n_components": 10, "n_copies": 0, "n_synthetic": 0, "align": None, "cascade": None}
    return EyeClassifier(("hog",), "svm", **{**small, "detect_non_eyes": False, **changed})


@cache
def fitted_extractor(name: str) -> Any:
    return make_extractor(name).fit(GREY)


def with_one(array: np.ndarray, value: float) -> np.ndarray:
    changed = np.array(array, dtype=np.float64)
    changed[-1, 3, 5] = value
    return changed


# Refused by every function that takes images.
REFUSED: dict[str, Callable[[], Any]] = {
    "NaN": lambda: with_one(FLOAT, np.nan),
    "infinity": lambda: with_one(FLOAT, np.inf),
    "minus infinity": lambda: with_one(FLOAT, -np.inf),
    "floats on 0..255": lambda: GREY.astype(np.float32),
    "floats a little beyond 1": lambda: with_one(FLOAT, 1.001),
    "negative integers": lambda: -GREY.astype(np.int16),
    "integers beyond 255": lambda: GREY.astype(np.int32) * 2 + 1,
    "complex": lambda: FLOAT.astype(complex),
    "dates": lambda: np.zeros((2, 24, 24), "M8[s]"),
    "text": lambda: np.full((2, 24, 24), "a"),
    "objects": lambda: np.full((2, 24, 24), None, dtype=object),
    "numbers as objects": lambda: GREY.astype(object),
    "records": lambda: np.zeros((2, 24, 24), dtype=[("a", "u1")]),
    "no images": lambda: np.zeros((0, 24, 24), np.uint8),
    "no height": lambda: np.zeros((3, 0, 24), np.uint8),
    "no width": lambda: np.zeros((3, 24, 0), np.uint8),
    "one image without its axis": lambda: GREY[0],
    "a number": lambda: np.uint8(3),
    "five axes": lambda: np.zeros((1, 1, 24, 24, 3), np.uint8),
    "two channels": lambda: np.zeros((1, 24, 24, 2), np.uint8),
    "an empty list": list,
    "a ragged list": lambda: [[[1, 2], [3]]],
    "a list of None": lambda: [None, None],
    "a list of numbers": lambda: [1, 2, 3],
    "a generator": lambda: (image for image in GREY),
    "a set": lambda: {1, 2},
    "a dict": lambda: {"images": GREY},
    "None": lambda: None,
    "too many pixels": lambda: np.broadcast_to(np.uint8(0), (1, 100_000, 100_000)),
    "too many pixels in a list": lambda: [np.broadcast_to(np.uint8(0), (100_000, 100_000))],
}

# The same four images in other representations.
ACCEPTED: dict[str, Callable[[], Any]] = {
    "negative strides": lambda: GREY[:, ::-1, ::-1][:, ::-1, ::-1],
    "every second of twice as many": lambda: np.repeat(GREY, 2, axis=0)[::2],
    "Fortran order": lambda: np.asfortranarray(GREY),
    "read only": lambda: np.frombuffer(GREY.tobytes(), np.uint8).reshape(GREY.shape),
    "floats on 0..1": lambda: FLOAT,
    "16 bits": lambda: GREY.astype(np.uint16) * 257,
    "wide integers": lambda: GREY.astype(np.int64),
    "the other byte order": lambda: (GREY.astype(np.uint16) * 257).astype(">u2"),
    "a list": lambda: list(GREY),
    "a masked array": lambda: np.ma.masked_array(GREY),
    "nested lists": lambda: [image.tolist() for image in GREY],
}


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """Return all functions that take images of any kind, by name."""
    path = tmp_path_factory.mktemp("hostile") / "m.joblib"
    clf = small_classifier(n_components=10, detect_non_eyes=True).fit(EYES.images, EYES.labels)
    clf.save(path)
    predictor = load_model(path.with_suffix(".npz"))
    labels = [0, 1, 0, 1]
    return {
        "as_images": as_images,
        **{
            name: getattr(clf, name)
            for name in ("predict", "predict_proba", "decision_function", "verdict", "novelty_score")
        },
        **{
            f"predictor {name}": getattr(predictor, name)
            for name in ("predict", "predict_proba", "decision_function", "verdict")
        },
        "predict_one": lambda images: clf.predict_one(
            images[0] if isinstance(images, np.ndarray) and images.ndim > 2 else images
        ),
        "fit": lambda images: small_classifier(n_components=2).fit(images, labels),
    }


@pytest.mark.parametrize("what", REFUSED)
def test_other_arrays_are_refused_in_one_line(functions, what):
    for name, function in functions.items():
        if name == "predict_one" and what in (
            "NaN",
            "infinity",
            "minus infinity",
            "floats a little beyond 1",
            "no images",
            "one image without its axis",
            "no height",
            "no width",
            "a ragged list",
            "five axes",
        ):
            continue  # the first image, which is all it receives, is valid
        with pytest.raises(ImageError) as caught:
            function(REFUSED[what]())
        assert "\n" not in str(caught.value), name
        assert len(str(caught.value)) < 500, name


@pytest.mark.parametrize("what", ACCEPTED)
def test_other_representations_give_the_same_images(functions, what):
    given = ACCEPTED[what]()
    before = np.array(given, copy=True) if isinstance(given, np.ndarray) else None
    np.testing.assert_array_equal(as_images(given), GREY)
    np.testing.assert_allclose(functions["predict_proba"](given), functions["predict_proba"](GREY), atol=1e-9)
    if before is not None:
        np.testing.assert_array_equal(given, before)


def test_booleans_are_black_and_white():
    np.testing.assert_array_equal(as_images(GREY > 100), np.where(GREY > 100, 255, 0))


def test_a_memory_map_larger_than_memory_is_refused_unread(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(10**10)
    mapped = np.memmap(path, np.uint8, "r", shape=(100_000, 100_000))
    for images in (mapped[np.newaxis], [mapped], [GREY[0], mapped]):
        with pytest.raises(ImageError, match=r"an image of 100000 x 100000 pixels; allowed are 100,000,000"):
            as_images(images)


def test_a_memory_map_of_images_is_accepted(tmp_path):
    mapped = np.memmap(tmp_path / "many", np.uint8, "w+", shape=(50, 24, 24))
    mapped[:] = EYES.images[:50]
    np.testing.assert_array_equal(as_images(mapped), EYES.images[:50])


# -- functions that take a batch --


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize(
    "X",
    [GREY / 255, GREY.astype(int), GREY[0], GREY[:0], GREY[:, :0], GREY.tolist(), None, GREY.astype(object)],
    ids=["floats", "integers", "one", "none", "no height", "a list", "None", "objects"],
)
def test_extractors_refuse_all_but_a_grey_batch(name, X):
    with pytest.raises(ImageError, match=r"X is .*; an extractor takes grey uint8 images"):
        make_extractor(name).fit(X)
    with pytest.raises(ImageError):
        fitted_extractor(name).transform(X)


@pytest.mark.parametrize("X", [GREY / 255, GREY[0], GREY[:0], None], ids=["floats", "one", "none", "None"])
def test_augmentations_refuse_all_but_a_grey_batch(X):
    for function in (flip, lambda X: augment(X, n_copies=1)):
        with pytest.raises(ImageError):
            function(X)


# -- labels, groups, weights --

HOSTILE_LABELS = [
    np.full(220, np.inf),
    np.full(220, 0.5),
    np.full(220, 2),
    np.full(220, -2),
    np.full(220, "open"),
    np.full(220, "lid"),
    np.zeros(220, complex),
    np.zeros((220, 2)),
    np.zeros(219),
    np.zeros(0),
    np.zeros(220),
    np.array([0, 1] * 110, dtype="M8[s]"),
    np.array([10**30, 0] * 110, dtype=object),
    "labels",
    5,
]


@pytest.mark.parametrize(
    "labels",
    HOSTILE_LABELS,
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}{str(labels)[:12]}",
)
def test_other_labels_are_refused(labels):
    with pytest.raises(ParameterError) as caught:
        small_classifier().fit(EYES.images, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["groups", "sample_weight"])
@pytest.mark.parametrize(
    "given", [np.zeros(219), np.zeros((220, 2)), 3, np.zeros(0)], ids=["short", "two axes", "a number", "none"]
)
def test_columns_of_another_length_are_refused(name, given):
    with pytest.raises(ParameterError, match=f"{name} has shape"):
        small_classifier().fit(EYES.images, EYES.labels, **{name: given})


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_other_weights_are_refused(value):
    weight = np.ones(220)
    weight[7] = value
    with pytest.raises(ParameterError, match="sample_weight holds"):
        small_classifier().fit(EYES.images, EYES.labels, sample_weight=weight)


@pytest.mark.filterwarnings("ignore:.*of 16 bits")
@given(
    hnp.arrays(
        st.sampled_from(["f2", "f4", "f8", "i1", "i8", "u1", "u2", "u8", "?"]),
        st.sampled_from([(1, 9, 7), (2, 24, 24), (1, 30, 8, 3), (3, 1, 5), (1, 8, 8, 4)]),
    )
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_arrays_are_converted_or_refused(array):
    if array.dtype in (np.uint8, np.uint16, np.bool_) or _follows_the_dtype_rule(array):
        images = as_images(array)
        assert (images.shape, images.dtype) == ((len(array), 24, 24), np.uint8)
    else:
        with pytest.raises(ImageError, match=r"^images has [^\n]*$"):
            as_images(array)


def _follows_the_dtype_rule(array: np.ndarray) -> bool:
    high = 1 if array.dtype.kind == "f" else 255
    return bool(np.isfinite(array).all() and array.min() >= 0 and array.max() <= high)


# -- other public functions --


@pytest.mark.parametrize(
    "call",
    [
        lambda: group_folds([0, 1], ["a"], 2),
        lambda: group_folds([], [], 2),
        lambda: group_folds([0, 1, 0, 1], [1, 2, 3, 4], 0),
        lambda: group_folds([0, 1, 0, 1], [1, 2, 3, 4], 2.5),
        lambda: fit_novelty(GREY, np.arange(4)),
        lambda: list(score_files(["a"], Scorer(lambda images: images), max_pixels=0)),
        lambda: list(score_files(["a"], Scorer(lambda images: images), n_jobs=0)),
        lambda: make_eyes(-1),
        lambda: make_eyes("many"),
        lambda: find_labels(GREY, np.full(4, -1), np.arange(4)),
    ],
    ids=lambda call: inspect.getsource(call).strip()[:60],
)
def test_other_public_functions_raise_errors_of_the_library(call):
    with pytest.raises(ClassicEyesError) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((5, 24, 24), np.uint8), r"image has shape \(5, 24, 24\).*for several, .*call predict_proba"),
        (None, "image is None; allowed is an array"),
        ("missing.png", "image: no such file"),
        (b"not an image", "image: text, not an image"),
        (["a.png"], "image has shape"),
        (3, "image is a int; allowed is an array"),
    ],
)
def test_predict_one_calls_its_argument_image(image, message):
    with pytest.raises(ImageError, match=message):
        load_model("fast").predict_one(image)


def test_none_in_a_sequence_is_refused():
    with pytest.raises(ImageError, match=r"images\[1\] is None"):
        as_images([np.zeros((24, 24), np.uint8), None])
    with pytest.raises(ImageError, match=r"images\[0\] is None"):
        as_images([None, "x.png"])
