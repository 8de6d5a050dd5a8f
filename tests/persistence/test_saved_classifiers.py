"""Saving and loading: files from elsewhere run no code, files are whole or not there, each kind is told by content."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import time
import warnings
import zipfile
import zlib

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from classic_eyes import EyeClassifier, cli, load_model
from classic_eyes._utils.dependencies import library_versions
from classic_eyes.errors import MissingDependencyError, ModelError, ParameterError
from classic_eyes.persistence import estimators
from classic_eyes.persistence.card import read_card
from classic_eyes.persistence.estimators import ENDINGS, describe_skops, read_estimator
from classic_eyes.persistence.npz import read_npz
from classic_eyes.synthetic import make_eyes

from ..conftest import ROOT, write_labelled

EYES = make_eyes(220, random_state=4)
PLAIN = {"classifier": "svm", "n_copies": 0, "n_synthetic": 0, "remove_glare": False, "align": None}
SMALL = {**PLAIN, "features": ("hog",), "n_components": 10, "detect_non_eyes": False}


def main(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


class Trap:
    """An object whose reading makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trust")
    clf = EyeClassifier(**{**SMALL, "detect_non_eyes": True}).fit(EYES.images, EYES.labels)
    for ending in ENDINGS:
        clf.save(folder / f"m{ending}", card={"what": "a test"})
    return clf, folder


@pytest.fixture
def copied(saved, tmp_path):
    for path in saved[1].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def put_together(path, entries, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


# -- a joblib file is read by whoever trusts it --


def traps(path):
    """Yield hostile joblib files: the trap alone, in an object array, deep inside, and in other compressions."""
    array = np.array([Trap(path)], dtype=object)
    for content in (Trap(path), {"estimator": array}, [{"check": (array, {1: Trap(path)})}]):
        buffer = io.BytesIO()
        joblib.dump(content, buffer)
        yield buffer.getvalue()
        yield zlib.compress(buffer.getvalue())
    for compress in ("zlib", "gzip", "bz2", "lzma", "xz"):
        buffer = io.BytesIO()
        joblib.dump(Trap(path), buffer, compress=(compress, 3))
        yield buffer.getvalue()
    yield pickle.dumps(Trap(path))


@pytest.mark.parametrize("name", ["m.joblib", "m.npz", "m.skops", "m.json", "m", "default"])
def test_nothing_in_a_hostile_file_runs_whatever_its_name(tmp_path, name, capsys):
    trap = tmp_path / "trap"
    for content in traps(trap):
        path = tmp_path / name
        path.write_bytes(content)
        for ask in (load_model, EyeClassifier.load, read_npz, describe_skops):
            with pytest.raises(ModelError):
                ask(path)
        for command in ("predict", "info"):
            arguments = (path,) if command == "info" else (ROOT / "examples" / "eyes", "--model", path)
            assert main(command, *arguments) in ((2,) if name != "m.joblib" or command != "info" else (0, 2))
        assert capsys.readouterr().err.count("\n") <= 3
        assert not trap.exists(), "something of it ran"


def test_the_refusal_says_why_and_how(copied):
    with pytest.raises(ModelError) as caught:
        EyeClassifier.load(copied / "m.joblib")
    for words in ("can run any code", "trusted=True", "--trust-model", ".npz or .skops file needs no trust"):
        assert words in str(caught.value)


def test_a_bomb_is_not_unpacked_even_when_trusted(tmp_path):
    path = tmp_path / "bomb.joblib"
    packer = zlib.compressobj(9)
    block = bytes(1 << 24)
    path.write_bytes(b"".join(packer.compress(block) for _ in range(36)) + packer.flush())
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ModelError, match="unpacks to more than 512 MiB"):
        read_estimator(path, trusted=True)


def test_what_follows_the_end_is_not_read_past(copied):
    path = copied / "m.joblib"
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(ModelError, match="not a whole model file"):
        read_estimator(path, trusted=True)


def test_a_model_file_that_is_a_pipe_or_a_device_is_not_waited_for(tmp_path, capsys):
    for name in ("m.joblib", "m.npz", "m.skops"):
        os.mkfifo(tmp_path / name)
        for command in (("info",), ("predict", ROOT / "examples" / "eyes", "--model")):
            assert main(*command, tmp_path / name) == 2
            assert "no regular file" in capsys.readouterr().err
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    assert main("info", tmp_path / "zero.npz") == 2


def test_a_file_larger_than_any_model_is_not_read(tmp_path):
    path = tmp_path / "large.npz"
    with path.open("wb") as file:
        file.truncate((1 << 29) + 1)
    for ask in (load_model, EyeClassifier.load):
        with pytest.raises(ModelError, match=r"it has more than 512 MiB"):
            ask(path)


@pytest.mark.parametrize("card", ["[" * 100_000, "[1]", "nothing", "\ud800", "1e999999"])
def test_a_hostile_card_is_one_line(copied, card, capsys):
    (copied / "m.json").write_text(card, encoding="utf-8", errors="surrogatepass")
    assert main("info", copied / "m.npz") == 2
    assert capsys.readouterr().err.count("\n") == 1


# -- a skops file may be passed on --


def test_a_skops_file_needs_no_trust_and_answers_alike(saved):
    clf, folder = saved
    again = EyeClassifier.load(folder / "m.skops")
    np.testing.assert_array_equal(again.predict_proba(EYES.images), clf.predict_proba(EYES.images))
    assert again.verdict(EYES.images) == clf.verdict(EYES.images)
    assert again.get_params() == clf.get_params()
    light = load_model(folder / "m.npz")
    assert light.verdict(EYES.images) == clf.verdict(EYES.images)


@pytest.mark.parametrize(
    "how",
    [
        {"classifier": "symmetric", "features": (("hog", "lbp"), ("words_tt",)), "align": "others"},
        {"classifier": ("metric", {"n_directions": 6}), "features": (("hog", "lbp"), ("words_tt",))},
        {"classifier": "knn", "n_components": 20},
        {"classifier": "linear"},
        {"features": (("haar", "pixels"), ("profile", "words")), "n_components": None},
        {"classifier": "linear", "features": (("hog",), ("lbp",))},
    ],
    ids=str,
)
def test_every_feature_and_classifier_goes_through_skops(how, tmp_path):
    clf = EyeClassifier(**{**SMALL, **how}).fit(EYES.images[:80], EYES.labels[:80])
    clf.save(tmp_path / "m.skops")
    again = EyeClassifier.load(tmp_path / "m.skops")
    np.testing.assert_array_equal(again.predict_proba(EYES.images[:20]), clf.predict_proba(EYES.images[:20]))


def test_the_history_of_labels_that_were_found_goes_through_skops(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = EyeClassifier(**SMALL).fit(EYES.images)
    clf.save(tmp_path / "m.skops")
    assert EyeClassifier.load(tmp_path / "m.skops").history_.summary() == clf.history_.summary()


def test_a_skops_file_is_the_same_bytes_from_every_process(tmp_path):
    code = (
        "import sys; from classic_eyes import EyeClassifier; from classic_eyes.synthetic import make_eyes; "
        "eyes = make_eyes(60, random_state=1); "
        "clf = EyeClassifier(('hog', 'words'), 'svm', n_copies=0, n_components=5).fit(eyes.images, eyes.labels); "
        "clf.save(sys.argv[1])"
    )
    for name in ("a.skops", "b.skops"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True, timeout=120)
    assert (tmp_path / "a.skops").read_bytes() == (tmp_path / "b.skops").read_bytes()


class Own(ClassifierMixin, BaseEstimator):
    """A classifier of a user's own."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.mean_ = X.mean()
        return self

    def decision_function(self, X):
        return X.mean(axis=1) - self.mean_


@pytest.mark.parametrize("classifier", ["gb", "libsvm"])
def test_classifiers_whose_compiled_code_trusts_its_arrays_are_not_passed_on(classifier, tmp_path):
    clf = EyeClassifier(**{**SMALL, "classifier": classifier}).fit(EYES.images[:80], EYES.labels[:80])
    with pytest.raises(
        ModelError, match=r"save as \.joblib, or take the classifier svm, symmetric, metric, linear or knn"
    ):
        clf.save(tmp_path / "m.skops")
    assert not list(tmp_path.iterdir())


def test_types_of_ones_own_are_refused_when_written_and_the_old_file_stays(copied):
    with pytest.warns(UserWarning, match="the labels contradict the images"):  # it predicts the same for all
        clf = EyeClassifier(**{**SMALL, "classifier": Own()}).fit(EYES.images, EYES.labels)
    before = (copied / "m.skops").read_bytes()
    with pytest.raises(ModelError, match=r"may not hold .*test_saved_classifiers\.Own, so .* save as \.joblib"):
        clf.save(copied / "m.skops")
    assert (copied / "m.skops").read_bytes() == before
    clf.save(copied / "own.joblib")


def test_the_list_in_the_code_decides_and_not_the_file(copied, tmp_path):
    entries = contents(copied / "m.skops")
    entries["schema.json"] = (
        entries["schema.json"]
        .replace(b'"__class__": "Hog",\n', b'"__class__": "Popen",\n')
        .replace(b'"__module__": "classic_eyes.features.hog"', b'"__module__": "subprocess"')
    )
    put_together(copied / "evil.skops", entries)
    assert describe_skops(copied / "evil.skops")["refused"] == ["subprocess.Popen"]
    with pytest.raises(ModelError, match=r"holds types that no model of classic_eyes has \(subprocess\.Popen\)"):
        EyeClassifier.load(copied / "evil.skops")
    with pytest.raises(ModelError, match="holds types"):
        EyeClassifier.load(copied / "evil.skops", trusted=True)


@pytest.mark.parametrize("node", ["MethodNode", "FunctionNode", "ReduceNode", "PartialNode", "OperatorFuncNode"])
def test_kinds_of_nodes_that_no_model_has_are_refused(copied, node):
    entries = contents(copied / "m.skops")
    entries["schema.json"] = entries["schema.json"].replace(b'"ObjectNode"', f'"{node}"'.encode(), 1)
    put_together(copied / "evil.skops", entries)
    with pytest.raises(ModelError, match=f"holds types that no model of classic_eyes has .*{node}"):
        EyeClassifier.load(copied / "evil.skops")


def test_another_object_in_a_skops_file_is_refused(tmp_path):
    import skops.io as sio

    (tmp_path / "a.skops").write_bytes(sio.dumps({"some": "dict"}))
    with pytest.raises(ModelError, match="something else than a model"):
        EyeClassifier.load(tmp_path / "a.skops")
    (tmp_path / "b.skops").write_bytes(sio.dumps({"kind": estimators._KIND, "format": 99}))
    with pytest.raises(ModelError, match="has format 99 and this version reads format 1; update"):
        EyeClassifier.load(tmp_path / "b.skops")
    (tmp_path / "c.skops").write_bytes(sio.dumps({"kind": estimators._KIND, "format": 1}))
    with pytest.raises(ModelError, match="not a whole model file"):
        EyeClassifier.load(tmp_path / "c.skops")


def test_every_cut_of_a_skops_file_is_refused(copied):
    whole = (copied / "m.skops").read_bytes()
    for end in (1, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        (copied / "cut.skops").write_bytes(whole[:end])
        with pytest.raises(ModelError, match="not a whole model file"):
            EyeClassifier.load(copied / "cut.skops")


def test_a_compressed_skops_file_is_not_unpacked(copied):
    entries = contents(copied / "m.skops")
    entries["0.npy"] = bytes(1 << 29)
    put_together(copied / "bomb.skops", entries, compression=zipfile.ZIP_DEFLATED)
    assert (copied / "bomb.skops").stat().st_size < 1 << 23
    # Time of the processor, for other tests run beside this one.
    begin = time.process_time()
    with pytest.raises(ModelError, match="not a whole model file"):
        EyeClassifier.load(copied / "bomb.skops")
    assert time.process_time() - begin < 2


def test_without_the_package_the_remedy_is_named(copied, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'classic-eyes\[skops\]'"):
        EyeClassifier.load(copied / "m.skops")
    write_labelled(copied / "eyes", 20)
    assert main("train", copied / "eyes", "--out", copied / "new.skops") == 2
    assert "classic-eyes[skops]" in capsys.readouterr().err


def test_commands_read_and_write_skops(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 60)
    options = ("--features", "hog", "--classifier", "svm", "--folds", 0)
    assert main("train", folder, "--out", tmp_path / "m.skops", *options) == 0
    capsys.readouterr()
    assert main("predict", folder, "--model", tmp_path / "m.skops") == 0
    first = capsys.readouterr().out
    assert main("predict", folder, "--model", tmp_path / "m.npz") == 0
    assert capsys.readouterr().out == first
    assert main("info", tmp_path / "m.skops", "--format", "json") == 0
    about = json.loads(capsys.readouterr().out)
    assert about["kind"] == "skops"
    assert {"classic_eyes.classifier.EyeClassifier", "classic_eyes.features.hog.Hog"} < set(about["types"])
    assert about["refused"] == []
    assert main("info", tmp_path / "m.skops") == 0
    assert "skops file: data and names of types" in capsys.readouterr().out


# -- versions and recorded predictions --


def test_other_versions_alone_are_mentioned_and_not_refused(saved, tmp_path, monkeypatch):
    versions = {**library_versions(), "opencv": "4.5.0"}
    monkeypatch.setattr(estimators, "library_versions", lambda: versions)
    saved[0].save(tmp_path / "m.skops")
    monkeypatch.undo()
    with pytest.warns(
        UserWarning, match=r"was trained with opencv 4\.5\.0 \(here .*\); its predictions may differ a little"
    ):
        EyeClassifier.load(tmp_path / "m.skops")


def test_recorded_novelty_is_checked(copied):
    entries = dict(np.load(copied / "m.npz"))
    entries["check.novelty"] = entries["check.novelty"] * 1.01
    np.savez(copied / "other.npz", **entries)
    with pytest.raises(ModelError, match="does not reproduce its recorded predictions"):
        load_model(copied / "other.npz")


# -- a file is the old or the whole new one --


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_killed_writer_leaves_the_old_files_or_the_new_ones(saved, tmp_path, ending):
    """Killed again and again while it writes, nobody ever reads a part."""
    code = (
        "import sys; from classic_eyes import EyeClassifier; clf = EyeClassifier.load(sys.argv[1], trusted=True); "
        "print('ready', flush=True)\nwhile True: clf.save(sys.argv[2], card={'what': 'x' * 1000})"
    )
    target = tmp_path / f"m{ending}"
    saved[0].save(target, card={"what": "first"})
    for wait in (0.0, 0.017, 0.11):
        command = [sys.executable, "-c", code, str(saved[1] / "m.joblib"), str(target)]
        running = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert running.stdout.readline() == b"ready\n"
        time.sleep(wait)
        running.kill()
        running.communicate()
        EyeClassifier.load(target, trusted=True)
        load_model(target.with_suffix(".npz"))
        assert read_card(target)["what"] in ("first", "x" * 1000)


# -- what a file is, is told by what is in it --


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        ("m.npz", "up.NPZ", "not a model file"),
        ("m.npz", "m.joblib", "is a compiled model, which needs no trust"),
        ("m.skops", "m.bin", "not a model file"),
        ("m.skops", "m.joblib", "is a skops file, which needs no trust; name it NAME.skops"),
        ("m.skops", "m.npz", "is a skops file; name it NAME.skops"),
        ("m.joblib", "m.npz", "is a joblib file, which can run code; read the .npz beside it"),
        (None, "m.joblib", "is empty; train it or copy it again"),
        (None, "m.npz", "is empty; train it or copy it again"),
    ],
)
def test_a_good_file_under_a_wrong_name_does_not_lead_to_trust(saved, tmp_path, source, name, said, capsys):
    path = tmp_path / name
    path.write_bytes((saved[1] / source).read_bytes() if source else b"")
    assert main("predict", ROOT / "examples" / "eyes", "--model", path) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "trusted=True" not in error
    assert error.count("\n") == 1


def test_a_compiled_model_is_not_asked_to_be_trusted(saved):
    with pytest.raises(ModelError, match="load_model reads it"):
        EyeClassifier.load(saved[1] / "m.npz")


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0 a photograph"])
def test_info_calls_no_model_what_is_none(tmp_path, content, capsys):
    for ending in ("joblib", "skops", "npz"):
        path = tmp_path / f"m.{ending}"
        path.write_bytes(content)
        assert main("info", path) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_info_finds_a_flipped_byte_in_a_skops_file(copied, capsys):
    path = copied / "m.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert main("info", path) == 2
    assert "is not a whole model file" in capsys.readouterr().err


@pytest.mark.parametrize("path", [None, 3, ["m.npz"]])
def test_what_is_no_name_of_a_file_is_said(saved, path):
    clf = saved[0]
    for use in (EyeClassifier.load, clf.save):
        with pytest.raises(ParameterError, match="allowed is the name of a model file"):
            use(path)


def test_answers_that_are_no_numbers_do_not_lead_to_other_versions(copied):
    path = copied / "m.npz"
    with np.load(path) as held:
        arrays = dict(held)
    name = next(key for key in arrays if key.endswith("dual"))
    arrays[name] = np.full_like(arrays[name], np.nan)
    np.savez(path, **arrays)
    with pytest.raises(ModelError, match="not a number; copy or train it again"):
        load_model(path)


@pytest.mark.parametrize("classifier", ["gb", "libsvm"])
def test_what_skops_will_not_hold_is_refused_before_the_training(tmp_path, classifier, capsys):
    missing = tmp_path / "nothing-is-read"
    assert main("train", missing, "--classifier", classifier, "--out", tmp_path / "m.skops") == 2
    assert f"may not hold the classifier {classifier!r}" in capsys.readouterr().err


def test_a_nul_in_a_name_is_one_line(saved, capsys):
    assert main("predict", ROOT / "examples" / "eyes", "--model", saved[1] / "m.npz", "--out", "a\0b") == 2
    assert "--out 'a\\x00b' cannot be written" in capsys.readouterr().err
