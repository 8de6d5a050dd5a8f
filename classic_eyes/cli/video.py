"""Find blinks, closures and PERCLOS in videos or from a camera: events, frames, summaries, drawings."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
import warnings
from argparse import ArgumentParser, Namespace
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from .._utils.files import is_stream, write_whole
from .._utils.resources import n_cores, one_thread
from .._version import __version__
from ..calibration import Calibration, read_calibration
from ..errors import DataError, ImageError, ParameterError
from ..images.files import is_url
from ..images.finding import VIDEO_ENDINGS, Listing, last_name
from ..inference.processes import run_in_processes
from ..predictor import EyePredictor, load_model
from ..video import Analysis, Event, FrameState, Monitor
from ..video.drawing import DRAWN_ENDINGS, DrawnClip
from ..video.frames import Frame, read_frames
from ..video.page import failed_entry, render_page
from .arguments import add_calibration_argument, add_model_arguments, check_out, model_file, positive_integer
from .camera import watch_camera
from .drawings import drawing_files
from .inspection import attempt
from .listing import list_images, print_counts
from .progress import FrameProgress, with_progress
from .recorder import EVENT_COLUMNS, FRAME_COLUMNS, Recorder, describe_counts, summary_of
from .rows import Output, open_output, read_rows, utf8_name

__all__ = ["add_arguments", "work"]

_COLUMNS = {"--frames": FRAME_COLUMNS, "--events": EVENT_COLUMNS}
_REMEDY = "name other files, or replace them with --force instead of --resume"
# Seconds that the analysis of a file is ahead of its drawing, so that most events are drawn from their start.
_AHEAD_S = 4.0
# Characters of rows that are copied at a time.
_BLOCK = 1 << 20


class _Settings(NamedTuple):
    """What is done with every video. It can be pickled, for processes that are not forked."""

    model: str
    trusted: bool
    calibration: str | None
    options: tuple[str, ...]  # of those that get rows: --frames, --events
    style: str
    has_page: bool


class _Item(NamedTuple):
    """A video: its path, the name of its rows, and the file of its drawing."""

    path: str
    name: str
    drawing: str | None


class _Read(NamedTuple):
    """What is known of a video: its summary, or why it could not be read; and the data of the page."""

    summary: dict[str, Any]
    kinds: Counter[str]
    entry: dict[str, Any] | None = None

    @property
    def error(self) -> str | None:
        """Why it could not be read."""
        return self.summary.get("error")

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.summary.get("frames", 0))


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes video``."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="a folder, searched through all levels, or a video or its URL"
    )
    parser.add_argument(
        "--camera",
        metavar="N",
        help="watch camera N, from 0, until Ctrl-C, with a window where there is a display; also the URL of a network "
        "camera, or a video",
    )
    add_model_arguments(parser)
    add_calibration_argument(parser, "a person's own thresholds")
    parser.add_argument(
        "--events",
        metavar="FILE",
        help="write a row an event there: blink, partial, long, wink; to standard output where no output is named",
    )
    parser.add_argument("--frames", metavar="FILE", help="write a row a frame, face and eye there")
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="of both; default: csv")
    parser.add_argument(
        "--summary", metavar="FILE", help="write blinks a minute, durations, PERCLOS and more of each face, as JSON"
    )
    parser.add_argument(
        "--page", metavar="HTML", help="write a page with the signals, the events and their images, and the summaries"
    )
    parser.add_argument(
        "--draw",
        metavar="FILE|DIR",
        help="write the video with boxes, states and events, without its sound, as .mp4 or .avi; several videos into a "
        "folder, which is none that is read or has a video that is",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files of all these outputs")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue an interrupted run after the last finished video; the output is byte-identical",
    )
    parser.add_argument(
        "--jobs", type=positive_integer, metavar="N", help="processes for several videos; default: one per core"
    )


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes video``; 1 if some videos could not be read. A video without a face is no failure."""
    if arguments.camera is not None:
        return _work_on_camera(arguments)
    if not arguments.paths:
        raise ParameterError("no video is named; give a video or a folder, or --camera 0 for a camera")
    _check_resume(arguments)
    listing = _list(arguments.paths)
    options = _row_options(arguments)
    settings = _settings(arguments, options)
    _check_outputs(arguments, options, [path for path, _ in listing.images])
    drawings = _drawings(arguments, listing)
    _tools.cache_clear()
    _tools(settings)  # before processes are forked, and errors of the arguments before anything is written
    items = [_Item(path, utf8_name(name), drawings.get(path)) for path, name in listing.images]
    journal = _Journal.of(arguments, settings)
    done = _Done((), {})
    if arguments.resume:
        complete = journal.complete_before([item.name for item in items])
        if complete is not None:
            print("nothing to continue: the earlier run was complete", file=sys.stderr)
            return complete
        done = journal.read_done([item.name for item in items])

    start = time.perf_counter()
    reads = list(done.reads)
    for read in done.reads:
        _print_failure(read)
    with one_thread(), ExitStack() as stack:
        files = {
            option: stack.enter_context(
                open_output(
                    path,
                    style=settings.style,
                    force=arguments.force,
                    keep=done.sizes.get(option, 0) if arguments.resume else None,
                    remedy=_remedy(journal),
                    option=option,
                )
            )
            for option, path in options.items()
        }
        if settings.style == "csv":
            for option, file in files.items():
                if not done.sizes.get(option):
                    file.write(",".join(_COLUMNS[option]) + "\n")
        stack.enter_context(journal.opened(keep=bool(done.reads)))
        results = _read_all(settings, items, len(done.reads), files, arguments.jobs or n_cores())
        try:
            with closing(results):
                for item, read in results:
                    journal.add(item.name, read)
                    reads.append(read)
                    _print_failure(read)
        except KeyboardInterrupt as error:
            if journal.path is not None:
                error.args = (f"continue with --resume{' instead of --force' if arguments.force else ''}",)
            raise
    _write_documents(arguments, settings, reads)
    journal.remove()
    _print_summary(reads, len(done.reads), time.perf_counter() - start, drawings=len(drawings), draw=arguments.draw)
    _print_written(arguments)
    print_counts(listing.passed_over, videos=True)
    return 1 if any(read.error for read in reads) else 0


def _check_resume(arguments: Namespace) -> None:
    if not arguments.resume:
        return
    named = [path for path in (arguments.events, arguments.frames, arguments.summary, arguments.page) if path]
    if not named:
        raise ParameterError(
            "--resume continues files, but none is given; give --events, --frames, --summary or --page"
        )
    for path in named:
        if is_stream(path):
            raise ParameterError(f"--resume: {path!r} is no regular file, so it cannot be continued; {_REMEDY}")


def _list(paths: Sequence[str]) -> Listing:
    try:
        return list_images(paths, videos=True)
    except DataError as error:
        for path in paths:
            if path.isdecimal() and not os.path.exists(path):
                raise DataError(f"{path!r}: no such folder or video; for a camera write --camera {path}") from error
        raise


def _row_options(arguments: Namespace) -> dict[str, str | None]:
    """Return which rows are written and where; None is standard output."""
    options = {"--events": arguments.events, "--frames": arguments.frames}
    if not any((*options.values(), arguments.summary, arguments.page, arguments.draw)):
        return {"--events": None}
    return {option: path for option, path in options.items() if path is not None}


def _settings(arguments: Namespace, options: Iterable[str]) -> _Settings:
    return _Settings(
        model=arguments.model,
        trusted=arguments.trust_model,
        calibration=arguments.calibration,
        options=tuple(options),
        style=arguments.format,
        has_page=arguments.page is not None,
    )


def _check_outputs(arguments: Namespace, options: dict[str, str | None], paths: Sequence[str]) -> None:
    """Refuse outputs that cannot or must not be written, before the long work."""
    read = [*paths, model_file(arguments), *([arguments.calibration] if arguments.calibration else [])]
    known: dict[str, str] = {}
    endings: dict[str, tuple[str, ...]] = {"--page": (".html", ".htm")}
    formats = dict.fromkeys(options, f".{arguments.format}")
    formats["--summary"] = ".json" if arguments.format == "csv" else ".jsonl"
    for option, path in {**options, "--summary": arguments.summary}.items():
        # No ending is a matter of taste; that of another format would lie.
        if path is not None and Path(path).suffix.lower() not in ("", ".txt", formats[option]):
            endings[option] = (formats[option],)
    named = {**options, "--summary": arguments.summary, "--page": arguments.page}
    if arguments.draw is not None and _is_drawn_file(arguments.draw):
        named["--draw"] = arguments.draw
    for option, path in named.items():
        if path is None and option not in options:
            continue
        check_out(
            path,
            *endings.get(option, ()),
            force=arguments.force,
            resume=arguments.resume,
            read=read,
            option=option,
        )
        if path is not None and known.setdefault(os.path.realpath(path), option) != option:
            raise ParameterError(f"{known[os.path.realpath(path)]} and {option} are both {path!r}; name two files")


def _is_drawn_file(name: str) -> bool:
    return Path(name).suffix.lower() in DRAWN_ENDINGS and not os.path.isdir(name)


def _drawings(arguments: Namespace, listing: Listing) -> dict[str, str]:
    """Return the file of the drawing of each video."""
    draw = arguments.draw
    if draw is None:
        return {}
    if _is_drawn_file(draw):
        if len(listing.images) > 1:
            raise ParameterError(
                f"--draw {draw!r} is one file, but {len(listing.images):,} videos are read; name a folder"
            )
        return {listing.images[0][0]: draw}
    for path, _ in listing.images:
        if not is_url(path) and os.path.realpath(os.path.dirname(os.path.abspath(path))) == os.path.realpath(draw):
            raise ParameterError(
                f"--draw {draw!r} is the folder of {path!r}; a later run over it would read the drawings; name another "
                "folder"
            )
    may_replace = arguments.force or arguments.resume
    files = drawing_files(draw, listing, _drawing_name, what="videos", force=may_replace)
    return {path: str(file) for path, file in files.items()}


def _drawing_name(base: Path) -> Path:
    known = base.suffix.lower() in VIDEO_ENDINGS
    return base.with_suffix(".mp4") if known else base.with_name(f"{base.name}.mp4")


def _remedy(journal: _Journal) -> str:
    return "make room, or name another file" if journal.path is None else "make room, and continue it with --resume"


# -- one video --


@lru_cache(maxsize=1)
def _tools(settings: _Settings) -> tuple[EyePredictor, Calibration | None]:
    """Load the model and the calibration, once in each process."""
    model = load_model(settings.model, trusted=settings.trusted)
    calibration = None
    if settings.calibration is not None:
        calibration = read_calibration(settings.calibration, model=model.fingerprint)
    Monitor(model, calibration=calibration)  # refuses a missing dlib
    return model, calibration


def _read(
    settings: _Settings, item: _Item, write: Callable[[str, str], object], tick: Callable[[int | None], object]
) -> _Read:
    """Read a video, and write its rows and its drawing; ``tick`` gets its number of frames with each of them."""
    failures: list[Exception] = []

    def write_or_end(option: str, text: str) -> None:
        try:
            write(option, text)
        except Exception as error:
            failures.append(error)
            raise

    read, error = attempt(partial(_watch, settings, item, write_or_end, tick))
    if failures:
        raise failures[0]  # what is wrong with an output is not of this video
    if read is not None:
        return read
    reason = str(error).removeprefix(f"{item.path!r}: ")
    entry = failed_entry(item.name, reason) if settings.has_page else None
    return _Read({"file": item.name, "error": reason}, Counter(), entry)


def _watch(
    settings: _Settings, item: _Item, write: Callable[[str, str], object], tick: Callable[[int | None], object]
) -> _Read:
    model, calibration = _tools(settings)
    with one_thread(), warnings.catch_warnings(), ExitStack() as stack:
        # They are in the summary, and printed with the name of the row.
        warnings.filterwarnings("ignore", message=re.escape(f"{item.path!r}: "))
        frames = stack.enter_context(read_frames(item.path))
        clip = None
        if item.drawing is not None:
            _make_folder(item.drawing)
            clip = stack.enter_context(DrawnClip(item.drawing, fps=frames.fps))
        recorder = Recorder(
            item.name, write, options=settings.options, style=settings.style, clip=clip, page=settings.has_page
        )
        # States come seconds after their frames. Those of a file are read once more rather than kept.
        needs_pixels = clip is not None or settings.has_page
        is_file = os.path.isfile(item.path)
        kept = deque[Frame]()

        def passed() -> Iterator[Frame]:
            for frame in frames:
                tick(frames.n_frames)
                if needs_pixels and not is_file:
                    kept.append(frame)
                yield frame

        analysis = Analysis(passed(), model, calibration=calibration)
        states = _with_rows(analysis, recorder)
        if needs_pixels and is_file:
            again = stack.enter_context(read_frames(item.path))
            for state, events in _ahead(states):
                frame = next((frame for frame in again if frame.index >= state.index), None)
                recorder.add_pixels(state, frame, events)
        else:
            for state in states:
                recorder.add_pixels(state, kept.popleft() if kept else None, state.events)
        summary = summary_of(item.name, frames, analysis.summary())
    return _Read(summary, recorder.kinds, recorder.entry(summary))


def _with_rows(states: Iterable[FrameState], recorder: Recorder) -> Iterator[FrameState]:
    for state in states:
        recorder.add_rows(state)
        yield state


def _ahead(states: Iterable[FrameState]) -> Iterator[tuple[FrameState, list[Event]]]:
    """Yield states with the events that have become known a few seconds later, most of them before they begin."""
    waiting, events = deque[FrameState](), list[Event]()
    for state in states:
        waiting.append(state)
        events += state.events
        while state.time_s - waiting[0].time_s > _AHEAD_S:
            yield waiting.popleft(), events
            events = []
    for state in waiting:
        yield state, events
        events = []


def _make_folder(drawing: str) -> None:
    folder = Path(drawing).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"--draw: the folder {str(folder)!r} cannot be made ({error.strerror})") from error


# -- all videos --


def _read_all(
    settings: _Settings, items: Sequence[_Item], n_done: int, files: dict[str, Output], n_jobs: int
) -> Generator[tuple[_Item, _Read], None, None]:
    """Yield each video when it has been read and its rows have been written."""
    left = items[n_done:]

    def write(option: str, text: str) -> None:
        files[option].write(text)
        files[option].flush()

    if min(n_jobs, len(left)) <= 1:
        progress = FrameProgress(len(items), done=n_done)
        for item in left:
            with progress.video(item.name) as tick:
                read = _read(settings, item, write, tick)
            yield item, read
        return
    # Each process writes into files of its own, which are added in order.
    with tempfile.TemporaryDirectory(prefix="classic_eyes.") as folder:
        work_of = partial(_read_apart, settings, folder)
        results = run_in_processes(work_of, list(enumerate(left)), n_jobs=n_jobs)
        with closing(results):
            pairs = zip(left, chain(results), strict=True)
            shown = with_progress(pairs, len(items), "videos", start=n_done, n_frames=lambda pair: pair[1].n_frames)
            for number, (item, read) in enumerate(shown):
                for option in settings.options:
                    with suppress(FileNotFoundError):
                        part = _part(folder, number, option)
                        with open(part, encoding="utf-8", errors="surrogateescape", newline="") as file:
                            while lines := file.readlines(_BLOCK):
                                write(option, "".join(lines))
                        os.unlink(part)
                yield item, read


def _part(folder: str, number: int, option: str) -> str:
    return os.path.join(folder, f"{number}{option}")


def _read_apart(settings: _Settings, folder: str, numbered: tuple[int, _Item]) -> _Read:
    """Read a video in a process of its own."""
    number, item = numbered
    with ExitStack() as stack:
        files = {
            option: stack.enter_context(
                open(_part(folder, number, option), "w", encoding="utf-8", errors="surrogateescape", newline="")
            )
            for option in settings.options
        }
        return _read(settings, item, lambda option, text: files[option].write(text), lambda _: None)


# -- summary and page --


def _write_documents(arguments: Namespace, settings: _Settings, reads: Sequence[_Read]) -> None:
    """Write the summary and the page."""
    if arguments.summary is not None:
        summaries = [read.summary for read in reads]
        if arguments.format == "jsonl":
            text = "".join(json.dumps(each) + "\n" for each in summaries)
        else:
            model, calibration = _tools(settings)
            made_by = {
                "version": __version__,
                "model": {"name": arguments.model, "sha256": model.fingerprint},
                "calibration": None if calibration is None else asdict(calibration),
            }
            text = json.dumps({**made_by, "files": summaries}, indent=2) + "\n"
        _write(arguments.summary, text, "--summary")
    if arguments.page is not None:
        entries = [read.entry for read in reads if read.entry is not None]
        _write(arguments.page, render_page(entries, title=_title(arguments), version=__version__), "--page")


def _write(path: str, text: str, option: str) -> None:
    try:
        write_whole(path, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise ParameterError(f"{option} {path!r} cannot be written ({error.strerror}); make room") from error


def _print_written(arguments: Namespace) -> None:
    tables = [name for name in (arguments.events, arguments.frames, arguments.summary) if name and not is_stream(name)]
    if tables:
        print(f"wrote {' and '.join(tables)}", file=sys.stderr)
    if arguments.page is not None:
        print(f"wrote {arguments.page}; it contains images of people; open it in a browser", file=sys.stderr)


def _title(arguments: Namespace) -> str:
    if len(arguments.paths) == 1 and not is_url(arguments.paths[0]):
        return last_name(arguments.paths[0])
    return "Camera" if arguments.camera is not None else "Videos"


def _print_failure(read: _Read) -> None:
    name = read.summary["file"]
    if read.error is not None:
        print(f"classic-eyes: {name}: {read.error}", file=sys.stderr)
    for text in read.summary.get("warnings", ()):
        print(f"classic-eyes: warning: {name}: {text}", file=sys.stderr)


def _print_summary(reads: Sequence[_Read], n_before: int, seconds: float, *, drawings: int, draw: str | None) -> None:
    good = [read for read in reads if read.error is None]
    kinds = sum((read.kinds for read in good), Counter[str]())
    n_tracks = sum(len(read.summary["tracks"]) for read in good)
    length = sum(read.summary["duration_s"] for read in good)
    without = sum(not read.summary["tracks"] for read in good)
    n_frames = sum(read.n_frames for read in reads[n_before:])
    parts = [
        f"{describe_counts(kinds)} of {n_tracks:,} track{'s' * (n_tracks != 1)} in {length:,.1f} s",
        *([f"{without:,} without a face"] if without else []),
        f"{len(reads) - len(good):,} failed",
        *([f"{n_frames / seconds:,.0f} frames/s"] if n_frames else []),
    ]
    before = f"; {n_before:,} {'was' if n_before == 1 else 'were'} done before" if n_before else ""
    print(f"{len(good):,} read: {', '.join(parts)}{before}", file=sys.stderr)
    if drawings:
        n_drawn = min(drawings, len(good))
        print(f"{n_drawn:,} drawing{'s' * (n_drawn != 1)} in {draw!r}, without sound", file=sys.stderr)


# -- resuming --


class _Done(NamedTuple):
    """What an interrupted run finished, and how many bytes of each file of rows belong to that."""

    reads: Sequence[_Read]
    sizes: dict[str, int]


class _Journal:
    """A file beside the first output that says which videos are finished; it is removed at the end.

    A video may have no event, so the files of rows alone do not tell.
    """

    def __init__(self, path: str | None, outputs: dict[str, str], settings: dict[str, Any]) -> None:
        self.path = path
        self._outputs, self._settings = outputs, settings
        self._file: Any = None

    @classmethod
    def of(cls, arguments: Namespace, settings: _Settings) -> _Journal:
        """Return the journal of a run; it has no path where nothing could be continued."""
        options = ("--events", "--frames", "--summary", "--page")
        named = zip(options, (arguments.events, arguments.frames, arguments.summary, arguments.page), strict=True)
        outputs = {option: path for option, path in named if path is not None}
        model, calibration = _tools(settings)
        known = {
            "version": __version__,
            "model": model.fingerprint,
            "calibration": None if calibration is None else repr(calibration),
            "format": settings.style,
            "outputs": sorted(outputs),
        }
        is_regular = bool(outputs) and not any(is_stream(path) for path in outputs.values())
        return cls(f"{next(iter(outputs.values()))}.part" if is_regular else None, outputs, known)

    def complete_before(self, names: Sequence[str]) -> int | None:
        """Return the exit status of an earlier run that was complete; None if there is something to do."""
        assert self.path is not None
        existing = [option for option, path in self._outputs.items() if os.path.lexists(path)]
        if os.path.exists(self.path) or not existing:
            return None
        missing = [option for option in self._outputs if option not in existing]
        if missing:
            path = self._outputs[missing[0]]
            raise DataError(f"--resume: {missing[0]} {path!r} is missing, but {existing[0]} is complete; {_REMEDY}")
        failed = False
        for option, path in self._outputs.items():
            found: Iterable[str] = ()
            if option == "--summary":
                summaries = self._read_summary(path)
                failed = any("error" in each for each in summaries)
                if [each.get("file") for each in summaries] != list(names):
                    raise DataError(f"--summary {path!r} is of other videos; {_REMEDY}")
            elif option in _COLUMNS:
                rows = read_rows(path, _COLUMNS[option], style=self._settings["format"], option=option)
                found = {str(row["file"]) for row, _ in rows}
            if others := sorted(set(found) - set(names)):
                raise DataError(f"{option} {path!r} has rows of {others[0]!r}, which is not read now; {_REMEDY}")
        return int(failed)

    def _read_summary(self, path: str) -> list[dict[str, Any]]:
        try:
            text = Path(path).read_text(encoding="utf-8")
            if self._settings["format"] == "jsonl":
                return [dict(json.loads(line)) for line in text.splitlines()]
            return [dict(each) for each in json.loads(text)["files"]]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise DataError(f"--summary {path!r} is none of this command; {_REMEDY}") from error

    def read_done(self, names: Sequence[str]) -> _Done:
        """Return what an interrupted run finished."""
        entries = list(self._entries())
        if not entries:
            return _Done((), {})
        if entries[0] != self._settings:
            differing = [key for key, value in self._settings.items() if entries[0].get(key) != value]
            raise DataError(f"--resume: the interrupted run had another {' and '.join(differing)}; {_REMEDY}")
        reads, sizes = list[_Read](), dict[str, int]()
        for number, entry in enumerate(entries[1:]):
            if names[number : number + 1] != [entry["file"]]:
                what = f"this run has {names[number]!r}" if number < len(names) else "there are no more"
                raise DataError(f"--resume: video {number + 1} was {entry['file']!r}, but {what}; {_REMEDY}")
            reads.append(_Read(entry["summary"], Counter(entry["kinds"]), entry["entry"]))
            sizes = entry["sizes"]
        for option, size in sizes.items():
            path = self._outputs[option]
            if not os.path.exists(path) or os.path.getsize(path) < size:
                raise DataError(f"--resume: {option} {path!r} is shorter than the interrupted run left it; {_REMEDY}")
        return _Done(reads, sizes)

    def _entries(self) -> Iterator[dict[str, Any]]:
        """Yield the whole lines; the last one may be cut off."""
        assert self.path is not None
        try:
            with open(self.path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                for line in file:
                    if not line.endswith("\n"):
                        return
                    yield dict(json.loads(line))
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"--resume: {self.path!r} is damaged; delete it, and start again with --force") from error

    def opened(self, *, keep: bool) -> ExitStack:
        """Open it, and go on after what was finished."""
        stack = ExitStack()
        if self.path is None:
            return stack
        kept = list(self._entries()) if keep else [self._settings]
        try:
            write_whole(self.path, "".join(json.dumps(entry) + "\n" for entry in kept).encode())
            self._file = stack.enter_context(open(self.path, "a", encoding="utf-8"))  # noqa: SIM115
        except OSError as error:
            raise ParameterError(f"{self.path!r} cannot be written ({error.strerror}); name another file") from error
        return stack

    def add(self, name: str, read: _Read) -> None:
        """Note that a video is finished, and its rows are written."""
        if self._file is None:
            return
        sizes = {option: os.path.getsize(path) for option, path in self._outputs.items() if option in _COLUMNS}
        entry = {"file": name, "sizes": sizes, "kinds": read.kinds, "summary": read.summary, "entry": read.entry}
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def remove(self) -> None:
        """Remove it: the run is complete."""
        if self.path is not None:
            with suppress(OSError):
                os.unlink(self.path)


# -- a camera --


def _work_on_camera(arguments: Namespace) -> int:
    for option, value in (("PATH", arguments.paths), ("--jobs", arguments.jobs), ("--resume", arguments.resume)):
        if value:
            raise ParameterError(f"--camera and {option} exclude each other; omit one of them")
    if arguments.draw is not None and not _is_drawn_file(arguments.draw):
        raise ParameterError(f"--draw {arguments.draw!r}: of a camera it is one file; end it in .mp4 or .avi")
    options = _row_options(arguments)
    settings = _settings(arguments, options)
    source = int(arguments.camera) if arguments.camera.isdecimal() else arguments.camera
    _check_outputs(arguments, options, [] if isinstance(source, int) else [source])
    model, calibration = _tools(settings)
    name = f"camera {source}" if isinstance(source, int) else utf8_name(source)
    with ExitStack() as stack:
        try:
            frames = stack.enter_context(read_frames(source))
        except ImageError as error:
            is_missing = isinstance(source, str) and not (is_url(source) or os.path.lexists(source))
            remedy = "; a camera is a whole number from 0" if is_missing else ""
            raise ParameterError(f"--camera: {error}{remedy}") from error
        files = {
            option: stack.enter_context(open_output(path, style=settings.style, force=arguments.force, option=option))
            for option, path in options.items()
        }
        clip = None
        if arguments.draw is not None:
            clip = stack.enter_context(DrawnClip(arguments.draw, fps=frames.fps))

        def write(option: str, text: str) -> None:
            files[option].write(text)
            files[option].flush()

        if settings.style == "csv":
            for option in options:
                write(option, ",".join(_COLUMNS[option]) + "\n")
        recorder = Recorder(name, write, options=options, style=settings.style, clip=clip, page=settings.has_page)
        monitor = Monitor(model, calibration=calibration)
        with one_thread(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="time_s: ")  # the reader warns of a low frame rate too
            has_ended = watch_camera(frames, monitor, recorder)
        summary = summary_of(name, frames, monitor.summary())
    read = _Read(summary, recorder.kinds, recorder.entry(summary))
    _write_documents(arguments, settings, [read])
    print(
        f"{summary['frames']:,} frames in {summary['duration_s']:,.1f} s: {describe_counts(recorder.kinds)}",
        file=sys.stderr,
    )
    _print_written(arguments)
    if has_ended and frames.is_camera:
        print(f"classic-eyes: {name}: it gives no more frames; connect it, and start again", file=sys.stderr)
        return 1
    return 0
