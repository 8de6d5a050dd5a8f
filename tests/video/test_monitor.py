"""Videos from the first to the last frame: events, states and summaries of clips with known truth."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from classic_eyes import load_model
from classic_eyes.calibration import Calibration, Threshold
from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.video import Analysis, Frame, Monitor, read_frames
from tests.video.clips import BLINK, blinks, write_clip

pytest.importorskip("dlib")
pytest.importorskip("skimage")

STARTS = (20, 60, 110)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "blinks.mp4"
    write_clip(path, blinks(160, *STARTS), noise=1.5)
    return path


@pytest.fixture(scope="module")
def analysis(clip):
    done = Analysis(read_frames(clip))
    return done, list(done)


def test_every_blink_is_found(analysis):
    done, _ = analysis
    assert [event.kind for event in done.events] == ["blink"] * len(STARTS)
    for event, start in zip(done.events, STARTS, strict=True):
        assert abs(event.start - start) <= 2
        assert abs(event.end - (start + len(BLINK) - 1)) <= 2
        assert event.start_s == pytest.approx(event.start / 25, abs=1e-3)


def test_a_state_for_every_frame_in_order(analysis):
    _, states = analysis
    assert [state.index for state in states] == list(range(160))
    assert all(len(state.tracks) == 1 for state in states)
    closed = {state.index for state in states for eye in state.tracks[0].eyes if eye.state == "closed"}
    truth = {start + k for start in STARTS for k in (2, 3, 4)}
    assert truth <= closed <= {start + k for start in STARTS for k in range(len(BLINK))}


def test_openness_is_that_of_the_clip(analysis):
    _, states = analysis
    openness = np.array([[eye.openness for eye in state.tracks[0].eyes] for state in states]).mean(axis=1)
    truth = blinks(160, *STARTS) / 0.9
    assert np.corrcoef(openness, truth)[0, 1] > 0.9
    assert np.median(openness) == pytest.approx(1, abs=0.1)


def test_events_come_with_the_frame_that_made_them_final(analysis):
    done, states = analysis
    assert [event for state in states for event in state.events] == done.events


def test_the_camera_form_finds_the_same(clip, analysis):
    done, _ = analysis
    monitor, events, late = Monitor(), [], []
    for frame in read_frames(clip):
        # Either form may be used for any frame.
        state = monitor.update(frame) if frame.index % 2 else monitor.update(frame.image, frame.time_s)
        events += state.events
        late += [frame.time_s - event.end_s for event in state.events]
    events += monitor.finish()
    rounded = [
        [replace(e, depth=round(e.depth, 3), confidence=round(e.confidence, 3)) for e in each]
        for each in (events, done.events)
    ]
    assert rounded[0] == rounded[1]
    assert max(late) <= monitor.delay_s + 0.1
    assert monitor.summary() == done.summary()


def test_the_summary(analysis):
    summary = analysis[0].summary()
    assert (summary["frames"], summary["faceless_share"]) == (160, 0)
    (track,) = summary["tracks"]
    assert track["blinks"] == 3
    assert track["visible_s"] == pytest.approx(6.4)
    assert track["closed_share"] == pytest.approx(9 / 160, abs=0.03)


def test_how_long_the_eyes_have_been_closed(tmp_path):
    write_clip(tmp_path / "a.mp4", np.r_[np.full(30, 0.9), np.zeros(40), np.full(10, 0.9)])
    monitor = Monitor()
    closed = [monitor.update(frame.grey, frame.time_s).tracks[0].closed_s for frame in read_frames(tmp_path / "a.mp4")]
    assert closed[:29] == [0] * 29
    assert max(closed) == pytest.approx(39 / 25, abs=0.09)
    assert closed[-1] == 0


def test_a_wink_and_a_half_closed_eye(tmp_path):
    openness = np.full((160, 2), 0.9)
    openness[40:48, 0] = 0
    openness[100:106] = 0.9 * np.array([0.7, 0.4, 0.3, 0.3, 0.4, 0.7])[:, None]
    write_clip(tmp_path / "a.mp4", openness)
    done = Analysis(read_frames(tmp_path / "a.mp4"))
    list(done)
    kinds = [(event.kind, event.eye) for event in done.events]
    assert kinds[0] == ("wink", "right")
    assert kinds[1:] in ([("partial", "both")], [("blink", "both")])


def test_two_people_blink_by_themselves(tmp_path):
    openness = np.full((120, 2, 2), 0.9)
    for k, start in enumerate((30, 70)):
        openness[start : start + len(BLINK), k] *= np.array(BLINK)[:, None]
    write_clip(tmp_path / "a.mp4", openness, faces=2)
    done = Analysis(read_frames(tmp_path / "a.mp4"))
    list(done)
    found = [
        (event.track, event.kind, abs(event.start - start) <= 3)
        for event, start in zip(done.events, (30, 70), strict=True)
    ]
    assert found == [(0, "blink", True), (1, "blink", True)]


def test_cuts_and_no_face_are_no_events(tmp_path):
    write_clip(tmp_path / "a.mp4", np.full(120, 0.9), scenes=np.repeat([0, -1, 1, 2], 30))
    done = Analysis(read_frames(tmp_path / "a.mp4"))
    states = list(done)
    assert done.events == []
    assert [len(state.tracks) for state in states[35:58]] == [0] * 23
    assert done.summary()["faceless_share"] == pytest.approx(0.25, abs=0.05)


def test_a_person_s_calibration_counts(clip):
    never = Calibration(Threshold(1e-8, 20, 20, 1.0), Threshold(-1.0, 20, 20, 1.0))
    done = Analysis(read_frames(clip), calibration=never)
    assert len(list(done)) == 160
    assert all(event.confidence < 0.95 for event in done.events)


def test_any_object_with_size_and_probability_is_a_model(clip):
    class Model:
        size = 24

        def probability(self, images):
            return load_model("fast").probability(images)

    assert len(list(Analysis(read_frames(clip), Model()))) == 160


def test_a_black_frame_does_not_restart_the_alarm(tmp_path):
    write_clip(tmp_path / "a.mp4", np.r_[np.full(30, 0.9), np.zeros(40), np.full(10, 0.9)])
    monitor, closed = Monitor(), []
    for frame in read_frames(tmp_path / "a.mp4"):
        bgr = frame.bgr * 0 if frame.index == 50 else frame.bgr
        state = monitor.update(Frame(frame.index, frame.time_s, bgr))
        closed.append(state.tracks[0].closed_s if state.tracks else None)
    assert closed[50] is None
    assert closed[51] == pytest.approx(closed[49] + 2 / 25)
    assert max(closed[51:]) == pytest.approx(39 / 25, abs=0.09)
    assert [track["track"] for track in monitor.summary()["tracks"]] == [0]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (40.0, "frames are 40 s apart"),
        (0.0, "frames are 0 s apart"),
        (1.0, "frames are 1 s apart, the median of 50; closed_s and events will be wrong"),
        (0.0007, "frames are 0.0007 s apart"),
        (0.1, "10.0 frames/s; below 20 short blinks are missed"),
        (0.05, None),
        (1 / 25, None),
    ],
)
def test_times_that_are_not_plausible_are_warned_of_once(steps, message):
    monitor, black = Monitor(), np.zeros((90, 90), np.uint8)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(160):
            monitor.update(black, k * steps)
    assert [str(each.message).startswith(f"time_s: {message}") for each in caught] == [True] * (message is not None)
    assert all(each.filename == __file__ for each in caught)


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), None, "0.1", np.zeros(1)])
def test_times_that_are_no_numbers_are_refused_and_the_monitor_goes_on(time_s):
    monitor, black = Monitor(), np.zeros((90, 90), np.uint8)
    for next_s in (0.0, 0.1):
        with pytest.raises(ParameterError, match=r"time_s is .*; allowed is a finite number"):
            monitor.update(black, time_s)
        assert monitor.update(black, np.float32(next_s)).time_s == pytest.approx(next_s)


def update_all(monitor, frames, times):
    """Return the states, and the numbers and messages of the frames that are refused."""
    states, refused = [], []
    for frame, time_s in zip(frames, times, strict=True):
        try:
            states.append(monitor.update(frame.grey, time_s))
        except ParameterError as error:
            refused.append((frame.index, str(error)))
    return states, refused


def test_one_time_that_is_too_high_costs_one_frame(tmp_path):
    write_clip(tmp_path / "a.mp4", np.r_[np.full(30, 0.9), np.zeros(70), np.full(10, 0.9)])
    monitor, times = Monitor(), np.arange(110) / 25
    times[40] += 3600  # while the eyes are closed
    with pytest.warns(
        UserWarning, match=r"^time_s: .* after 36.*: the clock was set back, or a time was too"
    ) as caught:
        states, refused = update_all(monitor, read_frames(tmp_path / "a.mp4"), times)
    assert [each.filename for each in caught] == [__file__]
    ((index, text),) = refused
    assert index == 41
    assert text.endswith("If the next time follows this one, all tracks end and the monitor goes on from there")
    assert max(state.tracks[0].closed_s for state in states[41:]) == pytest.approx(57 / 25, abs=0.2)
    events = [*(event for state in states for event in state.events), *monitor.finish()]
    assert [event.start for event in events] == pytest.approx([30, 41], abs=2)


@pytest.mark.filterwarnings("ignore:time_s. .*the clock was set back")
def test_a_clock_that_is_set_back_costs_one_frame(tmp_path):
    write_clip(tmp_path / "a.mp4", np.r_[np.full(20, 0.9), np.zeros(70), np.full(10, 0.9)])
    monitor, times = Monitor(), np.arange(100) / 25
    times[:50] += 3600
    states, refused = update_all(monitor, read_frames(tmp_path / "a.mp4"), times)
    assert [index for index, _ in refused] == [50]
    assert max(state.tracks[0].closed_s for state in states[60:]) == pytest.approx(38 / 25, abs=0.2)
    events = [*(event for state in states for event in state.events), *monitor.finish()]
    assert [(event.track, event.kind) for event in events] == [(0, "long"), (1, "long")]
    assert monitor.summary()["duration_s"] == pytest.approx(98 / 25, abs=0.05)


def test_times_that_are_late_or_wrong_once_set_no_clock():
    monitor, black = Monitor(), np.zeros((90, 90), np.uint8)
    monitor.update(black, 100.0)
    # Late frames; no time at all, twice; a wrong time that no other follows.
    for time_s in (99.2, 99.3, 0.0, 0.0, 50.0, 3.0, 2.0):
        with pytest.raises(ParameterError, match=f"^time_s is {time_s} after 100.0; allowed is a time that does not"):
            monitor.update(black, time_s)
    assert monitor.update(black, 100.04).index == 1


def test_a_summary_has_the_last_tracks(monkeypatch):
    monkeypatch.setattr("classic_eyes.video.monitor._MOST_TRACKS", 3)
    assert Monitor()._finished.maxlen == 3


def test_grey_frames_are_those_of_an_infrared_camera(clip):
    monitor, done = Monitor(), Analysis(Frame(each.index, each.time_s, each.grey) for each in read_frames(clip))
    kinds = [event.kind for state in done for event in state.events]
    assert kinds == ["blink"] * len(STARTS)
    for frame in read_frames(clip):
        state = monitor.update(Frame(frame.index, frame.time_s, frame.grey))
    assert [track.track for track in state.tracks] == [0]
    grey = Frame(0, 0.0, frame.grey)
    assert (grey.image == frame.grey[..., None]).all()


def test_a_change_of_size_is_warned_of_once():
    monitor = Monitor()
    monitor.update(np.zeros((90, 120), np.uint8), 0.0)
    with pytest.warns(UserWarning, match=r"^frame: 80x60 pixels after 120x90; faces become new tracks") as caught:
        monitor.update(np.zeros((60, 80), np.uint8), 0.04)
    assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor.update(np.zeros((90, 120), np.uint8), 0.08)


def test_after_finish_a_monitor_has_ended():
    monitor = Monitor()
    monitor.update(np.zeros((90, 90), np.uint8), 0.0)
    assert monitor.finish() == []
    with pytest.raises(ParameterError, match=r"^update after finish: .* another recording needs another Monitor$"):
        monitor.update(np.zeros((90, 90), np.uint8), 0.1)


def test_what_is_no_model_calibration_or_frame_is_refused_with_the_remedy(clip):
    cases = [
        (lambda: Monitor("fast"), r"^model is 'fast'; give a model that is loaded, load_model\('fast'\)$"),
        (lambda: Monitor(3), r"^model is 3; give a model that is loaded, load_model\(\"default\"\)$"),
        (lambda: Monitor(calibration="me.json"), r"^calibration is 'me.json'; .*, read_calibration\('me.json'\)$"),
        (lambda: Monitor(calibration=0.5), r"^calibration is 0.5; .*, read_calibration\(\"anna-threshold.json\"\)$"),
        (lambda: Analysis(clip), r"^frames is .*; give the frames of this file, read_frames\('.*blinks.mp4'\)$"),
        (lambda: next(iter(Analysis([3]))), r"^frames has a int; allowed is a Frame, see read_frames$"),
    ]
    for make, message in cases:
        with pytest.raises(ParameterError, match=message):
            make()
    with pytest.raises(ImageError, match="dtype float64"):
        next(iter(Analysis([Frame(0, 0.0, np.zeros((90, 90)))])))


def test_a_calibration_belongs_to_one_model_and_is_used_once():
    model = load_model("fast")
    mine = Calibration(Threshold(0.8, 20, 20, 1.0), model=model.fingerprint)
    Monitor(model, calibration=mine)
    for other in (load_model(), model.calibrated(mine)):
        with pytest.raises(ParameterError, match="fitted to the probabilities of another model"):
            Monitor(other, calibration=mine)
        with pytest.raises(ParameterError, match="fitted to the probabilities of another model"):
            other.calibrated(mine)


def test_refused():
    monitor = Monitor()
    with pytest.raises(ImageError, match=r"frame has shape \(3,\)"):
        monitor.update(np.zeros(3, np.uint8), 0)
    with pytest.raises(ImageError, match=r"frame has shape \(0, 0, 3\)"):
        monitor.update(np.zeros((0, 0, 3), np.uint8), 0)
    with pytest.raises(ImageError, match="frame is None: the camera gave no image"):
        monitor.update(None, 0)
    with pytest.raises(ImageError, match="frame is None"):
        monitor.update(Frame(0, 0.0, None))
    with pytest.raises(ImageError, match="dtype float64"):
        monitor.update(np.zeros((90, 90)), 0)
    with pytest.raises(ParameterError, match=r"time_s is 2, but a Frame has a time of its own"):
        monitor.update(Frame(0, 0.0, np.zeros((90, 90, 3), np.uint8)), 2)
    monitor.update(np.zeros((90, 90), np.uint8), 1.0)
    with pytest.raises(ParameterError, match=r"time_s is 0\.5 after 1\.0"):
        monitor.update(np.zeros((90, 90), np.uint8), 0.5)
