"""Copy or move the photographs that were kept or rejected on the page of faces."""

from __future__ import annotations

import csv
import filecmp
import io
import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from .._utils.files import wide_encoding
from ..errors import DataError, ParameterError
from ..images.finding import quoted
from .arguments import existing_file
from .drawings import check_not_searched
from .listing import print_failed
from .rows import printable

__all__ = ["add_arguments", "work"]

_MARKS = ("keep", "reject", "")
# Photographs that could not be copied or moved and are printed by name.
_N_FAILED = 3


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes marks``."""
    parser.add_argument("marks", type=existing_file, metavar="MARKS.csv", help="the file that the page saved")
    parser.add_argument(
        "folder", metavar="FOLDER", help="the folder that faces read; for several folders, the one where it was started"
    )
    parser.add_argument("--copy", metavar="DIR", help="copy the kept photographs there; not in FOLDER")
    parser.add_argument(
        "--move",
        metavar="DIR",
        help="move the rejected photographs there, and back if you keep them now; not in FOLDER",
    )
    parser.add_argument(
        "--unmarked",
        action="store_true",
        help="with --copy: also copy those without a mark, so all that are not rejected",
    )
    parser.epilog = (
        "No file is replaced. Exit status: 0 if each photograph is where it should be; 1 if some could not be copied "
        "or moved; 2 if the command failed."
    )


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes marks``; 1 if some photographs could not be copied or moved."""
    if arguments.copy is None and arguments.move is None:
        raise ParameterError(
            "nothing to do; give --copy DIR for the kept photographs, --move DIR for the rejected ones"
        )
    if arguments.unmarked and arguments.copy is None:
        raise ParameterError("--unmarked says what is copied, but --copy is not given; add --copy DIR, or leave it out")
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise ParameterError(f"there is no folder {arguments.folder!r}; name the one that faces read")
    marks = _read_marks(arguments.marks)
    named = {"--copy": arguments.copy, "--move": arguments.move}
    places = [Path(place) for place in named.values() if place is not None]
    for place in places:
        if place.exists() and not place.is_dir():
            raise ParameterError(f"{str(place)!r} is no folder; name another one")
    for name in marks:
        if not _is_utf8(name) and not any(os.path.lexists(place / name) for place in (folder, *places)):
            raise DataError(
                f"{arguments.marks!r} is not UTF-8: there is no {printable(name)!r} in {arguments.folder!r}; save it "
                "as CSV UTF-8"
            )
    if not any(os.path.lexists(place / name) for name in marks for place in (folder, *places)):
        if not marks:
            raise DataError(f"{arguments.marks!r} names no photograph; name the file that the page saved")
        raise DataError(
            f"none of the {len(marks):,} photographs of {arguments.marks!r}, such as {next(iter(marks))!r}, is in "
            f"{arguments.folder!r}; name the folder that faces read"
        )
    searched = _searched(folder, marks)
    for option, each in named.items():
        if each is not None:
            check_not_searched(f"{option} {each!r}", Path(each), searched, "photographs", "photographs there")
            if folder.resolve() in Path(each).resolve().parents:
                print(
                    f"classic-eyes: warning: {option} {each!r} is in {arguments.folder!r}: faces on "
                    f"{arguments.folder!r} would read the photographs there too",
                    file=sys.stderr,
                )
    failed: list[tuple[str, str]] = []
    if arguments.move is not None:
        moved = Path(arguments.move)
        back = [
            name
            for name, mark in marks.items()
            if mark == "keep" and _below(name) == Path(name) and not os.path.lexists(folder / name)
            if os.path.isfile(moved / name)
        ]
        if back:
            failed += _transfer(back, moved, folder, "photographs that are kept now", is_move=True)
    if arguments.copy is not None:
        chosen = [name for name, mark in marks.items() if mark == "keep" or (arguments.unmarked and not mark)]
        what = "photographs that are not rejected" if arguments.unmarked else "kept photographs"
        failed += _transfer(chosen, folder, Path(arguments.copy), what, is_move=False)
        _print_rejected_copies(Path(arguments.copy), [name for name, mark in marks.items() if mark == "reject"])
    if arguments.move is not None:
        chosen = [name for name, mark in marks.items() if mark == "reject"]
        failed += _transfer(chosen, folder, Path(arguments.move), "rejected photographs", is_move=True)
    print_failed((printable(name), reason) for name, reason in failed[:_N_FAILED])
    if len(failed) > _N_FAILED:
        print(f"classic-eyes: skipped {len(failed) - _N_FAILED:,} more", file=sys.stderr)
    return 1 if failed else 0


def _read_marks(path: str) -> dict[str, str]:
    """Return the mark of each name, as the page reads them.

    Spreadsheets write semicolons or tabs, a byte order mark, and UTF-16. Names that are not UTF-8 have their bytes.
    """
    try:
        data = Path(path).read_bytes()
        text = data.decode(wide_encoding(data) or "utf-8", "surrogateescape").removeprefix("\ufeff")
        head = text.splitlines()[0] if text else ""
        comma = next((sign for sign in ",;\t" if sign in head), ",")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=comma))
        columns = [cell.strip().lower() for cell in rows[0]] if rows else []
        name, mark = columns.index("file"), columns.index("mark")
    except OSError as error:
        raise ParameterError(f"{path!r} cannot be read: {error.strerror}") from error
    except (ValueError, csv.Error) as error:
        raise DataError(
            f"{path!r} has no columns named file and mark; name the file that the page saved, or if a spreadsheet "
            "saved it, save it as CSV UTF-8"
        ) from error
    marks = {}
    for row in rows[1:]:
        if len(row) <= name:
            continue
        value = row[mark].strip().lower() if len(row) > mark else ""
        if value not in _MARKS:
            raise DataError(f"{path!r}: the mark of {quoted(row[name])} is {value!r}; allowed is keep, reject or none")
        marks[row[name]] = value
    return marks


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _searched(folder: Path, names: Iterable[str]) -> set[tuple[int, int]]:
    """Return device and inode of the folders that faces searches.

    Where it started, several of its folders may have been named: then all names begin with one of them.
    """
    below = [Path(name) for name in names if _below(name) == Path(name)]
    tops = {(folder / name).parent for name in names}
    if os.path.samefile(folder, os.curdir) and all(len(path.parts) > 1 for path in below):
        tops |= {folder / path.parts[0] for path in below}
    else:
        tops.add(folder)
    found = set()
    for top in tops:
        with suppress(OSError):  # its photographs were moved
            status = os.stat(top)
            found.add((status.st_dev, status.st_ino))
    return found


def _print_rejected_copies(target: Path, rejected: Iterable[str]) -> None:
    """Print that copies of an earlier run are rejected now; they are not deleted."""
    there = [name for name in rejected if os.path.isfile(target / _below(name))]
    if there:
        which = "is" if len(there) == 1 else "are"
        print(
            f"classic-eyes: warning: {len(there):,} photograph{'s' * (len(there) != 1)} in {str(target)!r} {which} "
            f"rejected now, such as {printable(there[0])!r}; delete {'it' if len(there) == 1 else 'them'} there",
            file=sys.stderr,
        )


def _transfer(names: Sequence[str], folder: Path, target: Path, what: str, *, is_move: bool) -> list[tuple[str, str]]:
    """Copy or move photographs, report how many, and return those that could not be, with the reasons."""
    failed, count = [], Counter[str]()
    for name in names:
        try:
            count[_transfer_one(folder / name, target / _below(name), is_move=is_move)] += 1
        except (OSError, ValueError, shutil.Error) as error:
            failed.append((name, getattr(error, "strerror", None) or str(error)))
    before = (
        f"; {count['before']:,} {'was' if count['before'] == 1 else 'were'} there before" if count["before"] else ""
    )
    verb = "moved" if is_move else "copied"
    print(f"{verb} {count['done']:,} of {len(names):,} {what} to {str(target)!r}{before}", file=sys.stderr)
    return failed


def _transfer_one(source: Path, target: Path, *, is_move: bool) -> str:
    """Copy or move a photograph; an equal one that is there stays."""
    if not source.is_file():
        if is_move and target.is_file():
            return "before"
        raise ValueError("there is no such file")
    if os.path.lexists(target):
        if os.path.realpath(source) == os.path.realpath(target) or filecmp.cmp(source, target, shallow=False):
            if is_move and not os.path.samefile(source, target):
                source.unlink()
            return "before"
        raise ValueError(f"{str(target)!r} is another file of this name")
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_move:
        with suppress(OSError):  # such as another disk
            os.rename(source, target)
            return "done"
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.copy2(source, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    if is_move:
        source.unlink()
    return "done"


def _below(name: str) -> Path:
    """Return a name below a folder: that of the rows, or its last part where that leads elsewhere."""
    path = Path(name)
    return Path(path.name) if path.is_absolute() or ".." in path.parts else path
