"""Results on disk: written whole or not at all, and reused only if nothing they depend on has changed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import classic_eyes
from classic_eyes._utils.dependencies import library_versions
from classic_eyes._utils.files import write_whole
from classic_eyes._version import __version__
from classic_eyes.errors import DataError, ParameterError

__all__ = ["SCHEMA", "ScenarioStore", "code_sha256", "environment", "processor_name", "read_results", "write_json"]

SCHEMA = 2
_ROOT = Path(__file__).resolve().parents[1]
_CODE = (Path(classic_eyes.__file__).parent, _ROOT / "benchmarks")
# Modules that present results and change none.
_PRESENTATION = ("cli", "commands", "report", "tables.py")


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write plain data as JSON, whole or not at all; nan and infinity are refused."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    try:
        write_whole(path, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise ParameterError(f"cannot write {os.fspath(path)!r}: {error.strerror}; choose another folder") from error


def read_results(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a ``results.json``; DataError if it cannot be read, or is of another schema version."""
    name = os.fspath(path)
    try:
        results = json.loads(Path(path).read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError as error:
        raise DataError(f"results {name!r} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{name!r} cannot be read as JSON; bench.py --out DIR writes DIR/results.json") from error
    if not isinstance(results, dict) or not {"schema", "datasets"} <= results.keys():
        raise DataError(f"{name!r} holds no results; bench.py --out DIR writes DIR/results.json")
    if results["schema"] != SCHEMA:
        raise DataError(f"{name!r} has schema version {results['schema']}, expected {SCHEMA}; run bench.py again")
    return results


def code_sha256() -> str:
    """Return the SHA-256 of all code that can change a result."""
    digest = hashlib.sha256()
    for folder in _CODE:
        for path in sorted(folder.rglob("*.py")):
            below = path.relative_to(folder)
            if below.parts[0] not in _PRESENTATION:
                digest.update(f"{folder.name}/{below.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _git_commit() -> str | None:
    """Return the short name of the commit; None outside a clone."""
    git = ["git", "-C", str(_ROOT)]
    try:
        # A copy of our files may be inside the clone of another project.
        subprocess.run([*git, "ls-files", "--error-unmatch", "bench.py"], check=True, capture_output=True)
        done = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--exclude=*"], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def processor_name() -> str:
    """Return the model name of the processor."""
    try:
        known = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        known = None
    return known.group(1) if known else platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def environment() -> dict[str, Any]:
    """Return code version, libraries and machine as plain data."""
    return {
        "code_version": __version__,
        "git": _git_commit(),
        "machine": {
            "processor": processor_name(),
            "cores": os.cpu_count(),
            "threads": 1,
            "memory_gb": _memory_gb(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": library_versions(),
    }


class ScenarioStore:
    """Finished scenarios, one file each.

    Parameters
    ----------
    folder : path or None
        Where they are kept; None keeps nothing.
    resume : bool, default False
        Whether `get` returns entries of an earlier run.

    Attributes
    ----------
    n_reused : int
        Entries that `get` returned so far.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ScenarioStore(folder).put({"seed": 0}, "toy hog svm", {"n": 1})
    ...     resumed = ScenarioStore(folder, resume=True)
    ...     resumed.get({"seed": 0}, "toy hog svm"), resumed.get({"seed": 1}, "toy hog svm")
    ({'n': 1}, None)
    """

    def __init__(self, folder: str | os.PathLike[str] | None, *, resume: bool = False) -> None:
        self.folder = None if folder is None else Path(folder)
        self.resume = resume
        self.n_reused = 0
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ParameterError(f"cannot make {str(self.folder)!r}: {error.strerror}; choose another") from error

    def n_stored(self) -> int:
        """Count the files in the folder, whatever data and code they are of."""
        return 0 if self.folder is None else sum(1 for _ in self.folder.glob("*.json"))

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        readable = re.sub(r"[^A-Za-z0-9+]+", "_", name)[:80]
        return self.folder / f"{readable}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}.json"

    def put(self, key: dict[str, Any], name: str, entry: dict[str, Any]) -> None:
        """Write an entry; `key` holds everything it depends on, `name` the data set and scenario."""
        if self.folder is not None:
            write_json(self._path(name), {"key": key, "entry": entry})

    def get(self, key: dict[str, Any], name: str) -> dict[str, Any] | None:
        """Return the stored entry; None if there is none, or its key differs."""
        if self.folder is None or not self.resume:
            return None
        try:
            stored = json.loads(self._path(name).read_text(encoding="utf-8", errors="surrogateescape"))
        except (OSError, ValueError):
            return None
        # The stored key has been through JSON, which turns tuples into lists.
        if not isinstance(stored, dict) or stored.get("key") != json.loads(json.dumps(key)):
            return None
        self.n_reused += 1
        return stored["entry"]
