"""The script that measures the memory of `Monitor`, and how late it reports events."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from classic_eyes.video import Frame
from tools import measure_monitor
from tools.write_tables import tables_in


def test_the_clips_are_repeated_with_times_that_go_on(tmp_path, monkeypatch, capsys):
    for name in "ab":
        (tmp_path / name).touch()
    times = []

    class Monitor:
        def update(self, frame):
            times.append(frame.time_s)
            end_s = frame.time_s - (1.7 if len(times) < 10 else 99.0)
            is_late = len(times) in (5, 9, 800)  # the last one is in the third clip, which is the first one again
            return SimpleNamespace(events=[SimpleNamespace(end_s=end_s)] * is_late)

        def summary(self):
            return {"tracks": [{}, {}]}

    clip = [Frame(k, k / 25, np.zeros((2, 2), np.uint8)) for k in range(300)]
    monkeypatch.setattr(measure_monitor, "Monitor", Monitor)
    monkeypatch.setattr(measure_monitor, "read_frames", lambda _: iter(clip))
    assert measure_monitor.main([str(tmp_path), "--minutes", "2"]) == 0
    memory, delays = tables_in(capsys.readouterr().out)
    assert [row[:3] for row in memory[1:]] == [["1", "1,501", "2"], ["2", "3,001", "2"]]
    assert all(float(cell) > 0 for row in memory[1:] for cell in row[3:])
    assert delays[1] == ["all", "2", "1.70", "1.00", "1.70"]
    assert [after - before for before, after in itertools.pairwise(times)] == pytest.approx([0.04] * 3000)
