"""Draw docs/overview.png for README.md: eyes with predictions, a photograph with its eyes, and a signal with blinks.

    python tools/draw_overview.py docs/overview.png

The eyes are synthetic. The photograph shows Eileen Collins (NASA, public domain), from scikit-image. The signal is
synthetic too. Letters are large enough to be read where the figure is 400 pixels wide.
"""

from __future__ import annotations

import sys

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot
from matplotlib.patches import Rectangle
from skimage import data

from classic_eyes import load_model
from classic_eyes.faces import FaceReader
from classic_eyes.synthetic import make_eyes
from classic_eyes.video import find_events

COLOURS = {"open": "#1b7837", "closed": "#b2182b"}
INK, LARGE = "#222222", 23
CROP = (slice(30, 220), slice(128, 318))
BLINK = (0.8, 0.4, 0.05, 0.02, 0.05, 0.3, 0.6, 0.85)
COUNT = 4


def draw_eyes(axes: list[pyplot.Axes]) -> None:
    """Draw eyes of both classes with the prediction of the shipped model below each."""
    eyes = make_eyes(60, size=96, random_state=24)
    scores = load_model().predict_proba(eyes.images)[:, 1]
    pairs = zip(*(np.flatnonzero(eyes.labels == label) for label in (1, 0)), strict=False)
    chosen = [index for pair in pairs for index in pair]
    for axis, index in zip(axes, chosen[:COUNT], strict=True):
        label = "open" if scores[index] >= 0.5 else "closed"
        axis.imshow(eyes.images[index], cmap="gray", vmin=0, vmax=255, interpolation="bicubic")
        share = max(scores[index], 1 - scores[index])
        axis.set_title(f"{label} {share:.0%}", color=COLOURS[label], fontsize=LARGE, y=-0.27)
        axis.axis("off")


def draw_photograph(axis: pyplot.Axes) -> None:
    """Draw the photograph with the box and the prediction of each eye."""
    image = data.astronaut()
    rows, columns = CROP
    axis.imshow(image[CROP])
    for face in FaceReader().read(image):
        for eye in face.eyes:
            x, y, width, height = eye.box
            axis.add_patch(
                Rectangle((x - columns.start, y - rows.start), width, height, fill=False, color="#7fff5e", linewidth=3)
            )
        x, y, width, _ = face.box
        axis.text(
            *(x - columns.start + width / 2, y - rows.start - 12),
            face.verdict,
            ha="center",
            fontsize=LARGE,
            color="white",
            bbox={"facecolor": COLOURS.get(face.verdict, INK), "edgecolor": "none", "pad": 4},
        )
    axis.axis("off")


def draw_blinks(axis: pyplot.Axes) -> None:
    """Draw the openness of an eye over time, and the events that are found in it."""
    times = np.arange(150) / 25
    openness = 0.97 + 0.02 * np.sin(9 * times)
    openness[22:30] = BLINK
    openness[74:102] = np.r_[0.7, 0.3, np.full(23, 0.04), 0.3, 0.6, 0.85]
    for event in find_events(times, openness, openness):
        name = {"long": "long closure"}.get(event.kind, event.kind)
        axis.axvspan(event.start_s, event.end_s, color=COLOURS["closed"], alpha=0.25, linewidth=0)
        axis.text((event.start_s + event.end_s) / 2, 1.12, name, ha="center", fontsize=LARGE, color=COLOURS["closed"])
    axis.plot(times, openness, color=INK, linewidth=3)
    axis.set(xlim=(0, 6), ylim=(-0.08, 1.35), xticks=(0, 2, 4, 6), yticks=(0, 1))
    axis.tick_params(labelsize=LARGE - 3)
    axis.set_xlabel("seconds", fontsize=LARGE - 2)
    axis.set_yticklabels(["closed", "open"])
    axis.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Write the figure."""
    pyplot.rcParams["font.family"] = "DejaVu Sans"
    figure = pyplot.figure(figsize=(10, 7.6), dpi=100, facecolor="white")
    top = figure.add_gridspec(1, COUNT, left=0.02, right=0.98, top=0.99, bottom=0.62, wspace=0.05)
    low = figure.add_gridspec(1, 2, left=0.02, right=0.98, top=0.52, bottom=0.11, wspace=0.3, width_ratios=(0.6, 1))
    draw_eyes([figure.add_subplot(top[number]) for number in range(COUNT)])
    draw_photograph(figure.add_subplot(low[0]))
    draw_blinks(figure.add_subplot(low[1]))
    figure.savefig(sys.argv[1], metadata={"Software": None})


if __name__ == "__main__":
    main()
