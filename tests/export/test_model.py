"""Whole models as ONNX files: the probabilities of the library, for every kind of program."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from classic_eyes import EyeClassifier, EyePredictor, load_model
from classic_eyes.errors import ModelError
from classic_eyes.export.checking import NOVELTY_TOLERANCE, TOLERANCE
from classic_eyes.export.graph import IR_VERSION, OPSET
from classic_eyes.export.model import INPUT, NOVELTY, OUTPUT, build_model
from classic_eyes.images import as_images
from classic_eyes.inference.program import reduce_images
from classic_eyes.synthetic import make_eyes

from ..conftest import shared

onnx = pytest.importorskip("onnx", reason="onnx is not installed; pip install 'classic-eyes[onnx]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; pip install onnxruntime")

SHIPPED = ("fast", "default", "accurate")
EYES = make_eyes(120, random_state=1)
HOG_48 = ("hog", {"cells": (12,)})


def session_of(content: bytes, *, threads: int = 1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def probability(program, images: np.ndarray) -> np.ndarray:
    session = session_of(build_model(program).SerializeToString())
    return session.run([OUTPUT], {INPUT: images})[0]


def spotted(images: np.ndarray) -> np.ndarray:
    """Return images, a third of them with a white spot, a third inverted."""
    images = images.copy()
    images[::3, 8:12, 10:14] = 255
    images[1::3] = 255 - images[1::3]
    return images


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models(name):
    program = load_model(name).program
    images = spotted(make_eyes(300, size=48, random_state=7).images)
    images = np.concatenate([images, np.zeros((1, 48, 48), np.uint8), np.full((1, 48, 48), 255, np.uint8)])
    images = reduce_images(images, program.size)
    np.testing.assert_allclose(probability(program, images), program.probability(images), rtol=0, atol=TOLERANCE / 5)


@pytest.mark.parametrize(
    ("features", "classifier", "changes"),
    [
        (("hog", "lbp"), "svm", {}),
        (("hog",), "symmetric", {"remove_glare": True, "align": "all"}),
        ((("lbp",), ("words_tt",)), "symmetric", {"align": "others", "cascade": 0.5}),
        ((("lbp",), ("words",), ("hog",)), "svm", {"align": "others", "cascade": 0.3}),
        ((("pixels", "ltp"), ("hog",)), "metric", {}),
        ((("pixels",), (HOG_48,)), "metric", {"size": (24, 48), "align": "all"}),
        (((HOG_48,), ("hog",)), "symmetric", {"size": (48, 24), "align": "others", "remove_glare": True}),
    ],
)
def test_models_of_other_parts(features, classifier, changes):
    few = {"n_components": 20, "n_copies": 0, "n_synthetic": 0, "detect_non_eyes": False}
    plain = {"remove_glare": False, "align": None, "cascade": None, "size": 24}
    size = max(np.atleast_1d(changes.get("size", 24)))
    eyes = make_eyes(120, size=int(size), random_state=1)
    program = EyeClassifier(features, classifier, **few, **(plain | changes)).fit(eyes.images, eyes.labels).program
    assert program.compiled
    images = spotted(make_eyes(100, size=int(size), random_state=2).images)
    difference = np.abs(probability(program, images) - program.probability(images))
    # `ltp` rounds a divisor to sixteenths of an octave; of some images it lies at the edge between two of them.
    assert (difference > TOLERANCE / 5).mean() <= (0.02 if "ltp" in str(features) else 0)


@pytest.mark.parametrize("name", SHIPPED)
def test_novelty(name):
    program = load_model(name).program
    eyes = make_eyes(150, size=48, random_state=8).images
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 48)).astype(np.uint8)
    flat = np.repeat(np.arange(0, 256, 51), 48**2).reshape(-1, 48, 48).astype(np.uint8)
    images = reduce_images(np.concatenate([eyes, eyes[:50, ::-1], noise, flat]), program.size)
    session = session_of(build_model(program, novelty=True).SerializeToString())
    found, other = session.run([NOVELTY, OUTPUT], {INPUT: images})
    expected = program.novelty_score(images)
    assert (expected[:150] < 1).mean() > 0.9
    assert expected[-len(flat) :].min() > 1
    np.testing.assert_allclose(found, expected, rtol=NOVELTY_TOLERANCE / 10, atol=NOVELTY_TOLERANCE / 10)
    np.testing.assert_allclose(other, program.probability(images), rtol=0, atol=TOLERANCE / 5)


def test_novelty_of_a_model_without_it_is_refused(small_model):
    with pytest.raises(ModelError, match="trained without non-eye detection; export it without novelty"):
        build_model(load_model(small_model.with_suffix(".npz")).program, novelty=True)


@pytest.mark.parametrize("n", [0, 1, 2, 65])
def test_any_number_of_images(n):
    program = load_model("fast").program
    images = make_eyes(65, random_state=3).images[:n]
    found = probability(program, images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, program.probability(images), rtol=0, atol=TOLERANCE / 5)


@pytest.mark.parametrize("name", SHIPPED)
def test_only_standard_operators_of_one_opset_and_each_constant_once(name):
    model = build_model(load_model(name).program)
    onnx.checker.check_model(model, full_check=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", OPSET)]
    assert model.ir_version == IR_VERSION
    graphs = [model.graph]
    for graph in graphs:
        assert {node.domain for node in graph.node} == {""}
        graphs += [each.g for node in graph.node for each in node.attribute if each.type == onnx.AttributeProto.GRAPH]
    assert len(graphs) > 1
    # onnxruntime 1.19 refuses a model of several nodes without names.
    names = [node.name for graph in graphs for node in graph.node]
    assert len(set(names)) == len(names)
    assert "" not in names
    contents = [(each.data_type, tuple(each.dims), each.raw_data) for each in model.graph.initializer]
    assert len(set(contents)) == len(contents)
    used = {name for graph in graphs for node in graph.node for name in node.input}
    assert {each.name for each in model.graph.initializer} <= used


def test_a_model_that_cannot_be_exported_is_refused():
    few = {"n_components": 20, "n_copies": 0, "n_synthetic": 0, "detect_non_eyes": False, "align": None}
    model = EyeClassifier(("profile",), "symmetric", **few, size=24).fit(EYES.images, EYES.labels)
    with pytest.raises(ModelError, match="'profile', which cannot be exported"):
        build_model(model.program)
    model = EyeClassifier(("hog",), "linear", **few, size=24).fit(EYES.images, EYES.labels)
    assert not model.program.compiled
    with pytest.raises(ModelError, match="cannot be compiled, so it cannot be exported"):
        build_model(model.program)


def test_the_file_says_what_it_holds(tmp_path):
    model = load_model("fast")
    assert 0 <= model.export_onnx(tmp_path / "eyes.onnx") <= TOLERANCE
    found = session_of((tmp_path / "eyes.onnx").read_bytes()).get_modelmeta().custom_metadata_map
    assert found["classic_eyes.model"] == model.fingerprint
    assert found["classic_eyes.size"] == "24"
    assert float(found["classic_eyes.unsure"]) == model.program.unsure
    assert "not-an-eye" in found["classic_eyes.left_out"]
    assert "classic_eyes.check.novelty" not in found
    recorded = json.loads(found["classic_eyes.check.probability"])
    assert len(recorded) == 16
    # Both classes, and images for which the later views run.
    assert min(recorded) < 0.2
    assert max(recorded) > 0.8
    odds = np.log(recorded) - np.log1p(np.negative(recorded))
    assert (np.abs(odds) < 1).any()


def test_the_same_model_gives_the_same_file(tmp_path):
    for name in ("one.onnx", "other.onnx"):
        load_model("fast").export_onnx(tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


def test_a_calibrated_model_is_exported_with_its_calibration(tmp_path):
    from classic_eyes.calibration import Adaptation

    moved: EyePredictor = load_model("fast").calibrated(Adaptation(200, threshold=1.0, slope=2.0))
    moved.export_onnx(tmp_path / "eyes.onnx")
    session = session_of((tmp_path / "eyes.onnx").read_bytes())
    found = session.run(None, {INPUT: EYES.images})[0]
    np.testing.assert_allclose(found, moved.predict_proba(EYES.images)[:, 1], rtol=0, atol=TOLERANCE / 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("source", ["eyes24", "mrl"])
def test_all_real_images(name, source):
    folder = shared(source)
    files = sorted(str(path) for path in folder.rglob("*") if re.search(r"\.(png|jpe?g)$", path.name))
    model = load_model(name)
    images = as_images(files, size=model.size)
    assert len(images) > 3000
    session = session_of(build_model(model.program).SerializeToString())
    found = np.concatenate([session.run(None, {INPUT: images[k : k + 256]})[0] for k in range(0, len(images), 256)])
    # Measured: 6e-6.
    np.testing.assert_allclose(found, model.probability(images), rtol=0, atol=TOLERANCE / 5)
