"""The trained estimator itself, in joblib's format or in skops's."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Container
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingDependencyError, ModelError
from .files import MOST_BYTES, card_path, check_path, library_versions, mib, read_whole, replace, told_by_content
from .proof import TOLERANCE, prove

__all__ = ["ALLOWED_TYPES", "ENDINGS", "FORMAT", "check_skops", "describe_skops", "read_model", "write_model"]

FORMAT = 1
ENDINGS = (".joblib", ".skops")
_KIND = "classic_eyes estimator"

# All that a skops file may hold. skops takes far more for harmless: functions, methods, and parts of scikit-learn whose
# compiled code does not look at the arrays it is given (trees, libsvm), which a hostile file can make crash or hang.
# This list decides, never what a file says of itself.
ALLOWED_TYPES = (
    "builtins.dict",
    "builtins.list",
    "builtins.str",
    "builtins.tuple",
    "classic_eyes.classifier.EyeClassifier",
    "classic_eyes.features.ear.Ear",
    "classic_eyes.features.haar.Haar",
    "classic_eyes.features.hog.Hog",
    "classic_eyes.features.lbp.Lbp",
    "classic_eyes.features.ltp.Ltp",
    "classic_eyes.features.pixels.Pixels",
    "classic_eyes.features.profile.Profile",
    "classic_eyes.features.words.TanTriggsWords",
    "classic_eyes.features.words.Words",
    "classic_eyes.preprocessing.alignment.Alignment",
    "classic_eyes.inference.novelty.Novelty",
    "classic_eyes.inference.novelty.Subspace",
    "classic_eyes.svm.symmetric.SymmetricPca",
    "classic_eyes.svm.symmetric.SymmetricScaler",
    "classic_eyes.svm.symmetric.SymmetricUnion",
    "classic_eyes.semisupervised.consensus.Consensus",
    "classic_eyes.semisupervised.consensus.Start",
    "classic_eyes.semisupervised.knowledge.Knowledge",
    "classic_eyes.semisupervised.knowledge.Orientation",
    "classic_eyes.semisupervised.learning.History",
    "classic_eyes.semisupervised.selftraining.Round",
    # Where the machines were before they had a folder; files of then say so.
    "classic_eyes.svm.LeastSquaresSvm",
    "classic_eyes.svm.SymmetricSvm",
    "classic_eyes.svm.least_squares.LeastSquaresSvm",
    "classic_eyes.svm.least_squares.SymmetricSvm",
    "classic_eyes.svm.metric.MetricSvm",
    "numpy.bool",
    "numpy.float32",
    "numpy.float64",
    "numpy.int64",
    "numpy.int8",
    "numpy.ndarray",
    "sklearn.decomposition._pca.PCA",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.neighbors._classification.KNeighborsClassifier",
    "sklearn.pipeline.FeatureUnion",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
)
_NOT_IN_SKOPS = ("gb", "libsvm")
_ALLOWED_NODES = ("DictNode", "JsonNode", "ListNode", "NdArrayNode", "ObjectNode", "TupleNode", "TypeNode")

_CHANGED = (
    "the estimator does not answer as its parameters say, so it cannot be written: they were changed after fit; fit it "
    "again, then save"
)
_TOO_LARGE = f"the model has more than {mib(MOST_BYTES)}, which is not read again; learn from fewer images"


def write_model(
    path: str | os.PathLike[str],
    estimator: Any,
    card: dict[str, Any] | None = None,
    *,
    images: NDArray[np.uint8] | None = None,
) -> None:
    """Write a fitted estimator, and its card if there is one; each whole or not at all.

    1. The estimator, the format number, the library versions, and the estimator's answers about the images go into
       memory: through joblib, compressed by zlib, or through skops.
    2. The bytes are written to a new file in the same folder, which then takes the name.
    3. The card, with the model's SHA-256 added, is written the same way.

    Parameters
    ----------
    path : path
        The model file; its ending must be ``.joblib`` or ``.skops``.
    estimator : object
        Anything joblib can write; for skops, of types that `read_model` takes.
    card : dict, optional
        What goes into the JSON beside it.
    images : uint8 array of shape (n, size, size), optional
        A few, that may be passed on; whoever reads the file asks about them again.

    Raises
    ------
    ModelError
        For another ending, a missing folder, a disk that refuses, a model of more than 512 MiB, types that a skops
        file may not hold, or an estimator whose parameters were changed after ``fit``, so that it would answer
        otherwise when it is read.
    MissingDependencyError
        For ``.skops`` without the extra ``skops``.

    Examples
    --------
    >>> import tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_model(os.path.join(folder, "mine.joblib"), {"any": "object"})
    ...     os.listdir(folder)
    ['mine.joblib']
    """
    check_path(path)
    target = Path(path)
    if target.suffix not in ENDINGS:
        raise ModelError(f"model file {str(target)!r} must end in {' or '.join(ENDINGS)}")
    content = {"kind": _KIND, "format": FORMAT, "versions": library_versions(), "estimator": estimator, "check": None}
    if images is not None:
        content["check"] = {"images": images, "answers": _proven(estimator, images)}
    packed = _pack_joblib(content) if target.suffix == ".joblib" else _pack_skops(content, str(target))
    replace(target, packed)
    if card is not None:
        full = {**card, "model_file": target.name, "model_sha256": hashlib.sha256(packed).hexdigest()}
        replace(card_path(target), (json.dumps(full, indent=2, ensure_ascii=False) + "\n").encode())


def _proven(estimator: Any, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the answers, if a copy, which is made as a file is read, gives the same, with reflections too."""
    shining = images.copy()
    middle = slice(images.shape[1] // 2 - 2, images.shape[1] // 2 + 1)
    shining[:, middle, middle] = 255
    asked = np.concatenate([images, shining])
    try:
        answers, again = (one.predict_proba(asked)[:, 1] for one in (estimator, copy(estimator)))
    except Exception as error:
        # Parameters that do not fit what was learnt fail wherever they first meet it.
        raise ModelError(_CHANGED) from error
    if not np.max(np.abs(answers - again)) <= TOLERANCE:
        raise ModelError(_CHANGED)
    # By themselves, as whoever reads the file asks: the last digits hang on how many are asked about at once.
    return estimator.predict_proba(images)[:, 1]


def _pack_joblib(content: dict[str, Any]) -> bytes:
    import joblib

    buffer = io.BytesIO()
    joblib.dump(content, buffer)
    if buffer.tell() > MOST_BYTES:
        raise ModelError(_TOO_LARGE)
    return zlib.compress(buffer.getvalue(), 6)


def _pack_skops(content: dict[str, Any], shown: str) -> bytes:
    sio = _skops()
    packed = _without_addresses(sio.dumps(content))
    strange = [name for name in _types_in(packed, shown) if name not in ALLOWED_TYPES]
    if strange:
        raise ModelError(
            f"a skops file may not hold {', '.join(strange[:3])}, so {shown!r} could not be read again; save as "
            ".joblib, or take the classifier svm, mirror, metric, linear or knn"
        )
    if len(packed) > MOST_BYTES:
        raise ModelError(_TOO_LARGE)
    return packed


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise MissingDependencyError(
            "a .skops file needs the package skops; pip install 'classic-eyes[skops]'"
        ) from error
    return skops.io


def _without_addresses(packed: bytes) -> bytes:
    """Replace addresses in memory, by which skops names objects, by numbers: the same model is the same bytes."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    schema = entries.pop("schema.json").decode()
    numbers: dict[str, str] = {}
    for address in re.findall(r'"__id__": (\d+)', schema):
        numbers.setdefault(address, str(len(numbers)))
    schema = re.sub(r'"__id__": (\d+)', lambda found: f'"__id__": {numbers[found[1]]}', schema)
    schema = re.sub(r'"file": "(\d+)\.', lambda found: f'"file": "{numbers[found[1]]}.', schema)
    renamed = {}
    for name, content in entries.items():
        address, ending = name.split(".", 1)
        renamed[int(numbers[address]), f"{numbers[address]}.{ending}"] = content
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # ZipInfo without a date: the same model is the same bytes.
        for (_, name), content in sorted(renamed.items()):
            archive.writestr(zipfile.ZipInfo(name), content)
        archive.writestr(zipfile.ZipInfo("schema.json"), schema)
    return buffer.getvalue()


def read_model(path: str | os.PathLike[str], *, trusted: bool = False, known: Container[str] = ()) -> Any:
    """Read the estimator from a model file, if it may be trusted, and let it prove itself.

    A joblib file can run any code when it is read, so nothing of it is read before one of these holds:

    1. the SHA-256 of the very bytes that will be read is among ``known``;
    2. the caller says ``trusted=True``.

    A skops file is made of data and of names of types; it is read if all of these are in `ALLOWED_TYPES`, whoever it
    comes from.

    Parameters
    ----------
    path : path
        A file that `write_model` wrote.
    trusted : bool, default False
        Whether the caller knows where a joblib file comes from.
    known : container of str
        SHA-256 digests of files that need no trust.

    Returns
    -------
    object
        The estimator.

    Raises
    ------
    ModelError
        For a file that is missing, not trusted, not a model, damaged, too large, of a newer format, or that does not
        reproduce its recorded answers.
    MissingDependencyError
        For ``.skops`` without the extra ``skops``.

    Warns
    -----
    UserWarning
        For other versions of OpenCV or scikit-learn, and for a file without recorded answers.

    Examples
    --------
    >>> read_model("no-such-model.joblib")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no model file 'no-such-model.joblib'; classic-eyes train makes one
    """
    check_path(path)
    shown = repr(os.fspath(path))
    content = _content_of(path)
    _check_kind(content, Path(path).suffix, shown)
    if Path(path).suffix == ".skops":
        loaded = _unpack_skops(content, shown)
    elif trusted or hashlib.sha256(content).hexdigest() in known:
        loaded = _unpack_joblib(content, shown)
    else:
        raise ModelError(
            f"model file {shown} is not one that ships with this library, and a joblib file can run any code when "
            "it is read; if you know where it comes from, say trusted=True (--trust-model on the command line); a "
            ".skops or .npz file needs no trust"
        )
    if not isinstance(loaded, dict) or loaded.get("kind") != _KIND:
        raise ModelError(f"{shown} holds something else than a model of classic_eyes; classic-eyes train makes one")
    if loaded.get("format") != FORMAT:
        raise ModelError(
            f"model file {shown} has format {loaded.get('format')} and this version reads format {FORMAT}; "
            "update classic-eyes or train the model again"
        )
    try:
        versions = {str(name): str(number) for name, number in loaded["versions"].items()}
        estimator, check = loaded["estimator"], loaded.get("check")
        if check is not None:
            prove(estimator.predict_proba(check["images"])[:, 1], check["answers"], versions, shown)
    except ModelError:
        raise
    except Exception as error:
        # Parts that do not belong together fail wherever they first meet.
        raise ModelError(_not_whole(shown)) from error
    _mention_versions(versions, shown)
    if "check" not in loaded:
        warnings.warn(
            f"model {shown} is of an older version and carries no answers to compare with; save it again", stacklevel=2
        )
    return estimator


def _check_kind(content: bytes, suffix: str, shown: str) -> None:
    """Refuse what is no estimator at all, before anybody is asked to trust it."""
    found = told_by_content(content)
    if found == "empty":
        raise ModelError(f"{shown} is empty; train it or copy it again")
    if found == "compiled":
        other = "" if suffix == ".npz" else ", and --model under a name that ends in .npz"
        raise ModelError(f"{shown} is a compiled model, which needs no trust: EyePredictor.load reads it{other}")
    if found == "skops" and suffix != ".skops":
        raise ModelError(f"{shown} is a skops file, which needs no trust; name it NAME.skops")
    if found is None and suffix != ".skops":
        raise ModelError(_not_whole(shown))


def _content_of(path: str | os.PathLike[str]) -> bytes:
    try:
        return read_whole(path)
    except FileNotFoundError:
        raise ModelError(f"no model file {os.fspath(path)!r}; classic-eyes train makes one") from None


def _unpack_joblib(content: bytes, shown: str) -> Any:
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(content, MOST_BYTES)
        if unpacker.unconsumed_tail:
            raise ModelError(f"{shown} unpacks to more than {mib(MOST_BYTES)}; no model is so large")
        # joblib would take a file whose end is missing; zlib knows where the end is.
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError("cut off, or something after the end")
        with warnings.catch_warnings():
            # _mention_versions says it once; scikit-learn would say it for each part of the pipeline.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return joblib.load(io.BytesIO(unpacked))
    except ModelError:
        raise
    except Exception as error:
        # Unpickling and unzipping what is cut, altered or foreign raise whatever the place makes them raise.
        raise ModelError(_not_whole(shown)) from error


def _unpack_skops(content: bytes, shown: str) -> Any:
    sio = _skops()
    strange = [name for name in _types_in(content, shown) if name not in ALLOWED_TYPES]
    if strange:
        raise ModelError(
            f"{shown} holds types that no model of classic_eyes has ({', '.join(strange[:3])}); nothing of it was made"
        )
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return sio.loads(content, trusted=list(ALLOWED_TYPES))
    except Exception as error:
        # skops and the constructors that it calls raise whatever hostile arguments make them raise.
        raise ModelError(_not_whole(shown)) from error


def _types_in(content: bytes, shown: str) -> list[str]:
    """Return the names of all types in a skops file, and of the kinds of its nodes where they are none of ours."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # Ours are not compressed, so a small file cannot unpack to a large one.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("compressed")
            if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
                raise ValueError("too much")
            if archive.testzip() is not None:
                raise ValueError("altered")
            waiting = [json.loads(archive.read("schema.json"))]
    except Exception as error:
        # Unpickling and unzipping what is cut, altered or foreign raise whatever the place makes them raise.
        raise ModelError(_not_whole(shown)) from error
    found = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.values()
            if "__class__" in node or "__loader__" in node:
                found.add(f"{node.get('__module__')}.{node.get('__class__')}")
                if node.get("__loader__") not in _ALLOWED_NODES:
                    found.add(str(node.get("__loader__")))
        elif isinstance(node, list):
            waiting += node
    if not found:
        raise ModelError(_not_whole(shown))
    return sorted(found)


def check_skops(classifier: str) -> None:
    """Refuse before long work what would be refused after it.

    Parameters
    ----------
    classifier : str
        A name of `classic_eyes.training.pipelines.CLASSIFIERS`.

    Raises
    ------
    ModelError
        For a classifier whose compiled code trusts its arrays.
    MissingDependencyError
        Without the extra ``skops``.
    """
    if classifier in _NOT_IN_SKOPS:
        raise ModelError(
            f"a skops file may not hold the classifier {classifier!r}, whose compiled code trusts what it is given; "
            "save as .joblib, or take the classifier svm, mirror, metric, linear or knn"
        )
    _skops()


def describe_skops(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Say what a skops file holds without making anything of it.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict
        ``types``, the names of its types; ``refused``, those of them that no model has.

    Raises
    ------
    ModelError
        For a file that is missing or damaged.
    """
    types = _types_in(_content_of(path), repr(os.fspath(path)))
    return {"types": types, "refused": [name for name in types if name not in ALLOWED_TYPES]}


def _not_whole(shown: str) -> str:
    return (
        f"{shown} is not a whole model file of classic_eyes: damaged, cut off or something else; "
        "train it or copy it again"
    )


def _mention_versions(trained_with: dict[str, str], shown: str) -> None:
    now = library_versions()
    differing = [name for name in ("opencv", "scikit-learn") if trained_with.get(name) != now[name]]
    if differing:
        words = ", ".join(f"{name} {trained_with.get(name)} (here {now[name]})" for name in differing)
        warnings.warn(f"model {shown} was trained with {words}; its answers may differ a little", stacklevel=3)
