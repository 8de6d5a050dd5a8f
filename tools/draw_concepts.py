"""Draw the figures of docs/concepts: one for each page, from synthetic eyes and the shipped models.

python tools/draw_concepts.py docs/concepts
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import cv2
import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from skimage import data
from skimage.feature import hog, local_binary_pattern

from classic_eyes import load_model
from classic_eyes.inference.program import View, blending_weight, reduce_images
from classic_eyes.preprocessing import align, remove_glare, shipped_alignment, tan_triggs_uint8
from classic_eyes.synthetic import make_eyes, random_parameters, render
from classic_eyes.video import find_events

GREEN, RED, BLUE, INK = "#1b7837", "#b2182b", "#2166ac", "#222222"
OPENINGS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)


def show(axis: pyplot.Axes, image: np.ndarray, title: str = "") -> None:
    """Show a grey image without axes."""
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    axis.set_title(title, fontsize=11)
    axis.axis("off")


def features() -> Figure:
    """Draw an eye, its gradients, its local binary patterns, and illumination normalization."""
    figure, axes = pyplot.subplots(2, 4, figsize=(9, 4.8))
    eyes = make_eyes(40, size=48, random_state=12)
    for row, label in zip(axes, (1, 0), strict=True):
        image = eyes.images[np.flatnonzero(eyes.labels == label)[2]]
        _, gradients = hog(image, pixels_per_cell=(6, 6), cells_per_block=(1, 1), visualize=True)
        patterns = local_binary_pattern(image, 8, 1, "uniform") * 255 / 9
        small = cv2.resize(image, (24, 24), interpolation=cv2.INTER_AREA)
        names = ("open", "gradients (hog)", "patterns (lbp)", "illumination normalized")
        panels = (image, gradients / gradients.max() * 255, patterns, tan_triggs_uint8(small[None])[0])
        for axis, name, panel in zip(row, names, panels, strict=True):
            show(axis, panel, name if label else name.replace("open", "closed"))
    return figure


def views() -> Figure:
    """Draw what each view of the model ``default`` receives, and how their decision values are joined."""
    figure = pyplot.figure(figsize=(9, 3.6))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, 9), ylim=(0, 3.6))
    axis.axis("off")
    image = make_eyes(30, size=48, random_state=3).images[7:8]
    aligned = align(image, shipped_alignment())[0]
    small = cv2.resize(image[0], (24, 24), interpolation=cv2.INTER_AREA)
    narrow = align(small[None], shipped_alignment())[0]
    rows = ((2.95, small, "hog, lbp"), (1.8, narrow, "hog, words_tt"), (0.65, aligned, "hog, words_tt"))
    names = ("image, 24 pixels", "aligned eye, 24 pixels", "aligned eye, 48 pixels")
    box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": INK}
    arrow = {"arrowstyle": "->", "color": INK, "linewidth": 1.5}
    for (y, part, text), name in zip(rows, names, strict=True):
        inset = figure.add_axes(((0.35) / 9, (y - 0.42) / 3.6, 0.84 / 9, 0.84 / 3.6))
        show(inset, part)
        axis.text(1.3, y, name, va="center", fontsize=11)
        axis.text(4.3, y, text, va="center", ha="center", fontsize=12, bbox=box)
        axis.text(5.9, y, "scaler, PCA, SVM", va="center", ha="center", fontsize=12, bbox=box)
        axis.annotate("", (3.6, y), (3.3, y), arrowprops=arrow)
        axis.annotate("", (5.1, y), (4.95, y), arrowprops=arrow)
        axis.annotate("", (7.4, 1.8 + 0.25 * (y - 1.8)), (6.7, y), arrowprops=arrow)
    axis.text(7.7, 1.8, "mean", va="center", ha="center", fontsize=12, bbox=box)
    axis.annotate("", (8.3, 1.8), (8.05, 1.8), arrowprops=arrow)
    axis.text(8.32, 1.8, "log odds", va="center", fontsize=12)
    return figure


def first_decisions(images: np.ndarray) -> np.ndarray:
    """Return the decision values of the first view of the model ``default``."""
    program = load_model().program
    first = program.views[0]
    assert isinstance(first, View)
    small = reduce_images(remove_glare(images), first.size or program.size)
    return np.asarray(first.decide(first.describe(small, small[:, :, ::-1])))


def cascade() -> Figure:
    """Draw the decision values of the first view, and the weight of the later ones."""
    figure, axis = pyplot.subplots(figsize=(9, 3.2))
    eyes = make_eyes(1500, size=48, hard_share=0.5, random_state=31)
    program = load_model().program
    assert program.cascade is not None
    threshold = program.cascade.threshold
    decisions = first_decisions(eyes.images)
    edges = np.linspace(-2, 2, 61).tolist()
    for label, name, colour in ((1, "open", GREEN), (0, "closed", RED)):
        axis.hist(decisions[eyes.labels == label], edges, alpha=0.6, color=colour, label=name)
    axis.axvspan(-threshold, threshold, color="#dddddd", zorder=0)
    axis.set(xlabel="decision value of the first view", ylabel="images", xlim=(-2, 2))
    other = axis.twinx()
    grid = np.linspace(-2, 2, 400)
    other.plot(grid, blending_weight(grid, threshold), color=BLUE)
    other.set_ylabel("weight of the later views", color=BLUE)
    other.set_ylim(0, 1.05)
    axis.legend(loc="upper left")
    figure.tight_layout()
    return figure


def calibration() -> Figure:
    """Draw the sigmoid from decision value to probability, and how often each probability is right."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4))
    program = load_model().program
    grid = np.linspace(-1.5, 1.5, 200)
    left.plot(grid, 1 / (1 + np.exp(-(program.slope * grid + program.intercept))), color=INK)
    unsure = program.unsure / program.slope
    left.axvspan(-unsure, unsure, color="#dddddd")
    left.text(0, 0.06, "unsure", ha="center")
    left.set(xlabel="decision value", ylabel="probability of open")
    eyes = make_eyes(4000, hard_share=1.0, random_state=77)
    scores = load_model().predict_proba(eyes.images)[:, 1]
    number = np.minimum((scores * 8).astype(int), 7)
    points = [(scores[number == each].mean(), eyes.labels[number == each].mean()) for each in range(8)]
    right.plot((0, 1), (0, 1), color="#999999", linestyle="--")
    right.plot(*zip(*points, strict=True), "o-", color=BLUE)
    right.set(xlabel="mean predicted probability", ylabel="share that is open")
    figure.tight_layout()
    return figure


def alignment() -> Figure:
    """Draw patches in which the eye lies differently, and the same ones aligned."""
    figure, axes = pyplot.subplots(2, 6, figsize=(9, 3.4))
    images = []
    for number, (x, y, tilt, width) in enumerate(
        (
            (0.5, 0.5, 0, 0.7),
            (0.38, 0.55, 12, 0.6),
            (0.6, 0.42, -14, 0.62),
            (0.5, 0.6, 8, 0.55),
            (0.42, 0.42, 0, 0.8),
            (0.6, 0.58, -8, 0.66),
        )
    ):
        rng = np.random.default_rng(number)
        parameters = random_parameters(0.9 if number % 2 == 0 else 0.0, random_state=rng)
        moved = dataclasses.replace(parameters, center_x=x, center_y=y, tilt=tilt, eye_width=width)
        images.append(render(moved, size=48, random_state=rng)[0])
    for column, (image, level) in enumerate(zip(images, align(np.array(images), shipped_alignment()), strict=True)):
        show(axes[0, column], image)
        show(axes[1, column], level)
    axes[0, 0].text(-8, 24, "patch", rotation=90, va="center", fontsize=12)
    axes[1, 0].text(-8, 24, "aligned", rotation=90, va="center", fontsize=12)
    return figure


def synthetic_eyes() -> Figure:
    """Draw two synthetic people at six openings, with landmarks on the first."""
    figure, axes = pyplot.subplots(2, len(OPENINGS), figsize=(9, 3.5))
    for row, person in enumerate((5, 16)):
        for axis, opening in zip(axes[row], OPENINGS, strict=True):
            rng = np.random.default_rng(person)
            image, points = render(random_parameters(opening, random_state=rng), size=96, random_state=rng)[:2]
            show(axis, image, f"opening {opening:.1f}" if row == 0 else "")
            if row == 0:
                axis.plot(points[:, 0], points[:, 1], "o", color="#ffd92f", markersize=4)
    return figure


def non_eyes() -> Figure:
    """Draw images with how unlike an eye they are; above 1 is a non-eye."""
    figure, axes = pyplot.subplots(1, 7, figsize=(9, 1.9))
    eyes = make_eyes(12, size=48, random_state=8).images
    rng = np.random.default_rng(0)
    letter = cv2.putText(
        np.full((48, 48), 225, np.uint8), "A", (8, 40), cv2.FONT_HERSHEY_DUPLEX, 1.5, 30, 4, cv2.LINE_AA
    )
    face = cv2.cvtColor(data.astronaut()[80:170, 178:268], cv2.COLOR_RGB2GRAY)
    images = [*eyes[[0, 1, 2]], cv2.resize(data.brick()[:96, :96], (48, 48)), np.asarray(letter, np.uint8)]
    images += [
        cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA),
        rng.integers(0, 256, (48, 48), dtype=np.uint8),
    ]
    scores = load_model().program.novelty_score(np.array(images, dtype=np.uint8))
    for axis, image, score in zip(axes, images, scores, strict=True):
        show(axis, image)
        axis.set_title(f"{score:.2f}", color=RED if score > 1 else GREEN, fontsize=13)
    return figure


def events() -> Figure:
    """Draw the openness of both eyes, and the events that are found in it."""
    figure, axis = pyplot.subplots(figsize=(9, 3.4))
    times = np.arange(250) / 25
    rest = 0.97 + 0.02 * np.sin(7 * times)
    openness = np.stack([rest, rest], axis=1)
    blink = np.array((0.8, 0.4, 0.05, 0.02, 0.05, 0.3, 0.6, 0.85))
    openness[30:38] = blink[:, None]
    openness[80:86] = np.array((0.8, 0.5, 0.3, 0.33, 0.6, 0.85))[:, None]
    openness[120:146] = np.r_[0.7, 0.3, np.full(20, 0.03), 0.1, 0.3, 0.6, 0.85][:, None]
    openness[195:206, 1] = np.r_[0.6, 0.2, np.full(6, 0.03), 0.1, 0.4, 0.8]
    p_open = np.where(openness < 0.25, 0.01, np.where(openness < 0.5, 0.75, 0.995))
    for event in find_events(times, p_open, openness):
        axis.axvspan(event.start_s, event.end_s, color=RED, alpha=0.15, linewidth=0)
        if event.closed_start is not None and event.closed_end is not None:
            axis.axvspan(times[event.closed_start], times[event.closed_end], color=RED, alpha=0.25, linewidth=0)
        name = event.kind if event.eye == "both" else f"{event.kind}, {event.eye}"
        axis.text((event.start_s + event.end_s) / 2, 1.1, name, ha="center", color=RED, fontsize=12)
    axis.plot(times, openness[:, 0], color=INK, label="right eye")
    axis.plot(times, openness[:, 1], color=BLUE, linestyle="--", label="left eye")
    axis.set(xlabel="seconds", ylabel="openness", ylim=(-0.05, 1.25), xlim=(0, 10))
    axis.legend(loc="lower right")
    figure.tight_layout()
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "features": features,
    "views": views,
    "cascade": cascade,
    "calibration": calibration,
    "alignment": alignment,
    "synthetic-eyes": synthetic_eyes,
    "non-eyes": non_eyes,
    "events": events,
}


def main() -> None:
    """Write all figures into a folder."""
    for name, draw in FIGURES.items():
        figure = draw()
        figure.savefig(
            Path(sys.argv[1]) / f"{name}.png",
            dpi=100,
            facecolor="white",
            bbox_inches="tight",
            metadata={"Software": None},
        )
        pyplot.close(figure)


if __name__ == "__main__":
    main()
