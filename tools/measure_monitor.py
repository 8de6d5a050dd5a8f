"""Measure the memory of `Monitor` over hours of video, and how late it reports events, for docs/guides/video.md.

    python tools/measure_monitor.py PATH [--minutes N]

The clip, or the clips of the folder, are repeated with times that go on. Delays are of the first pass.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from itertools import cycle
from pathlib import Path

import numpy as np

from classic_eyes._utils.resources import memory_of_tree_mb, peak_memory_mb
from classic_eyes.cli.arguments import positive_integer
from classic_eyes.cli.tables import markdown
from classic_eyes.video import Frame, Monitor, read_frames

_STEP_S = 0.04


def main(argv: list[str] | None = None) -> int:
    """Print both tables."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", metavar="PATH", type=Path, help="a clip, or a folder of clips")
    parser.add_argument("--minutes", type=positive_integer, default=60, metavar="N", help="of video; default: 60")
    arguments = parser.parse_args(argv)
    given = arguments.path
    clips = sorted(path for path in given.iterdir() if path.is_file()) if given.is_dir() else [given]
    monitor, delays, start_s, n_frames = Monitor(), list[float](), 0.0, 0
    rows = [["minutes of video", "frames", "tracks so far", "memory, MB", "peak memory, MB"]]
    stops = [minutes for minutes in (1, 10, 30) if minutes < arguments.minutes] + [arguments.minutes]
    for number, clip in enumerate(cycle(clips)):
        time_s = start_s
        for frame in read_frames(clip):
            time_s = start_s + frame.time_s
            state = monitor.update(Frame(n_frames, time_s, frame.bgr))
            n_frames += 1
            if number < len(clips):
                delays += [time_s - event.end_s for event in state.events]
            if time_s >= 60 * stops[0]:
                n_tracks = len(monitor.summary()["tracks"])
                memory = memory_of_tree_mb(os.getpid()), peak_memory_mb()
                rows.append([f"{stops.pop(0)}", f"{n_frames:,}", f"{n_tracks:,}", *(f"{mb:.0f}" for mb in memory)])
                if not stops:
                    print(*markdown(rows), sep="\n")
                    median, most = np.median(delays), np.max(delays)
                    head = ["events", "n", "delay, s: median", "within 2 s", "at most, s"]
                    within = f"{np.mean(np.array(delays) <= 2):.2f}"
                    row = ["all", f"{len(delays)}", f"{median:.2f}", within, f"{most:.2f}"]
                    print("", *markdown([head, row]), sep="\n")
                    return 0
        start_s = time_s + _STEP_S
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
