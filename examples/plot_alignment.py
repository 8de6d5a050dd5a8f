"""
Alignment
=========

The position, size and tilt of an eye differ from patch to patch. Alignment finds them, and moves every eye to the same
place.
"""

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes.preprocessing import align, find_poses, shipped_alignment
from classic_eyes.synthetic import EyeParameters, render

poses = [
    (0.42, 0.55, -15, 0.6),
    (0.58, 0.42, 12, 0.75),
    (0.5, 0.5, 0, 0.95),
    (0.55, 0.6, 20, 0.65),
    (0.4, 0.4, -8, 0.7),
]
images = np.array(
    [
        render(EyeParameters(center_x=x, center_y=y, tilt=tilt, eye_width=width, opening=0.7), size=48, random_state=n)[
            0
        ]
        for n, (x, y, tilt, width) in enumerate(poses)
    ]
)

# %%
# ``find_poses`` returns the centre and, as a complex number, scale and tilt, in 4096ths. The cross is the centre that
# it finds, and the line runs from corner to corner.

alignment = shipped_alignment()
found = find_poses(images, alignment) / 4096
aligned = align(images, alignment)

figure, axes = plt.subplots(2, 5, figsize=(9, 3.9))
for before, after, image, moved, (x, y, a, b) in zip(*axes, images, aligned, found, strict=True):
    before.imshow(image, vmin=0, vmax=255)
    # Poses are in pixels of a 24 x 24 image, from its middle; an eye of scale 1 is 17 of them wide.
    center = np.array([24 + 2 * x, 24 + 2 * y]) - 0.5
    half = 17 * np.array([a, b])
    before.plot(*zip(center - half, center + half, strict=True), color="#ffb000", linewidth=2)
    before.plot(*center, "+", color="#ffb000", markersize=12, markeredgewidth=2)
    after.imshow(moved, vmin=0, vmax=255)
    before.set_axis_off()
    after.set_axis_off()
axes[0, 0].set_title("found", loc="left")
axes[1, 0].set_title("aligned", loc="left")
# sphinx_gallery_alt = "Five tilted and shifted eyes with the line that is found between their corners; below, the"
# sphinx_gallery_alt = "same eyes level and centred."
plt.show()

# %%
# How far off is it?
# ------------------
# The renderer knows the true centre, so the error can be measured.

rng = np.random.default_rng(0)
truth = rng.uniform((0.4, 0.4, -20), (0.6, 0.6, 20), (500, 3))
eyes = np.array(
    [
        render(EyeParameters(center_x=x, center_y=y, tilt=tilt, opening=rng.random()), random_state=n)[0]
        for n, (x, y, tilt) in enumerate(truth)
    ]
)
error = np.hypot(*(find_poses(eyes, alignment)[:, :2] / 4096 - 24 * (truth[:, :2] - 0.5)).T)
spread = np.hypot(*(24 * (truth[:, :2] - truth[:, :2].mean(axis=0))).T)
print(f"median distance from the true centre: {np.median(error):.2f} of 24 pixels")
print(f"without alignment: {np.median(spread):.2f}")
