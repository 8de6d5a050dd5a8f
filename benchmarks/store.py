"""Results on disk: written whole or not at all, and taken up again only if nothing about them has changed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from classic_eyes._version import __version__
from classic_eyes.errors import DataError, ParameterError
from classic_eyes.persistence import library_versions

__all__ = ["SCHEMA", "ScenarioStore", "code_sha256", "environment", "read_results", "write_json", "processor_name"]

SCHEMA = 2
_PACKAGE = Path(__file__).resolve().parents[1]
# Rooms that show results and change none.
_SHOWING = ("cli", "report", "report.py")


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    content : object
        Plain data; nan and infinity are refused.

    Raises
    ------
    ParameterError
        Where the file cannot be written.
    """
    target = Path(path)
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        # A folder of its own beside the target: same disk, ordinary file rights, and no leftovers.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            written = Path(folder) / target.name
            written.write_text(text + "\n", encoding="utf-8", errors="surrogateescape")
            os.replace(written, target)
    except OSError as error:
        raise ParameterError(f"cannot write {str(target)!r}: {error.strerror}; name another folder") from error


def read_results(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a ``results.json``.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict
        The results.

    Raises
    ------
    DataError
        Where it cannot be read, is no such file, or is of another schema version.
    """
    try:
        results = json.loads(Path(path).read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError as error:
        raise DataError(f"results {os.fspath(path)!r} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(
            f"{os.fspath(path)!r} cannot be read as JSON; classic-eyes bench --out DIR writes DIR/results.json"
        ) from error
    if not isinstance(results, dict) or not {"schema", "datasets"} <= results.keys():
        raise DataError(f"{os.fspath(path)!r} holds no results; classic-eyes bench --out DIR writes DIR/results.json")
    if results["schema"] != SCHEMA:
        raise DataError(
            f"{os.fspath(path)!r} has schema version {results['schema']}, and {SCHEMA} is read here; run bench again"
        )
    return results


def code_sha256() -> str:
    """Return the SHA-256 of all our code that can change a result.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> code_sha256() == code_sha256()
    True
    """
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        below = path.relative_to(_PACKAGE)
        if below.parts[0] not in _SHOWING:
            digest.update(f"{below.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _git_commit() -> str | None:
    """Return the short name of the commit that our files come from; None where they come from no clone."""
    git = ["git", "-C", str(_PACKAGE)]
    try:
        # An installed package may lie inside the clone of something else, whose commit says nothing.
        subprocess.run([*git, "ls-files", "--error-unmatch", "__init__.py"], check=True, capture_output=True)
        done = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--exclude=*"], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def processor_name() -> str:
    """Return what the machine calls its processor.

    Returns
    -------
    str
        As ``/proc/cpuinfo`` has it, or else Python.
    """
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
    """Return what a result depends on beside data and parameters: code, libraries, machine.

    Returns
    -------
    dict
        Plain data.

    Examples
    --------
    >>> environment()["machine"]["threads"]
    1
    """
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
    """Finished scenarios in a folder, a file each.

    Parameters
    ----------
    folder : path or None
        Where; None keeps nothing.
    resume : bool, default False
        Whether to give back what is there already.

    Attributes
    ----------
    n_taken_up : int
        Entries given back so far.

    Raises
    ------
    ParameterError
        Where the folder cannot be made.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ScenarioStore(folder).put({"seed": 0}, "toy hog svm", {"n": 1})
    ...     resumed = ScenarioStore(folder, resume=True)
    ...     resumed.get({"seed": 0}, "toy hog svm"), resumed.get({"seed": 1}, "toy hog svm")
    ({'n': 1}, None)
    """

    def __init__(self, folder: str | os.PathLike[str] | None, *, resume: bool = False) -> None:
        self.folder = None if folder is None else Path(folder)
        self.resume = resume
        self.n_taken_up = 0
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ParameterError(f"cannot make {str(self.folder)!r}: {error.strerror}; name another") from error

    def n_left(self) -> int:
        """Count what an earlier run left in the folder.

        Returns
        -------
        int
            Files of finished scenarios, of whatever data and code.
        """
        return 0 if self.folder is None else sum(1 for _ in self.folder.glob("*.json"))

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        readable = re.sub(r"[^A-Za-z0-9+]+", "_", name)[:80]
        return self.folder / f"{readable}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}.json"

    def put(self, key: dict[str, Any], name: str, entry: dict[str, Any]) -> None:
        """Write a finished scenario.

        Parameters
        ----------
        key : dict
            All on which it depends.
        name : str
            Data set and scenario.
        entry : dict
            Its results.
        """
        if self.folder is not None:
            write_json(self._path(name), {"key": key, "entry": entry})

    def get(self, key: dict[str, Any], name: str) -> dict[str, Any] | None:
        """Return a scenario finished earlier.

        Parameters
        ----------
        key : dict
            All on which it depends.
        name : str
            Data set and scenario.

        Returns
        -------
        dict or None
            Its results; None if there are none, or anything in the key differs.
        """
        if self.folder is None or not self.resume:
            return None
        try:
            held = json.loads(self._path(name).read_text(encoding="utf-8", errors="surrogateescape"))
        except (OSError, ValueError):
            return None
        # What is compared has been through JSON, which makes lists of tuples.
        same = isinstance(held, dict) and held.get("key") == json.loads(json.dumps(key))
        if not same:
            return None
        self.n_taken_up += 1
        return held["entry"]
