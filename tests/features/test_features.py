"""Contract of every extractor, and golden vectors.

After an intended change, ``python -m tests.features.test_features NAME ...`` writes golden vectors again.
"""

from __future__ import annotations

import ast
import copy
import json
import pickle
import platform
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import check_estimator

from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.features import EXTRACTORS, Extractor, Lbp, Words, make_extractor
from classic_eyes.features.base import check_integer, check_number
from classic_eyes.persistence.estimators import ALLOWED_TYPES
from classic_eyes.synthetic import make_eyes

GOLDEN = Path(__file__).with_name("golden")
EYES = make_eyes(12, random_state=0).images
NOISE = np.random.default_rng(0).integers(0, 256, (6, 24, 24), dtype=np.uint8)
IMAGES = np.concatenate([EYES, NOISE])

every_extractor = pytest.mark.parametrize("name", sorted(EXTRACTORS))


def test_table_is_sorted_and_complete():
    assert list(EXTRACTORS) == sorted(EXTRACTORS)
    ours, found = set(), [Extractor]
    while found:
        found = [child for cls in found for child in cls.__subclasses__()]
        ours |= {cls for cls in found if cls.__module__.startswith("classic_eyes.")}
    assert set(EXTRACTORS.values()) == ours


def test_every_extractor_is_allowed_in_a_skops_file():
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in EXTRACTORS.values()}
    assert names <= set(ALLOWED_TYPES)


# -- names to extractors -------------------------------------------------------------------------------------------


@every_extractor
def test_name_gives_a_new_extractor_with_defaults(name):
    extractor = make_extractor(name)
    assert type(extractor) is EXTRACTORS[name]
    assert extractor.get_params() == EXTRACTORS[name]().get_params()
    assert make_extractor(name) is not extractor


def test_object_is_returned_unchanged():
    for transformer in (Lbp(radii=(1,)), StandardScaler()):
        assert make_extractor(transformer) is transformer


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ("hgo", r"feature is 'hgo'; allowed is one of 'ear', 'haar', .*; did you mean 'hog'\?"),
        ("HOG", r"did you mean 'hog'\?"),
        (
            "zzzz",
            r"feature is 'zzzz'; allowed is one of 'ear', .*, 'words', 'words_tt'; or a transformer of images",
        ),
        (Lbp, r"feature is Lbp; allowed is a name or an object, not a class; use Lbp\(\)"),
        (3, r"feature is 3; allowed is one of .* or an object with fit and transform for images; got int"),
    ],
)
def test_unknown_features_are_rejected(feature, message):
    with pytest.raises(ParameterError, match=message):
        make_extractor(feature)


# -- the contract of an extractor ----------------------------------------------------------------------------------


@every_extractor
def test_fit_returns_self_and_does_not_change_images_or_parameters(name):
    extractor, images = make_extractor(name), IMAGES.copy()
    before = copy.deepcopy(extractor.get_params())
    assert extractor.fit(images) is extractor
    features = extractor.transform(images)
    assert not np.shares_memory(features, images)
    np.testing.assert_array_equal(images, IMAGES)
    assert extractor.get_params() == before
    assert {a for a in vars(extractor) if not a.endswith("_")} == set(before)


@every_extractor
def test_clone_keeps_parameters_and_drops_fitted_attributes(name):
    extractor = make_extractor(name).fit(IMAGES)
    copied = clone(extractor)
    assert copied.get_params() == extractor.get_params()
    assert not hasattr(copied, "image_shape_")


@every_extractor
def test_unfitted_extractor_raises(name):
    with pytest.raises(NotFittedError, match=EXTRACTORS[name].__name__):
        make_extractor(name).transform(IMAGES)
    with pytest.raises(NotFittedError, match=EXTRACTORS[name].__name__):
        make_extractor(name).get_feature_names_out()


@every_extractor
@pytest.mark.parametrize("shape", [(24, 48), (48, 24), (48, 48)])
def test_other_shape_is_rejected_and_both_shapes_are_named(name, shape):
    extractor = make_extractor(name).fit(IMAGES)
    with pytest.raises(ImageError, match=rf"{re.escape(str(shape))}.*{EXTRACTORS[name].__name__}.*\(24, 24\)"):
        extractor.transform(np.zeros((2, *shape), np.uint8))


@every_extractor
@pytest.mark.parametrize(
    "images",
    [
        pytest.param(IMAGES[0], id="one image"),
        pytest.param(IMAGES.astype(np.float32), id="float"),
        pytest.param(IMAGES[:0], id="empty"),
        pytest.param(IMAGES.tolist(), id="list"),
    ],
)
def test_invalid_images_are_rejected(name, images):
    with pytest.raises(ImageError):
        make_extractor(name).fit(images)
    fitted = make_extractor(name).fit(IMAGES)
    with pytest.raises(ImageError):
        fitted.transform(images)


@every_extractor
def test_features_are_contiguous_distinct_float32_rows(name):
    features = make_extractor(name).fit(IMAGES).transform(EYES)
    assert features.dtype == np.float32
    assert features.flags.c_contiguous
    assert features.flags.writeable
    assert features.shape[0] == len(EYES)
    assert len(np.unique(features, axis=0)) > len(EYES) // 2


@every_extractor
def test_row_does_not_depend_on_its_batch(name):
    extractor = make_extractor(name).fit(IMAGES)
    batch = extractor.transform(IMAGES)
    for i in range(len(IMAGES)):
        np.testing.assert_array_equal(extractor.transform(IMAGES[i : i + 1])[0], batch[i])
    np.testing.assert_array_equal(extractor.transform(IMAGES[::-1].copy()), batch[::-1])


@every_extractor
def test_transform_is_reproducible_and_equals_fit_transform(name):
    extractor = make_extractor(name).fit(IMAGES)
    once = extractor.transform(IMAGES)
    np.testing.assert_array_equal(extractor.transform(IMAGES), once)
    np.testing.assert_array_equal(clone(extractor).fit_transform(IMAGES), once)
    assert isinstance(clone(extractor).set_output(transform="default").fit_transform(IMAGES), np.ndarray)


@every_extractor
def test_concurrent_threads_give_the_same_bits(name):
    extractor = make_extractor(name).fit(IMAGES)
    batches = [np.roll(IMAGES, i, axis=0) for i in range(16)]
    alone = [extractor.transform(batch) for batch in batches]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(extractor.transform, batches))
    np.testing.assert_array_equal(together, alone)


@every_extractor
def test_pickled_extractor_gives_the_same_bits(name):
    extractor = make_extractor(name).fit(IMAGES)
    before = extractor.transform(IMAGES)  # first, so that caches are pickled too
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(extractor)).transform(IMAGES), before)


@every_extractor
def test_strided_and_read_only_images(name):
    extractor = make_extractor(name).fit(IMAGES)
    expected = extractor.transform(IMAGES)
    wide = np.zeros((len(IMAGES), 48, 48), np.uint8)
    wide[:, ::2, 1::2] = IMAGES
    np.testing.assert_array_equal(extractor.transform(wide[:, ::2, 1::2]), expected)
    np.testing.assert_array_equal(extractor.transform(np.asfortranarray(IMAGES)), expected)
    mirrored = np.ascontiguousarray(IMAGES[:, :, ::-1])
    np.testing.assert_array_equal(extractor.transform(mirrored[:, :, ::-1]), expected)
    fixed = IMAGES.copy()
    fixed.flags.writeable = False
    np.testing.assert_array_equal(extractor.transform(fixed), expected)


@every_extractor
@pytest.mark.parametrize("shape", [(24, 24), (24, 36), (48, 24)])
def test_names_are_unique_sorted_and_one_per_column(name, shape):
    images = np.random.default_rng(1).integers(0, 256, (2, *shape), dtype=np.uint8)
    extractor = make_extractor(name).fit(images)
    names = extractor.get_feature_names_out()
    assert names.dtype == object
    assert list(names) == sorted(set(names))
    assert len(names) == extractor.n_features_out_ == extractor.transform(images).shape[1]
    assert extractor.image_shape_ == shape


@every_extractor
@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((24, 24)), id="black"),
        pytest.param(np.full((24, 24), 255), id="white"),
        pytest.param(np.full((24, 24), 117), id="grey"),
        pytest.param(np.eye(24), id="faint"),
        pytest.param(np.indices((24, 24)).sum(axis=0) % 2 * 255, id="chequered"),
        pytest.param(np.pad([[255]], ((11, 12), (3, 20))), id="one white pixel"),
    ],
)
def test_features_are_finite(name, image):
    batch = np.concatenate([image[None].astype(np.uint8), NOISE])
    with np.errstate(all="raise"):
        assert np.isfinite(make_extractor(name).fit_transform(batch)).all()


def test_extractors_work_in_feature_union_and_pipeline():
    union = FeatureUnion([(name, make_extractor(name)) for name in EXTRACTORS])
    pipeline = make_pipeline(clone(union), StandardScaler()).fit(IMAGES)
    separate = [make_extractor(name).fit(IMAGES) for name in EXTRACTORS]
    np.testing.assert_array_equal(
        union.fit(IMAGES).transform(IMAGES), np.hstack([e.transform(IMAGES) for e in separate])
    )
    names = [f"{name}__{n}" for name, e in zip(EXTRACTORS, separate, strict=True) for n in e.get_feature_names_out()]
    assert list(pipeline.get_feature_names_out()) == names
    with config_context(display="text"):
        assert all(cls.__name__ in repr(pipeline) for cls in EXTRACTORS.values())


# -- scikit-learn's own checks -------------------------------------------------------------------------------------

# These checks need no data. All others use 2-D tables of floats, and scikit-learn skips them for a transformer whose
# tags require images. The tests above cover them with images: unchanged input, clone, pickle, reproducibility, subsets
# of rows, read-only input, names, dtype, unfitted extractors.
DATA_FREE = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


@every_extractor
@pytest.mark.parametrize("check", DATA_FREE)
def test_scikit_learn_checks_without_data(name, check):
    getattr(estimator_checks, check)(EXTRACTORS[name].__name__, make_extractor(name))


@every_extractor
def test_scikit_learn_checks_for_images(name):
    with pytest.warns(SkipTestWarning, match="three_d_array=True"):
        results = check_estimator(make_extractor(name), on_skip=None)
    assert results
    assert {result["status"] for result in results} == {"passed"}


@every_extractor
def test_tags(name):
    tags = get_tags(make_extractor(name))
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.allow_nan
    assert tags.requires_fit
    assert tags.transformer_tags.preserves_dtype == []


# -- documentation -------------------------------------------------------------------------------------------------


@every_extractor
def test_documented_defaults_equal_the_signature(name):
    cls = EXTRACTORS[name]
    documented = re.findall(r"^    (\w+) : .*, default=(.+)$", cls.__doc__, re.MULTILINE)
    actual = {p.name: p.default for p in signature(cls).parameters.values()}
    assert {key: ast.literal_eval(value) for key, value in documented} == actual
    assert all(p.kind is p.KEYWORD_ONLY for p in signature(cls).parameters.values())


@every_extractor
def test_docstring_sections_are_in_order(name):
    doc = EXTRACTORS[name].__doc__
    parameters = ["Parameters\n"] if make_extractor(name).get_params() else []
    sections = ["    1. ", *parameters, "Attributes\n", "Raises\n", "Notes\n", "Examples\n"]
    positions = [doc.index(section) for section in sections]
    assert positions == sorted(positions)
    assert "https://doi.org/10." in doc or "There is no paper to cite" in doc
    assert "ImageError" in doc


@every_extractor
def test_docstring_states_the_number_of_features(name):
    extractor = make_extractor(name).fit(IMAGES)
    attributes = extractor.__doc__.split("n_features_out_")[1].split("Raises\n")[0]
    assert re.search(rf"\b{extractor.n_features_out_}\b", attributes)


# -- the base class ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True, np.float64(2)])
def test_check_integer_rejects(value):
    with pytest.raises(ParameterError, match=r"size is .*; allowed is an integer of at least 1; try 3"):
        check_integer("size", value, least=1, remedy="try 3")


@pytest.mark.parametrize("value", [1, 7, np.int64(3)])
def test_check_integer_returns_int(value):
    result = check_integer("size", value, least=1, remedy="try 3")
    assert result == value
    assert type(result) is int


@pytest.mark.parametrize("value", [0, -1.5, np.nan, np.inf, "1", None, True])
def test_check_number_rejects(value):
    with pytest.raises(ParameterError, match=r"gain is .*; allowed is a finite number above 0; try 2"):
        check_number("gain", value, above=0, remedy="try 2")


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.25)])
def test_check_number_returns_float(value):
    result = check_number("gain", value, above=0, remedy="try 2")
    assert result == value
    assert type(result) is float


# -- golden vectors ------------------------------------------------------------------------------------------------


def golden_images() -> np.ndarray:
    """Draw an eye that both cascades detect, and a texture, by integer arithmetic."""
    row, col = np.indices((24, 24))
    x, y = 2 * col - 23, 2 * row - 24
    ellipse = (5 * x) ** 2 + (7 * y) ** 2
    eye = np.full((24, 24), 170)
    eye[(ellipse > 4900) & (ellipse <= 7350) & (y < 0)] = 70
    eye[ellipse <= 4900] = 180
    eye[(ellipse <= 4900) & (x * x + y * y <= 64)] = 60
    return np.stack([eye, (7 * row * col + 11 * row + 13 * col) % 256]).astype(np.uint8)


def golden(name: str) -> dict:
    images = golden_images()
    extractor = make_extractor(name).fit(images)
    if isinstance(extractor, Words):
        # The drawn eye is symmetric, so k-means has ties, which rounding breaks differently on other processors.
        extractor.words_ = np.cos(np.outer(np.arange(1, 101), np.arange(1, 37))).astype(np.float32)
    features = extractor.transform(images).astype(np.float64)
    step = -(-features.shape[1] // 100)
    names = extractor.get_feature_names_out()
    return {
        "n_features": features.shape[1],
        "sum": features.sum(axis=1).tolist(),
        "sum_of_squares": (features**2).sum(axis=1).tolist(),
        "values": {names[i]: features[:, i].tolist() for i in range(0, features.shape[1], step)},
    }


@every_extractor
def test_golden_vector(name):
    stored = json.loads((GOLDEN / f"feature_{name}.json").read_text())
    assert stored["parameters"] == json.loads(json.dumps(make_extractor(name).get_params()))
    computed = golden(name)
    assert computed["n_features"] == stored["n_features"]
    assert list(computed["values"]) == list(stored["values"])
    np.testing.assert_allclose(list(computed["values"].values()), list(stored["values"].values()), rtol=0, atol=1e-5)
    for key in ("sum", "sum_of_squares"):
        np.testing.assert_allclose(computed[key], stored[key], rtol=1e-5, atol=1e-5)


def test_there_is_one_golden_vector_per_extractor():
    assert {path.stem for path in GOLDEN.glob("feature_*.json")} == {f"feature_{name}" for name in EXTRACTORS}


def write_golden(names: list[str]) -> None:
    GOLDEN.mkdir(exist_ok=True)
    versions = {"python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__}
    for name in names:
        content = {
            "made_by": "python -m tests.features.test_features NAME",
            "images": "golden_images() in tests/features/test_features.py: a drawn eye, a texture",
            "versions": versions,
            "parameters": make_extractor(name).get_params(),
            **golden(name),
        }
        (GOLDEN / f"feature_{name}.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    write_golden(sys.argv[1:])
