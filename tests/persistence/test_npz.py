"""The .npz file of a compiled model: arrays that run no code, checked by recorded predictions."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
import zipfile

import cv2
import numpy as np
import pytest

from classic_eyes import EyeClassifier, load_model
from classic_eyes._utils.files import SHIPPED_MODELS, sha256, shipped_model
from classic_eyes.errors import MissingDependencyError, ModelError
from classic_eyes.inference import program
from classic_eyes.inference.program import Cascade
from classic_eyes.persistence import npz
from classic_eyes.persistence.npz import read_npz, write_npz
from classic_eyes.synthetic import make_eyes

EYES = make_eyes(120, random_state=1)
OTHER = make_eyes(40, random_state=2).images


PLAIN = {"n_copies": 0, "n_synthetic": 0, "remove_glare": False, "align": None, "n_components": 20, "cascade": 0.3}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    clf = EyeClassifier((("hog", "lbp"), ("words",)), "symmetric", **PLAIN)
    clf.fit(EYES.images, EYES.labels).save(folder / "mine.joblib")
    return clf, folder / "mine.npz"


def test_size_and_fingerprint(saved):
    model = load_model(saved[1])
    assert model.size == 24
    assert model.fingerprint == model.about["sha256"] == sha256(saved[1])


def test_colour_and_larger_images_go_through_the_same_gate(saved):
    model = load_model(saved[1])
    wide = np.repeat(np.repeat(OTHER[:3], 2, axis=1), 2, axis=2)
    colour = np.repeat(wide[..., np.newaxis], 3, axis=3)
    np.testing.assert_allclose(model.predict_proba(colour), model.predict_proba(OTHER[:3]), atol=1e-6)
    assert model.predict_one(colour[0]) == pytest.approx(model.predict_one(OTHER[0]), abs=1e-6)


def test_same_model_same_bytes(saved, tmp_path):
    clf, path = saved
    clf.save(tmp_path / "mine.npz")
    load_model(path).save(tmp_path / "again.npz")
    assert (tmp_path / "mine.npz").read_bytes() == path.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_the_recorded_predictions_are_neither_all_open_nor_all_closed(saved):
    with np.load(saved[1]) as held:
        assert held["check.images"].shape == (8, 24, 24)
        assert np.ptp(held["check.all_views"]) > 0.01


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


def test_other_predictions_than_recorded_are_refused(saved, tmp_path):
    with pytest.raises(ModelError, match=r"does not reproduce its recorded predictions: they differ by 0\.\d+"):
        read_npz(altered(saved[1], tmp_path, flip_dual))


def test_the_last_digits_of_another_processor_are_accepted(saved, tmp_path):
    def nudge(header, arrays):
        arrays["check.probability"] = arrays["check.probability"] + 5e-4

    read_npz(altered(saved[1], tmp_path, nudge))


@pytest.mark.parametrize(
    ("change", "message"),
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
def test_parts_that_do_not_belong_together_are_refused_in_one_line(saved, tmp_path, change, message):
    with pytest.raises(ModelError, match=message) as caught:
        read_npz(altered(saved[1], tmp_path, change))
    assert "\n" not in str(caught.value)


def test_every_cut_and_every_flipped_byte_is_refused_or_harmless(saved, tmp_path):
    whole = saved[1].read_bytes()
    path = tmp_path / "cut.npz"
    for length in {1, 10, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="not a whole compiled model"):
            read_npz(path)
    expected = load_model(saved[1]).predict_proba(OTHER)
    for position in np.random.default_rng(0).integers(0, len(whole), 60):
        broken = bytearray(whole)
        broken[position] ^= 0x55
        path.write_bytes(bytes(broken))
        try:
            model = load_model(path)
        except ModelError:
            continue
        # A byte of padding or of a date: what is left is the same model.
        np.testing.assert_array_equal(model.predict_proba(OTHER), expected)


# -- what the file is not to blame for --


@pytest.mark.parametrize("name", ["HOGDescriptor", "exp"])
def test_another_opencv_is_named_and_the_file_is_not_called_damaged(saved, monkeypatch, name):
    monkeypatch.delattr(cv2, name)
    for read in (read_npz, load_model):
        with pytest.raises(MissingDependencyError, match=f"it has no {name}.*pip uninstall"):
            read(saved[1])


class Lacking:
    """Descriptors that fail for a reason of the environment."""

    def __init__(self, error):
        self.error = error

    def __getitem__(self, name):
        raise self.error

    def __contains__(self, name):
        return True


@pytest.mark.parametrize("error", [MemoryError("no room"), ImportError("no such library")])
def test_a_lack_of_memory_or_of_a_library_is_not_called_damage(saved, monkeypatch, error):
    monkeypatch.setattr(program, "DESCRIPTORS", Lacking(error))
    with pytest.raises(type(error), match=str(error)):
        read_npz(saved[1])


def test_a_lack_of_memory_in_opencv_is_one(saved, monkeypatch):
    error = cv2.error("Failed to allocate 16777216 bytes")
    error.code = cv2.Error.StsNoMem
    monkeypatch.setattr(program, "DESCRIPTORS", Lacking(error))
    with pytest.raises(MemoryError, match=r"to read the model .*mine\.npz"):
        read_npz(saved[1])


def test_a_lack_of_memory_while_arrays_are_read_is_one(saved, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(np.lib.format, "read_array", fail)
    with pytest.raises(MemoryError):
        read_npz(saved[1])


def test_a_header_that_states_more_values_than_the_file_has_takes_no_memory(saved, tmp_path):
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "<f4", "fortran_order": False, "shape": (1 << 60,)})
    with zipfile.ZipFile(saved[1]) as archive, zipfile.ZipFile(tmp_path / "large.npz", "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, array.getvalue() + b"1234" if name == "view0.dual.npy" else archive.read(name))
    with pytest.raises(ModelError, match="not a whole compiled model"):
        read_npz(tmp_path / "large.npz")


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
    with pytest.raises(ModelError, match="classic_eyes: it holds an array of objects, which could run code"):
        read_npz(tmp_path / "trap.npz")
    assert not trap.exists()
    # The trap is a real one.
    with zipfile.ZipFile(tmp_path / "trap.npz") as archive:
        stream = io.BytesIO(archive.read(f"{place}.npy"))
    np.load(stream, allow_pickle=True)
    assert trap.exists()


@pytest.mark.parametrize(
    ("header", "most", "reason"),
    [
        (1 << 10, 1 << 29, "it is compressed"),
        (1 << 20, 1 << 29, "its header has more than 1 MiB"),
        (1 << 10, 1 << 20, "its arrays have more than 1 MiB"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, header, most, reason):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, header=np.zeros(header, np.uint8), bomb=np.zeros(1 << 26, np.uint8))
    monkeypatch.setattr(npz, "MAX_BYTES", most)
    with pytest.raises(ModelError, match=f"not a whole compiled model of classic_eyes: {reason}"):
        read_npz(path)


@pytest.mark.parametrize("content", [b"text", b"PK\x03\x04" + b"\0" * 60])
def test_foreign_bytes_are_refused(tmp_path, content):
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a whole compiled model"):
        read_npz(path)


def test_where_it_cannot_be_read_or_written(saved, tmp_path):
    with pytest.raises(ModelError, match="no model file"):
        read_npz(tmp_path / "missing.npz")
    with pytest.raises(ModelError, match=r"cannot read .*: it is a folder"):
        read_npz(tmp_path)
    with pytest.raises(ModelError, match=r"must end in \.npz"):
        write_npz(tmp_path / "a.joblib", saved[0].program)


def test_the_header_tells_the_versions(saved):
    program, about = read_npz(saved[1])
    assert program.views[0].symmetric is True
    assert about["versions"]["opencv"]


def test_a_change_of_a_later_view_is_found_although_the_first_is_certain(saved, tmp_path):
    """The recorded predictions cover the later views, whether or not the cascade reaches them."""

    def change(header, arrays):
        arrays["view1.dual"] = -arrays["view1.dual"]
        header["program"]["cascade"]["threshold"] = 1e-9
        certain = dataclasses.replace(saved[0].program, cascade=Cascade(1e-9))
        arrays["check.probability"] = certain.probability(arrays["check.images"])

    with pytest.raises(ModelError, match="recorded predictions"):
        read_npz(altered(saved[1], tmp_path, change))


def test_reading_needs_numpy_and_opencv_only(saved):
    code = (
        "import sys\n"
        "for name in ('sklearn', 'joblib', 'skimage', 'tqdm'): sys.modules[name] = None\n"
        "import numpy as np\n"
        "from classic_eyes import load_model\n"
        f"model = load_model({str(saved[1])!r})\n"
        "image = np.zeros((24, 24), np.uint8)\n"
        "print(model.predict_proba([image]).shape, 0 <= model.predict_one(image) <= 1)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "(1, 2) True", run.stderr


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_the_shipped_models_have_all_their_parts(name):
    program = load_model(name).program
    assert shipped_model(name).stat().st_size < 8e6
    assert program.novelty is not None
    assert program.unsure > 0
    assert (program.cascade is None) == (name == "accurate")
    assert [view.aligned for view in program.views] == [False, *[True] * (len(program.views) - 1)]
