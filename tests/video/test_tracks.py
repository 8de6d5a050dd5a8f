"""Tracks: faces are followed, lost, found again, told apart, and end at cuts."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from classic_eyes.faces.cutting import cut_eye
from classic_eyes.video import EyeTracker, read_frames
from tests.video.clips import write_clip

pytest.importorskip("dlib")
pytest.importorskip("skimage")


def follow(path) -> tuple[dict[int, list[int]], list]:
    """Return the frames of each track, and the faces of each frame."""
    tracker, tracks, frames = EyeTracker(), defaultdict(list), []
    for frame in read_frames(path):
        faces = tracker.update(frame.grey, frame.time_s)
        frames.append((frame, faces))
        for face in faces:
            tracks[face.track].append(frame.index)
    return dict(tracks), frames


def test_a_face_that_moves_is_one_track(tmp_path):
    shifts = np.cumsum(np.random.default_rng(0).normal(0, 3, (60, 2)), axis=0)
    write_clip(tmp_path / "a.mp4", np.full(60, 0.9), shifts=shifts, noise=2)
    tracks, frames = follow(tmp_path / "a.mp4")
    assert tracks == {0: list(range(60))}
    start = frames[0][1][0].corners
    moved = np.array([faces[0].corners.mean(axis=0) for _, faces in frames]) - start.mean(axis=0)
    assert np.abs(moved - (shifts - shifts[0])).max() < 0.1 * np.linalg.norm(start[3] - start[0])


def test_a_jump_within_the_frame_is_followed(tmp_path):
    shifts = np.zeros((40, 2))
    shifts[20:] = [30, 10]  # a third of the face from one frame to the next
    write_clip(tmp_path / "a.mp4", np.full(40, 0.9), shifts=shifts)
    assert follow(tmp_path / "a.mp4")[0] == {0: list(range(40))}


def test_a_cut_ends_the_track(tmp_path):
    write_clip(tmp_path / "a.mp4", np.full(60, 0.9), scenes=np.repeat([0, 1, 2], 20))
    tracks, _ = follow(tmp_path / "a.mp4")
    assert [(frames[0] // 20, frames[-1] // 20) for frames in tracks.values()] == [(0, 0), (1, 1), (2, 2)]
    assert sum(map(len, tracks.values())) >= 57


def test_no_face_no_track(tmp_path):
    write_clip(tmp_path / "a.mp4", np.full(30, 0.9), faces=0)
    assert follow(tmp_path / "a.mp4")[0] == {}


def test_two_faces_keep_their_numbers(tmp_path):
    write_clip(tmp_path / "a.mp4", np.full(50, 0.9), faces=2)
    tracks, frames = follow(tmp_path / "a.mp4")
    assert {track: len(seen) for track, seen in tracks.items()} == {0: 50, 1: 50}
    assert all(faces[0].box[0] < faces[1].box[0] for _, faces in frames)


def test_closed_eyes_are_followed(tmp_path):
    write_clip(tmp_path / "a.mp4", np.r_[np.full(10, 0.9), np.zeros(60), np.full(10, 0.9)])
    assert follow(tmp_path / "a.mp4")[0] == {0: list(range(80))}


def test_patches_are_those_of_the_corners(tmp_path):
    write_clip(tmp_path / "a.mp4", np.full(5, 0.9))
    for frame, (face,) in follow(tmp_path / "a.mp4")[1]:
        for size, patches in ((24, face.patches), (48, face.lid_patches)):
            cut = [cut_eye(frame.grey, eye, size=size) for eye in face.corners.reshape(2, 2, 2)]
            assert np.array_equal(patches, cut)


def test_a_face_hidden_for_a_second_is_the_same_track():
    from skimage import data

    grey = np.asarray(data.astronaut().mean(axis=2), np.uint8)[:300, :400]
    hidden = grey.copy()
    hidden[40:200, 150:300] = int(grey.mean())
    tracker = EyeTracker()
    seen = [[face.track for face in tracker.update(hidden if 20 <= k < 45 else grey, k / 25)] for k in range(70)]
    assert seen[:20] == [[0]] * 20
    assert [] in seen[20:45]
    assert seen[55:] == [[0]] * 15


def astronaut():
    from skimage import data

    return np.asarray(data.astronaut().mean(axis=2), np.uint8)[:300, :400]


@pytest.mark.parametrize(
    "change",
    [lambda grey: grey * 0, lambda grey: grey * 0 + 255, lambda grey: np.clip(grey * 2.0, 0, 255)],
    ids=["black", "white", "bright"],
)
@pytest.mark.parametrize("n", [1, 25])
def test_light_that_changes_does_not_end_the_track(change, n):
    grey, tracker = astronaut(), EyeTracker()
    changed = change(grey).astype(np.uint8)
    seen = [[face.track for face in tracker.update(changed if 20 <= k < 20 + n else grey, k / 25)] for k in range(60)]
    assert seen[:20] == [[0]] * 20
    assert seen[20 + n :] == [[0]] * (40 - n)


@pytest.mark.parametrize("n", [0, 1])
def test_another_face_at_the_same_place_after_a_cut_is_another_track(n):
    grey = astronaut()
    # Mirrored about the middle of the face.
    other = 255 - np.full_like(grey, 200)
    other[:, 44:] = grey[:, ::-1][:, : 400 - 44]
    tracker = EyeTracker()
    frames = [grey] * 10 + [grey * 0] * n + [other] * 10
    seen = [[face.track for face in tracker.update(frame, k / 25)] for k, frame in enumerate(frames)]
    assert seen[9] == [0]
    assert seen[-1] == [1]
