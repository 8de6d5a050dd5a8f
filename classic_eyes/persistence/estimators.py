"""Saving a fitted classifier and reading it again: the estimator as .joblib or .skops, with the .npz and the card."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

from .._utils.dependencies import check_opencv, check_training_packages, library_versions, pip_install
from .._utils.files import MAX_BYTES, check_path, mib, read_whole, replace
from ..errors import MissingDependencyError, ModelError
from .card import card_path, write_card
from .npz import kind_of, npz_path, write_npz

__all__ = [
    "ALLOWED_TYPES",
    "ENDINGS",
    "check_target",
    "describe_skops",
    "read_estimator",
    "save_classifier",
    "written_files",
]

FORMAT = 1
ENDINGS = (".joblib", ".skops")
_KIND = "classic_eyes estimator"

# All types that a skops file may hold. skops itself allows more: functions, methods, and parts of scikit-learn whose
# compiled code does not check its arrays (trees, libsvm), which a hostile file can make crash or hang.
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
    "classic_eyes.inference.novelty.Novelty",
    "classic_eyes.inference.novelty.Subspace",
    "classic_eyes.inference.program.Block",
    "classic_eyes.inference.program.Cascade",
    "classic_eyes.inference.program.Program",
    "classic_eyes.inference.program.View",
    "classic_eyes.predictor.EyePredictor",
    "classic_eyes.preprocessing.alignment.Alignment",
    "classic_eyes.semisupervised.consensus.Consensus",
    "classic_eyes.semisupervised.consensus.Initialization",
    "classic_eyes.semisupervised.history.History",
    "classic_eyes.semisupervised.priors.ClusterOrientation",
    "classic_eyes.semisupervised.priors.PriorScores",
    "classic_eyes.semisupervised.selftraining.Round",
    "classic_eyes.svm.least_squares.LeastSquaresSvm",
    "classic_eyes.svm.least_squares.SymmetricSvm",
    "classic_eyes.svm.metric.MetricSvm",
    "classic_eyes.svm.symmetric.SymmetricPca",
    "classic_eyes.svm.symmetric.SymmetricScaler",
    "classic_eyes.svm.symmetric.SymmetricUnion",
    "classic_eyes.training.pipelines.FittedView",
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
_TOO_LARGE = f"the model has more than {mib(MAX_BYTES)}, which cannot be read again; train on fewer images"


def pack_estimator(estimator: Any, path: Path) -> bytes:
    """Return the content of a ``.joblib`` or ``.skops`` file, by the ending of ``path``.

    Raises
    ------
    ModelError
        For a model of more than 512 MiB, or types that a skops file may not hold.
    MissingDependencyError
        For ``.skops`` without the extra ``skops``.
    """
    content = {"kind": _KIND, "format": FORMAT, "versions": library_versions(), "estimator": estimator}
    return _pack_joblib(content) if path.suffix == ".joblib" else _pack_skops(content, str(path))


def _pack_joblib(content: dict[str, Any]) -> bytes:
    import joblib

    buffer = io.BytesIO()
    joblib.dump(content, buffer)
    if buffer.tell() > MAX_BYTES:
        raise ModelError(_TOO_LARGE)
    return zlib.compress(buffer.getvalue(), 6)


def _pack_skops(content: dict[str, Any], shown: str) -> bytes:
    sio = _skops()
    packed = _without_addresses(sio.dumps(content))
    refused = [name for name in _types_in(packed, shown) if name not in ALLOWED_TYPES]
    if refused:
        raise ModelError(
            f"a skops file may not hold {', '.join(refused[:3])}, so {shown!r} could not be read again; save as "
            ".joblib, or take the classifier svm, symmetric, metric, linear or knn"
        )
    if len(packed) > MAX_BYTES:
        raise ModelError(_TOO_LARGE)
    return packed


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise MissingDependencyError(f"a .skops file needs the package skops; {pip_install('skops')}") from error
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


def read_estimator(path: str | os.PathLike[str], *, trusted: bool = False) -> Any:
    """Read the estimator from a ``.joblib`` or ``.skops`` file.

    A joblib file can run any code when it is read, so nothing of it is read unless the caller says ``trusted=True``.
    A skops file is data and names of types; it is read if all of these are in `ALLOWED_TYPES`, wherever it comes from.

    Raises
    ------
    ModelError
        For a file that is missing, not trusted, not a model, damaged, too large or of a newer format.
    MissingDependencyError
        For ``.skops`` without the extra ``skops``.

    Warns
    -----
    UserWarning
        For other versions of OpenCV or scikit-learn than the file was written with.

    Examples
    --------
    >>> read_estimator("no-such-model.joblib")
    Traceback (most recent call last):
    classic_eyes.errors.ModelError: no model file 'no-such-model.joblib'; classic-eyes train makes one
    """
    check_opencv()
    check_path(path)
    shown = repr(os.fspath(path))
    content = _content_of(path)
    _check_kind(content, Path(path).suffix, shown)
    if Path(path).suffix == ".skops":
        loaded = _unpack_skops(content, shown)
    elif trusted:
        loaded = _unpack_joblib(content, shown)
    else:
        raise ModelError(
            f"model file {shown}: a joblib file can run any code when it is read; if you know where it comes from, "
            "pass trusted=True (--trust-model on the command line); a .npz or .skops file needs no trust"
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
        estimator = loaded["estimator"]
    except Exception as error:
        # Parts that do not belong together fail wherever they first meet.
        raise ModelError(_damaged(shown)) from error
    _warn_of_versions(versions, shown)
    return estimator


def _check_kind(content: bytes, suffix: str, shown: str) -> None:
    """Refuse what is no estimator at all, before anybody is asked to trust it."""
    found = kind_of(content)
    if found == "empty":
        raise ModelError(f"{shown} is empty; train it or copy it again")
    if found == "npz":
        raise ModelError(f"{shown} is a compiled model, which needs no trust; name it NAME.npz and load_model reads it")
    if found == "skops" and suffix != ".skops":
        raise ModelError(f"{shown} is a skops file, which needs no trust; name it NAME.skops")
    if found is None and suffix != ".skops":
        raise ModelError(_damaged(shown))


def _content_of(path: str | os.PathLike[str]) -> bytes:
    try:
        return read_whole(path)
    except FileNotFoundError:
        raise ModelError(f"no model file {os.fspath(path)!r}; classic-eyes train makes one") from None


def _unpack_joblib(content: bytes, shown: str) -> Any:
    check_training_packages()
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(content, MAX_BYTES)
        if unpacker.unconsumed_tail:
            raise ModelError(f"{shown} unpacks to more than {mib(MAX_BYTES)}; no model is so large")
        # joblib would accept a file whose end is missing; zlib knows where the end is.
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError("cut off, or something after the end")
        with warnings.catch_warnings():
            # _warn_of_versions warns once; scikit-learn would do so for each part of the pipeline.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return joblib.load(io.BytesIO(unpacked))
    except (ModelError, MemoryError):
        raise
    except (AttributeError, ImportError) as error:
        # zlib has compared the checksum: the file is whole.
        raise ModelError(
            f"{shown} needs what is not installed here ({' '.join(str(error).split())}); install the versions that it "
            "was saved with, or read the .npz beside it"
        ) from error
    except Exception as error:
        # Unpickling and unzipping damaged or foreign content raises anything.
        raise ModelError(_damaged(shown)) from error


def _unpack_skops(content: bytes, shown: str) -> Any:
    sio = _skops()
    refused = [name for name in _types_in(content, shown) if name not in ALLOWED_TYPES]
    if refused:
        raise ModelError(
            f"{shown} holds types that no model of classic_eyes has ({', '.join(refused[:3])}); nothing was built"
        )
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return sio.loads(content, trusted=list(ALLOWED_TYPES))
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        # skops, and the constructors that it calls, raise anything on hostile arguments.
        raise ModelError(_damaged(shown)) from error


def _types_in(content: bytes, shown: str) -> list[str]:
    """Return the names of all types in a skops file, and the kinds of its nodes that are not allowed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # Ours are not compressed, so a small file cannot unpack to a large one.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("compressed")
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise ValueError("too large")
            if archive.testzip() is not None:
                raise ValueError("altered")
            pending = [json.loads(archive.read("schema.json"))]
    except Exception as error:
        # Unzipping damaged or foreign content raises anything.
        raise ModelError(_damaged(shown)) from error
    found = set()
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pending += node.values()
            if "__class__" in node or "__loader__" in node:
                found.add(f"{node.get('__module__')}.{node.get('__class__')}")
                if node.get("__loader__") not in _ALLOWED_NODES:
                    found.add(str(node.get("__loader__")))
        elif isinstance(node, list):
            pending += node
    if not found:
        raise ModelError(_damaged(shown))
    return sorted(found)


def check_skops(classifier: Any) -> None:
    """Refuse before the training what `pack_estimator` would refuse after it; ``classifier`` is a name, or anything."""
    if isinstance(classifier, str) and classifier in _NOT_IN_SKOPS:
        raise ModelError(
            f"a skops file may not hold the classifier {classifier!r}, whose compiled code trusts its arrays; "
            "save as .joblib, or take the classifier svm, symmetric, metric, linear or knn"
        )
    _skops()


def describe_skops(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the ``types`` that a skops file holds, and those ``refused``, without building anything."""
    types = _types_in(_content_of(path), repr(os.fspath(path)))
    return {"types": types, "refused": [name for name in types if name not in ALLOWED_TYPES]}


def _damaged(shown: str) -> str:
    return (
        f"{shown} is not a whole model file of classic_eyes: damaged, cut off or something else; "
        "train it or copy it again"
    )


def _warn_of_versions(trained_with: dict[str, str], shown: str) -> None:
    now = library_versions()
    differing = [name for name in ("opencv", "scikit-learn") if trained_with.get(name) != now[name]]
    if differing:
        words = ", ".join(f"{name} {trained_with.get(name)} (here {now[name]})" for name in differing)
        warnings.warn(f"model {shown} was trained with {words}; its predictions may differ a little", stacklevel=3)


def check_target(path: str | os.PathLike[str], clf: Any, *, not_compiled: str | None = None) -> None:
    """Refuse, before the training, a model file that `save_classifier` could not write for this classifier.

    ``not_compiled`` is why the classifier has no compiled form; None where it has one.

    Raises
    ------
    ModelError
        For another ending, a classifier that a skops file may not hold, or ``.npz`` for one that cannot be compiled.
    MissingDependencyError
        For ``.skops`` without the extra ``skops``.
    """
    target = _check_ending(path)
    if target.suffix == ".skops":
        check_skops(clf.classifier)
    _check_compiled(target, not_compiled)


def written_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files that `save_classifier` writes or replaces: the model, the compiled model, the card.

    >>> [file.name for file in written_files("mine.npz")]
    ['mine.npz', 'mine.json']
    """
    return list(dict.fromkeys((Path(path), npz_path(path), card_path(path))))


def _check_ending(path: str | os.PathLike[str]) -> Path:
    check_path(path)
    target = Path(path)
    if target.suffix not in (*ENDINGS, ".npz"):
        raise ModelError(f"model file {str(target)!r} must end in .npz, .joblib or .skops")
    return target


def _check_compiled(target: Path, not_compiled: str | None) -> None:
    if target.suffix == ".npz" and not_compiled is not None:
        raise ModelError(
            f"{str(target)!r} would hold a compiled model, and there is none: {not_compiled}; save as .joblib"
        )


def save_classifier(path: str | os.PathLike[str], clf: Any, card: dict[str, Any] | None = None) -> list[Path]:
    """Write a fitted `classic_eyes.EyeClassifier`, each file whole or not at all; return the files written.

    1. ``NAME.joblib`` or ``NAME.skops``: the estimator. With ``NAME.npz`` as the path it is left out.
    2. ``NAME.npz``: the compiled model. Where the classifier has none, an older one of that name is removed.
    3. ``NAME.json``: the card, if there is one, with the SHA-256 of the other files.

    Raises
    ------
    ModelError
        For another ending, a folder that is missing, a disk that refuses, or ``.npz`` without a compiled model.
    """
    target, compiled = _check_ending(path), npz_path(path)
    _check_compiled(target, clf.not_compiled_)
    digests: dict[str, str] = {}
    if target.suffix != ".npz":
        content = pack_estimator(clf, target)
        replace(target, content)
        digests[target.name] = hashlib.sha256(content).hexdigest()
    if clf.predictor_.program.compiled:
        digests[compiled.name] = write_npz(compiled, clf.predictor_.program)
    else:
        compiled.unlink(missing_ok=True)
    written = [target.with_name(name) for name in digests]
    if card is not None:
        write_card(target, card, digests)
        written.append(target.with_suffix(".json"))
    return written
