"""Compiled models: a file of arrays that proves itself, runs no code, and needs no scikit-learn."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from classic_eyes import EyeClassifier, EyePredictor, persistence
from classic_eyes._utils.shipped import SHIPPED_MODELS, shipped_model
from classic_eyes.errors import ModelError
from classic_eyes.persistence import read_compiled, read_header, sha256
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(120, random_state=1)
OTHER = make_eyes(40, random_state=2).images


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    clf = EyeClassifier((("hog", "lbp"), ("words",)), "mirror", n_copies=0, n_components=20)
    clf.fit(EYES.images, EYES.labels).save(folder / "mine.joblib")
    return clf, folder / "mine.npz"


def test_save_writes_both_and_they_answer_alike(saved):
    clf, path = saved
    light = EyePredictor.load(path)
    np.testing.assert_allclose(light.predict_proba(OTHER), clf.predict_proba(OTHER), atol=1e-12)
    np.testing.assert_array_equal(light.predict(OTHER), clf.predict(OTHER))
    assert light.predict_one(OTHER[0]) == pytest.approx(clf.predict_one(OTHER[0]), abs=1e-12)
    assert light.about["model_sha256"] == sha256(path.with_suffix(".joblib"))
    assert light.size == 24


def test_colour_and_other_sizes_go_through_the_same_gate(saved):
    light = EyePredictor.load(saved[1])
    wide = np.repeat(np.repeat(OTHER[:3], 2, axis=1), 2, axis=2)
    colour = np.repeat(wide[..., np.newaxis], 3, axis=3)
    np.testing.assert_allclose(light.predict_proba(colour), light.predict_proba(OTHER[:3]), atol=1e-6)
    assert light.predict_one(colour[0]) == pytest.approx(light.predict_one(OTHER[0]), abs=1e-6)


def test_same_model_same_bytes(saved, tmp_path):
    clf, path = saved
    clf.save(tmp_path / "mine.joblib")
    assert (tmp_path / "mine.npz").read_bytes() == path.read_bytes()


def test_a_model_without_a_compiled_form_takes_an_older_one_away(saved, tmp_path):
    saved[0].save(tmp_path / "mine.joblib")
    plain = EyeClassifier(("profile",), "gb", n_copies=0).fit(EYES.images, EYES.labels)
    plain.save(tmp_path / "mine.joblib", card={})
    assert sorted(os.listdir(tmp_path)) == ["mine.joblib", "mine.json"]
    card = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    assert card["not_compiled"] == "the classifier HistGradientBoostingClassifier has no compiled form"


def altered(path, tmp_path, change):
    """Write the file again with its header and arrays changed."""
    with np.load(path) as held:
        arrays = {name: held[name] for name in held.files}
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(tmp_path / "altered.npz", **arrays)
    return tmp_path / "altered.npz"


def flip_dual(header, arrays):
    arrays["view0.dual"] = -arrays["view0.dual"]


def test_a_model_that_does_not_reproduce_its_answers_is_refused(saved, tmp_path):
    with pytest.raises(ModelError, match=r"does not reproduce its recorded answers: they differ by 0\.\d+"):
        read_compiled(altered(saved[1], tmp_path, flip_dual))


def test_a_hair_of_difference_is_another_processor(saved, tmp_path):
    def _nudge(header, arrays):
        arrays["check.answers"] = arrays["check.answers"] + 5e-4

    read_compiled(altered(saved[1], tmp_path, _nudge))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h, a: h.update(format=99), "has format 99 and this version reads format 1"),
        (lambda h, a: h.update(kind="cake"), "not a whole compiled model"),
        (lambda h, a: h.pop("kind"), "not a whole compiled model"),
        (lambda h, a: h.pop("program"), "not a whole compiled model"),
        (lambda h, a: h["program"].update(views=[]), "not a whole compiled model"),
        (lambda h, a: h["program"].update(size="large"), "not a whole compiled model"),
        (lambda h, a: h["program"]["views"][0]["blocks"][0].update(descriptor="cnn"), "the descriptor 'cnn'"),
        (lambda h, a: h["program"]["views"][0]["blocks"][0]["settings"].update(cells=[7]), "not a whole compiled"),
        (lambda h, a: a.pop("view0.support"), "not a whole compiled model"),
        (lambda h, a: a.update({"view0.dual": a["view0.dual"][:-1]}), "not a whole compiled model"),
        (lambda h, a: a.update({"view0.dual": a["view0.dual"] * np.nan}), "does not reproduce"),
        (lambda h, a: a.update({"check.images": np.zeros((0, 24, 24), np.uint8)}), "not a whole compiled model"),
    ],
)
def test_what_does_not_belong_together_is_refused_in_one_line(saved, tmp_path, change, said):
    with pytest.raises(ModelError, match=said) as caught:
        read_compiled(altered(saved[1], tmp_path, change))
    assert "\n" not in str(caught.value)


def test_every_cut_and_every_flipped_byte_is_refused_or_harmless(saved, tmp_path):
    whole = saved[1].read_bytes()
    path = tmp_path / "cut.npz"
    for length in {1, 10, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="not a whole compiled model"):
            read_compiled(path)
    expected = EyePredictor.load(saved[1]).predict_proba(OTHER)
    for position in np.random.default_rng(0).integers(0, len(whole), 60):
        broken = bytearray(whole)
        broken[position] ^= 0x55
        path.write_bytes(bytes(broken))
        try:
            light = EyePredictor.load(path)
        except ModelError:
            continue
        # A byte of padding or of a date: what is left is the same model.
        np.testing.assert_array_equal(light.predict_proba(OTHER), expected)


class Trap:
    """An object whose reading makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("place", ["view0.dual", "header", "extra"])
def test_nothing_in_the_file_runs(saved, tmp_path, place):
    trap = tmp_path / "sprung"
    with np.load(saved[1]) as held:
        arrays = {name: held[name] for name in held.files}
    arrays[place] = np.array([Trap(trap)], dtype=object)
    np.savez(tmp_path / "trap.npz", **arrays)
    with pytest.raises(ModelError, match="not a whole compiled model"):
        read_compiled(tmp_path / "trap.npz")
    assert not trap.exists()
    # The trap is a real one.
    with zipfile.ZipFile(tmp_path / "trap.npz") as archive:
        stream = io.BytesIO(archive.read(f"{place}.npy"))
    np.load(stream, allow_pickle=True)
    assert trap.exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, header=np.zeros(1 << 20, np.uint8), bomb=np.zeros(1 << 26, np.uint8))
    with pytest.raises(ModelError, match="not a whole compiled model"):
        read_compiled(path)


@pytest.mark.parametrize("content", [b"text", b"PK\x03\x04" + b"\0" * 60])
def test_foreign_bytes_are_refused(tmp_path, content):
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a whole compiled model"):
        read_compiled(path)


def test_where_it_cannot_be_read_or_written(saved, tmp_path):
    with pytest.raises(ModelError, match="no model file"):
        read_header(tmp_path / "missing.npz")
    with pytest.raises(ModelError, match=r"cannot read .*: it is a folder"):
        read_compiled(tmp_path)
    with pytest.raises(ModelError, match=r"must end in \.npz"):
        persistence.write_compiled(tmp_path / "a.joblib", saved[0].program, OTHER)


def test_the_header_alone_is_read_without_the_arrays(saved):
    header = read_header(saved[1])
    assert header["program"]["views"][0]["mirror"] is True
    assert header["versions"]["opencv"]


def test_it_needs_numpy_and_opencv_only(saved):
    """With scikit-learn, scipy and joblib out of reach, the compiled model loads and answers."""
    code = (
        "import sys\n"
        "for name in ('sklearn', 'scipy', 'joblib', 'skimage', 'tqdm'): sys.modules[name] = None\n"
        "import numpy as np\n"
        "from classic_eyes import EyePredictor\n"
        f"clf = EyePredictor.load({str(saved[1])!r})\n"
        "image = np.zeros((24, 24), np.uint8)\n"
        "print(clf.predict_proba([image]).shape, 0 <= clf.predict_one(image) <= 1)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "(1, 2) True", run.stderr


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_a_shipped_model_is_the_compiled_form_of_its_estimator(name):
    light = EyePredictor.pretrained(name)
    assert light.about["model_sha256"] == SHIPPED_MODELS[name]
    full = EyeClassifier.pretrained(name)
    np.testing.assert_allclose(light.predict_proba(OTHER), full.predict_proba(OTHER), atol=1e-6)
    assert shipped_model(name, ".npz").stat().st_size < 20e6
