"""
Training without labels
=======================

``fit`` without ``y`` clusters the images, finds the cluster of open eyes, and trains on the labels that are certain.
"""

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes import EyeClassifier
from classic_eyes.metrics import accuracy
from classic_eyes.synthetic import make_eyes

# %%
# 200 images; their labels are used for the check at the end alone.

eyes = make_eyes(200, random_state=2)
clf = EyeClassifier(("hog", "lbp"), "svm", n_copies=0, n_synthetic=0, size=24, align=None, detect_non_eyes=False)
clf.fit(eyes.images)
history = clf.history_
print(history.stop_reason)
print(f"confidence {history.confidence:.2f}; {np.sum(history.labels >= 0)} of 200 labels found")
new = make_eyes(500, random_state=3)
print(f"accuracy of the model on new images: {accuracy(new.labels, clf.predict_proba(new.images)[:, 1]):.3f}")

# %%
# The most uncertain images
# -------------------------
# ``most_uncertain`` returns the images to label by hand, if you want to label a few. The most certain ones are shown
# for comparison.

order = history.most_uncertain()
figure, axes = plt.subplots(2, 8, figsize=(9, 2.8))
for row, chosen, title in zip(axes, (order[:8], order[-8:]), ("most uncertain", "most certain"), strict=True):
    for axis, number in zip(row, chosen, strict=True):
        axis.imshow(eyes.images[number], vmin=0, vmax=255)
        axis.set_title(f"{history.scores[number]:.2f}", fontsize=10)
        axis.set(xticks=[], yticks=[])
    row[0].set_ylabel(title)
# sphinx_gallery_alt = "Eight eyes with probabilities near 0.5, dark, narrow or noisy, above eight clear ones near"
# sphinx_gallery_alt = "0 or 1."
plt.show()
