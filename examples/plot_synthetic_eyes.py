"""
Synthetic eyes and their opening
================================

Synthetic eyes are rendered from parameters, so their state is known exactly. They show no real person, and need no
labels.
"""

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes import load_model
from classic_eyes.synthetic import OPEN_THRESHOLD, EyeParameters, harder, make_eyes, random_parameters, render

# %%
# One eye that closes
# -------------------
# ``opening`` is the share of the full opening. The other parameters stay, so it is the same eye. It is labelled open
# above ``OPEN_THRESHOLD``.

openings = np.linspace(1, 0, 6)
figure, axes = plt.subplots(1, 6, figsize=(9, 2))
for axis, opening in zip(axes, openings, strict=True):
    image, _ = render(EyeParameters(opening=opening, lash_length=0.1), size=96, random_state=1)
    axis.imshow(image, vmin=0, vmax=255)
    label = "open" if opening > OPEN_THRESHOLD else "closed"
    axis.set_title(f"{opening:.1f}\n{label}", fontsize=11)
    axis.set_axis_off()
# sphinx_gallery_alt = "One synthetic eye at openings from 1.0 to 0.0. At 0.0 the lids meet and the label is closed."
plt.show()

# %%
# The prediction by opening
# -------------------------
# The probability of open of 60 people at each opening: median, and the middle 80% of them.

model = load_model()
grid = np.linspace(0, 1, 11)
low, middle, high = [], [], []
for opening in grid:
    people = [render(random_parameters(opening, random_state=n), size=48, random_state=n)[0] for n in range(60)]
    probability = model.predict_proba(np.array(people))[:, 1]
    for part, share in ((low, 10), (middle, 50), (high, 90)):
        part.append(np.percentile(probability, share))

figure, axis = plt.subplots(figsize=(7, 3.5))
axis.fill_between(grid, low, high, color="#0b6480", alpha=0.25, label="middle 80% of people")
axis.plot(grid, middle, color="#0b6480", label="median")
axis.axvline(OPEN_THRESHOLD, color="#b2182b", linestyle=":", label="labelled open from here on")
axis.set(xlabel="opening", ylabel="probability of open", ylim=(0, 1.02))
axis.legend(frameon=False)
# sphinx_gallery_alt = "The median probability of open rises from 0 to 1 between openings of about 0.1 and 0.4."
# sphinx_gallery_thumbnail_number = 1
plt.show()

# %%
# Everyday and hard images
# ------------------------
# ``make_eyes`` draws people, cameras and light at random. ``harder`` and ``hard_share`` make lids, light and camera
# harder to see.

hard = [harder(random_parameters(0.8 * (n % 2), random_state=n), random_state=n) for n in range(8)]
hard = [render(parameters, size=64, random_state=n)[0] for n, parameters in enumerate(hard)]
figure, axes = plt.subplots(2, 8, figsize=(9, 2.6))
for row, images, title in zip(axes, (make_eyes(8, size=64).images, hard), ("everyday", "hard"), strict=True):
    for axis, image in zip(row, images, strict=True):
        axis.imshow(image, vmin=0, vmax=255)
        axis.set_axis_off()
    row[0].set_title(title, loc="left")
# sphinx_gallery_alt = "Eight everyday synthetic eyes above eight hard ones, pale, tilted or painted."
plt.show()
