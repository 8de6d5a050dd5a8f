"""The check of an ONNX file against the predictions that it records."""

from __future__ import annotations

import sys

import pytest

from classic_eyes import load_model
from classic_eyes.errors import MissingDependencyError, ModelError, ParameterError
from classic_eyes.export import check_onnx
from classic_eyes.export.checking import TOLERANCE

onnx = pytest.importorskip("onnx", reason="onnx is not installed; pip install 'classic-eyes[onnx]'")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "eyes.onnx"
    load_model("fast").export_onnx(path, novelty=True)
    return path


def changed(path, tmp_path, **values: str):
    """Return a copy of a file with other metadata."""
    model = onnx.load(path)
    for each in model.metadata_props:
        each.value = values.get(each.key.removeprefix("classic_eyes.check."), each.value)
    onnx.save(model, tmp_path / "changed.onnx")
    return tmp_path / "changed.onnx"


@pytest.mark.parametrize("runtime", ["onnxruntime", "onnx"])
def test_a_whole_file_reproduces_its_predictions(exported, monkeypatch, runtime):
    if runtime == "onnx":
        # Every operator of the standard, by its own evaluator.
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    else:
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; pip install onnxruntime")
    assert 0 <= check_onnx(exported) <= TOLERANCE / 5


def test_without_onnx_both_commands_name_the_remedy(exported, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match="pip install onnxruntime"):
        check_onnx(exported)
    with pytest.raises(MissingDependencyError, match=r"pip install 'classic-eyes\[onnx\]'"):
        load_model("fast").export_onnx(tmp_path / "eyes.onnx")
    assert not (tmp_path / "eyes.onnx").exists()


def test_other_predictions_are_refused(exported, tmp_path):
    other = changed(exported, tmp_path, probability=f"[{', '.join(['0.5'] * 16)}]")
    with pytest.raises(ModelError, match=r"the probability differs by 0\.\d+, allowed is 0.0001; export"):
        check_onnx(other)
    nan = changed(exported, tmp_path, probability=f"[{', '.join(['NaN'] * 16)}]")
    with pytest.raises(ModelError, match="differs by nan"):
        check_onnx(nan)
    novelty = changed(exported, tmp_path, novelty=f"[{', '.join(['0.5'] * 16)}]")
    with pytest.raises(ModelError, match=r"the novelty differs by \d+\.\d+, allowed is 0.001; export"):
        check_onnx(novelty)


def test_a_change_of_a_weight_is_found(exported, tmp_path):
    model = onnx.load(exported)
    largest = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    values = onnx.numpy_helper.to_array(largest).copy()
    largest.CopyFrom(onnx.numpy_helper.from_array(values * values.dtype.type(1.01), largest.name))
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(ModelError, match="does not reproduce its recorded predictions"):
        check_onnx(tmp_path / "other.onnx")


@pytest.mark.parametrize("what", ["cut", "text", "empty", "foreign", "count", "shape", "folder"])
def test_what_is_no_whole_file_is_refused_in_one_line(exported, tmp_path, what):
    path, content = tmp_path / "eyes.onnx", exported.read_bytes()
    if what == "cut":
        path.write_bytes(content[:100_000])
    elif what == "text":
        path.write_text("no model")
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "foreign":
        model = onnx.load(exported)
        del model.metadata_props[:]
        onnx.save(model, path)
    elif what == "count":
        path = changed(exported, tmp_path, probability="[0.5]")
    elif what == "shape":
        path = changed(exported, tmp_path, images="AAAA")
    else:
        path.mkdir()
    with pytest.raises(ModelError) as caught:
        check_onnx(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_names_that_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"must end in \.onnx"):
        load_model("fast").export_onnx(tmp_path / "eyes.npz")
    with pytest.raises(ModelError, match=r"cannot write .*; name a file in a folder that can be written"):
        load_model("fast").export_onnx(tmp_path / "missing" / "eyes.onnx")
    with pytest.raises(ParameterError, match="path is 3"):
        check_onnx(3)
    with pytest.raises(ModelError, match=r"no ONNX file 'missing\.onnx'"):
        check_onnx("missing.onnx")
