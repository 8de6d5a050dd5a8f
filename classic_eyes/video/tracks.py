"""Faces followed from frame to frame, and the patches of their eyes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..faces.cutting import cut_eye
from ..faces.detection import SURE_SCORE, find_faces, find_large_faces
from ..faces.localization import LID_SIDE, EyeLocator, fit_box, load_locator

__all__ = ["EyeTracker", "TrackedFace"]

# Sides of the frames in which faces are looked for, and the seconds between two looks: a quick one for faces of a
# quarter of the frame, and a thorough one, which takes ten times as long.
_QUICK_SIDE, _QUICK_S, _THOROUGH_S, _THOROUGH_LOST_S = 320, 0.4, 5.0, 1.0
# While no face is followed, quick looks come this often.
_LOST_S = 0.1
# A face is followed by its appearance: the side of the template, and how far it may move, in sides of the face.
_TEMPLATE, _REACH = 32, 0.5
# Two corners of the eyes that trees and regression place further apart than this, in distances of the outer corners,
# are doubtful: the detector must confirm the face.
_MAX_GAP, _MAX_DISAGREEMENT = 0.04, 0.09
# The face is looked for again around its last place, at this side of the face in pixels.
_DETECTED_SIDE, _SURROUNDINGS = 100, 1.0
# Also faces that are followed without doubt are confirmed after so many seconds; at the second failure they are lost.
_CONFIRM_S = 0.4
# A lost face that appears again at its place within this time is the same track.
_RESUME_S = 2.0
# Mean difference between two frames, in grey levels, from which on they are different scenes.
_CUT, _CUT_SIZE = 28.0, (32, 24)
# Also a black frame or a lamp is such a difference. After one, a face is the same track if it is as near as this, in
# sides of the face, as large within this factor, and as similar to the last template, by the normalized correlation.
_CUT_REACH, _CUT_RATIO, _SAME_FACE = 0.25, 1.3, 0.8
_SMALLEST = 20.0


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """A face in one frame.

    Parameters
    ----------
    track : int
        Number of the track, from 0; it identifies nobody.
    corners : float64 array of shape (4, 2)
        Left and right corner of the person's right eye, then of the left one, ``x, y`` in pixels.
    patches : uint8 array of shape (2, size, size)
        The right and the left eye, for the classifier.
    lid_patches : uint8 array of shape (2, 48, 48)
        The same for the eye aspect ratio.
    """

    track: int
    corners: NDArray[np.float64]
    patches: NDArray[np.uint8]
    lid_patches: NDArray[np.uint8]

    @property
    def eye_widths(self) -> NDArray[np.float64]:
        """Distance between the corners of the right and the left eye in pixels, shape (2,)."""
        eyes = self.corners.reshape(2, 2, 2)
        return np.asarray(np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """``x, y, w, h`` of the face in pixels, level."""
        side = float(np.hypot(*fit_box(self.corners)[1]))
        x, y = np.rint(_centre(self.corners) - side / 2).astype(int)
        return int(x), int(y), round(side), round(side)


@dataclass(eq=False)
class _Track:
    """What is known of a face that is followed or was lost a moment ago."""

    number: int
    corners: NDArray[np.float64]
    seen_s: float
    confirmed_s: float
    template: NDArray[np.uint8]
    is_lost: bool = False
    is_cut: bool = False

    @property
    def centre(self) -> NDArray[np.float64]:
        return _centre(self.corners)

    @property
    def side(self) -> float:
        return float(np.hypot(*fit_box(self.corners)[1]))


class EyeTracker:
    """Follow the faces of a video, and cut out their eyes.

    1. Faces are detected in the frame reduced to 320 pixels, every 0.4 s; every 5 s, or every second without a face,
       thoroughly by `classic_eyes.faces.FaceReader`'s detector. Each new face starts a track.
    2. In the next frame a track's face is looked for by its appearance, within half of its side, and the eye locator
       finds the corners of both eyes from there.
    3. Where its parts disagree, and from time to time, dlib's detector must confirm the face. If it does not, the track
       is lost. A face that is found at its place within 2 s continues it.
    4. A cut ends all tracks. A face that looks the same at the same place within 2 s continues its track, so that black
       frames and sudden light do not end it.

    Parameters
    ----------
    size : int, default 24
        Side of the patches for the classifier.
    locator : EyeLocator, optional
        By default the one that ships.

    Raises
    ------
    MissingDependencyError
        If dlib is not installed.

    Examples
    --------
    >>> from skimage import data
    >>> grey = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    >>> tracker = EyeTracker()
    >>> [face.track for time_s in (0.0, 0.04) for face in tracker.update(grey, time_s)]
    [0, 0]
    """

    def __init__(self, *, size: int = 24, locator: EyeLocator | None = None) -> None:
        self.size = size
        self._locator = locator if locator is not None else load_locator()
        self._tracks: list[_Track] = []
        self._n_tracks = 0
        self._scene: NDArray[np.uint8] | None = None
        self._quick_s = self._thorough_s = -np.inf

    def update(self, grey: NDArray[np.uint8], time_s: float) -> list[TrackedFace]:
        """Follow the faces into the next frame.

        Parameters
        ----------
        grey : uint8 array of shape (h, w)
            The frame.
        time_s : float
            Its time in seconds, not before that of the last one.

        Returns
        -------
        list of TrackedFace
            In order of tracks.
        """
        if self._is_cut(grey):
            for track in self._tracks:
                track.is_lost = track.is_cut = True
            self._quick_s = self._thorough_s = -np.inf
        self._tracks = [track for track in self._tracks if time_s - track.seen_s <= _RESUME_S]
        for track in self._tracks:
            if not track.is_lost:
                self._follow(track, grey, time_s)
        self._detect(grey, time_s)
        return [self._cut_out(track, grey) for track in self._tracks if not track.is_lost]

    def forget(self) -> None:
        """End all tracks, and look for faces in the next frame; its time may be any."""
        self._tracks, self._scene = [], None
        self._quick_s = self._thorough_s = -np.inf

    def _is_cut(self, grey: NDArray[np.uint8]) -> bool:
        # Skipping pixels is enough, and takes a tenth of the time of averaging them.
        step = max(1, min(grey.shape) // 96)
        scene = np.asarray(cv2.resize(grey[::step, ::step], _CUT_SIZE, interpolation=cv2.INTER_AREA), np.uint8)
        before, self._scene = self._scene, scene
        return before is not None and float(cv2.absdiff(scene, before).mean()) > _CUT

    def _follow(self, track: _Track, grey: NDArray[np.uint8], time_s: float) -> None:
        moved = track.corners + self._motion(track, grey)
        gap, disagreement, corners = self._locator.follow(grey, *fit_box(moved))
        is_sure = gap <= _MAX_GAP and disagreement <= _MAX_DISAGREEMENT
        if not is_sure or time_s - track.confirmed_s >= _CONFIRM_S:
            box = self._confirm(grey, _centre(moved), track.side)
            if box is not None:
                track.confirmed_s = time_s
                if not is_sure:
                    eyes = self._locator.eyes(grey, box)
                    corners = np.concatenate([eyes["right"], eyes["left"]])
            elif not is_sure:
                track.is_lost = True
                return
            else:
                track.confirmed_s = time_s
        if not _is_plausible(corners, grey.shape):
            track.is_lost = True
            return
        track.corners, track.seen_s = corners, time_s
        track.template = _template(grey, track)

    def _motion(self, track: _Track, grey: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return how far the face has moved since the frame before, in pixels."""
        around, scale = _face_crop(grey, track, 1 + 2 * _REACH)
        match = cv2.matchTemplate(around, track.template, cv2.TM_CCOEFF_NORMED)
        *_, best = cv2.minMaxLoc(match)
        return (np.array(best) - (np.array(match.shape[::-1]) - 1) / 2) * scale

    def _confirm(self, grey: NDArray[np.uint8], centre: NDArray[np.float64], side: float) -> NDArray[np.float64] | None:
        """Return the box of the face that dlib's detector finds here, or None."""
        low = np.maximum(np.floor(centre - _SURROUNDINGS * side), 0).astype(int)
        high = np.maximum(np.ceil(centre + _SURROUNDINGS * side), 0).astype(int)
        part = grey[low[1] : high[1], low[0] : high[0]]
        if min(part.shape) < _SMALLEST:
            return None
        boxes, scores = find_large_faces(part, min(_DETECTED_SIDE / side, 2.0), min_score=-0.3)
        near = [
            (score, box)
            for box, score in zip(boxes, scores, strict=True)
            if np.abs(box[:2] + box[2:] / 2 + low - centre).max() < 0.5 * side and 0.5 < box[2] / side < 2
        ]
        return max(near, key=lambda each: each[0])[1] + [*low, 0, 0] if near else None

    def _detect(self, grey: NDArray[np.uint8], time_s: float) -> None:
        """Look for faces that are not followed, if it is time."""
        followed = [track for track in self._tracks if not track.is_lost]
        if time_s - self._thorough_s >= (_THOROUGH_S if followed else _THOROUGH_LOST_S):
            self._thorough_s = self._quick_s = time_s
            boxes, scores = find_faces(grey)
        elif time_s - self._quick_s >= (_QUICK_S if followed else _LOST_S):
            self._quick_s = time_s
            boxes, scores = find_large_faces(grey, min(1.0, _QUICK_SIDE / max(grey.shape)), min_score=SURE_SCORE)
        else:
            return
        for box, score in zip(boxes, scores, strict=True):
            centre, side = box[:2] + box[2:] / 2, float(box[2])
            same = [track for track in followed if _are_near(track, centre, side)]
            for track in same:
                track.confirmed_s = time_s
            if same or score < SURE_SCORE:
                continue
            eyes = self._locator.eyes(grey, box)
            corners = np.concatenate([eyes["right"], eyes["left"]])
            if _is_plausible(corners, grey.shape):
                followed.append(self._start(corners, grey, time_s))

    def _start(self, corners: NDArray[np.float64], grey: NDArray[np.uint8], time_s: float) -> _Track:
        """Continue a lost track, or start one."""
        side = float(np.hypot(*fit_box(corners)[1]))
        centre = _centre(corners)
        lost = [
            track
            for track in self._tracks
            if track.is_lost
            and (_looks_the_same(track, centre, side, grey) if track.is_cut else _are_near(track, centre, side, 1.0))
        ]
        if lost:
            track = max(lost, key=lambda each: each.seen_s)
            track.is_lost, track.is_cut = False, False
            track.corners, track.seen_s, track.confirmed_s = corners, time_s, time_s
        else:
            track = _Track(self._n_tracks, corners, time_s, time_s, np.empty((0, 0), np.uint8))
            self._n_tracks += 1
            self._tracks.append(track)
        track.template = _template(grey, track)
        return track

    def _cut_out(self, track: _Track, grey: NDArray[np.uint8]) -> TrackedFace:
        eyes = track.corners[:2], track.corners[2:]
        patches, lids = (np.stack([cut_eye(grey, eye, size=size) for eye in eyes]) for size in (self.size, LID_SIDE))
        return TrackedFace(track.number, track.corners, patches, lids)


def _centre(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centre of the face with these eyes."""
    corner, along = fit_box(corners)
    return corner + (along + np.array([-along[1], along[0]])) / 2


def _are_near(track: _Track, centre: NDArray[np.float64], side: float, reach: float = 0.5) -> bool:
    ratio = side / track.side
    return bool(np.abs(track.centre - centre).max() < reach * max(side, track.side) and 0.4 < ratio < 2.5)


def _looks_the_same(track: _Track, centre: NDArray[np.float64], side: float, grey: NDArray[np.uint8]) -> bool:
    """Whether a face after a cut looks like that of a track before it, and is at its place."""
    if not (_are_near(track, centre, side, _CUT_REACH) and 1 / _CUT_RATIO < side / track.side < _CUT_RATIO):
        return False
    around = _face_crop(grey, track, 1 + 2 * _CUT_REACH)[0]
    return float(cv2.matchTemplate(around, track.template, cv2.TM_CCOEFF_NORMED).max()) >= _SAME_FACE


def _is_plausible(corners: NDArray[np.float64], shape: Sequence[int]) -> bool:
    """Whether the eyes are of a size that can be seen, and at least one lies in the frame."""
    side = float(np.hypot(*fit_box(corners)[1]))
    if not (np.isfinite(corners).all() and _SMALLEST <= side <= 2 * max(shape)):
        return False
    middles = corners.reshape(2, 2, 2).mean(axis=1)
    return bool(((middles >= 0) & (middles < [shape[1], shape[0]])).all(axis=1).any())


def _face_crop(grey: NDArray[np.uint8], track: _Track, reach: float) -> tuple[NDArray[np.uint8], float]:
    """Return the surroundings of the face, of so many of its sides, and the size of their pixels in the frame."""
    scale = track.side / _TEMPLATE
    side = round(_TEMPLATE * reach)
    low = track.centre - side / 2 * scale
    to_frame = np.array([[scale, 0, low[0] + scale / 2 - 0.5], [0, scale, low[1] + scale / 2 - 0.5]])
    crop = cv2.warpAffine(
        grey, to_frame, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, np.uint8), scale


def _template(grey: NDArray[np.uint8], track: _Track) -> NDArray[np.uint8]:
    return _face_crop(grey, track, 1.0)[0]
