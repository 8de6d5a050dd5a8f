"""
First prediction
================

Load the shipped model and predict whether eyes are open.
"""

import matplotlib.pyplot as plt

from classic_eyes import load_model
from classic_eyes.synthetic import make_eyes

# %%
# Any list of images will do: arrays, paths, the bytes of files, PIL images. Here they are synthetic, so that their
# state is known. ``hard_share`` makes some of them hard to see.

eyes = make_eyes(12, size=48, hard_share=0.3, random_state=11)
model = load_model()

# %%
# ``predict`` returns 1 for open and 0 for closed, ``predict_proba`` calibrated probabilities with the columns closed
# and open.

print(model.predict(eyes.images))
print(model.predict_proba(eyes.images)[:3].round(3))

# %%
# ``verdict`` has two more words: ``unsure`` near the decision threshold, ``not-an-eye`` for images that do not look
# like an eye.

probability = model.predict_proba(eyes.images)[:, 1]
figure, axes = plt.subplots(2, 6, figsize=(9, 3.8))
for axis, image, verdict, p in zip(axes.flat, eyes.images, model.verdict(eyes.images), probability, strict=True):
    axis.imshow(image, vmin=0, vmax=255)
    axis.set_title(f"{verdict}, {p:.2f}", fontsize=10)
    axis.set_axis_off()
# sphinx_gallery_alt = "Twelve synthetic eyes, each with its verdict and its probability of open above it."
plt.show()
