"""Evaluation of blinks: each number in closed form, and rules that cannot see the people they are evaluated on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.video import (
    Clip,
    Counts,
    Interval,
    Label,
    Record,
    assign_events,
    edge_errors,
    evaluate,
    evaluate_alarms,
    exchange_halves,
    halves,
    match_events,
    overlaps,
    read_clips,
    resampled_interval,
    score_clip,
    summarize,
)
from benchmarks.video_tables import alarm_table, clip_table, error_list, group_table, method_table
from classic_eyes.errors import DataError
from classic_eyes.video.events import find_events

HEAD = "start_frame,end_frame,kind,closed_start,closed_end,note\n"


def write_folder(folder: Path, labels: dict[str, str | None], people: str = "p01 p02 p03 p04", note: str = "") -> Path:
    (folder / "labels").mkdir(parents=True)
    lines = ["file,person,size,note"]
    for (name, text), person in zip(labels.items(), people.split(), strict=False):
        lines.append(f'{name}.mp4,{person},320x240,"{note}"')
        if text is not None:
            (folder / "labels" / f"{name}.csv").write_text(HEAD + text)
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder


def clip(*labels: Label, person: str = "p01", name: str = "a.mp4", note: str = "") -> Clip:
    return Clip(Path("clips", name), person, note, labels)


def record(*events: Interval, n: int = 250, fps: float = 25.0, closed: np.ndarray | None = None) -> Record:
    return Record(np.arange(n) / fps, events, np.zeros(n) if closed is None else closed, n / 100)


# -- clips and labels ----------------------------------------------------------------------------------------------


def test_clips_and_labels_are_read(tmp_path):
    text = '5,9,blink,6,8,\n20,22,partial,,,"slow, iris seen"\n'
    one, two = read_clips(write_folder(tmp_path, {"a": text, "b": None}, note="glasses, dim"))
    assert one.labels == (Label(5, 9, "blink", (6, 8)), Label(20, 22, "partial"))
    assert (one.path, one.name, one.person) == (tmp_path / "clips" / "a.mp4", "a.mp4", "p01")
    assert one.groups == ["glasses", "hard: dim, cuts, grimaces, crying, yawning"]
    assert two.labels is None


def test_a_label_file_without_events_is_labelled(tmp_path):
    (only,) = read_clips(write_folder(tmp_path, {"a": ""}))
    assert only.labels == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("5,9,wink,6,8,", "line 2: kind is 'wink'; allowed are blink, long, partial, uncertain"),
        ("x,9,blink,6,8,", "line 2: start_frame is 'x'; a frame is a whole number from 0"),
        ("-5,9,blink,6,8,", "start_frame is '-5'"),
        ("5,9,blink,,8,", "closed_start is ''"),
        ("5,9,blink,8,6,", "start <= closed_start <= closed_end <= end"),
        ("5,9,blink,4,6,", "start <= closed_start <= closed_end <= end"),
        ("9,5,partial,,,", "start <= closed_start <= closed_end <= end"),
        ("5,9", "line 2: has fewer values"),
    ],
)
def test_wrong_labels_are_named(tmp_path, line, message):
    with pytest.raises(DataError, match=message.replace("(", r"\(")):
        read_clips(write_folder(tmp_path, {"a": line + "\n"}))


def test_a_folder_without_clips_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read '.*clips.csv'"):
        read_clips(tmp_path)
    (tmp_path / "clips.csv").write_text("name,person\n")
    with pytest.raises(DataError, match=r"no column file, note; needed are file, person, note"):
        read_clips(tmp_path)


def test_halves_are_those_of_the_training_of_the_locator():
    pytest.importorskip("dlib", reason="dlib is not installed")
    from tools import locator

    people = [f"p{k:02}" for k in (4, 1, 9, 7, 3, 3, 2)] + ["several"]
    own = halves(people)
    assert own == locator.halves([SimpleNamespace(person=person) for person in people])
    assert sorted([*own[0], *own[1]]) == ["p01", "p02", "p03", "p04", "p07", "p09"]


# -- matching ------------------------------------------------------------------------------------------------------


def test_overlap_counts_frames_with_both_ends():
    iou = overlaps([Interval(0, 3), Interval(5, 5)], [Interval(0, 3), Interval(2, 5), Interval(4, 9), Interval(9, 9)])
    assert iou == pytest.approx(np.array([[1, 2 / 6, 0, 0], [0, 1 / 4, 1 / 6, 0]]))
    assert overlaps([], [Interval(0, 1)]).shape == (0, 1)


def test_the_threshold_itself_is_not_above_it():
    assert match_events([Interval(0, 3)], [Interval(0, 1)], 0.5) == []
    assert match_events([Interval(0, 3)], [Interval(0, 1)], 0.49) == [(0, 0)]


def test_neighbours_do_not_overlap():
    assert match_events([Interval(0, 3)], [Interval(4, 6)], 0.0) == []


def test_matching_is_one_to_one_and_takes_the_best_pairs_first():
    # The event over both labels goes to the longer one, and the other event to what is left.
    assert match_events([Interval(0, 3), Interval(4, 12)], [Interval(0, 12), Interval(3, 4)], 0.0) == [(0, 1), (1, 0)]
    merged = assign_events([Interval(0, 3), Interval(5, 8)], [Interval(0, 8)], above=0.2, partial=True)
    assert (merged.pairs, merged.missed, merged.false) == (((0, 0),), (1,), ())
    split = assign_events([Interval(0, 9)], [Interval(0, 3), Interval(4, 9)], above=0.2, partial=True)
    assert (split.pairs, split.missed, split.false) == (((0, 1),), (), (0,))


def test_precision_recall_and_f1_in_closed_form():
    counts = Counts(found=6, missed=2, false=4)
    assert (counts.precision, counts.recall, counts.f1) == (0.6, 0.75, pytest.approx(2 / 3))
    nothing = Counts(0, 0, 0)
    assert np.isnan([nothing.precision, nothing.recall, nothing.f1]).all()


def count(labels, events, **options) -> tuple[int, int, int]:
    counts = assign_events(labels, events, **{"above": 0.2, "partial": True, **options}).counts
    return counts.found, counts.missed, counts.false


def test_uncertain_labels_are_not_required_and_excuse_events_that_lie_on_them():
    squint = Label(10, 19, "uncertain")
    assert count([squint], []) == (0, 0, 0)
    assert count([squint], [Interval(12, 17)]) == (0, 0, 0)
    assert count([squint], [Interval(15, 22)]) == (0, 0, 0)  # five of eight frames
    assert count([squint], [Interval(15, 24)]) == (0, 0, 1)  # half of it is not more than half
    # Two uncertain labels side by side excuse what lies on both.
    assert count([squint, Label(20, 30, "uncertain")], [Interval(15, 24)]) == (0, 0, 0)
    # An event that is found is no matter of doubt.
    assert count([Label(18, 22, "blink"), squint], [Interval(14, 22)]) == (1, 0, 0)


def test_partial_blinks_count_both_ways():
    labels = [Label(10, 14, "blink"), Label(30, 34, "partial")]
    found = [Interval(10, 14), Interval(30, 34)]
    assert count(labels, found) == (2, 0, 0)
    assert count(labels, found, partial=False) == (1, 0, 0)
    assert count(labels, found[:1]) == (1, 1, 0)
    assert count(labels, found[:1], partial=False) == (1, 0, 0)
    # A second event on a partial blink is false; so is one that touches it less than the threshold.
    assert count(labels, [*found, Interval(30, 33)], partial=False) == (1, 0, 1)
    assert count(labels, [found[0], Interval(34, 44)], partial=False) == (1, 0, 1)
    # Reported partial blinks are no false alarms where partial blinks are left out.
    assert count(labels[:1], [found[0], Interval(50, 55, "partial")]) == (1, 0, 1)
    assert count(labels[:1], [found[0], Interval(50, 55, "partial")], partial=False) == (1, 0, 0)
    assert count(labels[:1], [Interval(10, 14, "partial")], partial=False) == (1, 0, 0)


# -- scores --------------------------------------------------------------------------------------------------------


def test_edges_are_measured_in_the_times_of_the_clip():
    times = [0.0, 0.1, 0.2, 0.5, 0.6, 0.7]
    errors = edge_errors([Interval(1, 3)], [Interval(0, 0), Interval(2, 4)], [(0, 1)], times)
    assert errors == pytest.approx(np.array([[100.0, 100.0]]))
    early = edge_errors([Interval(1, 3)], [Interval(0, 2)], [(0, 0)], times)
    assert early == pytest.approx(np.array([[-100.0, -300.0]]))
    assert edge_errors([Interval(1, 3)], [], [], times).shape == (0, 2)


def test_scores_of_a_clip_in_closed_form():
    labels = (Label(10, 19, "blink", (12, 16)), Label(100, 124, "long", (105, 119)), Label(200, 224, "uncertain"))
    closed = np.zeros(250)
    closed[12:16], closed[105:120], closed[200:225], closed[225:] = 1, 1, 1, np.nan
    events = [Interval(10, 19), Interval(150, 155), Interval(100, 124, "long"), Interval(200, 224)]
    score = score_clip(clip(*labels), record(*events, closed=closed))
    assert score["duration_s"] == pytest.approx(10.0)
    assert score["counts"]["required"] == {"any": [2, 0, 1], "0.2": [2, 0, 1], "0.5": [2, 0, 1]}
    assert score["errors"]["optional"]["0.5"] == {"missed": [], "false": [[150, 155, "blink"]]}
    assert score["edges_ms"] == [[0, 0], [0, 0]]
    # One labelled blink and two reported ones, as that on the uncertain label does not count; seen for 9 of 10 s.
    assert score["blinks"] == [1, 2]
    assert score["rate_error"] == pytest.approx(60 / 9)
    assert score["unseen_share"] == pytest.approx(0.1)
    # 250 frames without 25 that are not seen and 25 that are uncertain; 20 are labelled closed, 19 are reported.
    assert score["closed_share"] == pytest.approx([20 / 200, 19 / 200])
    assert score["frames_per_second"] == pytest.approx(100)


def test_a_clip_without_a_visible_eye_has_no_rates():
    score = score_clip(clip(Label(10, 19, "blink", (12, 16))), record(closed=np.full(250, np.nan)))
    assert score["rate_error"] is None
    assert score["closed_share"] == [None, None]
    assert score["counts"]["optional"]["any"] == [0, 1, 0]


def test_labels_of_another_clip_are_refused():
    with pytest.raises(DataError, match=r"a.mp4: has 250 frames, and a label that ends in frame 250"):
        score_clip(clip(Label(245, 250, "blink")), record())
    with pytest.raises(DataError, match=r"a.mp4: the clip has no label file"):
        score_clip(Clip(Path("a.mp4"), "p01", "", None), record())


def test_totals_of_clips_in_closed_form():
    one = clip(Label(0, 9, "blink", (2, 6)), Label(50, 59, "blink", (52, 56)), name="a.mp4", note="glasses")
    two = clip(Label(0, 9, "blink", (2, 6)), person="p02", name="b.mp4")
    records = {
        "a.mp4": record(Interval(1, 9), Interval(100, 110), n=500),  # 20 s
        "b.mp4": record(Interval(0, 11), n=100),  # 4 s
    }
    result = evaluate([one, two, Clip(Path("c.mp4"), "p03", "", None)], records)
    total = result["groups"]["all"]
    assert (total["clips"], total["people"], total["minutes"]) == (2, 2, pytest.approx(0.4))
    at = total["required"]["0.5"]
    assert (at["found"], at["missed"], at["false"]) == (2, 1, 1)
    assert (at["precision"], at["recall"], at["f1"]["value"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert at["false_per_minute"]["value"] == pytest.approx(1 / 0.4)
    assert total["start_ms"] == pytest.approx({"bias": 20, "median": 20, "90th_percentile": 36})
    assert total["end_ms"] == pytest.approx({"bias": 40, "median": 40, "90th_percentile": 72})
    # Two blinks are labelled and reported in the only clip of 10 s and more; its frames are never reported closed.
    assert total["rate_error_max"] == 0
    assert total["closed_share_error_max"] == pytest.approx(10 / 500)
    assert total["frames_per_second"] == pytest.approx(100)
    assert list(result["groups"]) == ["all", "glasses"]
    assert result["groups"]["glasses"]["required"]["0.5"]["f1"]["value"] == 0.5


def test_intervals_resample_people():
    def _mean(totals):
        return totals[..., 0] / totals[..., 1]

    same = resampled_interval(_mean, [[1, 2]] * 5, list("abcde"))
    assert same == {"value": 0.5, "low": 0.5, "high": 0.5}
    apart = [[0, 1], [1, 1]]
    assert resampled_interval(_mean, apart, ["a", "b"]) == {"value": 0.5, "low": 0.0, "high": 1.0}
    # More clips of the same two people make nothing more certain.
    assert resampled_interval(_mean, apart * 50, ["a", "b"] * 50) == {"value": 0.5, "low": 0.0, "high": 1.0}
    many = resampled_interval(_mean, apart * 50, [str(k) for k in range(100)])
    # 1.96 standard errors of a proportion of 0.5 among 100
    assert (many["low"], many["high"]) == pytest.approx((0.5 - 0.098, 0.5 + 0.098), abs=0.015)
    assert many == resampled_interval(_mean, apart * 50, [str(k) for k in range(100)])


def test_a_group_without_any_event_has_no_f1():
    total = summarize([score_clip(clip(), record())])
    assert total["required"]["0.2"]["f1"] == {"value": None, "low": None, "high": None}
    assert total["start_ms"] is None
    assert total["required"]["0.2"]["false_per_minute"]["value"] == 0


def test_alarms_in_closed_form():
    labels = (
        Label(20, 60, "long", (25, 49)),  # 1 s
        Label(80, 100, "long", (82, 95)),  # 0.56 s
        Label(150, 160, "uncertain"),
        Label(200, 204, "blink", (201, 203)),
    )
    closed_s = np.zeros((2, 250))
    closed_s[0, 24:52] = np.arange(28) / 25  # from one frame before the label
    closed_s[0, 45] = 0  # the alarm begins again
    closed_s[1, 140:160] = np.arange(20) / 25  # in the uncertain label
    closed_s[1, 190:210] = np.arange(20) / 25  # false
    half, one = evaluate_alarms([clip(*labels)], {"a.mp4": np.arange(250) / 25}, {"a.mp4": closed_s})
    assert (half["closures"], half["missed"], half["alarms"], half["false"]) == (2, 1, 2, 1)
    assert half["delays_s"] == pytest.approx([12 / 25])
    assert half["minutes"] == pytest.approx(249 / 25 / 60)
    assert (one["closures"], one["missed"], one["alarms"], one["false"]) == (1, 0, 1, 0)
    assert one["delays_s"] == pytest.approx([24 / 25])
    table = alarm_table([half, one])
    # The square root of 0.95; and 4.744, of the table of Garwood, in 249 / 25 s.
    assert "| 0.5 s | 2 | 1 | 97% | 2 | 0.48 (0.48 to 0.48) | 1 | 0.2 | 1715 |" in table
    assert "| 1 s | 1 | 0 | 95% | 1 | " in table  # 1 - 0.05


def test_rules_are_chosen_without_the_people_on_whom_they_are_evaluated():
    people = [f"p{k}" for k in range(8)]
    first, second = halves(people)
    clips = [clip(Label(10, 19, "blink"), person=person, name=person) for person in people]

    def _detect(one: Clip, rules: dict[str, str]) -> Record:
        # Rules "1" are right for the first half alone, "2" for the second alone.
        right = (one.person in first) == (rules["rules"] == "1")
        return record(Interval(10, 19) if right else Interval(100, 109))

    records, chosen = exchange_halves(clips, _detect, [{"rules": "2"}, {"rules": "1"}])
    assert chosen == [{"rules": "1"}, {"rules": "2"}]
    assert sorted(records) == sorted([*first, *second])
    at = evaluate(clips, records)["groups"]["all"]["required"]["any"]
    assert (at["found"], at["missed"], at["false"]) == (0, 8, 8)


def test_of_equal_rules_the_first_is_chosen():
    clips = [clip(Label(10, 19, "blink"), person=person, name=person) for person in ("p1", "p2")]
    rules = [{"n": 1}, {"n": 2}]
    assert exchange_halves(clips, lambda one, each: record(Interval(10, 19)), rules)[1] == [rules[0], rules[0]]


def test_tables_have_a_line_for_each_method_group_and_clip():
    one = clip(Label(0, 9, "blink", (2, 6)), note="glasses")
    result = evaluate([one], {"a.mp4": record(Interval(0, 9), Interval(100, 110))})
    lines = method_table({"ours": result, "theirs": result}).splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        ["| ours", "optional"],
        ["| theirs", "optional"],
        ["| ours", "required"],
        ["| theirs", "required"],
    ]
    assert lines[2] == (
        "| ours | optional | 0.500 | 1.000 | 0.667 (0.667-0.667) | 0.667 (0.667-0.667) | 0.667 (0.667-0.667) "
        "| 6.00 (6.00-6.00) | 0 / 0 (+0) | 0 / 0 (+0) | 6.0 | 0.020 | 100 |"
    )
    assert [line.split(" | ")[0] for line in group_table(result).splitlines()[2:]] == ["| all", "| glasses"]
    row = clip_table(result).splitlines()[2]
    assert row == "| a.mp4 | 10.0 | 0.00 | 1/0/1 | 1/0/1 | 1/0/1 | 1/0/1 | 1 / 2 | 6.0 | 0.020 / 0.000 | 100 |"
    assert error_list(result).splitlines()[2:] == ["- a.mp4: false blink 100-110"]
    for table in (method_table({"ours": result}), group_table(result), clip_table(result).split("\n\n")[0]):
        assert len({line.count("|") for line in table.splitlines()}) == 1


# -- events of arrays with known truth -----------------------------------------------------------------------------


def openness(n: int, *blinks: tuple[int, tuple[float, ...]]) -> np.ndarray:
    signal = np.ones(n)
    for start, shape in blinks:
        signal[start : start + len(shape)] = shape
    return signal


QUICK = (0.5, 0.0, 0.0, 0.0, 0.3, 0.7)


@pytest.mark.parametrize("seed", [None, 0])
def test_events_of_arrays_are_scored_as_they_are_known(seed):
    """Blinks, one of them long, with frames at even and at uneven times."""
    starts = (40, 90, 140, 260)
    long = (0.5, *[0.0] * 30, 0.5)
    labels = [Label(start, start + 5, "blink", (start + 1, start + 3)) for start in starts]
    labels.append(Label(200, 231, "long", (201, 230)))
    signal = openness(300, *((start, QUICK) for start in starts), (200, long))
    times = np.arange(300) / 25
    if seed is not None:
        times = np.cumsum(np.random.default_rng(seed).uniform(0.02, 0.06, 300))
    events = find_events(times, np.clip(signal, 0.01, 0.99), signal)
    score = score_clip(clip(*labels), Record(times, events, (signal <= 0.2).astype(float), 1.0))
    assert score["counts"]["required"] == {"any": [5, 0, 0], "0.2": [5, 0, 0], "0.5": [5, 0, 0]}
    assert score["rate_error"] == 0
    assert score["closed_share"][0] == score["closed_share"][1]
