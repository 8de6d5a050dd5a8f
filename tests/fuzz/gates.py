"""The gates that are fuzzed: valid files to start from, and a function that reads changed bytes."""

from __future__ import annotations

import os
import tempfile
import warnings
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from classic_eyes import EyeClassifier, load_model
from classic_eyes.datasets import EyeSet, read_assets_csv, read_votes
from classic_eyes.errors import DataError, ImageError, ModelError
from classic_eyes.features import TanTriggsWords
from classic_eyes.images.arrays import square
from classic_eyes.images.decoding import decode
from classic_eyes.persistence.card import read_card
from classic_eyes.persistence.estimators import describe_skops
from classic_eyes.synthetic import make_eyes

from ..images.image_files import all_cases

# Less than the limit of the library, so that a million cases take minutes.
MAX_PIXELS = 1_000_000


@cache
def temporary_folder() -> Path:
    """Return a temporary folder of this process, in memory if possible."""
    shm = Path("/dev/shm")
    return Path(tempfile.mkdtemp(dir=shm if os.access(shm, os.W_OK) else None))


def _one_line(error: Exception) -> None:
    text = str(error)
    assert 0 < len(text) < 2000, "no text, or too much"
    assert "\n" not in text, "more than one line"


# -- images --


def image_seeds() -> list[bytes]:
    """Return a small image in each format and its variants, those of the differential test included."""
    eyes = make_eyes(2, random_state=0).images
    grey, colour = eyes[0], cv2.merge([eyes[0], eyes[1], eyes[0]])
    small = [(ending, grey) for ending in (".png", ".jpg", ".bmp", ".tif", ".pgm", ".pbm", ".jp2")]
    small += [(ending, colour) for ending in (".png", ".jpg", ".bmp", ".tif", ".ppm", ".webp", ".gif", ".avif")]
    small += [(".pfm", (grey / 255).astype(np.float32)), (".png", grey.astype(np.uint16) * 257)]
    found = []
    for ending, image in small:
        for options in ([], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_WEBP_QUALITY, 101]):
            done, data = cv2.imencode(ending, image, options)
            if done:
                found.append(data.tobytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found += [case.data for case in all_cases()]
    return sorted(set(found))


def image_case(data: bytes) -> str:
    """Decode bytes as an image file, as a patch and as a photograph; return whether they were read or refused."""
    seen = [_decoded(data, colour) for colour in (False, False, True)]
    if isinstance(seen[0], str):
        # What is refused as a patch is refused as a photograph.
        assert isinstance(seen[2], str), seen[0]
        return "refused"
    assert isinstance(seen[1], np.ndarray), "refused the second time"
    assert np.array_equal(seen[0], seen[1]), "other values the second time: from unwritten memory"
    # OpenCV reads some damaged JPEG 2000 files in grey alone.
    assert isinstance(seen[2], str) or seen[2].shape == (*seen[0].shape, 3)
    assert square(seen[0], 24).shape == (24, 24)
    return "read"


def _decoded(data: bytes, colour: bool) -> np.ndarray | str:
    # Unwritten memory differs from call to call only if what was there before does.
    _poison[:] = [np.full(len(each), 255 - each[0], np.uint8) for each in _poison]
    try:
        image = decode(data, colour=colour, max_pixels=MAX_PIXELS).image
    except ImageError as error:
        _one_line(error)
        return str(error)
    assert image.dtype == np.uint8
    return image


_poison = [np.zeros(size, np.uint8) for size in (576, 1152, 1728, 3456, 5184, 10368)]


# -- label files --


def label_seeds() -> list[bytes]:
    """Return label files of several kinds."""
    return [
        b"file,label\na.png,0\nb.png,1\nc.png,open\n",
        b"file,label,group\na.png,closed,one\nimages/d.png,,two\n",
        b'\xef\xbb\xbffile,label\r\n"a.png",1\r\n"b.png","0"\r\n',
        b"group,label,file,further\nx,OPEN,a.png,1\n\n\nx,0,b.png,2\n",
        b"file,one,two\na.png,1,0\nb.png,,open\n",
        "file,label\n\N{EYE}.png,1\n../a.png,0\n/etc/passwd,1\n".encode(),
        b"file;label;chosen\na.png;1.0;random\nb.png;0.0;priority\n",
        b"label\tfile\n1\ta.png\n0\timages/d.png\n1.0\tc.png\n",
    ]


@cache
def _images() -> Path:
    folder = temporary_folder() / "images"
    (folder / "images").mkdir(parents=True)
    for name in ("a.png", "b.png", "c.png", "images/d.png", "\N{EYE}.png"):
        (folder / name).write_bytes(b"")
    return folder


def label_case(data: bytes) -> str:
    """Read bytes as a label file and as votes; return whether the label file was read or refused."""
    folder = _images()
    path = temporary_folder() / "labels.csv"
    path.write_bytes(data)
    result = "refused"
    try:
        eyes = read_assets_csv(folder, path)
        assert isinstance(eyes, EyeSet)
        assert set(eyes.labels.tolist()) <= {-1, 0, 1}
        inside = os.path.realpath(folder) + os.sep
        assert all(os.path.realpath(name).startswith(inside) for name in eyes.paths), "a path outside the folder"
        result = "read"
    except DataError as error:
        _one_line(error)
    try:
        assert all(label in (-1, 0, 1) for votes in read_votes(path).values() for label in votes)
    except DataError as error:
        _one_line(error)
    return result


# -- model files --


@cache
def _saved() -> dict[str, bytes]:
    """Return the files of a small model, by ending."""
    folder = temporary_folder() / "model"
    folder.mkdir()
    eyes = make_eyes(210, random_state=0)
    features = (("hog", "lbp"), (TanTriggsWords(n_words=8),), ("profile", "pixels"))
    small = {"n_components": 6, "n_copies": 0, "n_synthetic": 0, "align": None, "cascade": 0.3}
    clf = EyeClassifier(features, "metric", **small, detect_non_eyes=True).fit(eyes.images, eyes.labels)
    for ending in (".joblib", ".skops"):
        clf.save(folder / f"m{ending}", card={"what": "a test"})
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def model_seeds() -> list[bytes]:
    """Return the files of a small model, each after the letter of its kind."""
    return [ending[1:2].encode() + content for ending, content in sorted(_saved().items())]


def model_case(data: bytes) -> str:
    """Load bytes as a model file, after the letter of its kind; return whether it was read or refused."""
    kind = {b"n": ".npz", b"s": ".skops", b"j": ".json"}.get(data[:1], ".joblib")
    if data[:2] == b"jx" or data[:3] == b"j\x78\x9c":
        kind = ".joblib"
    path = temporary_folder() / f"case{kind}"
    path.write_bytes(data[1:])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == ".npz":
                load_model(path)
            elif kind == ".skops":
                describe_skops(path)
                EyeClassifier.load(path)
            elif kind == ".json":
                read_card(path)
            else:
                EyeClassifier.load(path)
    except ModelError as error:
        _one_line(error)
        return "refused"
    return "read"
