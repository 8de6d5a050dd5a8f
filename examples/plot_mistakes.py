"""
What it gets wrong
==================

Synthetic eyes on which the shipped model is wrong. Look at them before you rely on a prediction.

:doc:`/limits` has the numbers.
"""

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes import load_model
from classic_eyes.synthetic import EyeParameters, make_eyes, render

model = load_model()


def show(images, titles, columns=8):
    """Draw images in rows with a title each."""
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 1.5 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image, vmin=0, vmax=255)
        axis.set_title(title, fontsize=10)
    return figure


# %%
# The worst of 1,500 hard eyes
# ----------------------------
# Half of them are open. The sixteen on which the model is most certain of a wrong prediction, with its probability of
# open.

eyes = make_eyes(1500, size=48, hard_share=1.0, random_state=9)
probability = model.predict_proba(eyes.images)[:, 1]
wrong = np.flatnonzero((probability >= 0.5) != eyes.labels)
print(f"{len(wrong)} of {len(eyes.labels)} are wrong")
worst = wrong[np.argsort(-np.abs(probability[wrong] - 0.5))][:16]
show(eyes.images[worst], [f"is {('closed', 'open')[eyes.labels[k]]}: {probability[k]:.2f}" for k in worst])
# sphinx_gallery_alt = "Sixteen synthetic eyes on which the model is wrong: many are dark, blurred, behind glasses"
# sphinx_gallery_alt = "or hardly open."
plt.show()

# %%
# Narrow eyes
# -----------
# The same eye, half as high as usual, from wide open to closed. Below an opening of about a half, most are called
# closed. The second number is the probability of open.

openings = np.linspace(1, 0, 8)
narrow = [render(EyeParameters(opening=opening, aspect=0.22), size=48, random_state=3)[0] for opening in openings]
show(narrow, [f"opening {o:.2f}\n{p:.2f}" for o, p in zip(openings, model.predict_proba(narrow)[:, 1], strict=True)])
# sphinx_gallery_alt = "A narrow eye at openings from 1.0 to 0.0, each with its probability of open, which falls"
# sphinx_gallery_alt = "below 0.5 before the eye is closed."
plt.show()

# %%
# Looking down
# ------------
# The upper lid follows the gaze. An eye that looks down is open, and looks nearly closed.

gazes = np.linspace(0, 1, 8)
down = [render(EyeParameters(opening=0.6 - 0.4 * gaze, gaze_y=gaze), size=48, random_state=4)[0] for gaze in gazes]
show(down, [f"{p:.2f}" for p in model.predict_proba(down)[:, 1]])
# sphinx_gallery_alt = "An eye that looks ahead and then further and further down, each with its probability of open."
plt.show()

# %%
# Deep shade
# ----------
# The darker the image, the less is left of the lid.

exposures = np.linspace(0, -0.45, 8)
shade = [
    render(EyeParameters(opening=0.4, exposure=e, contrast=1 + 1.8 * e, noise=8.0), size=48, random_state=5)[0]
    for e in exposures
]
show(shade, [f"{p:.2f}" for p in model.predict_proba(shade)[:, 1]])
# sphinx_gallery_alt = "An open eye in ever darker light, each with its probability of open."
plt.show()
