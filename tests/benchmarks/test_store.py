"""Results on disk: whole files, refused files, and reuse of unchanged scenarios."""

from __future__ import annotations

import json

import pytest

from benchmarks.store import ScenarioStore, code_sha256, environment, read_results, write_json
from classic_eyes.errors import DataError, ParameterError


def test_json_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "results.json"
    write_json(target, {"value": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(target, {"value": float("nan")})
    assert json.loads(target.read_text()) == {"value": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    with pytest.raises(ParameterError, match="none"):
        write_json(tmp_path / "none" / "results.json", {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("no json", "cannot be read"),
        ("[]", "holds no results"),
        ('{"schema": 99, "datasets": []}', "schema version 99"),
    ],
)
def test_files_without_results_are_refused(tmp_path, text, message):
    path = tmp_path / "results.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_results(path)


def test_code_of_library_and_benchmark_is_hashed_and_their_presentation_is_not(tmp_path, monkeypatch):
    for name in ("metrics.py", "cli/predict.py", "report/page.py", "tables.py"):
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a = 1")
    monkeypatch.setattr("benchmarks.store._CODE", (tmp_path / "package",))
    before = code_sha256()
    for name in ("cli/predict.py", "report/page.py", "tables.py"):
        (tmp_path / "package" / name).write_text("a = 2")
    assert code_sha256() == before
    (tmp_path / "package" / "metrics.py").write_text("a = 2")
    assert code_sha256() != before


def test_environment_is_plain_data_with_one_thread():
    around = environment()
    assert json.loads(json.dumps(around)) == around
    assert around["machine"]["threads"] == 1
    assert around["machine"]["cores"] >= 1


def test_entry_is_returned_only_for_the_same_key_and_only_to_resume(tmp_path):
    ScenarioStore(tmp_path).put({"seed": 0, "folds": (1, 2)}, "toy", {"n": 1})
    store = ScenarioStore(tmp_path, resume=True)
    assert store.get({"seed": 0, "folds": (1, 2)}, "toy") == {"n": 1}
    assert store.get({"seed": 1, "folds": (1, 2)}, "toy") is None
    assert store.get({"seed": 0, "folds": (1, 2)}, "other") is None
    assert ScenarioStore(tmp_path).get({"seed": 0, "folds": (1, 2)}, "toy") is None
    assert (store.n_stored(), store.n_reused) == (1, 1)
