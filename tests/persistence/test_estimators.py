"""The .joblib file of an estimator: read with trust only, refused in one line where it is damaged."""

from __future__ import annotations

import json
import os
import re
import sys
import zlib
from types import ModuleType

import joblib
import pytest

from classic_eyes._utils.dependencies import library_versions
from classic_eyes._utils.files import sha256, write_whole
from classic_eyes.errors import ModelError
from classic_eyes.persistence import estimators
from classic_eyes.persistence.card import card_path, read_card, write_card
from classic_eyes.persistence.estimators import read_estimator


def write(path, estimator):
    write_whole(path, estimators.pack_estimator(estimator, path))


CONTENT = {"numbers": list(range(100)), "text": "an estimator"}


class Trap:
    """An object whose reading makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "mine.joblib"
    write(path, CONTENT)
    write_card(path, {"what": "a test"}, {path.name: sha256(path)})
    return path


def test_what_is_written_comes_back(model):
    assert read_estimator(model, trusted=True) == CONTENT


def test_the_card_lies_beside_and_knows_its_model(model):
    card = read_card(model)
    assert card == {"what": "a test", "files": {"mine.joblib": sha256(model)}}
    assert card_path(model) == model.with_name("mine.json")


def test_without_a_card_none_is_written(tmp_path):
    write(tmp_path / "a.joblib", CONTENT)
    assert sorted(os.listdir(tmp_path)) == ["a.joblib"]
    with pytest.raises(ModelError, match=r"a\.json' is missing"):
        read_card(tmp_path / "a.joblib")


def test_a_card_that_is_not_json_is_refused(model):
    card_path(model).write_text("{")
    with pytest.raises(ModelError, match=r"mine\.json' cannot be read"):
        read_card(model)


def test_same_object_same_bytes(tmp_path):
    for name in ("a.joblib", "b.joblib"):
        write(tmp_path / name, CONTENT)
    assert (tmp_path / "a.joblib").read_bytes() == (tmp_path / "b.joblib").read_bytes()


def test_an_unknown_file_is_refused_before_anything_of_it_runs(tmp_path):
    trap = tmp_path / "sprung"
    write(tmp_path / "trap.joblib", Trap(trap))
    with pytest.raises(ModelError, match=r"any code.*trusted=True \(--trust-model"):
        read_estimator(tmp_path / "trap.joblib")
    assert not trap.exists()
    with pytest.raises(ModelError):
        read_estimator(tmp_path / "missing.joblib")
    # The trap is a real one: whoever trusts it is caught.
    read_estimator(tmp_path / "trap.joblib", trusted=True)
    assert trap.exists()


def test_every_cut_of_a_file_is_refused_in_one_line(model):
    whole = model.read_bytes()
    for length in {1, 2, 10, len(whole) // 2, len(whole) - 5, len(whole) - 1}:
        model.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="not a whole model file") as caught:
            read_estimator(model, trusted=True)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"text, not a model", b"\x80\x04garbage", zlib.compress(b"zlib, no pickle"), b"\0" * 64]
)
def test_foreign_bytes_are_refused(tmp_path, content):
    path = tmp_path / "foreign.joblib"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a whole model file"):
        read_estimator(path, trusted=True)


@pytest.mark.parametrize("content", [{"some": "dict"}, [1, 2], "text"])
def test_a_joblib_file_that_is_no_model_is_refused(tmp_path, content):
    joblib.dump(content, tmp_path / "other.joblib", compress=("zlib", 3))
    with pytest.raises(ModelError, match="something else than a model of classic_eyes"):
        read_estimator(tmp_path / "other.joblib", trusted=True)


def test_a_newer_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(estimators, "FORMAT", 99)
    write(tmp_path / "new.joblib", CONTENT)
    monkeypatch.undo()
    with pytest.raises(ModelError, match=re.escape("has format 99 and this version reads format 1")):
        read_estimator(tmp_path / "new.joblib", trusted=True)


def test_other_versions_are_mentioned_and_not_refused(tmp_path, monkeypatch):
    versions = {**library_versions(), "scikit-learn": "0.1"}
    monkeypatch.setattr(estimators, "library_versions", lambda: versions)
    write(tmp_path / "old.joblib", CONTENT)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match=r"trained with scikit-learn 0\.1 \(here "):
        assert read_estimator(tmp_path / "old.joblib", trusted=True) == CONTENT


def test_joblib_itself_reads_the_file(model):
    assert joblib.load(model)["estimator"] == CONTENT


def test_the_card_of_a_model_is_readable_json(model):
    assert json.loads(card_path(model).read_text(encoding="utf-8"))["what"] == "a test"


@pytest.mark.parametrize("gone", ["attribute", "module"])
def test_what_is_not_installed_here_is_named_and_the_file_is_not_called_damaged(tmp_path, monkeypatch, gone):
    module = ModuleType("of_another_version")
    module.Extractor = type("Extractor", (), {"__module__": "of_another_version"})
    monkeypatch.setitem(sys.modules, "of_another_version", module)
    write(tmp_path / "m.joblib", module.Extractor())
    if gone == "attribute":
        del module.Extractor
    else:
        monkeypatch.delitem(sys.modules, "of_another_version")
    with pytest.raises(
        ModelError, match=r"needs what is not installed here \(.*of_another_version.*npz beside it"
    ) as caught:
        read_estimator(tmp_path / "m.joblib", trusted=True)
    assert "damaged" not in str(caught.value)


def test_a_lack_of_memory_is_not_called_damage(model, monkeypatch):
    def fail(_):
        raise MemoryError

    monkeypatch.setattr(joblib, "load", fail)
    with pytest.raises(MemoryError):
        read_estimator(model, trusted=True)
