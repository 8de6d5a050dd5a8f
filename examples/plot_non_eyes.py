"""
Images that are not eyes
========================

``predict`` gives every image a label, even a wall. ``verdict`` also detects images that do not look like an eye.
"""

import cv2
import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from classic_eyes import load_model
from classic_eyes.images import as_images
from classic_eyes.synthetic import make_eyes

# %%
# Squares cut from photographs that come with scikit-image, noise, and a flat image, as from a covered camera.

rng = np.random.default_rng(0)
photographs = [data.coins(), data.brick(), data.coffee(), data.page(), data.cat()]
others = [as_images([photograph[50:150, 50:150]], size=48)[0] for photograph in photographs]
others += [
    rng.integers(0, 256, (48, 48), dtype=np.uint8),
    cv2.GaussianBlur(rng.integers(0, 256, (48, 48), np.uint8), (0, 0), 4),
]
others += [np.full((48, 48), 12, np.uint8)]
eyes = make_eyes(8, size=48, random_state=8)
images = np.array([*eyes.images, *others])

model = load_model()
figure, axes = plt.subplots(2, 8, figsize=(10, 3.2))
for axis, image, verdict in zip(axes.flat, images, model.verdict(images), strict=True):
    axis.imshow(image, vmin=0, vmax=255)
    axis.set_title(verdict, fontsize=10, color="#b2182b" if verdict == "not-an-eye" else "black")
    axis.set_axis_off()
# sphinx_gallery_alt = "Eight synthetic eyes, whose verdicts are open and closed, above eight textures, most of"
# sphinx_gallery_alt = "which are not-an-eye."
plt.show()

# %%
# ``novelty_score`` is the number behind the verdict: above 1, an image counts as a non-eye.

print("eyes:", model.novelty_score(eyes.images).round(2))
print("others:", model.novelty_score(others).round(2))
