"""
What each feature measures
==========================

HOG, LBP, visual words, Haar cascades and projection profiles of an open and a closed eye.
"""

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes.features import Haar, Hog, Lbp, Profile, Words
from classic_eyes.synthetic import EyeParameters, make_eyes, render

OPEN, CLOSED = "#1b7837", "#b2182b"
pair = np.array([render(EyeParameters(opening=opening), random_state=2)[0] for opening in (0.9, 0.0)])
names = ("open", "closed")

# %%
# HOG: the directions of edges
# ----------------------------
# Each cell has a histogram of the directions of its edges. The lids of an open eye are two arcs, those of a closed eye
# one line. Each stroke is the direction of an edge, as long as the edge is strong.

hog = Hog(cells=(4,)).fit(pair)
print(hog.transform(pair).shape[1], "numbers an image, such as", hog.get_feature_names_out()[0])


def edge_strokes(image, cell=4, bins=9):
    """Return the strength of each direction of edges in each cell."""
    down, across = np.gradient(np.sqrt(image.astype(float)))
    angle = np.arctan2(down, across) % np.pi
    number = (angle / np.pi * bins).astype(int) % bins
    side = len(image) // cell
    histogram = np.zeros((side, side, bins))
    rows, columns = np.indices(image.shape) // cell
    np.add.at(histogram, (rows, columns, number), np.hypot(down, across))
    return histogram / histogram.max()


figure, axes = plt.subplots(1, 4, figsize=(9, 2.6))
for (left, right), image, name in zip(axes.reshape(2, 2), pair, names, strict=True):
    left.imshow(image, vmin=0, vmax=255)
    left.set_title(name)
    right.imshow(np.full_like(image, 255), vmin=0, vmax=255)
    for (row, column, number), strength in np.ndenumerate(edge_strokes(image)):
        # An edge runs across its gradient.
        angle = (number + 0.5) / 9 * np.pi + np.pi / 2
        x, y = 4 * column + 1.5, 4 * row + 1.5
        step = 2.4 * strength
        right.plot(
            [x - step * np.cos(angle), x + step * np.cos(angle)],
            [y - step * np.sin(angle), y + step * np.sin(angle)],
            color="black",
            linewidth=1.5,
        )
    right.set_title("edges")
for axis in axes:
    axis.set_axis_off()
# sphinx_gallery_alt = "An open eye with strokes along two arcs, and a closed eye with strokes along one line."
plt.show()

# %%
# LBP: patterns of brighter and darker neighbours
# -----------------------------------------------
# Each pixel gets a code of eight bits: which neighbours are at least as bright. The feature counts the codes in each
# cell. Codes do not change when the light gets brighter or the contrast stronger.

lbp = Lbp().fit(pair)
print(lbp.transform(pair).shape[1], "numbers an image, such as", lbp.get_feature_names_out()[0])

ring = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
figure, axes = plt.subplots(1, 4, figsize=(9, 2.6))
for (left, right), image, name in zip(axes.reshape(2, 2), pair, names, strict=True):
    padded = np.pad(image, 1, mode="edge")
    codes = sum(
        (padded[1 + down : 25 + down, 1 + across : 25 + across] >= image).astype(int) << bit
        for bit, (down, across) in enumerate(ring)
    )
    left.imshow(image, vmin=0, vmax=255)
    left.set_title(name)
    right.imshow(codes, cmap="viridis")
    right.set_title("codes")
for axis in axes:
    axis.set_axis_off()
# sphinx_gallery_alt = "The codes of an open eye form bands around the iris; those of a closed eye follow the lid"
# sphinx_gallery_alt = "line."
plt.show()

# %%
# Visual words: small patches that come up often
# ----------------------------------------------
# k-means finds typical patches of 6 by 6 pixels: rims, corners, lashes. The feature measures how much each word is in
# each cell. No label is used.

words = Words(n_words=40).fit(make_eyes(400, random_state=0).images)
print(words.transform(pair).shape[1], "numbers an image, such as", words.get_feature_names_out()[0])

figure, axes = plt.subplots(4, 10, figsize=(9, 3.8))
for axis, word in zip(axes.flat, words.words_ @ np.linalg.inv(words.whitening_) + words.patch_mean_, strict=True):
    axis.imshow(word.reshape(6, 6))
    axis.set_axis_off()
# sphinx_gallery_alt = "Forty patches: edges in all directions, dark bars, bright and dark corners."
plt.show()

# %%
# Haar cascades: does a detector of open eyes find one?
# -----------------------------------------------------
# OpenCV's eye detectors were trained on open eyes. The feature counts their detections, and adds their positions and
# scores.

eyes = make_eyes(300, random_state=1)
haar = Haar().fit(eyes.images)
columns = dict(zip(haar.get_feature_names_out(), haar.transform(eyes.images).T, strict=True))
print(list(columns)[:5], "and", len(columns) - 5, "more")

count = next(values for name, values in columns.items() if "log" in name)
figure, axis = plt.subplots(figsize=(7, 3))
bins = np.linspace(0, count.max(), 15)
axis.hist(count[eyes.labels == 1], bins, color=OPEN, alpha=0.7, label="open")
axis.hist(count[eyes.labels == 0], bins, color=CLOSED, alpha=0.7, label="closed")
axis.set(xlabel="windows in which the cascade finds an eye, log(1 + n)", ylabel="eyes")
axis.legend(frameon=False)
# sphinx_gallery_alt = "Histogram: the cascade finds no window in most closed eyes, and several in many open eyes."
plt.show()

# %%
# Profile: mean brightness of the rows
# ------------------------------------
# The iris makes a broad dark valley in the rows of an open eye. A closed lid makes a narrow one.

profile = Profile().fit(pair)
print(profile.transform(pair).shape[1], "numbers an image, such as", profile.get_feature_names_out()[0])

figure, axis = plt.subplots(figsize=(7, 3))
for image, name, color in zip(pair, names, (OPEN, CLOSED), strict=True):
    axis.plot(image.mean(axis=1), color=color, label=name)
axis.set(xlabel="row, from the brow to the cheek", ylabel="mean grey level")
axis.legend(frameon=False)
# sphinx_gallery_alt = "Mean grey level by row: the valley of the open eye is wider than that of the closed one."
plt.show()
