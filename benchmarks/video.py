"""Evaluation of blinks on labelled clips: matching, precision and recall, edges, blink rate, closed share.

It needs numpy alone, so that other libraries are evaluated by the same code in environments of their own.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_eyes.errors import DataError

__all__ = [
    "ALARMS_S",
    "GROUPS",
    "THRESHOLDS",
    "WAYS",
    "Assignment",
    "Clip",
    "Counts",
    "Interval",
    "Label",
    "Record",
    "Span",
    "assign_events",
    "edge_errors",
    "evaluate",
    "evaluate_alarms",
    "exchange_halves",
    "halves",
    "is_ignored",
    "match_events",
    "overlaps",
    "read_clips",
    "resampled_interval",
    "score_clip",
    "summarize",
]

Floats = NDArray[np.float64]

REQUIRED = ("blink", "long")
KINDS = (*REQUIRED, "partial", "uncertain")
# An event is found if its IoU with a label is above this; the names are those of the tables.
THRESHOLDS = {"any": 0.0, "0.2": 0.2, "0.5": 0.5}
# Partial blinks count in two ways.
WAYS = ("optional", "required")
# Groups of clips, by words in their notes.
GROUPS: dict[str, tuple[str, ...]] = {
    "glasses": ("glasses",),
    "1280x720": ("720p",),
    "variable frame rate": ("variable frame rate",),
    "hard: dim, cuts, grimaces, crying, yawning": ("hard", "dim", "jump cuts", "cries", "yawn"),
}
# Seconds of closed eyes from which on there is an alarm.
ALARMS_S = (0.5, 1.0)
# Shorter clips say nothing about rates.
_LONG_S = 10.0
_COLUMNS = ("start_frame", "end_frame", "kind", "closed_start", "closed_end")


class Span(Protocol):
    """What an event needs: its first and its last frame, and its kind. Events of `classic_eyes.video` have them."""

    @property
    def start(self) -> int:
        """First frame."""

    @property
    def end(self) -> int:
        """Last frame."""

    @property
    def kind(self) -> str:
        """Blink, partial, long, or another word."""


@dataclass(frozen=True)
class Interval:
    """Frames of an event, both ends included, and its kind."""

    start: int
    end: int
    kind: str = "blink"


@dataclass(frozen=True)
class Label(Interval):
    """A labelled event; `closed` holds the first and the last frame with the lids together."""

    closed: tuple[int, int] | None = None


@dataclass(frozen=True)
class Clip:
    """A line of ``clips.csv``; `labels` is None for a clip without a label file."""

    path: Path
    person: str
    note: str
    labels: tuple[Label, ...] | None

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def groups(self) -> list[str]:
        """Names of `GROUPS` whose words are in the note."""
        return [name for name, words in GROUPS.items() if any(word in self.note for word in words)]


@dataclass(frozen=True, eq=False)
class Record:
    """What a method finds in a clip.

    Parameters
    ----------
    times : float array of shape (n,)
        Time of each frame in seconds.
    events : sequence of Span
        What it reports; frames count from 0.
    closed : float array of shape (n,)
        1 where it takes the eyes for closed, 0 where for open, NaN where it sees none.
    seconds : float
        How long it took, decoding included.
    """

    times: Floats
    events: Sequence[Span]
    closed: Floats
    seconds: float


# -- clips and labels ----------------------------------------------------------------------------------------------


def read_clips(folder: Path) -> list[Clip]:
    """Read ``clips.csv`` and ``labels/``; DataError where they cannot be used."""
    return [
        Clip(
            folder / "clips" / row["file"],
            row["person"],
            row["note"] or "",
            _read_labels(folder / "labels" / f"{Path(row['file']).stem}.csv"),
        )
        for row in _rows(folder / "clips.csv", ("file", "person", "note"))
    ]


def _read_labels(path: Path) -> tuple[Label, ...] | None:
    if not path.is_file():
        return None
    labels = []
    for number, row in enumerate(_rows(path, _COLUMNS), start=2):
        where = f"{str(path)!r}, line {number}"
        if row["kind"] not in KINDS:
            raise DataError(f"{where}: kind is {row['kind']!r}; allowed are {', '.join(KINDS)}")
        start, end = (_frame(row[name], where, name) for name in _COLUMNS[:2])
        closed = None
        if row["closed_start"] or row["closed_end"]:
            closed = (
                _frame(row["closed_start"], where, "closed_start"),
                _frame(row["closed_end"], where, "closed_end"),
            )
        first, last = closed or (start, start)
        if not start <= first <= last <= end:
            raise DataError(f"{where}: frames must satisfy start <= closed_start <= closed_end <= end")
        labels.append(Label(start, end, row["kind"], closed))
    return tuple(labels)


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows, names = list(reader), reader.fieldnames or ()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}") from error
    if missing := [name for name in columns if name not in names]:
        raise DataError(f"{str(path)!r}: no column {', '.join(missing)}; needed are {', '.join(columns)}")
    for number, row in enumerate(rows, start=2):
        if any(row[name] is None for name in columns):
            raise DataError(f"{str(path)!r}, line {number}: has fewer values than the head has columns")
    return rows


def _frame(text: str, where: str, name: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise DataError(f"{where}: {name} is {text!r}; a frame is a whole number from 0")
    return int(text)


def halves(people: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split people at random, always in the same way: that of the tools that train on halves."""
    chosen = sorted(set(people) - {"several"})
    np.random.default_rng(5).shuffle(chosen)
    return chosen[::2], chosen[1::2]


# -- matching ------------------------------------------------------------------------------------------------------


def overlaps(labels: Sequence[Span], events: Sequence[Span]) -> Floats:
    """Return the intersection over union of frames, of shape (labels, events).

    >>> overlaps([Interval(0, 3)], [Interval(2, 5), Interval(0, 3), Interval(4, 5)]).round(3).tolist()
    [[0.333, 1.0, 0.0]]
    """
    a = np.array([(each.start, each.end + 1) for each in labels], float).reshape(-1, 1, 2)
    b = np.array([(each.start, each.end + 1) for each in events], float).reshape(1, -1, 2)
    shared = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
    return np.asarray(np.maximum(shared, 0) / (np.ptp(a, axis=-1) + np.ptp(b, axis=-1) - np.maximum(shared, 0)))


def match_events(labels: Sequence[Span], events: Sequence[Span], above: float) -> list[tuple[int, int]]:
    """Match one to one: the pair of the largest IoU first, while it is above `above`. Positions, sorted."""
    iou = overlaps(labels, events)
    pairs: list[tuple[int, int]] = []
    while iou.size and iou.max() > above:
        label, event = np.unravel_index(int(iou.argmax()), iou.shape)
        iou[label], iou[:, event] = -1, -1
        pairs.append((int(label), int(event)))
    return sorted(pairs)


@dataclass(frozen=True)
class Counts:
    """Events that were found, missed, and reported without a label."""

    found: int
    missed: int
    false: int

    @property
    def precision(self) -> float:
        """Found of all reported ones; NaN without any."""
        return _ratio(self.found, self.found + self.false)

    @property
    def recall(self) -> float:
        """Found of all labelled ones; NaN without any."""
        return _ratio(self.found, self.found + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN without any event."""
        return _ratio(2 * self.found, 2 * self.found + self.missed + self.false)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


@dataclass(frozen=True)
class Assignment:
    """Positions of labels and events: matched pairs, labels that were missed, events without a label."""

    pairs: tuple[tuple[int, int], ...]
    missed: tuple[int, ...]
    false: tuple[int, ...]

    @property
    def counts(self) -> Counts:
        """How many there are of each."""
        return Counts(len(self.pairs), len(self.missed), len(self.false))


def assign_events(labels: Sequence[Span], events: Sequence[Span], *, above: float, partial: bool) -> Assignment:
    """Assign events to labels.

    1. Required labels are matched one to one: blinks and long closures, and partial blinks if `partial`.
    2. Events that more than half lie on ``uncertain`` labels are ignored, if they are not matched. These labels are
       never missed.
    3. Without `partial`, partial blinks are neither missed nor false: an event that matches such a label is ignored,
       and so is an event of this kind.
    """
    required = [k for k, label in enumerate(labels) if label.kind in REQUIRED or (partial and label.kind == "partial")]
    pairs = [(required[label], event) for label, event in match_events([labels[k] for k in required], events, above)]
    matched = {event for _, event in pairs}
    left = [k for k, event in enumerate(events) if k not in matched and not is_ignored(labels, event)]
    if not partial:
        optional = [label for label in labels if label.kind == "partial"]
        excused = {event for _, event in match_events(optional, [events[k] for k in left], above)}
        left = [k for number, k in enumerate(left) if number not in excused and events[k].kind != "partial"]
    return Assignment(tuple(pairs), tuple(sorted(set(required) - {label for label, _ in pairs})), tuple(left))


def is_ignored(labels: Sequence[Span], event: Span) -> bool:
    """Return whether more than half of an event lies on labels that are uncertain."""
    frames = np.arange(event.start, event.end + 1)
    return bool(_covered(frames, [label for label in labels if label.kind == "uncertain"]).mean() > 0.5)


def _covered(frames: NDArray[np.int_], intervals: Sequence[Span]) -> NDArray[np.bool_]:
    inside = np.zeros(len(frames), dtype=bool)
    for each in intervals:
        inside |= (frames >= each.start) & (frames <= each.end)
    return inside


# -- scores --------------------------------------------------------------------------------------------------------


def edge_errors(
    labels: Sequence[Span], events: Sequence[Span], pairs: Sequence[tuple[int, int]], times: ArrayLike
) -> Floats:
    """Return how much later matched events start and end than their labels, in ms; shape (pairs, 2)."""
    clock = np.asarray(times, dtype=np.float64)
    labelled = np.array([(labels[k].start, labels[k].end) for k, _ in pairs], int).reshape(-1, 2)
    found = np.array([(events[k].start, events[k].end) for _, k in pairs], int).reshape(-1, 2)
    return 1000 * (clock[found] - clock[labelled])


def score_clip(clip: Clip, record: Record) -> dict[str, Any]:
    """Return the scores of a labelled clip as plain data.

    ``counts`` are numbers of found, missed and false events at each threshold, with partial blinks ``optional`` and
    ``required``; ``errors`` are the missed and the false ones, ``[start, end, kind]``.
    ``edges_ms`` are those of events with an IoU above 0.2. ``blinks`` are the labelled and the reported events of kind
    ``blink``, and ``rate_error`` their difference for each minute in which the eyes are seen. ``closed_share`` are the
    labelled and the reported proportion of frames with closed eyes. Uncertain labels are ignored everywhere.
    """
    if clip.labels is None:
        raise DataError(f"{clip.name}: the clip has no label file")
    labels, times = clip.labels, np.asarray(record.times, dtype=np.float64)
    n = len(times)
    beyond = max((label.end for label in labels), default=-1)
    if beyond >= n:
        raise DataError(f"{clip.name}: has {n} frames, and a label that ends in frame {beyond}; use its own labels")
    duration = float(times[-1] - times[0] + np.median(np.diff(times))) if n > 1 else 0.0
    seen = np.isfinite(record.closed)
    assigned = {
        way: {
            name: assign_events(labels, record.events, above=above, partial=way == "required")
            for name, above in THRESHOLDS.items()
        }
        for way in WAYS
    }
    edges = edge_errors(labels, record.events, assigned["required"]["0.2"].pairs, times)
    frames = np.arange(n)
    counted = seen & ~_covered(frames, [label for label in labels if label.kind == "uncertain"])
    closed = _covered(frames, [Interval(*label.closed) for label in labels if label.closed is not None])
    blinks = [
        sum(label.kind == "blink" for label in labels),
        sum(event.kind == "blink" and not is_ignored(labels, event) for event in record.events),
    ]
    minutes = duration * float(seen.mean()) / 60 if n else 0.0
    return {
        "file": clip.name,
        "person": clip.person,
        "groups": clip.groups,
        "frames": n,
        "duration_s": duration,
        "frames_per_second": _or_none(_ratio(n, record.seconds)),
        "unseen_share": float(1 - seen.mean()) if n else 1.0,
        "events": [_plain(event) for event in record.events],
        "counts": {
            way: {name: [each.counts.found, each.counts.missed, each.counts.false] for name, each in found.items()}
            for way, found in assigned.items()
        },
        "errors": {
            way: {
                name: {
                    "missed": [_plain(labels[k]) for k in each.missed],
                    "false": [_plain(record.events[k]) for k in each.false],
                }
                for name, each in found.items()
            }
            for way, found in assigned.items()
        },
        "edges_ms": edges.tolist(),
        "blinks": blinks,
        "rate_error": _or_none(_ratio(blinks[1] - blinks[0], minutes)),
        "closed_share": [
            _or_none(_ratio(float(each[counted].sum()), counted.sum())) for each in (closed, record.closed)
        ],
    }


def _plain(event: Span) -> list[Any]:
    return [event.start, event.end, event.kind]


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def evaluate(clips: Sequence[Clip], records: Mapping[str, Record], *, n_resamples: int = 1000) -> dict[str, Any]:
    """Score the labelled clips that have a record; return ``clips``, and ``groups`` with 95% intervals over people."""
    scored = [
        score_clip(clip, records[clip.name]) for clip in clips if clip.labels is not None and clip.name in records
    ]
    groups = {"all": scored} | {name: [each for each in scored if name in each["groups"]] for name in GROUPS}
    return {
        "clips": scored,
        "groups": {name: summarize(part, n_resamples=n_resamples) for name, part in groups.items() if part},
    }


def summarize(scored: Sequence[Mapping[str, Any]], *, n_resamples: int = 1000) -> dict[str, Any]:
    """Add up the scores of clips.

    Precision, recall and F1 are of the events of all clips together. The largest errors of blink rate and closed share
    are those of clips of 10 s and more.
    """
    people = [each["person"] for each in scored]
    minutes = np.array([each["duration_s"] / 60 for each in scored])
    result: dict[str, Any] = {"clips": len(scored), "people": len(set(people)), "minutes": float(minutes.sum())}
    for way in WAYS:
        for name in THRESHOLDS:
            rows = np.array([each["counts"][way][name] for each in scored])
            total = Counts(*map(int, rows.sum(axis=0)))
            f1 = resampled_interval(_f1, rows, people, n_resamples=n_resamples)
            false = resampled_interval(_rate, np.column_stack([rows[:, 2], minutes]), people, n_resamples=n_resamples)
            result.setdefault(way, {})[name] = {
                "found": total.found,
                "missed": total.missed,
                "false": total.false,
                "precision": _or_none(total.precision),
                "recall": _or_none(total.recall),
                "f1": f1,
                "false_per_minute": false,
            }
    edges = np.concatenate([np.array(each["edges_ms"]).reshape(-1, 2) for each in scored])
    for column, name in enumerate(("start", "end")):
        errors = edges[:, column]
        result[f"{name}_ms"] = (
            {
                "bias": float(np.median(errors)),
                "median": float(np.median(np.abs(errors))),
                "90th_percentile": float(np.quantile(np.abs(errors), 0.9)),
            }
            if len(errors)
            else None
        )
    long = [each for each in scored if each["duration_s"] >= _LONG_S]
    shares = [each["closed_share"] for each in long if None not in each["closed_share"]]
    result["rate_error_max"] = max(
        (abs(each["rate_error"]) for each in long if each["rate_error"] is not None), default=None
    )
    result["closed_share_error_max"] = max((abs(found - labelled) for labelled, found in shares), default=None)
    frames = sum(each["frames"] for each in scored)
    seconds = sum(each["frames"] / each["frames_per_second"] for each in scored if each["frames_per_second"])
    result["frames_per_second"] = _or_none(_ratio(frames, seconds))
    return result


def _f1(totals: Floats) -> Floats:
    found, missed, false = np.moveaxis(totals, -1, 0)
    return _divide(2 * found, 2 * found + missed + false)


def _rate(totals: Floats) -> Floats:
    return _divide(totals[..., 0], totals[..., 1])


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def resampled_interval(
    statistic: Callable[[Floats], Floats],
    rows: ArrayLike,
    people: Sequence[str],
    *,
    n_resamples: int = 1000,
    random_state: int = 0,
) -> dict[str, float | None]:
    """Return a statistic of column totals, and its 95% percentile interval by bootstrap over people.

    Clips of one person are not independent. Draws in which the statistic is undefined are left out.
    """
    values = np.asarray(rows, dtype=np.float64)
    _, member = np.unique(list(people), return_inverse=True)
    totals = np.zeros((int(member.max()) + 1, values.shape[1]))
    np.add.at(totals, member, values)
    n = len(totals)
    drawn = np.random.default_rng(random_state).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    draws = statistic(drawn @ totals)
    draws = draws[np.isfinite(draws)]
    low, high = np.quantile(draws, [0.025, 0.975]) if len(draws) else (float("nan"), float("nan"))
    value = float(statistic(totals.sum(axis=0)))
    return {"value": _or_none(value), "low": _or_none(low), "high": _or_none(high)}


# -- alarms --------------------------------------------------------------------------------------------------------


def evaluate_alarms(
    clips: Sequence[Clip], times: Mapping[str, Floats], closed_s: Mapping[str, Floats]
) -> list[dict[str, Any]]:
    """Evaluate an alarm that is on while the eyes have been closed for so many seconds, for each of `ALARMS_S`.

    1. A labelled long closure of this length is found if the alarm is on in one of its frames. ``delays_s`` are from
       the first labelled frame with the lids together to the alarm, ``alarms`` counts how often it starts in them.
    2. An alarm that starts in no long and no uncertain label is false.

    ``closed_s`` is of shape (tracks, n).
    """
    results = []
    for limit in ALARMS_S:
        n, missed, delays, alarms, n_false, minutes = 0, 0, list[float](), 0, 0, 0.0
        for clip in clips:
            clock, labels = times[clip.name], clip.labels or ()
            is_on: NDArray[np.bool_] = np.any(closed_s[clip.name] >= limit, axis=0)
            starts = np.flatnonzero(is_on & ~np.r_[False, is_on[:-1]])
            explained = _covered(starts, [label for label in labels if label.kind in ("long", "uncertain")])
            n_false += int((~explained).sum())
            minutes += float(clock[-1] - clock[0]) / 60
            for label in labels:
                if label.kind != "long" or label.closed is None:
                    continue
                first, last = label.closed
                after = min(last + 1, len(clock) - 1)
                if clock[after] - clock[first] < limit:
                    continue
                n += 1
                within = np.flatnonzero(is_on[label.start : label.end + 1]) + label.start
                missed += not len(within)
                delays += [float(clock[frame] - clock[first]) for frame in within[:1]]
                alarms += int(_covered(starts, [label]).sum())
        results.append(
            {
                "closed_s": limit,
                "closures": n,
                "missed": missed,
                "alarms": alarms,
                "delays_s": delays,
                "false": n_false,
                "minutes": minutes,
            }
        )
    return results


# -- rules chosen without the people on whom they are evaluated ---------------------------------------------------


def exchange_halves(
    clips: Sequence[Clip], detect: Callable[[Clip, Mapping[str, Any]], Record], rules: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Record], list[Mapping[str, Any]]]:
    """Choose the rules on one half of the people and apply them to the other; then the other way round.

    The best rules have the largest sum of F1 at IoU > 0.2 and IoU > 0.5, partial blinks required and optional. Of equal
    ones the first in `rules` counts. Returns the records of all clips, and the rules chosen on each half.
    """
    labelled = [clip for clip in clips if clip.labels is not None]
    tried = [{clip.name: detect(clip, each) for clip in labelled} for each in rules]
    parts = halves([clip.person for clip in labelled])
    records: dict[str, Record] = {}
    chosen = []
    for own, other in (parts, parts[::-1]):
        merits = [_merit([clip for clip in labelled if clip.person in own], each) for each in tried]
        best = int(np.argmax(merits))
        chosen.append(rules[best])
        records |= {clip.name: tried[best][clip.name] for clip in labelled if clip.person in other}
    return records, chosen


def _merit(clips: Sequence[Clip], records: Mapping[str, Record]) -> float:
    total = np.zeros(4)
    for k, (name, partial) in enumerate((name, partial) for name in ("0.2", "0.5") for partial in (True, False)):
        counts = [
            assign_events(clip.labels or (), records[clip.name].events, above=THRESHOLDS[name], partial=partial).counts
            for clip in clips
        ]
        total[k] = Counts(*(sum(getattr(each, part) for each in counts) for part in ("found", "missed", "false"))).f1
    return float(np.nan_to_num(total).sum())
