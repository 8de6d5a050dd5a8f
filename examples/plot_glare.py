"""
Reflections are filled in
=========================

Small reflections on glasses resemble the light in an open eye. They are removed before prediction.
"""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes.preprocessing import remove_glare
from classic_eyes.synthetic import EyeParameters, render

# %%
# ``remove_glare`` finds small regions much brighter than all larger ones, and fills them from their surroundings.
# Images without reflections are returned unchanged.

eye = EyeParameters(opening=0.0, glasses=0.04, skin=0.35)
clean = np.array([render(dataclasses.replace(eye, tilt=tilt), random_state=1)[0] for tilt in (-8, 0, 8)])
glaring = clean.copy()
for image, (row, column) in zip(glaring, ((8, 9), (11, 13), (9, 15)), strict=True):
    image[row : row + 3, column : column + 4] = 250
filled = remove_glare(glaring)

figure, axes = plt.subplots(2, 3, figsize=(6, 4.2))
for upper, lower, before, after in zip(*axes, glaring, filled, strict=True):
    upper.imshow(before, vmin=0, vmax=255)
    lower.imshow(after, vmin=0, vmax=255)
    upper.set_axis_off()
    lower.set_axis_off()
axes[0, 0].set_title("with reflection", loc="left")
axes[1, 0].set_title("filled", loc="left")
# sphinx_gallery_alt = "Three closed eyes with a white spot; below, the same eyes with the spot filled from its"
# sphinx_gallery_alt = "surroundings."
plt.show()

# %%
# The filled images are close to those without a reflection.

print("unchanged without reflections:", bool((remove_glare(clean) == clean).all()))
distance = np.abs(glaring.astype(int) - clean).mean(), np.abs(filled.astype(int) - clean).mean()
print(f"mean distance from the clean image: {distance[0]:.1f} grey levels before, {distance[1]:.1f} after")
