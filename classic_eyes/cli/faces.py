"""Find the eyes of every face in photographs and classify them: boxes, aspect ratio, probability, verdict."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import warnings
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.files import csv_text, is_stream, write_whole
from .._utils.resources import n_cores, one_thread
from ..calibration import read_calibration
from ..errors import DataError, ParameterError
from ..faces import VERDICTS, Face, FaceReader, draw_faces
from ..faces.drawing import scaled_faces
from ..faces.page import PageEntry, PageFace, page_entry, render_page, thumbnail_side
from ..images import IMAGE_ENDINGS
from ..images.files import is_url
from ..images.finding import Listing, describe_passed_over, last_name
from ..images.photographs import EXTRA_ENDINGS, decode_photograph
from ..inference.processes import run_in_processes
from ..predictor import load_model
from .arguments import (
    add_calibration_argument,
    add_landmarks_argument,
    add_model_arguments,
    add_reading_arguments,
    check_out,
    model_file,
    names,
    natural_number,
    positive_integer,
)
from .drawings import drawing_files
from .inspection import LARGE_SIDE, attempt
from .listing import Peaks, list_images, print_counts, print_failed
from .progress import with_progress
from .rows import Output, open_output, printable, read_rows, utf8_name

__all__ = ["add_arguments", "work"]

_JPEG_QUALITY = 85
_JPEG_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif")
_NO_FACE = "no face found"
# Of ``--only``: photographs without a face.
_NONE = "none"
# Images that are read before patches of eyes are recognized, and their share.
_N_FIRST, _PATCHES = 32, 0.75
# Photographs that could not be read and are printed by name; that were added, and are named.
_N_FAILED, _N_NAMED = 3, 2
# From this number, a run that cannot be continued says so at its start: it takes half a minute or more.
_N_LONG = 200
# The largest value of --upsample.
_MAX_UPSAMPLE = 2
# Options that change rows or drawings. A stopped run leaves them beside its rows, and --resume compares them.
_COMPARED = ("model", "landmarks", "calibration", "upsample", "max_pixels", "bits", "only")


class _Row(NamedTuple):
    """The columns of an eye."""

    file: str
    face: int | None = None
    eye: str | None = None
    x: int | None = None
    y: int | None = None
    w: int | None = None
    h: int | None = None
    ear: float | None = None
    label: int | None = None
    score: float | None = None
    verdict: str | None = None
    error: str | None = None


# The columns of a photograph, and those of the file that a page is made of.
_PHOTO_COLUMNS = ("file", "faces", *VERDICTS, "error")
_PAGE_COLUMNS = ("file", "time", "size", "thumbnail", "faces", "error")


class _Settings(NamedTuple):
    """What is done with every photograph. It can be pickled, for processes that are not forked."""

    model: str
    trusted: bool
    landmarks: str | None
    calibration: str | None
    upsample: int
    max_pixels: int
    bits: int | None
    only: tuple[str, ...] | None
    side: int | None  # of thumbnails; None without a page


class _Item(NamedTuple):
    """A photograph: its path, the name of its rows, and the file of its drawing."""

    path: str
    name: str
    drawing: str | None


class _Read(NamedTuple):
    """What is known of a photograph: its rows and verdicts, or why it could not be read."""

    rows: list[_Row]
    verdicts: tuple[str, ...] = ()
    error: str | None = None
    longer_side: int = 0
    peak: int | None = None
    entry: PageEntry | None = None
    is_drawn: bool = False


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes faces``."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a folder, searched through all levels, or a photograph or its URL"
    )
    add_model_arguments(parser)
    add_landmarks_argument(parser)
    add_calibration_argument(parser, "a person's own thresholds")
    parser.add_argument(
        "--out", metavar="FILE", help="write a row an eye there; without --out, --photos and --page, to standard output"
    )
    parser.add_argument(
        "--photos", metavar="FILE", help="also write a row a photograph: how many faces have which verdict"
    )
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="of both; default: csv")
    parser.add_argument(
        "--page",
        metavar="HTML",
        help="also write a page to look through the photographs, and to keep and reject them; it contains them",
    )
    parser.add_argument(
        "--draw",
        metavar="DIR",
        help="also write each photograph there as JPEG, 960 to 2,560 pixels long, with boxes, landmarks and "
        "predictions; not in a folder that is read",
    )
    parser.add_argument(
        "--only",
        type=_verdicts,
        metavar="VERDICTS",
        help=f"draw only faces with these verdicts, and only photographs that have one: {', '.join(VERDICTS)}, or "
        f"{_NONE} for photographs without a face, separated by commas; rows and page keep all",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files of all these outputs")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue an interrupted run that had --out and the same options; the output is byte-identical",
    )
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="processes; default: one per core")
    parser.add_argument(
        "--upsample",
        type=natural_number,
        default=0,
        metavar="N",
        help="also search the photograph at twice (1) or four times (2) its size, which finds more faces and takes "
        "several times as long; default: 0",
    )
    add_reading_arguments(parser)
    parser.epilog = (
        "Exit status: 0 if all photographs were read, with faces or without; 1 if some could not be read, such as HEIC "
        "without the extra for it; 2 if the command failed; 130 if it was stopped."
    )


def _verdicts(text: str) -> tuple[str, ...]:
    if not text.replace(",", "").strip():
        raise ArgumentTypeError(f"{text!r} names no verdict; write for example closed,unknown")
    found = names(text)
    for name in found:
        if name not in (*VERDICTS, _NONE):
            raise ArgumentTypeError(f"{name!r} is no verdict; {', '.join(VERDICTS)} and {_NONE} are")
    return found


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes faces``; 1 if some files could not be read. A photograph without a face is no failure."""
    if arguments.only is not None and arguments.draw is None:
        raise ParameterError("--only says what is drawn, but --draw is not given; add --draw DIR, or leave it out")
    if arguments.resume and arguments.out is None:
        raise ParameterError("--resume continues a file of rows, but no --out is given; give --out FILE")
    listing = list_images(arguments.paths, photographs=True)
    n = len(listing.images)
    outputs = _outputs(arguments)
    _check_outputs(arguments, outputs, listing)
    settings = _Settings(
        model=arguments.model,
        trusted=arguments.trust_model,
        landmarks=arguments.landmarks,
        calibration=arguments.calibration,
        upsample=arguments.upsample,
        max_pixels=arguments.max_pixels,
        bits=arguments.bits,
        only=arguments.only,
        side=None if arguments.page is None else thumbnail_side(n),
    )
    _reader.cache_clear()
    _reader(settings)  # before processes are forked, and errors of the arguments before anything is written
    drawings = dict[str, str]()
    if arguments.draw is not None:
        may_replace = arguments.force or arguments.resume
        files = drawing_files(arguments.draw, listing, _drawing_name, what="photographs", force=may_replace)
        drawings = {path: str(file) for path, file in files.items()}
    items = [_Item(path, utf8_name(name), drawings.get(path)) for path, name in listing.images]
    done = _Done(0, (None,) * len(outputs), b"", Counter(), [], 0)
    if arguments.resume:
        left_out = _check_same_options(arguments)
        found = _read_finished(arguments, outputs, items)
        if found is not None:
            return _print_finished(arguments, found, n)
        done = _read_done(outputs, [item.name for item in items])
        _print_not_continued(left_out)
        _print_read_again(arguments, done)
    elif arguments.out is None and outputs[0].option != "--out" and n >= _N_LONG:
        print("without --out FILE, this run cannot be continued if it is stopped", file=sys.stderr)

    start = time.perf_counter()
    count, failed, peaks, patches = Counter(done.counts), list(done.failed), Peaks(), _Patches()
    drawn = {item.drawing for item in items[: done.n] if item.drawing is not None and os.path.lexists(item.drawing)}
    results = run_in_processes(partial(_read, settings), items[done.n :], n_jobs=arguments.jobs or n_cores())
    is_opened, n_done = False, done.n
    try:
        with one_thread(), closing(results), ExitStack() as stack:
            # An error at the start must not cost the rows of an earlier run.
            first = list(islice(results, 1))
            for read in first:
                _check_rest(done, outputs[0], read)
            opened = [output.opened(arguments, keep) for output, keep in zip(outputs, done.sizes, strict=True)]
            written = [stack.enter_context(each) for each in opened]
            _write_options(arguments)
            is_opened = True
            pairs = zip(items[done.n :], chain(first, results), strict=True)
            for item, read in with_progress(pairs, n, "photographs", start=done.n):
                for output, file in zip(outputs, written, strict=True):
                    file.write(output.text(read))
                    file.flush()
                n_done += 1
                count.update(_kinds(read.verdicts, read.error))
                if read.error is not None:
                    failed.append((item.name, read.error))
                if read.peak is not None:
                    peaks.add(read.peak)
                patches.add(read)
                if read.is_drawn and item.drawing is not None:
                    drawn.add(item.drawing)
    except KeyboardInterrupt as stopped:
        if is_opened:
            stopped.args = _how_to_continue(arguments, n_done, n)
        raise
    if arguments.page is not None:
        note = describe_passed_over(listing.passed_over) if listing.passed_over else ""
        _write_page(arguments.page, title=_title(arguments.paths), folder=_place(arguments.paths), note=note)
    if arguments.out is not None:
        Path(_part_of(arguments.out)).unlink(missing_ok=True)
    _print_summary(count, n, n - done.n, time.perf_counter() - start if patches.n else None)
    patches.print_hint()
    _print_failed(failed)
    if not patches.is_printed:  # in patches of eyes there is no face to be missed
        _print_advice(count, arguments)
    _print_written(arguments)
    if arguments.draw is not None:
        _print_drawings(arguments.draw, drawn, drawings.values(), listing)
    if listing.paired:
        n_paired = f"{len(listing.paired):,} camera raw file{'s' * (len(listing.paired) != 1)}"
        print(f"{n_paired} beside a JPEG of the same name not read: the same photograph", file=sys.stderr)
    print_counts(listing.passed_over)
    peaks.print_warning(arguments.bits)
    return 1 if count["failed"] else 0


# -- one photograph --


@lru_cache(maxsize=1)
def _reader(settings: _Settings) -> FaceReader:
    """Load the model and the rest, once in each process."""
    model = load_model(settings.model, trusted=settings.trusted)
    calibration = None
    if settings.calibration is not None:
        calibration = read_calibration(settings.calibration, model=model.fingerprint)
    return FaceReader(model, landmarks=settings.landmarks, calibration=calibration, upsample=settings.upsample)


def _read(settings: _Settings, item: _Item) -> _Read:
    """Read a photograph and write its drawing."""
    reader = _reader(settings)
    with one_thread(), warnings.catch_warnings():
        # LibRaw's OpenMP could wait forever in a forked process if the process that forked had used it. Ours has not.
        warnings.filterwarnings(
            "ignore", message="rawpy is being used in a process created by", category=RuntimeWarning
        )
        result, error = attempt(partial(_look, settings, item, reader))
    if result is None:
        entry = None if settings.side is None else PageEntry(item.name, error=error)
        return _Read([_Row(item.name, error=error)], error=error, entry=entry)
    read, drawing = result
    if drawing and item.drawing is not None:
        _write_drawing(item.drawing, drawing)
        read = read._replace(is_drawn=True)
    return read


def _look(settings: _Settings, item: _Item, reader: FaceReader) -> tuple[_Read, bytes]:
    """Return what is known of a photograph, and its drawing as JPEG, empty if there is none."""
    photograph = decode_photograph(item.path, max_pixels=settings.max_pixels, bits=settings.bits)
    faces = reader.read(photograph.grey)
    verdicts = tuple(face.verdict for face in faces)
    is_drawn = item.drawing is not None
    if settings.only is not None:
        is_drawn = is_drawn and not (set(verdicts) or {_NONE}).isdisjoint(settings.only)
    entry, drawing = None, b""
    if is_drawn or settings.side is not None:
        colour, shown = photograph.colour(), scaled_faces(faces, 1 / photograph.reduction)
        if settings.side is not None:
            entry = page_entry(item.name, colour, shown, time=photograph.time, side=settings.side)
            entry = replace(entry, size=photograph.grey.shape[::-1])
        if is_drawn:
            drawing = _to_jpeg(draw_faces(colour, shown, only=settings.only))
    rows = list(_rows(item.name, faces))
    read = _Read(rows, verdicts, None, max(photograph.grey.shape), photograph.peak, entry)
    return read, drawing


def _to_jpeg(photograph: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


def _write_drawing(name: str, content: bytes) -> None:
    try:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(name, content)
    except OSError as error:
        raise ParameterError(f"--draw: {name!r} cannot be written ({error}); name another folder") from error


# -- the names of drawings --


def _drawing_name(base: Path) -> Path:
    """Return the name of a photograph as one of a JPEG file."""
    ending = base.suffix.lower()
    if ending in _JPEG_ENDINGS:
        return base
    return base.with_suffix(".jpg") if ending in IMAGE_ENDINGS | EXTRA_ENDINGS else base.with_name(f"{base.name}.jpg")


# -- rows --


def _rows(name: str, faces: Sequence[Face]) -> Iterator[_Row]:
    if not faces:
        yield _Row(name, error=_NO_FACE)
    for number, face in enumerate(faces, start=1):
        for eye in face.eyes:
            yield _Row(
                name,
                number,
                eye.name,
                *eye.box,
                round(eye.ear, 4),
                eye.label,
                round(eye.probability, 6),
                face.verdict,
                eye.hidden and f"hidden: {eye.hidden}",
            )


def _text(rows: Sequence[_Row], style: str) -> str:
    if style == "jsonl":
        return "".join(json.dumps(row._asdict()) + "\n" for row in rows)
    return csv_text(
        row._replace(
            ear=None if row.ear is None else f"{row.ear:.4f}",  # type: ignore[arg-type]
            score=None if row.score is None else f"{row.score:.6f}",  # type: ignore[arg-type]
        )
        for row in rows
    )


# -- files of rows, and the page --


class _Output(NamedTuple):
    """A file with rows of each photograph."""

    option: str
    path: str | None
    style: str
    columns: tuple[str, ...]
    text: Callable[[_Read], str]

    @property
    def head(self) -> str:
        return ",".join(self.columns) + "\n" if self.style == "csv" else ""

    @contextmanager
    def opened(self, arguments: Namespace, keep: int | None) -> Iterator[Output]:
        """Open it for rows, after so many bytes of an earlier run; the file of a page is of no use without --out."""
        remedy = "make room, or name another file"
        if arguments.out is not None:
            remedy = "make room, and continue it with --resume"
        try:
            with open_output(
                self.path, style=self.style, force=arguments.force, keep=keep, remedy=remedy, option=self.option
            ) as file:
                if not keep:
                    file.write(self.head)
                yield file
        except BaseException:
            if self.option == "--page" and arguments.out is None:
                with suppress(OSError):
                    os.unlink(str(self.path))
            raise


def _how_to_continue(arguments: Namespace, n_done: int, n: int) -> tuple[str, ...]:
    """Return what is printed after ``stopped``."""
    if arguments.out is None:
        return ("only a run with --out FILE can be continued",)
    if any(output.path and is_stream(output.path) for output in _outputs(arguments)):
        return ()
    again = f"run the same command again with --resume{' instead of --force' if arguments.force else ''}"
    return (f"{n_done:,} of {_photographs(n)} {'is' if n_done == 1 else 'are'} done", again)


def _print_not_continued(left_out: Sequence[str]) -> None:
    """Print which outputs of the stopped run are not continued."""
    if left_out:
        named = ", ".join(f"--{option}" for option in left_out)
        which = "it is" if len(left_out) == 1 else "they are"
        print(
            f"classic-eyes: warning: the stopped run also had {named}; {which} not continued unless given again",
            file=sys.stderr,
        )


def _outputs(arguments: Namespace) -> list[_Output]:
    style: str = arguments.format
    outputs = []
    if arguments.out is not None or (arguments.photos is None and arguments.page is None):
        outputs.append(_Output("--out", arguments.out, style, _Row._fields, lambda read: _text(read.rows, style)))
    if arguments.photos is not None:
        text = partial(_photo_text, style=style)
        outputs.append(_Output("--photos", arguments.photos, style, _PHOTO_COLUMNS, text))
    if arguments.page is not None:
        outputs.append(_Output("--page", _part_of(arguments.page), "jsonl", _PAGE_COLUMNS, _entry_text))
    return outputs


def _part_of(output: str) -> str:
    """Return a file that is there until a run ends, so that an interrupted run can continue.

    That of a page collects its photographs. That of the rows holds the options of the run.
    """
    return f"{output}.part"


def _check_outputs(arguments: Namespace, outputs: Sequence[_Output], listing: Listing) -> None:
    inputs = [path for path, _ in listing.images] + [model_file(arguments)]
    inputs += [name for name in (arguments.landmarks, arguments.calibration) if name is not None]
    resume, force = arguments.resume, arguments.force
    known: dict[str, str] = {}
    files = [(each.option, each.path) for each in outputs]
    if arguments.out is not None and not is_stream(arguments.out):
        files.append(("--out", _part_of(arguments.out)))
    if arguments.page is not None:
        files.insert(
            len(outputs) - 1, ("--page", arguments.page)
        )  # messages name it rather than the file it is made of
    for option, path in files:
        endings = (".html", ".htm") if path == arguments.page and option == "--page" else ()
        check_out(path, *endings, force=force, resume=resume, read=inputs, option=option)
        if path is not None and known.setdefault(os.path.realpath(path), option) != option:
            raise ParameterError(f"{known[os.path.realpath(path)]} and {option} are both {path!r}; name two files")


def _photo_text(read: _Read, style: str) -> str:
    row: dict[str, Any] = dict.fromkeys(_PHOTO_COLUMNS)
    row["file"] = read.rows[0].file
    row["error"] = read.error
    if read.error is None:
        row |= {"faces": len(read.verdicts), **{verdict: read.verdicts.count(verdict) for verdict in VERDICTS}}
        row["error"] = None if read.verdicts else _NO_FACE
    return json.dumps(row) + "\n" if style == "jsonl" else csv_text([row.values()])


def _entry_text(read: _Read) -> str:
    entry = read.entry
    assert entry is not None
    faces = [{**face.__dict__, "crop": _base64(face.crop)} for face in entry.faces]
    values = (entry.name, entry.time, entry.size, _base64(entry.thumbnail), faces, entry.error)
    return json.dumps(dict(zip(_PAGE_COLUMNS, values, strict=True))) + "\n"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _entry(fields: dict[str, Any]) -> PageEntry:
    faces = tuple(
        PageFace(tuple(face["box"]), face["verdict"], tuple(face["eyes"]), base64.b64decode(face["crop"]))
        for face in fields["faces"]
    )
    thumbnail = base64.b64decode(fields["thumbnail"])
    return PageEntry(fields["file"], fields["time"], tuple(fields["size"]), thumbnail, faces, fields["error"])


def _write_page(page: str, *, title: str, folder: str, note: str) -> None:
    part = _part_of(page)
    try:
        entries = [_entry(fields) for fields, _ in read_rows(part, _PAGE_COLUMNS, style="jsonl", option="--page")]
    except (ValueError, TypeError, LookupError) as error:
        raise DataError(f"--page: {part!r} is damaged; delete it, and start again") from error
    try:
        text = render_page(entries, title=title, folder=folder, note=note)
        write_whole(page, text.encode("utf-8", "surrogateescape"))
        os.unlink(part)
    except OSError as error:
        raise ParameterError(f"--page {page!r} cannot be written ({error.strerror}); make room") from error


def _title(paths: Sequence[str]) -> str:
    return last_name(paths[0]) if len(paths) == 1 and not is_url(paths[0]) else "Photographs"


def _place(paths: Sequence[str]) -> str:
    """Return what is the same for all pages of the same folders."""
    return "\n".join(sorted(path if is_url(path) else os.path.realpath(path) for path in paths))


# -- resuming --


def _options(arguments: Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in _COMPARED}


def _given(arguments: Namespace) -> list[str]:
    """Return which outputs there are beside the rows."""
    return [option for option in ("photos", "page", "draw") if getattr(arguments, option) is not None]


def _write_options(arguments: Namespace) -> None:
    """Write the options of this run beside its rows."""
    if arguments.out is None or is_stream(arguments.out):
        return
    part = _part_of(arguments.out)
    try:
        write_whole(part, json.dumps(_options(arguments) | {"outputs": _given(arguments)}).encode())
    except OSError as error:
        raise ParameterError(f"--out: {part!r} cannot be written ({error.strerror}); make room") from error


def _check_same_options(arguments: Namespace) -> list[str]:
    """Refuse to continue a run that had other options, and return which of its outputs are not given now.

    A run that was killed at its start has left no options.
    """
    part = _part_of(arguments.out)
    if is_stream(arguments.out) or not os.path.lexists(part):
        return []
    try:
        before = dict(json.loads(Path(part).read_bytes()))
        values = [(name, before[name], now) for name, now in json.loads(json.dumps(_options(arguments))).items()]
        left_out = [str(option) for option in before.get("outputs", ()) if option not in _given(arguments)]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise DataError(f"--out: {part!r} is damaged; delete it, and start again with --force") from error
    differing = [each for each in values if each[1] != each[2]]
    if differing:
        had, has = (", ".join(_as_option(each[0], each[k]) for each in differing) for k in (1, 2))
        raise ParameterError(
            f"--resume: the stopped run had {had}, and this one has {has}; use the same options, or start again with "
            "--force instead of --resume"
        )
    return left_out


def _as_option(name: str, value: Any) -> str:
    option = f"--{name.replace('_', '-')}"
    if value is None:
        return f"no {option}"
    return f"{option} {','.join(value) if isinstance(value, list) else value}"


class _Finished(NamedTuple):
    """What a finished run found."""

    counts: Counter[str]
    failed: list[tuple[str, str]]


def _read_finished(arguments: Namespace, outputs: Sequence[_Output], items: Sequence[_Item]) -> _Finished | None:
    """Return what a run found if all its outputs are complete, else None."""
    tables = [output for output in outputs if output.option != "--page"]
    needed = [arguments.out, *(name for name in (arguments.photos, arguments.page) if name is not None)]
    parts = [_part_of(name) for name in (arguments.out, arguments.page) if name is not None]
    if not all(map(os.path.isfile, needed)) or any(map(os.path.lexists, parts)):
        return None
    names_of_all = [item.name for item in items]
    ends, found = zip(*(_ends(output, names_of_all) for output in tables), strict=True)
    sizes = [os.path.getsize(str(output.path)) for output in tables]
    if not all(ends) or sizes != [each[-1] for each in ends]:
        return None
    if any(len(each) < len(items) for each in ends):
        if arguments.page is not None:  # a finished page cannot be continued
            raise _other_photographs(tables[0], names_of_all[: len(ends[0])], names_of_all)
        return None
    count, failed = _counted(names_of_all, found[0])
    for item, (verdicts, error) in zip(items, found[0], strict=True):
        is_drawn = arguments.only is None or not (set(verdicts) or {_NONE}).isdisjoint(arguments.only)
        if item.drawing is not None and error is None and is_drawn and not os.path.lexists(item.drawing):
            return None
    return _Finished(count, failed)


def _print_finished(arguments: Namespace, found: _Finished, n: int) -> int:
    _print_summary(found.counts, n, 0, None)
    _print_failed(found.failed)
    print(
        f"{arguments.out} is complete: nothing was read or written; to start again, give --force instead of --resume",
        file=sys.stderr,
    )
    return 1 if found.counts["failed"] else 0


def _print_read_again(arguments: Namespace, done: _Done) -> None:
    """Print why photographs that have their rows are read again."""
    again = done.n_rows - done.n
    if again > 1:  # the last one always is
        print(
            f"classic-eyes: warning: {again:,} of the {_photographs(done.n_rows)} in {arguments.out} are read again: "
            f"{done.lacking}",
            file=sys.stderr,
        )


class _Done(NamedTuple):
    """What an interrupted run left: the first ``n`` photographs, in ``sizes`` bytes of the files.

    ``rest`` has the rows of the next photograph in the file of rows, empty if it could not be read. The file of rows
    has ``n_rows`` photographs, of which the last may lack rows; ``lacking`` says which output has fewer.
    """

    n: int
    sizes: tuple[int | None, ...]
    rest: bytes
    counts: Counter[str]
    failed: list[tuple[str, str]]
    n_rows: int
    lacking: str = ""


def _counted(
    names_done: Iterable[str], found: Iterable[tuple[tuple[str, ...], str | None]]
) -> tuple[Counter[str], list[tuple[str, str]]]:
    count, failed = Counter[str](), list[tuple[str, str]]()
    for name, (verdicts, error) in zip(names_done, found, strict=False):
        count.update(_kinds(verdicts, error))
        if error is not None:
            failed.append((name, error))
    return count, failed


def _read_done(outputs: Sequence[_Output], expected: Sequence[str]) -> _Done:
    """Return what an interrupted run left.

    1. The names must be those of this run, photograph for photograph.
    2. A photograph is done if each file has its rows. In the file of rows the last one is read again: it may lack some.
    """
    ends, found = zip(*(_ends(output, expected) for output in outputs), strict=True)
    n = min(max(0, len(ends[0]) - 1), *(len(each) for each in ends[1:]), len(expected))
    numbers = [len(each) for each in ends]
    lacking = ""
    if len(outputs) > 1:
        place = numbers.index(min(numbers[1:]), 1)
        lacking = f"{outputs[place].path} has {numbers[place]:,}"
        if outputs[place].option == "--page" and not numbers[place]:
            lacking = "a page is made from all of them"
    count, failed = _counted(expected[:n], found[0])
    rest = b""
    if n < len(ends[0]) and found[0][n][1] is None:
        begin = ends[0][n - 1] if n else len(outputs[0].head)
        with open(str(outputs[0].path), "rb") as file:
            file.seek(begin)
            rest = file.read(ends[0][n] - begin)
    return _Done(n, tuple(each[n - 1] if n else 0 for each in ends), rest, count, failed, numbers[0], lacking)


def _ends(output: _Output, expected: Sequence[str]) -> tuple[list[int], list[tuple[tuple[str, ...], str | None]]]:
    """Return how many bytes of a file there are up to the end of each photograph, and what its rows say of it."""
    ends, found = list[int](), list[tuple[tuple[str, ...], str | None]]()
    faces = dict[Any, str]()
    rows = read_rows(str(output.path), output.columns, style=output.style, option=output.option)
    for row, end in rows:
        name = row["file"]
        if not ends or name != expected[len(ends) - 1]:
            if expected[len(ends) : len(ends) + 1] != [name]:
                before = [*expected[: len(ends)], name, *(row["file"] for row, _ in rows)]
                last = max((place for place, each in enumerate(expected) if each in set(before)), default=-1)
                raise _other_photographs(output, before, expected[: last + 1])
            ends.append(end)
            found.append(((), None))
            faces = {}
        ends[-1] = end
        if output.option == "--out":
            if row["face"] is not None:
                faces[row["face"]] = str(row["verdict"])
            error = row["error"] if row["face"] is None and row["error"] != _NO_FACE else None
            found[-1] = (tuple(faces.values()), error)
    return ends, found


def _other_photographs(output: _Output, before: Sequence[str], expected: Sequence[str]) -> DataError:
    """Return the error for rows of photographs that are not the expected ones."""
    had, has = set(before), set(expected)
    added, gone = [name for name in expected if name not in had], [name for name in had if name not in has]
    parts = (
        [f"{_photographs(len(added))} {'was' if len(added) == 1 else 'were'} added since ({_first(added)})"]
        if added
        else []
    )
    parts += (
        [f"{_photographs(len(gone))} of it {'is' if len(gone) == 1 else 'are'} gone ({_first(sorted(gone))})"]
        if gone
        else []
    )
    return DataError(
        f"{output.option} {output.path!r}: {' and '.join(parts) or 'the photographs were in another order'}; run again "
        "with --force instead of --resume to read all photographs, or name another file"
    )


def _first(names_of: Sequence[str]) -> str:
    return ", ".join([*map(repr, names_of[:_N_NAMED]), "..."][: len(names_of)])


def _check_rest(done: _Done, output: _Output, read: _Read) -> None:
    """Refuse to continue rows that this run would not have written; a file may have changed to be readable or not."""
    if not done.rest or read.error is not None:
        return
    if not output.text(read).encode("utf-8", "surrogateescape").startswith(done.rest):
        raise DataError(
            f"--resume: {read.rows[0].file!r} has other rows than before: another model, option or image; name another "
            "file, or replace it with --force instead of --resume"
        )


# -- the summary --


def _kinds(verdicts: Sequence[str], error: str | None) -> list[str]:
    """Return what a photograph is counted as, with each of its faces."""
    if error is not None:
        return ["failed"]
    looks = [f"with {verdict}" for verdict in ("closed", "unknown") if verdict in verdicts]
    looks += ["open group"] if len(verdicts) > 1 and set(verdicts) == {"open"} else []
    return [*verdicts, *looks] if verdicts else ["without"]


def _print_summary(count: Counter[str], n: int, n_read: int, seconds: float | None) -> None:
    n_faces = sum(count[verdict] for verdict in VERDICTS)
    parts = [f"{n_faces:,} face{'s' * (n_faces != 1)}"]
    for verdict in VERDICTS:
        where = f" in {_photographs(count['with closed'])}" if verdict == "closed" else ""
        parts += [f"{count[verdict]:,} {verdict}{where}"] if count[verdict] else []
    parts += [f"{count['without']:,} without a face"] if count["without"] else []
    parts += [f"{count['failed']:,} failed"]
    parts += [f"{n_read / seconds:,.1f} photographs a second"] if seconds is not None else []
    before = f"; {n - n_read:,} {'was' if n - n_read == 1 else 'were'} done before" if n_read < n else ""
    print(f"{n - count['failed']:,} read: {', '.join(parts)}{before}", file=sys.stderr)


def _photographs(n: int) -> str:
    return f"{n:,} photograph{'s' * (n != 1)}"


def _print_failed(failed: Sequence[tuple[str, str]]) -> None:
    print_failed((printable(name), reason) for name, reason in failed[:_N_FAILED])
    if len(failed) > _N_FAILED:
        n = len(failed) - _N_FAILED
        print(f"classic-eyes: skipped {n:,} more; the column error has the reasons", file=sys.stderr)


def _print_advice(count: Counter[str], arguments: Namespace) -> None:
    """Print which photographs a person should look at, by the names of the filters of the page."""
    if n := count["with unknown"]:
        which = "photograph" if n == 1 else _photographs(n)
        print(f"look at the {which} with unknown: eyes that cannot be classified are often closed", file=sys.stderr)
    where, filters = [], []
    if n := count["without"]:
        where.append(f"the {'photograph' if n == 1 else _photographs(n)} without a face")
        filters.append("No face")
    if n := count["open group"]:
        where.append(f"the {'group' if n == 1 else f'{n:,} groups'} with all faces open")
        filters.append("Groups, all open")
    if where:
        more = f"; --upsample {arguments.upsample + 1} finds more faces, and takes longer"
        more = more if arguments.upsample < _MAX_UPSAMPLE else ""
        page = "" if arguments.page is None else f" (on the page: {'; '.join(filters)})"
        message = f"look also at {' and '.join(where)}{page}: a face with closed eyes may be missed{more}"
        print(message, file=sys.stderr)


def _print_written(arguments: Namespace) -> None:
    tables = [name for name in (arguments.out, arguments.photos) if name is not None and not is_stream(name)]
    if tables:
        print(f"wrote {' and '.join(tables)}", file=sys.stderr)
    if arguments.page is not None:
        print(f"wrote {arguments.page}; it contains your photographs; open it in a browser", file=sys.stderr)


def _print_drawings(folder: str, drawn: Collection[str], files: Iterable[str], listing: Listing) -> None:
    """Print how many drawings there are, and how many other JPEG files: those may be of another run."""
    known = {os.path.realpath(path) for path in (*drawn, *(path for path, _ in listing.images))}
    others = 0
    for place in {os.path.normpath(each) for each in (folder, *map(os.path.dirname, files))}:
        with suppress(OSError):  # nothing was drawn there
            names_there = [name for name in os.listdir(place) if name.lower().endswith(_JPEG_ENDINGS)]
            others += sum(os.path.realpath(os.path.join(place, name)) not in known for name in names_there)
    contain = f"; {'it contains' if len(drawn) == 1 else 'they contain'} your photographs" if drawn else ""
    left = f"; {others:,} other JPEG file{'s' * (others != 1)} there {'is' if others == 1 else 'are'} not of this run"
    number = f"{len(drawn):,} drawing{'s' * (len(drawn) != 1)}"
    print(f"wrote {number} in {folder!r}{contain}{left if others else ''}", file=sys.stderr)


class _Patches:
    """Whether what is read are patches of eyes, in which there is no face."""

    def __init__(self) -> None:
        self.n = self.n_small = 0
        self.is_printed = False

    def add(self, read: _Read) -> None:
        """Add an image; after the first ones, print the hint."""
        if read.error is None:
            self.n += 1
            self.n_small += not read.verdicts and read.longer_side < LARGE_SIDE
            if self.n == _N_FIRST:
                self.print_hint()

    def print_hint(self) -> None:
        """Print once what to use for patches, if most images are so small and have no face."""
        if not self.is_printed and self.n_small and self.n_small >= _PATCHES * self.n:
            self.is_printed = True
            print(
                f"classic-eyes: warning: {self.n_small:,} of {self.n:,} images have no face and less than {LARGE_SIDE} "
                "pixels a side; for patches of one eye use classic-eyes predict",
                file=sys.stderr,
            )
