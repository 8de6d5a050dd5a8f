"""Model files: the estimator in joblib's format, its compiled form in numpy's, and a card in JSON beside them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import platform
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Container
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._version import __version__
from .errors import ModelError
from .inference.program import Program

__all__ = [
    "COMPILED_FORMAT",
    "FORMAT",
    "card_path",
    "compiled_path",
    "library_versions",
    "read_card",
    "read_compiled",
    "read_header",
    "read_model",
    "sha256",
    "write_compiled",
    "write_model",
]

FORMAT = 1
COMPILED_FORMAT = 1
_KIND = "classic_eyes estimator"
_COMPILED_KIND = "classic_eyes compiled model"
# A compiled model says how much it holds before it is read; more than this is none of ours.
_MOST_BYTES = 1 << 29
# Recorded answers come from another processor, whose sums differ in the last digits and no more.
_TOLERANCE = 1e-3
# What reading a cut, altered or foreign file was seen to raise.
_DAMAGED = (
    pickle.UnpicklingError,
    zlib.error,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ImportError,
    OSError,
    MemoryError,
)
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "scikit-image", "joblib")


def library_versions() -> dict[str, str]:
    """Return the versions on which a model's answers depend.

    Returns
    -------
    dict
        Name to version, of this library, Python, OpenCV and the numerical libraries.

    Examples
    --------
    >>> "scikit-learn" in library_versions()
    True
    """
    import cv2

    versions = {"classic_eyes": __version__, "python": platform.python_version(), "opencv": cv2.__version__}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits.

    Parameters
    ----------
    path : path
        A readable file.

    Returns
    -------
    str
        The digest.

    Examples
    --------
    >>> import os
    >>> sha256(os.devnull)[:8]
    'e3b0c442'
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def card_path(path: str | os.PathLike[str]) -> Path:
    """Return where the card of a model file lies: the same name, ending in ``.json``.

    Parameters
    ----------
    path : path
        The model file.

    Returns
    -------
    pathlib.Path
        The card's path.

    Examples
    --------
    >>> card_path("mine.joblib").name
    'mine.json'
    """
    return Path(path).with_suffix(".json")


def write_model(path: str | os.PathLike[str], estimator: Any, card: dict[str, Any] | None = None) -> None:
    """Write a fitted estimator, and its card if there is one; both whole or not at all.

    1. The estimator, the format number and the library versions go through joblib into memory, compressed by zlib.
    2. The bytes are written to a new file in the same folder, which then takes the name.
    3. The card, with the model's SHA-256 added, is written the same way.

    Parameters
    ----------
    path : path
        The model file; its ending must be ``.joblib``.
    estimator : object
        Anything joblib can write.
    card : dict, optional
        What goes into the JSON beside it.

    Raises
    ------
    ModelError
        For another ending, a missing folder, or a disk that refuses.

    Examples
    --------
    >>> import tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_model(os.path.join(folder, "mine.joblib"), {"any": "object"})
    ...     os.listdir(folder)
    ['mine.joblib']
    """
    target = Path(path)
    if target.suffix != ".joblib":
        raise ModelError(f"model file {str(target)!r} must end in .joblib")
    buffer = io.BytesIO()
    import joblib

    content = {"kind": _KIND, "format": FORMAT, "versions": library_versions(), "estimator": estimator}
    joblib.dump(content, buffer)
    packed = zlib.compress(buffer.getvalue(), 6)
    _replace(target, packed)
    if card is not None:
        full = {**card, "model_file": target.name, "model_sha256": hashlib.sha256(packed).hexdigest()}
        _replace(card_path(target), (json.dumps(full, indent=2, ensure_ascii=False) + "\n").encode())


def _replace(target: Path, content: bytes) -> None:
    """Give a file its new content at once: whoever reads it sees the old or the new one, never a part."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise ModelError(
            f"cannot write {str(target)!r}: {error.strerror}; name a folder that can be written"
        ) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; a model is as readable as any other file its owner makes.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except OSError as error:
        os.unlink(name)
        raise ModelError(f"cannot write {str(target)!r}: {error.strerror}") from error


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the card beside a model file.

    Parameters
    ----------
    path : path
        The model file.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    ModelError
        Where there is none, or it is not JSON.

    Examples
    --------
    >>> read_card("no-such-model.joblib")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no card beside the model: 'no-such-model.json' is missing
    """
    card = card_path(path)
    try:
        return json.loads(card.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"no card beside the model: {str(card)!r} is missing") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"the card {str(card)!r} cannot be read: {error}") from error


def read_model(path: str | os.PathLike[str], *, trusted: bool = False, known: Container[str] = ()) -> Any:
    """Read the estimator from a model file, if it may be trusted.

    A joblib file can run any code when it is read, so nothing of it is read before one of these holds:

    1. the SHA-256 of the very bytes that will be read is among ``known``;
    2. the caller says ``trusted=True``.

    Parameters
    ----------
    path : path
        A file that `write_model` wrote.
    trusted : bool, default False
        Whether the caller knows where the file comes from.
    known : container of str
        SHA-256 digests of files that need no trust.

    Returns
    -------
    object
        The estimator.

    Raises
    ------
    ModelError
        For a file that is missing, not trusted, not a model, damaged, or of a newer format.

    Examples
    --------
    >>> read_model("no-such-model.joblib")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no model file 'no-such-model.joblib'; classic-eyes train makes one
    """
    shown = repr(os.fspath(path))
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"no model file {shown}; classic-eyes train makes one") from None
    except OSError as error:
        raise ModelError(f"cannot read model file {shown}: {error.strerror}") from error
    if not trusted and hashlib.sha256(content).hexdigest() not in known:
        raise ModelError(
            f"model file {shown} is not one that ships with this library, and a joblib file can run any code when "
            "it is read; if you know where it comes from, say trusted=True (--trust-model on the command line)"
        )
    loaded = _unpack(content, shown)
    if not isinstance(loaded, dict) or loaded.get("kind") != _KIND:
        raise ModelError(f"{shown} is a joblib file but not a model of classic_eyes; classic-eyes train makes one")
    if loaded["format"] != FORMAT:
        raise ModelError(
            f"model file {shown} has format {loaded['format']} and this version reads format {FORMAT}; "
            "update classic-eyes or train the model again"
        )
    _mention_versions(loaded["versions"], shown)
    return loaded["estimator"]


def _unpack(content: bytes, shown: str) -> Any:
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            # _mention_versions says it once; scikit-learn would say it for each part of the pipeline.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            # joblib would take a file whose end is missing; zlib knows where the end is.
            return joblib.load(io.BytesIO(zlib.decompress(content)))
    except _DAMAGED as error:
        raise ModelError(
            f"{shown} is not a whole model file of classic_eyes: damaged, cut off or something else; "
            "train it or copy it again"
        ) from error


def _mention_versions(trained_with: dict[str, str], shown: str) -> None:
    now = library_versions()
    differing = [name for name in ("opencv", "scikit-learn") if trained_with.get(name) != now[name]]
    if differing:
        words = ", ".join(f"{name} {trained_with.get(name)} (here {now[name]})" for name in differing)
        warnings.warn(f"model {shown} was trained with {words}; its answers may differ a little", stacklevel=3)


def compiled_path(path: str | os.PathLike[str]) -> Path:
    """Return where the compiled form of a model file lies: the same name, ending in ``.npz``.

    Parameters
    ----------
    path : path
        The model file.

    Returns
    -------
    pathlib.Path
        The compiled form's path.

    Examples
    --------
    >>> compiled_path("mine.joblib").name
    'mine.npz'
    """
    return Path(path).with_suffix(".npz")


def write_compiled(
    path: str | os.PathLike[str], program: Program, pictures: NDArray[np.uint8], *, model_sha256: str | None = None
) -> None:
    """Write a compiled model: arrays and a JSON header, whole or not at all.

    1. The program is taken apart into a header and arrays.
    2. Its answers about the pictures given, and the pictures, join the arrays: whoever reads the file asks again.
    3. All goes into numpy's ``.npz``, without compression and without dates, so that the same model is the same bytes.

    Parameters
    ----------
    path : path
        The file; its ending must be ``.npz``.
    program : Program
        What answers.
    pictures : uint8 array of shape (n, size, size)
        A few, that may be passed on.
    model_sha256 : str, optional
        Digest of the estimator's file of which this is the compiled form.

    Raises
    ------
    ModelError
        For another ending, a missing folder, or a disk that refuses.
    """
    target = Path(path)
    if target.suffix != ".npz":
        raise ModelError(f"compiled model {str(target)!r} must end in .npz")
    parts, arrays = program.to_parts()
    header = {
        "kind": _COMPILED_KIND,
        "format": COMPILED_FORMAT,
        "versions": library_versions(),
        "model_sha256": model_sha256,
        "program": parts,
    }
    arrays = {**arrays, "check.pictures": pictures, "check.answers": program.probability(pictures)}
    arrays["header"] = np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    # allow_pickle=False here too: what could not be read must not be written.
    np.savez(buffer, allow_pickle=False, **arrays)
    _replace(target, buffer.getvalue())


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a compiled model says of itself, and nothing else of it.

    Parameters
    ----------
    path : path
        A file that `write_compiled` wrote.

    Returns
    -------
    dict
        ``kind``, ``format``, ``versions``, ``model_sha256`` and ``program``.

    Raises
    ------
    ModelError
        For a file that is missing, not a compiled model, damaged, or of a newer format.

    Examples
    --------
    >>> read_header("no-such-model.npz")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no model file 'no-such-model.npz'; classic-eyes train makes one
    """
    return _read_compiled(path, ("header",))[0]


def read_compiled(path: str | os.PathLike[str]) -> tuple[Program, dict[str, Any]]:
    """Read a compiled model and let it prove itself.

    1. The file is arrays and JSON, read with ``allow_pickle=False``: it can run no code and needs no trust.
    2. Its sizes are looked at before anything is unpacked; numpy's and zip's own checks find what was altered.
    3. It is asked about its recorded pictures; answers that differ by more than 0.001 refuse it.

    Parameters
    ----------
    path : path
        A file that `write_compiled` wrote.

    Returns
    -------
    program : Program
        Ready to answer.
    about : dict
        The header, without the program.

    Raises
    ------
    ModelError
        For a file that is missing, not a compiled model, damaged, of a newer format, or that does not reproduce its
        recorded answers.

    Examples
    --------
    >>> read_compiled("no-such-model.npz")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no model file 'no-such-model.npz'; classic-eyes train makes one
    """
    shown = repr(os.fspath(path))
    header, arrays = _read_compiled(path, None)
    try:
        program = Program.from_parts(header["program"], arrays)
        answers = program.probability(arrays["check.pictures"])
        difference = float(np.abs(answers - arrays["check.answers"]).max())
    except ModelError:
        raise
    except Exception as error:
        # Parts that do not belong together fail wherever they first meet, in numpy or in OpenCV.
        raise ModelError(_not_compiled(shown)) from error
    if not difference <= _TOLERANCE:
        now = library_versions()
        made = ", ".join(f"{name} {header['versions'].get(name)} (here {now[name]})" for name in ("opencv", "numpy"))
        raise ModelError(
            f"{shown} does not reproduce its recorded answers: they differ by {difference:.3g}, allowed is "
            f"{_TOLERANCE}; it was made with {made}; train it again here, or install those versions"
        )
    return program, {key: value for key, value in header.items() if key != "program"}


def _read_compiled(
    path: str | os.PathLike[str], names: tuple[str, ...] | None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    shown = repr(os.fspath(path))
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            if "header" not in entries or sum(entry.file_size for entry in entries.values()) > _MOST_BYTES:
                raise ValueError("no header, or too much")
            # Ours are not compressed, so a small file cannot unpack to a large one.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
                raise ValueError("compressed")
            arrays = {}
            for name in names or entries:
                with archive.open(entries[name]) as stream:
                    arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
        header = json.loads(arrays.pop("header").tobytes())
        kind, number = header["kind"], header["format"]
    except FileNotFoundError:
        raise ModelError(f"no model file {shown}; classic-eyes train makes one") from None
    except OSError as error:
        raise ModelError(f"cannot read model file {shown}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, *_DAMAGED, RuntimeError) as error:
        raise ModelError(_not_compiled(shown)) from error
    if kind != _COMPILED_KIND:
        raise ModelError(_not_compiled(shown))
    if number != COMPILED_FORMAT:
        raise ModelError(
            f"compiled model {shown} has format {number} and this version reads format {COMPILED_FORMAT}; "
            "update classic-eyes or train the model again"
        )
    return header, arrays


def _not_compiled(shown: str) -> str:
    return (
        f"{shown} is not a whole compiled model of classic_eyes: damaged, cut off or something else; "
        "train it or copy it again"
    )
