"""From frames to states and events: `Monitor` for a camera, `Analysis` for a file."""

from __future__ import annotations

import math
import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.resources import one_thread
from ..calibration import Calibration
from ..descriptors.ear import eye_aspect_ratio, eye_points
from ..errors import ImageError, ParameterError
from ..faces.cutting import patch_corners
from ..faces.localization import EyeLocator
from ..faces.reader import PatchModel
from ..images.arrays import to_grey
from ..predictor import load_model
from .alarm import ClosedTime
from .events import MAX_INTERVAL_S, Event, EventFinder, closing_evidence
from .frames import SLOWEST_RATE, Frame
from .openness import CLOSED_EAR, DELAY_S, OpenLevel, looks_open
from .summary import PERCLOS_DEFINITION, TrackSummary
from .tracks import EyeTracker, TrackedFace

__all__ = ["Analysis", "EyeState", "FrameState", "Monitor", "TrackState"]

# Frames whose patches are scored together: one call for each frame takes ten times as long.
_BATCH = 32
# An eye that the model's non-eye detection finds so unlike an eye is not seen. Dim and tilted eyes have more than 1.
_MAX_NOVELTY = 2.0
# Narrower eyes, in pixels between the corners, show no lids; those below the second width look closed more often than
# they are, so that probability alone, without openness, says nothing.
_MIN_WIDTH, _MIN_WIDTH_ALONE = 7.0, 12.0
# The track of a face that has not been seen for so long is over.
_FORGET_S = 3.0
_PARTIAL = 0.75
# Times are checked by the median step of so many frames. A shorter step than this is no camera's.
_N_STEPS, _SHORTEST_STEP_S = 50, 0.001
# A time further before the last one than this is of a clock that was set, or a time before it was too high. Another one
# must follow it within the second time, because a single one may be wrong.
_RESET_S, _FOLLOWS_S = 1.0, 2.0
# So that a monitor can run for days: the finished tracks in the summary.
_MOST_TRACKS = 10_000


@dataclass(frozen=True, eq=False)
class EyeState:
    """One eye in one frame.

    Parameters
    ----------
    name : str
        ``right`` or ``left``, the person's own.
    box : tuple of int
        ``x, y, w, h`` in pixels of the frame.
    corners : float64 array of shape (2, 2)
        Left and right corner, ``x, y`` in pixels.
    score : float
        Probability of open, 0 to 1; NaN if the patch does not look like an eye, or is tiny.
    openness : float
        Openness relative to this person's own open eye: 0 closed, 1 open. NaN while there is no baseline.
    state : str
        ``open``, ``partial``, ``closed`` or ``unseen``.
    """

    name: str
    box: tuple[int, int, int, int]
    corners: NDArray[np.float64]
    score: float
    openness: float
    state: str


@dataclass(frozen=True, eq=False)
class TrackState:
    """One face in one frame.

    Parameters
    ----------
    track : int
        Number of the track; it identifies nobody.
    box : tuple of int
        ``x, y, w, h`` of the face in pixels.
    eyes : tuple of EyeState
        The person's right eye, then the left one.
    closed_s : float
        How long both eyes have been closed by now, in seconds: from the first closed frame to the last one in which
        the lids are together. It is 0 if they are open. Lids that are half open again hold it, until they open clearly,
        or for 0.5 s after the last closed frame. A gap between frames, or without eyes, counts as 0.2 s at most.
    """

    track: int
    box: tuple[int, int, int, int]
    eyes: tuple[EyeState, EyeState]
    closed_s: float


@dataclass(frozen=True, eq=False)
class FrameState:
    """One frame.

    Parameters
    ----------
    index : int
        Number of the frame, from 0.
    time_s : float
        Its time in seconds.
    tracks : tuple of TrackState
        The faces that are seen.
    events : tuple of Event
        Events that became final with this frame.
    """

    index: int
    time_s: float
    tracks: tuple[TrackState, ...]
    events: tuple[Event, ...]


@dataclass(eq=False)
class _Seen:
    """A face in one frame, with what was measured; `openness` once it is final."""

    face: TrackedFace
    p: NDArray[np.float64]
    ear: NDArray[np.float64]
    openness: NDArray[np.float64] | None = None
    closed_s: float = 0.0


@dataclass(eq=False)
class _Pending:
    """A frame that waits for its openness."""

    index: int
    time_s: float
    faces: dict[int, _Seen] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class _Person:
    """What is known of a track."""

    def __init__(self, number: int, threshold: float, usual: float | None) -> None:
        self.level = OpenLevel(usual=usual)
        self.finder = EventFinder(track=number, threshold=threshold)
        self.summary = TrackSummary(number)
        self.waiting: deque[_Pending] = deque()
        self.seen_s = 0.0
        self.closed = ClosedTime()


_UNSEEN = np.full(2, np.nan)


class Monitor:
    """Watch the eyes of everybody in front of a camera.

    1. `EyeTracker` follows the faces and cuts out their eyes.
    2. The model gives the probability of open of each eye, and six points on the lids its eye aspect ratio.
    3. `relative_openness` divides that by the person's own open eye, and `find_events` finds blinks and closures.

    States are those of the moment. An event comes `delay_s` after the lids have opened. If lids move again within
    0.7 s, it comes together with the event that follows. They are the same events that `Analysis` finds in a file.

    Parameters
    ----------
    model : EyePredictor, optional
        By default ``load_model()``. Any object with ``size`` and ``probability(images)`` will do.
    calibration : Calibration, optional
        A person's own thresholds; see `classic_eyes.calibration.read_calibration`.
    locator : EyeLocator, optional
        By default the one that ships.

    Raises
    ------
    ParameterError
        If the model is none, or the calibration is none or was fitted to another model.
    MissingDependencyError
        If dlib is not installed.

    Examples
    --------
    >>> from skimage import data
    >>> monitor = Monitor()
    >>> states = [monitor.update(data.astronaut(), k / 25) for k in range(3)]  # RGB
    >>> [eye.state for eye in states[-1].tracks[0].eyes], monitor.finish()
    (['open', 'open'], [])
    """

    def __init__(
        self,
        model: PatchModel | None = None,
        *,
        calibration: Calibration | None = None,
        locator: EyeLocator | None = None,
    ) -> None:
        self.model: PatchModel = _checked_model(model) if model is not None else load_model()
        if calibration is not None:
            _check_calibration(calibration, self.model)
        self._threshold = 0.5 if calibration is None else calibration.threshold.value
        # A person's threshold of the eye aspect ratio lies in the middle between closed and open.
        has_ear = calibration is not None and calibration.ear is not None
        self._usual = 2 * calibration.ear.value - CLOSED_EAR if has_ear else None  # type: ignore[union-attr]
        self._tracker = EyeTracker(size=self.model.size, locator=locator)
        self._persons: dict[int, _Person] = {}
        self._finished = deque[dict[str, Any]](maxlen=_MOST_TRACKS)
        self._pending: deque[_Pending] = deque()
        self._n_frames = 0
        self._first_s = self._last_s = 0.0
        self._before_s = 0.0  # before the clock was set
        self._refused_s: float | None = None
        self._faceless_s = 0.0
        self._had_face = False
        self._steps: list[float] = []
        self._shape: tuple[int, ...] | None = None
        self._has_warned = self._has_warned_of_size = self._is_finished = False

    @property
    def delay_s(self) -> float:
        """How long after the lids have opened an event is reported, in seconds: 1.7.

        The open level looks 1 s ahead, and the event must be over for 0.7 s. If lids move again within these 0.7 s, the
        event is reported together with the one that follows.
        """
        return DELAY_S + EventFinder().delay_s

    def update(self, frame: ArrayLike | Frame, time_s: float | None = None) -> FrameState:
        """Take the next frame.

        Parameters
        ----------
        frame : Frame, or uint8 array of shape (h, w) or (h, w, 3)
            A `Frame` has BGR or grey pixels, as OpenCV gives them, and its time. An array is grey or RGB.
        time_s : float, optional
            Time of an array in seconds, not before that of the last frame.

        Returns
        -------
        FrameState
            The faces in this frame, and the events that have become final.

        Raises
        ------
        ImageError
            For another array. The monitor goes on with the next frame.
        ParameterError
            If the time decreases, or is no finite number. The monitor goes on with the next frame. After `finish`, in
            any case.
            Two times in a row may lie more than 1 s before the last one, the second up to 2 s after the first: the
            clock was set. The second is accepted; all tracks end, and `closed_s` starts again.

        Warns
        -----
        UserWarning
            Once, if the times of 50 frames are not plausible, or are of less than 20 frames a second. Once, if the size
            of the frames changes. Each time that the clock was set.
        """
        if self._is_finished:
            raise ParameterError("update after finish: this monitor has ended; another recording needs another Monitor")
        if isinstance(frame, Frame):
            if time_s is not None:
                raise ParameterError(f"time_s is {time_s!r}, but a Frame has a time of its own; omit time_s")
            image, time_s = _checked_image(frame.bgr), frame.time_s
        else:
            image = _checked_image(frame)
        time_s = self._checked_time(time_s)
        ended = self._restart(time_s) if time_s < self._last_s and self._n_frames else []
        grey = frame.grey if isinstance(frame, Frame) else to_grey(image, colour=image.ndim == 3)
        self._note_size(grey.shape)
        faces = self._tracker.update(grey, time_s)
        seen = self._measure([faces])[0]
        pending, events = self._add(time_s, seen)
        self._pending.clear()  # what has become final is of no use here
        now = {each.face.track: self._persons[each.face.track].level.now(each.ear) for each in seen}
        tracks = tuple(self._state(each, now[each.face.track], each.closed_s) for each in seen)
        return FrameState(pending.index, time_s, tracks, (*ended, *events))

    def finish(self) -> list[Event]:
        """End all tracks, at the end of the video. Another video needs another monitor.

        Returns
        -------
        list of Event
            Those that were not final yet, in order of their starts.
        """
        self._is_finished = True
        return self._end_all()

    def summary(self) -> dict[str, Any]:
        """Summarize what is final: all but the last second, and everything after `finish`.

        Memory does not grow: it has the last 10,000 tracks. Of each track it has the durations of the last 100,000
        blinks, and the last 1,440 windows of PERCLOS, a day.

        Returns
        -------
        dict
            Ready for JSON: ``frames``, ``duration_s``, ``faceless_share`` (share of the time without a face),
            ``perclos_definition`` and ``tracks``, the result of `summarize` for each track.
        """
        duration = self._before_s + self._last_s - self._first_s
        tracks = [*self._finished, *(person.summary.result() for person in self._persons.values())]
        return {
            "frames": self._n_frames,
            "duration_s": round(duration, 3),
            "faceless_share": round(min(1.0, self._faceless_s / duration), 4) if duration > 0 else None,
            "perclos_definition": PERCLOS_DEFINITION,
            "tracks": sorted((each for each in tracks if each["visible_s"]), key=lambda each: each["track"]),
        }

    def _checked_time(self, time_s: Any) -> float:
        if not isinstance(time_s, Real) or not math.isfinite(time_s):
            raise ParameterError(f"time_s is {time_s!r}; allowed is a finite number, the time of the frame in seconds")
        time_s = float(time_s)
        if not self._n_frames:
            return time_s
        refused, self._refused_s = self._refused_s, None
        if time_s < self._last_s:
            is_far = time_s < self._last_s - _RESET_S
            if is_far and refused is not None and 0 < time_s - refused <= _FOLLOWS_S:
                self._steps.clear()
                warnings.warn(
                    f"time_s: {time_s:g} after {self._last_s:g}: the clock was set back, or a time was too high; all "
                    "tracks end, and closed_s starts again",
                    UserWarning,
                    stacklevel=3,
                )
                return time_s
            self._refused_s = time_s if is_far else None
            remedy = ". If the next time follows this one, all tracks end and the monitor goes on from there"
            raise ParameterError(
                f"time_s is {time_s} after {self._last_s}; allowed is a time that does not decrease, such as that of "
                f"time.monotonic(){remedy if is_far else ''}"
            )
        self._steps.append(time_s - self._last_s)
        if len(self._steps) == _N_STEPS:
            step = float(np.median(self._steps))
            self._steps.clear()
            text = _why_implausible(step)
            if text is not None and not self._has_warned:
                self._has_warned = True
                warnings.warn(text, UserWarning, stacklevel=3)
        return time_s

    def _restart(self, time_s: float) -> list[Event]:
        """End all tracks, because the clock was set to this time."""
        events = self._end_all()
        self._tracker.forget()
        self._before_s += self._last_s - self._first_s
        self._first_s = self._last_s = time_s
        return events

    def _note_size(self, shape: tuple[int, ...]) -> None:
        before, self._shape = self._shape, shape
        if before in (None, shape) or self._has_warned_of_size:
            return
        self._has_warned_of_size = True
        sizes = [f"{width}x{height}" for height, width in (shape, before)]
        warnings.warn(
            f"frame: {sizes[0]} pixels after {sizes[1]}; faces become new tracks, and closed_s starts again. Give "
            "frames of one size",
            UserWarning,
            stacklevel=3,
        )

    def _measure(self, frames: Sequence[Sequence[TrackedFace]]) -> list[list[_Seen]]:
        """Score the patches of several frames together."""
        faces = [face for frame in frames for face in frame]
        if not faces:
            return [[] for _ in frames]
        patches = np.concatenate([face.patches for face in faces])
        with one_thread():
            p = self.model.probability(patches)
            program = getattr(self.model, "program", None)
            if program is not None and program.novelty is not None:
                p = np.where(program.novelty_score(patches) > _MAX_NOVELTY, np.nan, p)
        widths = np.concatenate([face.eye_widths for face in faces])
        p = np.where(widths < _MIN_WIDTH, np.nan, p)
        points, _ = eye_points(np.concatenate([face.lid_patches for face in faces]))
        ear = np.where(np.isnan(p), np.nan, eye_aspect_ratio(points))
        rows = iter(zip(faces, p.reshape(-1, 2), ear.reshape(-1, 2), strict=True))
        return [[_Seen(*row) for row in islice(rows, len(frame))] for frame in frames]

    def _add(self, time_s: float, seen: Sequence[_Seen]) -> tuple[_Pending, list[Event]]:
        """Add a frame; return it, and the events that are final now."""
        if not self._n_frames:
            self._first_s = time_s
        elif not self._had_face:
            self._faceless_s += time_s - self._last_s
        self._had_face = bool(seen)
        self._last_s = time_s
        pending = _Pending(self._n_frames, time_s, {each.face.track: each for each in seen})
        self._n_frames += 1
        self._pending.append(pending)
        events: list[Event] = []
        for number in pending.faces:
            if number not in self._persons:
                self._persons[number] = _Person(number, self._threshold, self._usual)
        for number, person in list(self._persons.items()):
            face = pending.faces.get(number)
            if face is not None:
                person.seen_s = time_s
                openness = person.level.now(face.ear)
                evidence = closing_evidence(_usable(face, openness), openness, threshold=self._threshold)
                face.closed_s = person.closed.update(time_s, evidence)
            elif time_s - person.seen_s > _FORGET_S:
                events += self._end(number)
                continue
            person.waiting.append(pending)
            p, ear = (_UNSEEN, _UNSEEN) if face is None else (face.p, face.ear)
            for openness in person.level.add(time_s, ear, bool(looks_open(p))):
                events += self._settle(person, openness)
        return pending, events

    def _settle(self, person: _Person, openness: NDArray[np.float64]) -> list[Event]:
        """Take the final openness of a person's earliest waiting frame."""
        pending = person.waiting.popleft()
        face = pending.faces.get(person.summary.track)
        p = _UNSEEN if face is None else face.p
        if face is not None:
            face.openness = openness
            p = _usable(face, openness)
        events = person.finder.add(pending.index, pending.time_s, p, openness)
        person.summary.add(pending.time_s, p.tolist(), openness.tolist())
        for event in events:
            person.summary.add_event(event)
        return events

    def _end_all(self) -> list[Event]:
        events = [event for number in list(self._persons) for event in self._end(number)]
        return sorted(events, key=lambda event: (event.start, event.track))

    def _end(self, number: int) -> list[Event]:
        """End a track."""
        person = self._persons.pop(number)
        events = [event for openness in person.level.finish() for event in self._settle(person, openness)]
        last = person.finder.finish()
        for event in last:
            person.summary.add_event(event)
        self._finished.append(person.summary.result())
        return [*events, *last]

    def _state(self, seen: _Seen, openness: NDArray[np.float64], closed_s: float) -> TrackState:
        p = _usable(seen, openness)
        evidence = closing_evidence(p, openness, threshold=self._threshold)
        corners = seen.face.corners.reshape(2, 2, 2)
        right, left = (
            EyeState(
                name,
                _box(corners[k]),
                corners[k],
                float(seen.p[k]),
                float(openness[k]),
                _word(float(p[k]), float(evidence[k]), float(openness[k])),
            )
            for k, name in enumerate(("right", "left"))
        )
        return TrackState(seen.face.track, seen.face.box, (right, left), closed_s)


class Analysis(Monitor):
    """Watch the eyes of everybody in a video.

    The same as `Monitor`, faster, because the eyes of 32 frames are scored together; and the states are final. Iterate
    over it; then `events` and `summary` are complete.

    Parameters
    ----------
    frames : iterable of Frame
        See `read_frames`.
    model : EyePredictor, optional
        As for `Monitor`.
    calibration : Calibration, optional
        As for `Monitor`.
    locator : EyeLocator, optional
        As for `Monitor`.

    Attributes
    ----------
    events : list of Event
        Those found so far, in the order in which they became final.

    Examples
    --------
    >>> from skimage import data
    >>> from classic_eyes.video import Analysis, Frame
    >>> frames = [Frame(k, k / 25, data.astronaut()[..., ::-1]) for k in range(3)]
    >>> analysis = Analysis(frames)
    >>> [state.tracks[0].eyes[0].state for state in analysis]
    ['open', 'open', 'open']
    >>> analysis.summary()["tracks"][0]["visible_s"]
    0.12
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        model: PatchModel | None = None,
        *,
        calibration: Calibration | None = None,
        locator: EyeLocator | None = None,
    ) -> None:
        if isinstance(frames, str | os.PathLike):
            raise ParameterError(f"frames is {frames!r}; give the frames of this file, read_frames({str(frames)!r})")
        super().__init__(model, calibration=calibration, locator=locator)
        self.events: list[Event] = []
        self._frames = iter(frames)

    def __iter__(self) -> Iterator[FrameState]:
        while batch := list(islice(self._tracked(), _BATCH)):
            for (time_s, _), seen in zip(batch, self._measure([faces for _, faces in batch]), strict=True):
                self._report(self._add(time_s, seen)[1])
                yield from self._ready()
        self._report(self.finish())
        yield from self._ready(is_end=True)

    def _tracked(self) -> Iterator[tuple[float, list[TrackedFace]]]:
        for frame in self._frames:
            if not isinstance(frame, Frame):
                raise ParameterError(f"frames has a {type(frame).__name__}; allowed is a Frame, see read_frames")
            _checked_image(frame.bgr)
            self._note_size(frame.grey.shape)
            yield frame.time_s, self._tracker.update(frame.grey, frame.time_s)

    def _report(self, events: list[Event]) -> None:
        if events:
            self.events += events
            self._pending[0].events += events

    def _ready(self, *, is_end: bool = False) -> Iterator[FrameState]:
        """Yield the frames whose openness is final."""
        while self._pending and (
            is_end or (len(self._pending) > 1 and all(e.openness is not None for e in self._pending[0].faces.values()))
        ):
            pending = self._pending.popleft()
            tracks = []
            for seen in pending.faces.values():
                assert seen.openness is not None
                tracks.append(self._state(seen, seen.openness, seen.closed_s))
            yield FrameState(pending.index, pending.time_s, tuple(tracks), tuple(pending.events))


def _checked_model(model: Any) -> PatchModel:
    if not (hasattr(model, "size") and hasattr(model, "probability")):
        name = repr(model) if isinstance(model, str) else '"default"'
        raise ParameterError(f"model is {model!r}; give a model that is loaded, load_model({name})")
    checked: PatchModel = model
    return checked


def _check_calibration(calibration: Any, model: PatchModel) -> None:
    if not isinstance(calibration, Calibration):
        name = repr(calibration) if isinstance(calibration, str) else '"anna-threshold.json"'
        raise ParameterError(f"calibration is {calibration!r}; give one that is read, read_calibration({name})")
    fingerprint = getattr(model, "fingerprint", "")
    if calibration.model and fingerprint and calibration.model != fingerprint:
        raise ParameterError(
            "the calibration was fitted to the probabilities of another model; use that model, or calibrate again. "
            "model.calibrated(...) is another model, which needs no calibration"
        )


def _checked_image(frame: Any) -> NDArray[np.uint8]:
    if frame is None:
        raise ImageError("frame is None: the camera gave no image; leave this frame out")
    image = np.asarray(frame)
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or not image.size:
        raise ImageError(
            f"frame has shape {image.shape} and dtype {image.dtype}; allowed is uint8 of shape (h, w) or (h, w, 3), "
            "with a pixel or more"
        )
    return image


def _why_implausible(step_s: float) -> str | None:
    """Return what is wrong with the median time from frame to frame."""
    if not _SHORTEST_STEP_S <= step_s <= MAX_INTERVAL_S:
        return (
            f"time_s: frames are {step_s:g} s apart, the median of {_N_STEPS}; closed_s and events will be wrong. "
            "Give the time of each frame in seconds, no milliseconds and no number of the frame"
        )
    if step_s > 1 / (SLOWEST_RATE - 0.05):
        return (
            f"time_s: {1 / step_s:.1f} frames/s; below {SLOWEST_RATE:.0f} short blinks are missed and edges are coarse"
        )
    return None


def _usable(seen: _Seen, openness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities, without those that say nothing alone: of small eyes without an open level."""
    return np.where(np.isnan(openness) & (seen.face.eye_widths < _MIN_WIDTH_ALONE), np.nan, seen.p)


def _word(p: float, evidence: float, openness: float) -> str:
    if np.isnan(p):
        return "unseen"
    if evidence < 0:
        return "closed"
    return "partial" if openness < _PARTIAL else "open"


def _box(corners: NDArray[np.float64]) -> tuple[int, int, int, int]:
    patch = patch_corners(corners)
    low, high = np.floor(patch.min(axis=0)).astype(int), np.ceil(patch.max(axis=0)).astype(int)
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])
