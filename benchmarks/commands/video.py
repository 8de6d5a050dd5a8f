"""Measure how well blinks and closures of labelled clips are found, and how fast."""

from __future__ import annotations

import json
import sys
import time
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.commands import make_out_folder
from benchmarks.store import environment, write_json
from benchmarks.video import Clip, Record, evaluate, evaluate_alarms, exchange_halves, halves, read_clips
from benchmarks.video_tables import alarm_table, clip_table, error_list, group_table, method_table
from classic_eyes import load_model
from classic_eyes._utils.files import SHIPPED_MODELS, sha256, shipped_file, shipped_model
from classic_eyes.errors import DataError, ImageError, ParameterError
from classic_eyes.faces.localization import SHIPPED, load_locator
from classic_eyes.video.events import Event, Rules, find_events
from classic_eyes.video.frames import read_frames
from classic_eyes.video.monitor import Analysis

_RESULTS = "video.json"
_OWN = "classic_eyes"
# Each rule is also tried at a lower and at a higher value.
RULES = [
    {"closed": closed, "deep": deep, "edge": edge, "partial": partial}
    for closed, deep, edge, partial in product((0.0, -0.5, 0.5), (-1.5, -2.0, -1.0), (0.75, 0.7, 0.8), (0.4, 0.3, 0.5))
]

Floats = NDArray[np.float64]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py video``."""
    parser.add_argument("path", metavar="DIR", help="clips.csv, clips/ and labels/")
    for name, what, default in (
        ("model", f"a model file, or {' or '.join(SHIPPED_MODELS)}", ["default"]),
        ("locator", "a locator file, default: the one that ships", None),
    ):
        parser.add_argument(
            f"--{name}",
            nargs="+",
            metavar="FILE",
            default=default,
            help=f"{what}; or two, trained on the two halves of the people: the one that has not seen the person of a "
            'clip analyses it. A card FILE.json may list its "people"',
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
    clips = read_clips(Path(arguments.path))
    people = [clip.person for clip in clips]
    clips = [clip for clip in clips if clip.labels is not None]
    if not clips:
        raise DataError(f"{arguments.path!r}: no clip has a label file in labels/")
    models = Parts.of("--model", [_model_file(name) for name in arguments.model], people)
    locators = Parts.of("--locator", arguments.locator or [str(shipped_file(SHIPPED))], people)
    signals: dict[str, Signals] = {}
    failed = False
    for clip in tqdm(clips, unit=" clips", disable=not sys.stderr.isatty(), file=sys.stderr):
        try:
            signals[clip.name] = load_or_measure(clip, models.file(clip), locators.file(clip), arguments.signals)
        except ImageError as error:
            failed = True
            print(f"bench.py: skipped {clip.name}: {error}", file=sys.stderr)
    clips = [clip for clip in clips if clip.name in signals]
    if not clips:
        raise DataError(f"{arguments.path!r}: no clip could be read")
    results = evaluate_signals(clips, signals, choose=arguments.choose)
    files = {part.option[2:]: [Path(file).name for file in part.files] for part in (models, locators)}
    print(*(f"{name}: {', '.join(names)}" for name, names in files.items()), "", report(results), sep="\n", flush=True)
    if arguments.out is not None:
        write_json(Path(arguments.out, _RESULTS), {"argv": arguments.argv, **files, **environment(), **results})
    return int(failed)


# -- which file analyses which clip --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """One or two files, and the people on whom each was trained; None where one file analyses all clips."""

    option: str
    files: tuple[str, ...]
    people: tuple[frozenset[str] | None, ...]

    @classmethod
    def of(cls, option: str, files: Sequence[str], people: Sequence[str]) -> Parts:
        """Return the files that an option names, with the people of their cards, or else those of their half."""
        if len(files) > 2:
            raise ParameterError(f"{option} names {len(files)} files; allowed are one, or one for each half")
        for file in files:
            if not Path(file).is_file():
                raise ParameterError(f"{option}: {file!r} does not exist")
        usual = [None] if len(files) == 1 else [frozenset(half) for half in halves(people)]
        return cls(option, tuple(files), tuple(_people(file) or half for file, half in zip(files, usual, strict=True)))

    def file(self, clip: Clip) -> str:
        """Return the first file that has not seen the person of a clip."""
        for file, people in zip(self.files, self.people, strict=True):
            if people is None or clip.person not in people:
                return file
        raise ParameterError(
            f"{self.option}: {', '.join(self.files)} were trained on {clip.person}, the person of {clip.name}; add a "
            "file that was not"
        )


def _model_file(name: str) -> str:
    return str(shipped_model(name)) if name in SHIPPED_MODELS and not Path(name).exists() else name


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
    closed_s : array of shape (tracks, n)
        For how long the eyes had been closed, known with the frame.
    """

    times: Floats
    p_open: Floats
    openness: Floats
    seconds: Floats
    closed_s: Floats


def load_or_measure(clip: Clip, model: str, locator: str, folder: str | None) -> Signals:
    """Return the signals of a clip, from `folder` if they are there and of the same files."""
    if not clip.path.is_file():
        raise ImageError(f"{str(clip.path)!r} does not exist")
    made_by = " ".join(sha256(file) for file in (clip.path, model, locator))
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


def measure(clip: Clip, model: str, locator: str) -> Signals:
    """Analyse a clip, from its file on."""
    predictor, eye_locator = _load_model(model), load_locator(locator)
    times: list[float] = []
    scores: dict[int, dict[int, Floats]] = {}
    closed: dict[int, dict[int, float]] = {}
    started = time.perf_counter()
    with read_frames(clip.path) as frames:
        analysis = Analysis(frames, predictor, locator=eye_locator)
        for state in analysis:
            times.append(state.time_s)
            for track in state.tracks:
                values = np.array([(eye.score, eye.openness) for eye in track.eyes])
                scores.setdefault(track.track, {})[state.index] = values
                closed.setdefault(track.track, {})[state.index] = track.closed_s
    seconds = time.perf_counter() - started
    values = np.full((len(scores), len(times), 2, 2), np.nan)
    closed_s = np.zeros((len(scores), len(times)))
    for number, track_number in enumerate(sorted(scores)):
        closed_s[number, list(closed[track_number])] = list(closed[track_number].values())
        for index, pair in scores[track_number].items():
            values[number, index] = pair
    signals = Signals(np.array(times), values[..., 0], values[..., 1], np.array(seconds), closed_s)
    spans = [
        {(event.start, event.end, event.kind) for event in found} for found in (analysis.events, find_all(signals))
    ]
    if spans[0] != spans[1]:
        warnings.warn(
            f"{clip.name}: the analysis reports other events than find_events: {spans[0] ^ spans[1]}", stacklevel=2
        )
    return signals


_load_model = lru_cache(maxsize=2)(load_model)


def find_all(signals: Signals, rules: Mapping[str, float] | None = None) -> list[Event]:
    """Return the events of all tracks, by the rules of the package, with the given ones instead of its own."""
    return [
        event
        for track, (p_open, openness) in enumerate(zip(signals.p_open, signals.openness, strict=True))
        for event in find_events(signals.times, p_open, openness, track=track, rules=Rules(**(rules or {})))
    ]


def make_record(signals: Signals, events: Sequence[Event]) -> Record:
    """Return a record; as in summaries, the eyes are closed while the lids are together in a blink or long closure."""
    closed = np.where(np.isnan(signals.p_open).all(axis=(0, 2)), np.nan, 0.0)
    for event in events:
        if event.kind in ("blink", "long") and event.closed_start is not None and event.closed_end is not None:
            closed[event.closed_start : event.closed_end + 1] += 1
    return Record(signals.times, events, np.minimum(closed, 1), float(signals.seconds))


def evaluate_signals(clips: Sequence[Clip], signals: Mapping[str, Signals], *, choose: bool) -> dict[str, Any]:
    """Return ``evaluations`` by the rules of the package, and if ``choose`` by rules chosen on the other half."""
    found = {clip.name: find_all(signals[clip.name]) for clip in clips}
    certain = {name: [event for event in events if not event.maybe_gaze] for name, events in found.items()}
    results: dict[str, Any] = {
        "evaluations": {
            name: evaluate(clips, {each: make_record(signals[each], events[each]) for each in events})
            for name, events in ((_OWN, found), (f"{_OWN}, without what may be a look down", certain))
        },
        "alarms": evaluate_alarms(
            clips,
            {clip.name: signals[clip.name].times for clip in clips},
            {clip.name: signals[clip.name].closed_s for clip in clips},
        ),
    }
    if choose:
        records, chosen = exchange_halves(
            clips, lambda clip, rules: make_record(signals[clip.name], find_all(signals[clip.name], rules)), RULES
        )
        results["evaluations"][f"{_OWN}, rules chosen on the other half"] = evaluate(clips, records)
        results["chosen"] = [dict(rules) for rules in chosen]
    return results


def report(results: Mapping[str, Any]) -> str:
    """Return all tables in Markdown."""
    ours = results["evaluations"][_OWN]
    alarms = alarm_table(results["alarms"])
    parts = [method_table(results["evaluations"]), alarms, group_table(ours), clip_table(ours), error_list(ours)]
    if "chosen" in results:
        parts.append(f"Rules chosen on each half: {results['chosen']}.")
    return "\n\n".join(parts)
