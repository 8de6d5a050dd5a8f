"""Measure how well blinks and closures of labelled clips are found, and how fast."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.commands import make_out_folder
from benchmarks.store import environment, write_json
from benchmarks.video import Clip, Record, evaluate, exchange_halves, halves, read_clips
from benchmarks.video_tables import clip_table, error_list, group_table, method_table
from classic_eyes import load_model
from classic_eyes._utils.shipped import SHIPPED_MODELS, shipped_model
from classic_eyes.errors import DataError, ImageError, ParameterError
from classic_eyes.predictor import EyePredictor
from classic_eyes.video.events import Rules, find_events

_RESULTS = "video.json"
_CLOSED = 0.2
# Each rule is also tried at a lower and at a higher value.
RULES = [
    {"closed": closed, "deep": deep, "edge": edge, "partial": partial}
    for closed, deep, edge, partial in product((0.0, -0.5, 0.5), (-1.7, -2.2, -1.2), (0.8, 0.75, 0.85), (0.5, 0.4, 0.6))
]

Floats = NDArray[np.float64]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py video``."""
    parser.add_argument("path", metavar="DIR", help="clips.csv, clips/ and labels/")
    for name, what in (("model", "a model file, or the name of a shipped model"), ("locator", "a file of eye corners")):
        parser.add_argument(
            f"--{name}",
            nargs="+",
            metavar="FILE",
            help=f"{what}; two that were trained on the two halves of the people each analyse the other half. "
            'If the people of a file are others, its card FILE.json lists them as "people". Default: what ships',
        )
    parser.add_argument(
        "--choose", action="store_true", help="also choose rules on each half of the people, and evaluate on the other"
    )
    parser.add_argument(
        "--signals",
        metavar="FOLDER",
        help="signals of each clip: read if they are of the same files, else written. Remove it after changes to code",
    )
    parser.add_argument("--force", action="store_true", help="replace the file of an earlier run")
    parser.add_argument("--out", metavar="FOLDER", help=f"also write FOLDER/{_RESULTS}")


def work(arguments: Namespace) -> int:
    """Run ``bench.py video``: 0, or 1 if some clips could not be read."""
    if arguments.out is not None:
        make_out_folder(arguments.out, _RESULTS, force=arguments.force)
    clips = [clip for clip in read_clips(Path(arguments.path)) if clip.labels is not None]
    if not clips:
        raise DataError(f"{arguments.path!r}: no clip has a label file in labels/")
    people = [clip.person for clip in clips]
    models, locators = (
        Parts.of(name, getattr(arguments, name), people, names)
        for name, names in (("model", SHIPPED_MODELS), ("locator", ()))
    )
    signals: dict[str, Signals] = {}
    failed = False
    for number, clip in enumerate(clips, start=1):
        if sys.stderr.isatty():
            print(f"\r{number}/{len(clips)} {clip.name}\033[K", end="", file=sys.stderr, flush=True)
        try:
            signals[clip.name] = load_or_measure(clip, models.file(clip), locators.file(clip), arguments.signals)
        except ImageError as error:
            failed = True
            print(f"bench.py: skipped {clip.name}: {error}", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    clips = [clip for clip in clips if clip.name in signals]
    if not clips:
        raise DataError(f"{arguments.path!r}: no clip could be read")
    results = evaluate_signals(clips, signals, choose=arguments.choose)
    print(report(results), flush=True)
    if arguments.out is not None:
        settings = {"model": models.names, "locator": locators.names, **environment()}
        write_json(Path(arguments.out, _RESULTS), {"argv": arguments.argv, **settings, **results})
    return int(failed)


# -- which file analyses which clip --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """One or two files, and the people that each has seen in training; None for one whose people are not known."""

    option: str
    files: tuple[str | None, ...]
    people: tuple[frozenset[str] | None, ...]

    @classmethod
    def of(cls, name: str, given: Sequence[str] | None, people: Sequence[str], shipped: Sequence[str] = ()) -> Parts:
        """Return the files that an option names, with the people of their cards, or else those of their half."""
        option = f"--{name}"
        if given is None:
            return cls(option, (None,), (None,))
        if len(given) > 2:
            raise ParameterError(f"{option} names {len(given)} files; allowed are one, or one for each half")
        files = [str(shipped_model(each)) if each in shipped and not Path(each).exists() else each for each in given]
        for file in files:
            if not Path(file).is_file():
                raise ParameterError(f"{option}: {file!r} does not exist")
        usual = [None] if len(files) == 1 else [frozenset(half) for half in halves(people)]
        return cls(option, tuple(files), tuple(_people(file) or half for file, half in zip(files, usual, strict=True)))

    def file(self, clip: Clip) -> str | None:
        """Return the first file that has not seen the person of a clip."""
        for file, people in zip(self.files, self.people, strict=True):
            if people is None or clip.person not in people:
                return file
        raise ParameterError(
            f"{self.option}: every file was trained on {clip.person}, who is in {clip.name}; add another"
        )

    @property
    def names(self) -> list[str]:
        """Names of the files without their folders."""
        return ["shipped" if file is None else Path(file).name for file in self.files]


def _people(file: str) -> frozenset[str] | None:
    card = Path(file).with_suffix(".json")
    if not card.is_file():
        return None
    try:
        people = json.loads(card.read_text(encoding="utf-8")).get("people")
    except (ValueError, AttributeError) as error:
        raise DataError(f"{str(card)!r} is no model card: {error}") from error
    return None if people is None else frozenset(people)


# -- signals -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Signals:
    """What is measured in a clip, before any rule.

    Parameters
    ----------
    times : array of shape (n,)
        Times of the frames.
    p_open, openness : array of shape (tracks, n, 2)
        Of the right and the left eye of each track; NaN where it is not seen.
    seconds : array of shape ()
        How long the analysis took.
    """

    times: Floats
    p_open: Floats
    openness: Floats
    seconds: Floats


def load_or_measure(clip: Clip, model: str | None, locator: str | None, folder: str | None) -> Signals:
    """Return the signals of a clip, from `folder` if they are there and of the same files."""
    made_by = f"{model} {locator}"
    path = Path(folder, f"{clip.path.stem}.npz") if folder else None
    if path is not None and path.is_file():
        with np.load(path) as file:
            if str(file["made_by"]) == made_by:
                return Signals(*(file[name] for name in Signals.__dataclass_fields__))
    signals = measure(clip, model, locator)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, allow_pickle=False, made_by=np.array(made_by), **vars(signals))
    return signals


def measure(clip: Clip, model: str | None, locator: str | None) -> Signals:
    """Analyse a clip from its file on."""
    from classic_eyes.descriptors.ear import eye_aspect_ratio, eye_points
    from classic_eyes.faces.localization import load_locator
    from classic_eyes.video.frames import read_frames
    from classic_eyes.video.openness import relative_openness
    from classic_eyes.video.tracks import EyeTracker

    predictor = _load_model(model)
    parts = load_locator(locator)
    started = time.perf_counter()
    tracker = EyeTracker(size=predictor.size, locator=parts)
    times, faces = [], []
    with read_frames(clip.path) as frames:
        for frame in frames:
            times.append(frame.time_s)
            faces += [(frame.index, face) for face in tracker.update(frame.grey, frame.time_s)]
    n = len(times)
    tracks = sorted({face.track for _, face in faces})
    p_open = np.full((len(tracks), n, 2), np.nan)
    ear = p_open.copy()
    if faces:
        p = predictor.probability(np.concatenate([face.patches for _, face in faces])).reshape(-1, 2)
        points, _ = eye_points(np.concatenate([face.lid_patches for _, face in faces]))
        ratio = eye_aspect_ratio(points).reshape(-1, 2)
        for k, (index, face) in enumerate(faces):
            p_open[tracks.index(face.track), index], ear[tracks.index(face.track), index] = p[k], ratio[k]
    clock = np.array(times)
    openness = np.array([relative_openness(clock, ear[k], p_open[k]) for k in range(len(tracks))]).reshape(-1, n, 2)
    return Signals(clock, p_open, openness, np.array(time.perf_counter() - started))


@lru_cache(maxsize=2)
def _load_model(file: str | None) -> EyePredictor:
    return load_model() if file is None else load_model(file)


def find_record(signals: Signals, rules: Mapping[str, float]) -> Record:
    """Return the events of all tracks, and in which frames the eyes are closed: the mean openness is at most 0.2."""
    events = [
        event
        for track, (p_open, openness) in enumerate(zip(signals.p_open, signals.openness, strict=True))
        for event in find_events(signals.times, p_open, openness, track=track, rules=Rules(**rules))
    ]
    tracks = np.concatenate([signals.openness, np.full((1, len(signals.times), 2), np.nan)])
    seen = ~np.isnan(tracks)
    mean = np.where(seen, tracks, 0).sum(axis=(0, 2)) / np.maximum(seen.sum(axis=(0, 2)), 1)
    closed = np.where(seen.any(axis=(0, 2)), mean <= _CLOSED, np.nan)
    return Record(signals.times, events, closed, float(signals.seconds))


def evaluate_signals(clips: Sequence[Clip], signals: Mapping[str, Signals], *, choose: bool) -> dict[str, Any]:
    """Return ``evaluations`` by the rules of the package, and if ``choose`` by rules chosen on the other half."""
    records = {clip.name: find_record(signals[clip.name], {}) for clip in clips}
    results: dict[str, Any] = {"evaluations": {"classic_eyes": evaluate(clips, records)}}
    if choose:
        records, chosen = exchange_halves(clips, lambda clip, rules: find_record(signals[clip.name], rules), RULES)
        results["evaluations"]["classic_eyes, rules chosen on the other half"] = evaluate(clips, records)
        results["chosen"] = [dict(rules) for rules in chosen]
    return results


def report(results: Mapping[str, Any]) -> str:
    """Return all tables in Markdown."""
    ours = results["evaluations"]["classic_eyes"]
    parts = [method_table(results["evaluations"]), group_table(ours), clip_table(ours), error_list(ours)]
    if "chosen" in results:
        parts.append(f"Rules chosen on each half: {results['chosen']}.")
    return "\n\n".join(parts)
