"""Frames of videos and cameras, one after the other, each with its time."""

from __future__ import annotations

import os
import stat
import struct
import sys
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from glob import glob
from itertools import chain, islice
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.dependencies import opencv_log
from ..errors import ImageError, ParameterError
from ..images.files import is_url, unexpected
from ..images.reasons import why_not_readable

__all__ = ["SLOWEST_RATE", "Frame", "FrameReader", "read_frames", "silence"]

_Item = TypeVar("_Item")
_Timed = tuple[float, NDArray[np.uint8]]
_Ready = tuple[float, NDArray[np.uint8], NDArray[np.uint8]]  # with the frame in grey

SLOWEST_RATE = 20.0
"""Frames a second below which short blinks may be missed."""

# Frames that are decoded ahead: as many as fit into these bytes, within limits. Of a camera only the last one counts.
_AHEAD_BYTES, _FEWEST_AHEAD, _MOST_AHEAD = 32 << 20, 2, 16
# Failures in a row that end a video: a broken frame is none of its end. A camera gets a pause after each.
_MAX_FAILURES, _PAUSE_S = 20, 0.05
# A camera that gives no frame for so long has ended. Its first frame may take longer.
_STALLED_S = 5.0
# Frames that are looked at to find out whether a file has times.
_N_EXAMINED = 4
# A clock that goes back by more was set anew, as where recordings are put together.
_RESET_S = 0.5
# The rate is measured in this time, and cannot be in less than so many frames.
_MEASURED_S, _FEWEST_MEASURED = 5.0, 10
# A file is cut off if so much is missing, by frames and by time.
_CUT_SHARE, _CUT_FRAMES = 0.05, 3
_N_BYTES = 1024
_IMAGE_KINDS = {"JPEG", "PNG", "BMP", "WebP", "TIFF", "JPEG 2000", "AVIF", "PNM"}
_USUAL_RATE = 25.0
_NO_FRAME = (
    "no frame can be decoded: it is no video, damaged or cut off, or OpenCV has no decoder for it; convert it to "
    "H.264 in MP4"
)
# Files that begin like images, or like text.
_SEQUENCES, _RAW = (".mjpeg", ".mjpg"), b"YUV4MPEG2"


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a video.

    Parameters
    ----------
    index : int
        Number of the frame, from 0; all decoded frames count.
    time_s : float
        Its time in seconds. It never decreases.
    bgr : uint8 array of shape (h, w, 3) or (h, w)
        The frame as OpenCV decodes it, upright; or in grey, such as that of an infrared camera.
    """

    index: int
    time_s: float
    bgr: NDArray[np.uint8]

    @cached_property
    def grey(self) -> NDArray[np.uint8]:
        """The frame in grey, of shape (h, w)."""
        return _grey(self.bgr)

    @property
    def image(self) -> NDArray[np.uint8]:
        """The frame in RGB, of shape (h, w, 3)."""
        code = cv2.COLOR_GRAY2RGB if self.bgr.ndim == 2 else cv2.COLOR_BGR2RGB
        return np.asarray(cv2.cvtColor(self.bgr, code), np.uint8)


def read_frames(source: str | os.PathLike[str] | int) -> FrameReader:
    """Read the frames of a video or a camera, one after the other.

    1. A thread decodes ahead, so that decoding and analysis share the time. Memory does not depend on the length.
    2. Times are those of the file, so that a variable frame rate does no harm. Rotation metadata is obeyed. Repeated
       frames are kept.
    3. A camera gives its latest frame: frames that come faster than they are used are dropped. Times are those of a
       clock that cannot be set, from the first frame. It ends when it is unplugged, or gives no frame for 5 s.
    4. A URL that states no length is that of a network camera, so 3. holds for it. Any other URL is a file.

    Parameters
    ----------
    source : str, os.PathLike or int
        A file; a URL, which OpenCV opens; or the number of a camera, from 0.

    Returns
    -------
    FrameReader
        An iterator over `Frame`. Close it to stop early; it is a context manager.

    Raises
    ------
    ImageError
        If the file or camera cannot be opened, or no frame can be decoded. The message is one line.
    ParameterError
        If `source` is no file name, URL or number from 0.

    Warns
    -----
    UserWarning
        If the file ends too early, has no times, or has less than 20 frames a second.

    Examples
    --------
    >>> for frame in read_frames("clip.mp4"):  # doctest: +SKIP
    ...     print(frame.index, frame.time_s, frame.grey.shape)
    """
    return FrameReader(source)


class FrameReader(Iterator[Frame]):
    """Iterator over the frames of a video or a camera; see `read_frames`.

    Parameters
    ----------
    source : str, os.PathLike or int
        A file, a URL, or the number of a camera.

    Attributes
    ----------
    name : str
        The source, for messages.
    is_camera : bool
        Whether it is a camera, by number or by URL. A camera has no end, so if its frames end, it has failed.
    size : tuple of int
        Width and height of the first frame, upright.
    fps : float
        Frames a second by the file or the camera; 0.0 where it is not stated.
    n_frames : int or None
        Number of frames by the file, which may be an estimate; None where it is not stated.
    warnings : list of str
        What was warned of, without the name.
    """

    def __init__(self, source: str | os.PathLike[str] | int) -> None:
        self.is_camera, target, self.name = _target(source)
        self.warnings: list[str] = []
        try:
            capture = _open(target, is_camera=self.is_camera)
        except ImageError as error:
            raise ImageError(f"{self.name}: {error}") from error
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = float(fps) if 0 < fps < 1000 else 0.0
        stated = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.n_frames = int(stated) if not self.is_camera and 0 < stated < 2**40 else None
        is_address = isinstance(target, str) and is_url(target)
        self.is_camera |= is_address and self.n_frames is None
        self._next_index, self._start_s, self._time_s, self._is_measured = 0, 0.0, 0.0, False
        # The thread must not hold the reader: else one that nobody needs any more would not be closed.
        self._buffer = _Buffer(drop=self.is_camera)
        thread = threading.Thread(
            target=_fill, args=(self._buffer, capture, self.fps, self.is_camera), daemon=True, name="decoder"
        )
        self._close = weakref.finalize(self, _stop, self._buffer, thread)
        thread.start()
        self._held = self._take()
        if self._held is None:
            self.close()
            if self.is_camera:
                remedy = "check the address" if is_address else "another program may use it, close that first"
                raise ImageError(f"{self.name}: no frame comes; {remedy}")
            raise ImageError(f"{self.name}: {_NO_FRAME}")
        self.size = (self._held[1].shape[1], self._held[1].shape[0])

    def __iter__(self) -> FrameReader:
        return self

    def __next__(self) -> Frame:
        item, self._held = self._held, None
        if item is None:
            item = self._take()
        if item is None:
            self._end()
            raise StopIteration
        time_s, bgr, grey = item
        frame = Frame(self._next_index, time_s, bgr)
        vars(frame)["grey"] = grey  # the thread that decodes has the time for it
        if frame.index == 0:
            self._start_s = time_s
        self._next_index += 1
        self._time_s = time_s
        if not self._is_measured and time_s - self._start_s >= _MEASURED_S:
            self._measure()
        return frame

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading and close the file or camera."""
        self._close()

    def _take(self) -> _Ready | None:
        item = self._buffer.get(_STALLED_S if self.is_camera and self._next_index else None)
        while self._buffer.notes:
            self._warn(self._buffer.notes.popleft())
        if isinstance(item, Exception):
            self.close()
            raise ImageError(f"{self.name}: {unexpected(item)}") from item
        return item

    def _end(self) -> None:
        """Warn once of what is known at the end."""
        if not self._close.alive:
            return
        self.close()
        if self._next_index >= _FEWEST_MEASURED:
            self._measure()
        n, stated = self._next_index, self.n_frames
        if stated is None or not self.fps:
            return
        # Both, as the number of frames may be an estimate of the time, or the time one of the number.
        length_s = stated / self.fps
        missing = stated - n
        if missing > max(_CUT_FRAMES, _CUT_SHARE * stated) and self._time_s < (1 - _CUT_SHARE) * length_s:
            self._warn(
                f"it ends after {self._time_s:.1f} of {length_s:.1f} s: cut off or damaged; the frames before are used"
            )

    def _measure(self) -> None:
        """Warn of a low frame rate."""
        if self._is_measured:
            return
        self._is_measured = True
        passed = self._time_s - self._start_s
        rate = (self._next_index - 1) / passed if passed > 0 else 0.0
        if 0 < rate < SLOWEST_RATE - 0.05:
            self._warn(f"{rate:.1f} frames/s; below {SLOWEST_RATE:.0f} short blinks are missed and edges are coarse")

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        warnings.warn(f"{self.name}: {text}", UserWarning, stacklevel=4)


# -- opening --


def _target(source: Any) -> tuple[bool, str | int, str]:
    """Return whether it is a camera, what OpenCV opens, and the name for messages."""
    if isinstance(source, int | np.integer) and not isinstance(source, bool):
        if source < 0:
            raise ParameterError(f"source is {source}; cameras have numbers from 0")
        return True, int(source), f"camera {source}"
    try:
        path = os.fsdecode(source)
    except TypeError as error:
        raise ParameterError(
            f"source is {source!r}; allowed is a file, a URL, or the number of a camera, such as 0"
        ) from error
    is_camera = False
    with suppress(OSError, ValueError):
        is_camera = not is_url(path) and stat.S_ISCHR(os.stat(path).st_mode)
    return is_camera, path, repr(path)


def _open(target: str | int, *, is_camera: bool) -> Any:
    """Return an open capture, or raise ImageError with the reason alone."""
    silence()
    if isinstance(target, int):
        capture = cv2.VideoCapture(target)
        if not capture.isOpened():
            raise ImageError(_why_no_camera(f"/dev/video{target}"))
        return capture
    is_address = is_url(target)
    if not (is_address or is_camera):
        _check_file(target)
        # Absolute, so that FFmpeg takes no name for a protocol or an option.
        target = os.path.abspath(target)
    name: Any = os.fsencode(target)  # OpenCV crashes on strings that are not UTF-8
    capture = cv2.VideoCapture(name, cv2.CAP_ANY if is_camera else cv2.CAP_FFMPEG)
    if not capture.isOpened():
        if is_camera:
            raise ImageError(_why_no_camera(target))
        raise ImageError("cannot be opened; check the address" if is_address else _why_no_video(target))
    return capture


def silence() -> None:
    """Keep OpenCV and FFmpeg from writing to standard error, unless their own variables ask for it."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        opencv_log.setLogLevel(0)


def _check_file(path: str) -> None:
    """Refuse what is no video before FFmpeg sees it: that takes images and text for videos too."""
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):
            return  # what a pipe holds can be read once
        with open(path, "rb") as file:
            start = file.read(_N_BYTES)
    except IsADirectoryError as error:
        raise ImageError("is a folder") from error
    except FileNotFoundError as error:
        camera = f"; a camera is a whole number, {int(path)} without quotes" if path.isdecimal() else ""
        raise ImageError(f"no such file{camera}") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot be opened ({getattr(error, 'strerror', None) or error})") from error
    if start.startswith(_RAW) or path.lower().endswith(_SEQUENCES):
        return
    if not start:
        raise ImageError("empty file")
    reason = why_not_readable(start)
    if ", not an image" in reason:
        raise ImageError(reason.replace("an image", "a video").replace("image", "video"))
    kind = reason.partition(":")[0]
    if kind in _IMAGE_KINDS:
        raise ImageError(f"an image ({kind}), not a video; use classic-eyes faces for photographs")


def _why_no_video(path: str) -> str:
    if not os.path.isfile(path):
        return _NO_FRAME
    with suppress(OSError, ValueError, struct.error), open(path, "rb") as file:
        names = set[bytes]()
        end = os.fstat(file.fileno()).st_size
        at = 0
        while at + 8 <= end and len(names) < 100:
            file.seek(at)
            size, name = struct.unpack(">I4s", file.read(8))
            if size == 1:
                (size,) = struct.unpack(">Q", file.read(8))
            if not at and name != b"ftyp":
                break
            names.add(name)
            if size < 8:  # up to the end
                break
            at += size
        if b"ftyp" in names and b"moov" not in names:
            return (
                "the part of the MP4 file that says where its frames are is missing: the recording or the copy was "
                "interrupted; copy it again, or repair it"
            )
    return _NO_FRAME


def _why_no_camera(device: str) -> str:
    if not sys.platform.startswith("linux"):
        return "cannot be opened; connect it, allow this program to use it, or give another number"
    there = sorted(glob("/dev/video*"))
    if not os.path.exists(device):
        others = f"there are {', '.join(there)}" if there else "there is no camera at all"
        return f"there is no {device}; {others}; connect one, or give another number"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"no permission for {device}; add yourself to the group that owns it"
    return f"{device} cannot be opened; another program may use it, or it is no camera"


# -- decoding ahead --


class _Buffer:
    """Frames between the thread that decodes and the one that uses them."""

    def __init__(self, *, drop: bool) -> None:
        self.notes = deque[str]()  # warnings, which are given where frames are used
        self._drop = drop
        self._items = deque[_Ready | Exception]()
        self._changed = threading.Condition()
        self._is_complete = self._is_closed = False
        self.is_stalled = False

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def put(self, item: _Ready) -> None:
        """Add a frame, when there is room; or in place of the one before."""
        limit = 1 if self._drop else min(max(_AHEAD_BYTES // item[1].nbytes, _FEWEST_AHEAD), _MOST_AHEAD)
        with self._changed:
            if self._drop:
                self._items.clear()
            self._changed.wait_for(lambda: self._is_closed or len(self._items) < limit)
            self._items.append(item)
            self._changed.notify_all()

    def complete(self, error: Exception | None = None) -> None:
        """State that no frame follows."""
        with self._changed:
            if error is not None:
                self._items.append(error)
            self._is_complete = True
            self._changed.notify_all()

    def get(self, timeout_s: float | None = None) -> _Ready | Exception | None:
        """Return the next frame; None after the last one, or if none comes in time."""
        with self._changed:
            has_changed = self._changed.wait_for(lambda: self._items or self._is_complete or self._is_closed, timeout_s)
            self.is_stalled = not has_changed
            item = self._items.popleft() if self._items and not self._is_closed else None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Discard everything, now and later."""
        with self._changed:
            self._is_closed = True
            self._items.clear()
            self._changed.notify_all()


def _fill(buffer: _Buffer, capture: Any, fps: float, is_camera: bool) -> None:
    """Decode all frames, in a thread of their own."""
    error = None
    try:
        frames = _decode(capture, is_camera=is_camera)
        for time_s, bgr in frames if is_camera else _timed(frames, fps, buffer.notes.append):
            buffer.put((time_s, bgr, _grey(bgr)))
            if buffer.is_closed:
                break
    except Exception as caught:
        error = caught
    finally:
        capture.release()
        buffer.complete(error)


def _stop(buffer: _Buffer, thread: threading.Thread) -> None:
    buffer.close()
    if thread.ident is not None and thread is not threading.current_thread():
        thread.join(timeout=0 if buffer.is_stalled else 2)  # a camera may block


def _decode(capture: Any, *, is_camera: bool) -> Iterator[_Timed]:
    """Yield frames, with their times in ms of a file or in s of a camera."""
    n_failed, start = 0, None
    while n_failed < _MAX_FAILURES:
        bgr = None
        if capture.grab():
            now = time.monotonic() if is_camera else capture.get(cv2.CAP_PROP_POS_MSEC)
            _, bgr = capture.retrieve()
        if bgr is None or not bgr.size:
            n_failed += 1
            if is_camera:
                time.sleep(_PAUSE_S)
            continue
        n_failed = 0
        if is_camera:
            start = now if start is None else start
            now -= start
        yield now, _as_bgr(bgr)


def _grey(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return bgr if bgr.ndim == 2 else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)


def _as_bgr(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a frame as BGR; some cameras give grey, or 16 bits."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2 or image.shape[2] == 1:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return image


def _timed(
    frames: Iterable[tuple[float, _Item]], fps: float, note: Callable[[str], object]
) -> Iterator[tuple[float, _Item]]:
    """Yield frames with times in seconds that never decrease, from times in milliseconds of a file.

    A clock that is set back, as where recordings are put together, goes on from the time before. Where all times are
    zero, the frame rate gives them.
    """
    step = 1 / (fps or _USUAL_RATE)
    frames = iter(frames)
    first = list(islice(frames, _N_EXAMINED))
    if len(first) > 1 and not any(milliseconds > 0 for milliseconds, _ in first):
        rate = f"its frame rate, {fps:g} a second," if fps else f"{_USUAL_RATE:g} frames a second, an assumption,"
        note(f"it states no times; {rate} gives them")
        for number, (_, item) in enumerate(chain(first, frames)):
            yield number * step, item
        return
    last, offset, zero = 0.0, 0.0, None
    for milliseconds, item in chain(first, frames):
        time_s = milliseconds / 1000 + offset
        if milliseconds <= 0 < last:
            zero = time_s = last + step  # a frame without a time, or the first one after the clock was set
        elif time_s < last - _RESET_S:
            offset = last + step - milliseconds / 1000 if zero is None else zero
            time_s = milliseconds / 1000 + offset
            zero = None
        else:
            zero = None
        last = max(time_s, last)
        yield last, item
