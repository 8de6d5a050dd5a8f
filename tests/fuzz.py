"""A fuzz run over the three gates, images, label files and model files: an answer or one line comes out of each.

``python -m tests.fuzz GATE... --cases N`` changes whole files at random, N times for each gate, from the seed on; model
files are also taken apart, changed inside and put together again, so that their checksums hold. ``--atheris SECONDS``
hands images or label files to atheris instead (``pip install atheris``), which looks for inputs that reach new code.
A finding is written to a file and raised.

The short run in ``tests/test_fuzz.py`` takes the first cases of the same run, and every finding that was mended.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from classic_eyes import EyeClassifier, EyePredictor
from classic_eyes.datasets import EyeSet, load_labelled_csv, read_votes
from classic_eyes.errors import DataError, ImageError, ModelError
from classic_eyes.images.files import _decode_square
from classic_eyes.persistence import describe_skops, read_card
from classic_eyes.synthetic import make_eyes

# A case that takes longer is a finding.
SECONDS = 20
# Smaller than the limit of the library, so that a million cases take minutes.
MAX_PIXELS = 1_000_000
INTERESTING = (0, 1, 2, 7, 8, 9, 16, 31, 32, 63, 64, 100, 127, 128, 192, 200, 217, 218, 224, 253, 254, 255)
HOSTILE: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3, 7, 24, 1000, 2**31, 2**63, 10**30, 0.5, -0.5, 1e-320, 1e308, float("nan"), float("inf")),
    *(
        None,
        True,
        False,
        "",
        "a",
        "hog",
        "../../../../etc/passwd",
        "é\0",
        [],
        [0],
        [[]],
        [None],
        {},
        {"array": "x"},
        {"a": 1},
    ),
    [[0] * 40] * 3,
)


@cache
def _place() -> Path:
    """Return a folder of this process, in memory where there is such a thing."""
    shm = Path("/dev/shm")
    return Path(tempfile.mkdtemp(dir=shm if os.access(shm, os.W_OK) else None))


def _one_line(error: Exception) -> None:
    text = str(error)
    assert 0 < len(text) < 2000, "no text, or a flood of it"
    assert "\n" not in text, "more than one line"


# -- images --


def image_seeds() -> list[bytes]:
    """Return a small image in each format, and the same again in other ways to write it."""
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
    return sorted(set(found))


def image_case(data: bytes) -> str:
    """Put bytes through the gate for images."""
    try:
        image = _decode_square(data, 24, MAX_PIXELS)
    except ImageError as error:
        _one_line(error)
        return "refused"
    assert image.shape == (24, 24)
    assert image.dtype == np.uint8
    return "read"


# -- label files --


def label_seeds() -> list[bytes]:
    """Return label files of all kinds."""
    return [
        b"file,label\na.png,0\nb.png,1\nc.png,open\n",
        b"file,label,group\na.png,closed,one\nimages/d.png,,two\n",
        b'\xef\xbb\xbffile,label\r\n"a.png",1\r\n"b.png","0"\r\n',
        b"group,label,file,further\nx,OPEN,a.png,1\n\n\nx,0,b.png,2\n",
        b"file,one,two\na.png,1,0\nb.png,,open\n",
        "file,label\n\N{EYE}.png,1\n../a.png,0\n/etc/passwd,1\n".encode(),
    ]


@cache
def _images() -> Path:
    folder = _place() / "images"
    (folder / "images").mkdir(parents=True)
    for name in ("a.png", "b.png", "c.png", "images/d.png", "\N{EYE}.png"):
        (folder / name).write_bytes(b"")
    return folder


def label_case(data: bytes) -> str:
    """Put bytes through the gate for label files."""
    folder = _images()
    path = _place() / "labels.csv"
    path.write_bytes(data)
    told = "refused"
    try:
        eyes = load_labelled_csv(folder, path)
        assert isinstance(eyes, EyeSet)
        assert set(eyes.labels.tolist()) <= {-1, 0, 1}
        inside = os.path.realpath(folder) + os.sep
        assert all(os.path.realpath(name).startswith(inside) for name in eyes.paths), "a path outside the folder"
        told = "read"
    except DataError as error:
        _one_line(error)
    try:
        assert all(label in (-1, 0, 1) for votes in read_votes(path).values() for label in votes)
    except DataError as error:
        _one_line(error)
    return told


# -- model files --


@cache
def _saved() -> dict[str, bytes]:
    """Return the files of a small classifier, by ending."""
    folder = _place() / "model"
    folder.mkdir()
    eyes = make_eyes(210, random_state=0)
    features = (("hog", "lbp"), ("words_tt",), ("profile", "pixels"))
    clf = EyeClassifier(features, "metric", n_components=6, n_copies=0, cascade=0.3, novelty=True)
    clf.fit(eyes.images, eyes.labels)
    for ending in (".joblib", ".skops"):
        clf.save(folder / f"m{ending}", card={"what": "a test"})
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def model_seeds() -> list[bytes]:
    """Return the files of a small classifier, each behind the letter of its kind."""
    return [ending[1:2].encode() + content for ending, content in sorted(_saved().items())]


def model_case(data: bytes) -> str:
    """Put bytes through the gate for model files; the first is the letter of their kind."""
    kind = {b"n": ".npz", b"s": ".skops", b"j": ".json"}.get(data[:1], ".joblib")
    if data[:2] == b"jx" or data[:3] == b"j\x78\x9c":
        kind = ".joblib"
    path = _place() / f"case{kind}"
    path.write_bytes(data[1:])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == ".npz":
                EyePredictor.load(path)
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


# -- changes --


def _changed_bytes(data: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(1 << rng.integers(4)):
        place = int(rng.integers(len(changed) + 1))
        kind = rng.integers(7)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << int(rng.integers(8))
        elif kind == 1 and place < len(changed):
            changed[place] = INTERESTING[int(rng.integers(len(INTERESTING)))]
        elif kind == 2:
            del changed[place : place + int(rng.integers(1, 40))]
        elif kind == 3:
            changed[place:place] = rng.bytes(int(rng.integers(1, 20)))
        elif kind == 4:
            other = others[int(rng.integers(len(others)))]
            begin = int(rng.integers(len(other) + 1))
            changed[place:place] = other[begin : begin + int(rng.integers(1, 200))]
        elif kind == 5:
            width = int(rng.choice([2, 4, 8]))
            number = int(rng.choice([0, 1, 24, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1])) & ((1 << 8 * width) - 1)
            changed[place : place + width] = number.to_bytes(width, str(rng.choice(["little", "big"])))
        elif rng.random() < 0.2:
            del changed[place:]
    return bytes(changed)


def _changed_json(value: Any, rng: np.random.Generator) -> Any:
    """Change one thing somewhere inside, as deep as chance goes."""
    inside = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not inside or rng.random() < 0.12:
        return HOSTILE[int(rng.integers(len(HOSTILE)))]
    key = inside[int(rng.integers(len(inside)))]
    changed = dict(value) if isinstance(value, dict) else list(value)
    if rng.random() < 0.06:
        del changed[key]
    else:
        changed[key] = _changed_json(value[key], rng)
    return changed


def _changed_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kind = rng.integers(7)
    if kind == 0:
        return array.astype(rng.choice(["u1", "i2", "i8", "f2", "f4", "f8", "?", "c8", "U3", "M8[s]"]))
    if kind == 1:
        return np.zeros(tuple(int(side) for side in rng.integers(0, 30, rng.integers(0, 4))), array.dtype)
    if kind == 2:
        return array.T
    if kind == 3:
        return array[: int(rng.integers(len(array) + 1))] if array.ndim else array
    changed = np.array(array)
    if changed.size:
        flat = changed.reshape(-1)
        worst = [np.nan, np.inf, -np.inf, 1e30, -1.0] if changed.dtype.kind == "f" else [0, 1, -1, 127, 2**31 - 1]
        with np.errstate(all="ignore"):
            flat[rng.integers(0, flat.size, 3)] = np.array(worst[int(rng.integers(5))]).astype(changed.dtype)
    return changed


def _changed_npz(data: bytes, rng: np.random.Generator) -> bytes:
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)
    if rng.random() < 0.6:
        header = _changed_json(json.loads(arrays["header"].tobytes()), rng)
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    else:
        name = sorted(arrays)[int(rng.integers(len(arrays)))]
        arrays[name] = _changed_array(arrays[name], rng)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _changed_skops(data: bytes, rng: np.random.Generator) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    if rng.random() < 0.7:
        text = entries["schema.json"].decode()
        if rng.random() < 0.3:
            # Another type, function or kind of node in the place of one that is there.
            names = (
                "EyeClassifier",
                "dict",
                "list",
                "ndarray",
                "system",
                "eval",
                "partial",
                "ones",
                "Pipeline",
                "object",
            )
            nodes = ("ObjectNode", "MethodNode", "FunctionNode", "ReduceNode", "TypeNode", "PartialNode", "NdArrayNode")
            key, told = [("__class__", names), ("__loader__", nodes), ("__module__", ("os", "builtins", "numpy"))][
                int(rng.integers(3))
            ]
            parts = text.split(f'"{key}": "')
            place = int(rng.integers(1, len(parts)))
            parts[place] = told[int(rng.integers(len(told)))] + parts[place][parts[place].index('"') :]
            entries["schema.json"] = f'"{key}": "'.join(parts).encode()
        else:
            entries["schema.json"] = json.dumps(_changed_json(json.loads(text), rng)).encode()
    else:
        name = sorted(name for name in entries if name.endswith(".npy"))[int(rng.integers(len(entries) - 1)) - 1]
        buffer = io.BytesIO()
        np.save(buffer, _changed_array(np.load(io.BytesIO(entries[name])), rng))
        entries[name] = buffer.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _changed_model(data: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    if rng.random() < 0.8 and data[:1] in (b"n", b"s"):
        # What an earlier change broke cannot be taken apart any more.
        with warnings.catch_warnings(), suppress(Exception):
            warnings.simplefilter("ignore")
            return data[:1] + (_changed_npz if data[:1] == b"n" else _changed_skops)(data[1:], rng)
    return data[:1] + _changed_bytes(data[1:], others, rng)


GATES: dict[str, tuple[Callable[[], list[bytes]], Callable[[bytes], str], Callable[..., bytes]]] = {
    "images": (image_seeds, image_case, _changed_bytes),
    "labels": (label_seeds, label_case, _changed_bytes),
    "models": (model_seeds, model_case, _changed_model),
}


def cases(gate: str, n: int, *, random_state: int = 0) -> Iterator[bytes]:
    """Yield what to put through a gate: changed once or several times, the same for the same seed."""
    make_seeds, _, change = GATES[gate]
    seeds = make_seeds()
    rng = np.random.default_rng(random_state)
    for _ in range(n):
        data = seeds[int(rng.integers(len(seeds)))]
        for _ in range(1 + int(rng.random() < 0.3)):
            data = change(data, seeds, rng)
        yield data


def _alarm(*_: object) -> None:
    raise AssertionError(f"a case took longer than {SECONDS} s")


def run(gate: str, n: int, *, random_state: int = 0, seconds: float = float("inf")) -> Counter[str]:
    """Put n cases through a gate; return how many were read and how many refused."""
    told: Counter[str] = Counter()
    ask = GATES[gate][1]
    before = signal.signal(signal.SIGALRM, _alarm)
    begin = time.monotonic()
    try:
        for number, data in enumerate(cases(gate, n, random_state=random_state)):
            # Written first where a crash of the whole process is looked for.
            if KEEP is not None:
                KEEP.write_bytes(data)
            signal.alarm(SECONDS)
            try:
                told[ask(data)] += 1
            except BaseException:
                Path(f"finding-{gate}-{random_state}-{number}").write_bytes(data)
                raise
            finally:
                signal.alarm(0)
            if time.monotonic() - begin > seconds:
                break
    finally:
        signal.signal(signal.SIGALRM, before)
    return told


KEEP: Path | None = None


def _with_atheris(gate: str, seconds: int) -> None:
    import atheris

    corpus = _place() / f"corpus-{gate}"
    corpus.mkdir()
    for number, seed in enumerate(GATES[gate][0]()):
        (corpus / str(number)).write_bytes(seed)
    ask = GATES[gate][1]
    atheris.instrument_func(_decode_square)
    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            f"-max_total_time={seconds}",
            f"-timeout={SECONDS}",
            "-max_len=8192",
            "-print_final_stats=1",
        ],
        lambda data: ask(data) and None,
    )
    atheris.Fuzz()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Fuzz the gates of classic_eyes.")
    parser.add_argument("gates", nargs="+", choices=tuple(GATES), metavar="GATE", help=", ".join(GATES))
    parser.add_argument("--cases", type=int, default=100_000, metavar="N", help="for each gate; default: 100,000")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="N", help="for each gate, at most")
    parser.add_argument("--keep", metavar="FILE", help="write each case there before it is asked")
    parser.add_argument("--atheris", type=int, metavar="SECONDS", help="let atheris look; one gate")
    arguments = parser.parse_args()
    global KEEP
    KEEP = Path(arguments.keep) if arguments.keep else None
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    for gate in arguments.gates:
        if arguments.atheris:
            _with_atheris(gate, arguments.atheris)
        begin = time.monotonic()
        told = run(gate, arguments.cases, random_state=arguments.seed, seconds=arguments.seconds)
        shown = ", ".join(f"{number:,} {what}" for what, number in sorted(told.items()))
        print(f"{gate}: {told.total():,} cases in {time.monotonic() - begin:,.0f} s: {shown}", flush=True)


if __name__ == "__main__":
    main()
